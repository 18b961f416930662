// How many images show their label, and what their verdicts are, over r.
(function () {
  "use strict";

  const genie = (window.genie = window.genie || {});
  const p = genie.plot;
  const STYLES = {
    "hard negative": "fill-good", "easy (source lost)": "fill-warn", mislabelled: "fill-bad", "correctly labelled": "fill-c1",
  };
  const HEIGHT = 170; // pixels of a panel
  const LEFT = 52;
  const TOP = 26;
  const FOOT = 60;
  const WIDEST = 72; // pixels of a bar with its gap

  genie.figureKinds.push({
    name: "ratios",
    heading: () => "Labels and verdicts over r",
    draw(frame, data, { tip }) {
      frame.say(
        "Above: the share of the images whose label is the oracle's top class, with Wilson's 95 % interval. Below: the " +
          "share of each verdict.",
      );
      frame.add(p.legend(data.verdicts.map((name) => [style(name), name || "no verdict"])));
      const box = p.html("div", { class: "figure-plot" });
      frame.add(box);
      p.onWidth(box, (width) => box.replaceChildren(drawn(width, data, tip)));
      const share = (count, group) => `${count} (${p.percent(count / group.images)})`;
      frame.table(
        "labels and verdicts by method and r",
        ["method", "r", "images", "label shown", "95 % interval", ...data.verdicts.map((name) => name || "no verdict")],
        data.groups.map((group) => [
          p.methodName(group.method),
          p.ratio(group.r),
          group.images,
          share(group.consistent, group),
          `${p.percent(group.low)} to ${p.percent(group.high)}`,
          ...data.verdicts.map((name) => share(group.verdicts[name] || 0, group)),
        ]),
      );
    },
  });

  function style(verdict) {
    return Object.hasOwn(STYLES, verdict) ? STYLES[verdict] : "fill-muted";
  }

  function drawn(width, data, tip) {
    const step = Math.max(26, Math.min(WIDEST, (width - LEFT - 10) / data.groups.length));
    const right = LEFT + step * data.groups.length;
    const second = TOP + HEIGHT + 40;
    const bottom = second + HEIGHT;
    const root = p.plot(Math.max(width, right + 10), bottom + FOOT, "Label consistency and verdicts by method and noise ratio");
    const above = p.scale([0, 1], [TOP + HEIGHT, TOP]);
    const below = p.scale([0, 1], [bottom, second]);
    for (const [y, title] of [[above, "label shown"], [below, "verdicts"]]) {
      root.append(p.text(LEFT, y(1) - 14, title, "start", "strong"));
      p.gridY(root, [0, 0.25, 0.5, 0.75, 1], y, LEFT, right, p.percent);
    }
    data.groups.forEach((group, place) => {
      const middle = LEFT + step * (place + 0.5);
      root.append(interval(group, middle, above, tip), ...bar(group, data.verdicts, middle, step, below, tip));
      root.append(p.text(middle, bottom + 14, p.ratio(group.r), "middle"));
    });
    root.append(p.text(LEFT - 6, bottom + 14, "r", "end", "faint"), ...methods(data.groups, step, bottom + 32));
    return root;
  }

  function interval(group, x, y, tip) {
    const lines = [
      p.kindName(group),
      `label shown: ${group.consistent} of ${group.images} (${p.percent(group.consistent / group.images)})`,
      `95 % interval: ${p.percent(group.low)} to ${p.percent(group.high)}`,
    ];
    const at = y(group.consistent / group.images);
    return p.explain(
      p.svg("g", { class: "interval" },
        p.svg("rect", { class: "touch", x: x - 11, width: 22, y: y(1), height: y(0) - y(1) }),
        p.svg("path", { class: "whisker", d: whisker(x, y(group.low), y(group.high)) }),
        p.svg("circle", { class: "mark fill-accent", cx: x, cy: at, r: 4.5 })),
      tip,
      lines,
    );
  }

  function whisker(x, low, high) {
    return `M${x - 5} ${low}H${x + 5}M${x} ${low}V${high}M${x - 5} ${high}H${x + 5}`;
  }

  function bar(group, verdicts, x, step, y, tip) {
    let from = 0;
    return verdicts.filter((name) => group.verdicts[name]).map((name) => {
      const count = group.verdicts[name];
      const to = from + count / group.images;
      const place = { x: x - step * 0.36, width: step * 0.72, y: y(to), height: y(from) - y(to) };
      from = to;
      const said = `${name || "no verdict"}: ${count} of ${group.images} (${p.percent(count / group.images)})`;
      return p.explain(p.svg("rect", { class: "mark share " + style(name), ...place }), tip, [p.kindName(group), said]);
    });
  }

  /** Each method's name below its noise ratios; where one does not fit there, every second name is a line lower. */
  function methods(groups, step, y) {
    const names = [...new Set(groups.map((group) => group.method))];
    const spans = names.map((method) => {
      const places = groups.flatMap((group, place) => (group.method === method ? [place] : []));
      return [LEFT + step * places[0] + 3, LEFT + step * (places[places.length - 1] + 1) - 3];
    });
    const fit = names.every((method, place) => p.widthOf(p.methodName(method)) < spans[place][1] - spans[place][0]);
    return names.flatMap((method, place) => {
      const [from, to] = spans[place];
      const below = fit || place % 2 === 0 ? 2 : 16;
      return [
        p.svg("line", { class: "axis", x1: from, x2: to, y1: y - 9, y2: y - 9 }),
        p.text((from + to) / 2, y + below, p.methodName(method), "middle", "faint"),
      ];
    });
  }
})();
