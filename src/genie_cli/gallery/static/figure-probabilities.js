// What the oracle gives the classes of source and target: over r, and its densities.
(function () {
  "use strict";

  const genie = (window.genie = window.genie || {});
  const p = genie.plot;
  const SIDES = [["target", "fill-c1", "stroke-c1"], ["source", "fill-c2", "stroke-c2"]];
  const LEFT = 46;

  genie.figureKinds.push({
    name: "trajectories",
    heading: () => "From source to target: probabilities over r",
    draw(frame, data, context) {
      frame.say(
        "The oracle's probability of the target's class, P(target), and of the source's, P(source). A thin line is one " +
          "source, target and replicate over r, the thick line the mean.",
      );
      for (const each of data.methods) {
        const box = p.html("div", { class: "panels" });
        frame.add(p.html("h3", {}, title(each)), box);
        p.onWidth(box, (width) => {
          const own = width < 620 ? width : Math.min(460, Math.floor((width - 24) / 2));
          box.replaceChildren(...SIDES.filter((side) => hasAny(each, side[0])).map((side) => lines(own, each, side, context)));
        });
      }
      frame.table(
        "mean probabilities by method and r",
        ["method", "r", "images", "P(target)", "P(source)"],
        data.methods.flatMap((each) =>
          each.means.map((mean) => [
            p.methodName(each.method), p.ratio(mean.r), mean.images, p.number(mean.target, 3), p.number(mean.source, 3),
          ]),
        ),
      );
    },
  });

  genie.figureKinds.push({
    name: "densities",
    heading: () => "Densities of the probabilities",
    draw(frame, data, { tip }) {
      frame.say("How often the oracle gives the classes of target and source each probability, by method and r.");
      frame.add(p.legend([["fill-c1", "P(target)"], ["fill-c2", "P(source)"]]));
      const most = Math.max(...data.panels.flatMap((panel) => SIDES.flatMap(([side]) => shares(panel[side]))));
      const highest = [0.1, 0.2, 0.5, 1].find((each) => most <= each) || 1;
      const box = p.html("div", { class: "panels" });
      frame.add(box);
      p.onWidth(box, (width) => {
        const own = Math.max(150, Math.min(240, Math.floor(width / Math.max(1, Math.round(width / 210))) - 12));
        box.replaceChildren(...data.panels.map((panel) => density(own, panel, data.bins, highest, tip)));
      });
      const rows = data.panels.flatMap((panel) => SIDES.map(([side]) => [p.kindName(panel), `P(${side})`, ...tenths(panel[side])]));
      const heads = Array.from({ length: 10 }, (_, place) => `${place / 10} to ${(place + 1) / 10}`);
      frame.table("images by probability", ["method", "probability of", ...heads], rows);
    },
  });

  function title({ method, sweeps, lines: drawn }) {
    const all = `${p.methodName(method)}: ${sweeps.toLocaleString("en")} line${sweeps === 1 ? "" : "s"}`;
    return drawn.length < sweeps ? `${all}, ${drawn.length} of them drawn` : all;
  }

  function hasAny(each, side) {
    return each.means.some((mean) => mean[side] !== null);
  }

  function lines(width, each, [side, , stroke], context) {
    const [height, bottom] = [260, 220];
    const root = p.plot(width, height, `P(${side}) over r. Arrow keys go from point to point, Enter opens an image.`);
    const ratios = each.means.map((mean) => mean.r);
    const x = p.scale([ratios[0], ratios[ratios.length - 1]], [LEFT + 10, width - 16]);
    const y = p.scale([0, 1], [bottom, 30]);
    root.append(p.text(LEFT, 12, `P(${side})`, "start", "strong"));
    p.gridY(root, [0, 0.25, 0.5, 0.75, 1], y, LEFT, width - 8, String);
    spaced(ratios, x).forEach((r) => root.append(p.text(x(r), bottom + 14, p.ratio(r), "middle", "faint")));
    root.append(p.text((LEFT + width) / 2, bottom + 32, "r", "middle", "faint"));
    const points = each.lines.flatMap((line) => vertices(line, side, x, y));
    root.append(...each.lines.map((line) => p.svg("path", { class: "thin", d: path(vertices(line, side, x, y)) })));
    const means = each.means.filter((mean) => mean[side] !== null).map((mean) => ({ x: x(mean.r), y: y(mean[side]) }));
    root.append(p.svg("path", { class: "thick " + stroke, d: path(means) }));
    const over = p.svg("path", { class: "joined", d: "" });
    root.append(over);
    p.choosable(root, () => points, context, (chosen) => over.setAttribute("d", chosen ? path(vertices(chosen.line, side, x, y)) : ""));
    return root;
  }

  /** Of the noise ratios those whose labels do not touch. */
  function spaced(ratios, x) {
    let last = -Infinity;
    return ratios.filter((r) => {
      if (x(r) - last < 30) return false;
      last = x(r);
      return true;
    });
  }

  function vertices(line, side, x, y) {
    const who = line.source ? `${line.target} from ${line.source}` : line.target;
    return line.points
      .filter((point) => point[side] !== null)
      .map((point) => ({
        x: x(point.r), y: y(point[side]), line, job: point.job,
        lines: [who, `r = ${p.ratio(point.r)}: P(${side}) ${point[side].toFixed(3)}`],
      }));
  }

  function path(points) {
    return points.length ? "M" + points.map(({ x, y }) => `${x.toFixed(1)} ${y.toFixed(1)}`).join("L") : "";
  }

  function shares(counts) {
    const total = counts.reduce((sum, count) => sum + count, 0);
    return counts.map((count) => (total ? count / total : 0));
  }

  function tenths(counts) {
    const part = counts.length / 10;
    return Array.from({ length: 10 }, (_, place) =>
      counts.slice(place * part, (place + 1) * part).reduce((sum, count) => sum + count, 0),
    );
  }

  function density(width, panel, bins, highest, tip) {
    const [height, bottom] = [150, 118];
    const root = p.plot(width, height, `${p.kindName(panel)}: densities of P(target) and P(source)`);
    const x = p.scale([0, 1], [LEFT, width - 10]);
    const y = p.scale([0, highest], [bottom, 28]);
    root.append(p.text(2, 12, p.fitted(p.kindName(panel), width - 12), "start", "strong"));
    p.gridY(root, [0, highest / 2, highest], y, LEFT, width - 8, p.percent);
    [0, 0.5, 1].forEach((at) => root.append(p.text(x(at), bottom + 14, String(at), "middle", "faint")));
    for (const [side, fill] of SIDES) {
      shares(panel[side]).forEach((share, place) => {
        if (!share) return;
        const [from, to] = [x(place / bins), x((place + 1) / bins)];
        const box = { x: from, width: Math.max(to - from - 0.5, 1), y: y(share), height: bottom - y(share) };
        const said = `P(${side}) from ${p.number(place / bins, 2)} to ${p.number((place + 1) / bins, 2)}`;
        const count = `${panel[side][place]} images (${p.percent(share)})`;
        root.append(p.explain(p.svg("rect", { class: "mark half " + fill, ...box }), tip, [p.kindName(panel), said, count]));
      });
    }
    return root;
  }
})();
