// Results of genie fewshot, finegrained and longtail: a point with its interval for each augmentation.
(function () {
  "use strict";

  const genie = (window.genie = window.genie || {});
  const p = genie.plot;
  const ROW = 24; // pixels
  const WIDEST = 520;

  genie.figureKinds.push({
    name: "results",
    heading: (data) => "Results: " + data.name,
    draw(frame, data, { tip }) {
      frame.say(`${data.about}. Each point is a mean; the line through it is the interval that stands below the panel.`);
      const box = p.html("div", { class: "panels" });
      frame.add(box);
      p.onWidth(box, (width) => {
        const own = width < 2 * 340 ? width : Math.min(WIDEST, Math.floor((width - 24) / 2));
        box.replaceChildren(...data.panels.map((panel) => drawn(own, panel, tip)));
      });
      frame.table(
        "results",
        ["measured", "augmentation", "value", "± half the interval", "interval"],
        data.panels.flatMap((panel) =>
          panel.points.map((point) => [
            panel.title, point.label, value(panel, point), p.number(point.half, 2), panel.interval,
          ]),
        ),
      );
    },
  });

  function value(panel, point) {
    return (panel.differences && point.value > 0 ? "+" : "") + point.value.toFixed(2);
  }

  function drawn(width, panel, tip) {
    const names = panel.points.map((point) => p.fitted(point.label, width * 0.42));
    const left = Math.max(...names.map(p.widthOf)) + 14;
    const bottom = 30 + ROW * panel.points.length;
    const root = p.plot(width, bottom + 44, `${panel.title}: ${panel.points.length} points`);
    const [low, high] = range(panel);
    const x = p.scale([low, high], [left + 8, width - 14]);
    root.append(p.text(4, 10, p.fitted(panel.title, width - 8), "start", "strong"));
    for (const tick of p.ticks(low, high, Math.max(3, (width - left) / 60))) {
      const zero = panel.differences && tick === 0;
      root.append(p.svg("line", { class: zero ? "zero" : "grid", x1: x(tick), x2: x(tick), y1: 24, y2: bottom }));
      root.append(p.text(x(tick), bottom + 12, String(tick), "middle", "faint"));
    }
    root.append(p.text(4, bottom + 32, p.fitted(panel.interval, width - 8), "start", "faint"));
    panel.points.forEach((point, place) => {
      const y = 30 + ROW * (place + 0.5);
      root.append(p.text(left - 6, y, names[place], "end"), drawnPoint(panel, point, x, y, width, tip));
    });
    return root;
  }

  function range(panel) {
    const ends = panel.points.flatMap(({ value: at, half }) => [at - (half || 0), at + (half || 0)]);
    if (panel.differences) ends.push(0);
    const [low, high] = [Math.min(...ends), Math.max(...ends)];
    const room = (high - low || 1) * 0.06;
    return [low - room, high + room];
  }

  function drawnPoint(panel, point, x, y, width, tip) {
    const half = point.half || 0;
    const [from, to] = [x(point.value - half), x(point.value + half)];
    const said = value(panel, point) + (point.half === null ? "" : ` ± ${point.half.toFixed(2)}`);
    const group = p.svg("g", { class: "interval" });
    group.append(p.svg("rect", { class: "touch", x: 0, width, y: y - ROW / 2, height: ROW }));
    if (half) group.append(p.svg("path", { class: "whisker", d: `M${from} ${y - 5}V${y + 5}M${from} ${y}H${to}M${to} ${y - 5}V${y + 5}` }));
    group.append(p.svg("circle", { class: "mark fill-accent", cx: x(point.value), cy: y, r: 4.5 }));
    return p.explain(group, tip, [point.label, said, panel.interval]);
  }
})();
