// Real and generated images in the features of a backbone.
(function () {
  "use strict";

  const genie = (window.genie = window.genie || {});
  const p = genie.plot;
  const WIDEST = 900;
  const NARROW = 500; // pixels: there, and with so many points, they are smaller
  const MANY = 800;
  const MARGIN = 28;
  const COLORS = 8;
  const SHAPES = [
    (r) => `M${r} 0A${r} ${r} 0 1 1 ${-r} 0A${r} ${r} 0 1 1 ${r} 0Z`, // circle
    (r) => `M${-0.9 * r} ${-0.9 * r}h${1.8 * r}v${1.8 * r}h${-1.8 * r}Z`, // square
    (r) => `M0 ${-1.2 * r}L${1.1 * r} ${0.8 * r}H${-1.1 * r}Z`, // triangle
  ];
  const TOLD_APART = COLORS * SHAPES.length; // classes

  genie.figureKinds.push({
    name: "map",
    heading: (data) => (data.missing ? "Map of the images" : `Map of the images, in the features of ${data.backbone}`),
    draw(frame, data, context) {
      if (data.missing) {
        frame.say("Shows real and generated images by how alike a network takes them to be.");
        frame.add(p.html("p", {}, "To add it, name a backbone: ", p.html("code", {}, "genie gallery ... " + data.missing)));
        return;
      }
      frame.say(
        "Images that the network takes to be alike lie near each other. Colors and shapes are classes: of generated " +
          "images the target's. Real images are larger, with an outline. The line joins images that differ only in r.",
      );
      data.notes.forEach(frame.say);
      const state = { projection: 0, kind: -1, label: -1 };
      const box = p.html("div", { class: "figure-plot" });
      let width = 0;
      const update = () => width && box.replaceChildren(drawn(width, data, state, context));
      frame.add(controls(data, state, update), key(data), box);
      p.onWidth(box, (now) => {
        width = Math.min(now, WIDEST);
        update();
      });
      if (data.distances.length) frame.table("mean distances to the classes' real images", heads(), distances(data));
    },
  });

  function heads() {
    return ["method", "r", "images", "to the source's class", "to the target's class", "nearer to the source's class"];
  }

  function distances(data) {
    return data.distances.map((each) => [
      p.methodName(each.method), p.ratio(each.r), each.images, p.number(each.to_source, 3), p.number(each.to_target, 3),
      each.nearer_source === null ? "–" : p.percent(each.nearer_source),
    ]);
  }

  /** What is shown: by which projection, of which method and r, of which class. */
  function controls(data, state, update) {
    const row = p.html("div", { class: "figure-controls" });
    const add = (title, name, options) => {
      if (options.length < 2) return;
      const select = p.html("select", { "data-choice": name });
      options.forEach(([value, label]) => select.append(p.html("option", { value }, label)));
      select.addEventListener("change", () => {
        state[name] = Number(select.value);
        update();
      });
      row.append(p.html("label", {}, title, " ", select));
    };
    add("Projection", "projection", data.projections.map((each, place) => [place, each.name]));
    add("Method", "kind", [[-1, "all"], ...data.kinds.map((kind, place) => [place, p.kindName(kind)])]);
    add("Class", "label", [[-1, "all"], ...shownClasses(data).map((place) => [place, data.classes[place]])]);
    return row;
  }

  /** The places of the classes that points have. */
  function shownClasses(data) {
    return [...new Set(data.points.label)].sort((one, other) => one - other);
  }

  function style(place) {
    return place < TOLD_APART ? `fill-c${(place % COLORS) + 1}` : "fill-muted";
  }

  function shape(place, radius) {
    return SHAPES[place < TOLD_APART ? Math.floor(place / COLORS) : 0](radius);
  }

  function key(data) {
    const list = p.html("ul", { class: "legend" });
    for (const place of shownClasses(data).slice(0, TOLD_APART)) {
      const icon = p.svg("svg", { width: 14, height: 14, viewBox: "-7 -7 14 14", "aria-hidden": "true" });
      icon.append(p.svg("path", { d: shape(place, 5), class: style(place) }));
      list.append(p.html("li", {}, icon, data.classes[place]));
    }
    if (shownClasses(data).length > TOLD_APART) list.append(p.html("li", {}, "other classes: grey"));
    return list;
  }

  function drawn(width, data, state, context) {
    const height = Math.max(300, Math.round(width * 0.68));
    const projection = data.projections[state.projection];
    const name = `${projection.name} of real and generated images. Arrow keys go from point to point, Enter opens an image.`;
    const root = p.plot(width, height, name);
    const all = places(projection.places, width, height).map((place, index) => point(data, place, index));
    const shown = all.filter((each) => isShown(each, state));
    root.append(p.svg("rect", { class: "border", x: 1, y: 1, width: width - 2, height: height - 2 }));
    root.append(p.text(width / 2, height - 12, p.fitted(projection.axes[0], width - 40), "middle", "faint"));
    const upright = p.text(0, 0, p.fitted(projection.axes[1], height - 40), "middle", "faint");
    upright.setAttribute("transform", `translate(12 ${height / 2}) rotate(-90)`);
    const line = p.svg("path", { class: "joined", d: "" });
    const size = shown.length > MANY || width < NARROW ? 0.7 : 1;
    const marks = (real) => shown.filter((each) => each.real === real).map((each) => mark(each, size));
    root.append(upright, line, ...marks(false), ...marks(true));
    p.choosable(root, () => shown, context, (chosen) => line.setAttribute("d", chosen ? sweep(all, chosen) : ""));
    return root;
  }

  function places(found, width, height) {
    const range = (axis) => {
      const values = found.map((place) => place[axis]);
      return [Math.min(...values), Math.max(...values)];
    };
    const x = p.scale(range(0), [MARGIN + 8, width - MARGIN]);
    const y = p.scale(range(1), [height - MARGIN - 8, MARGIN]);
    return found.map(([first, second]) => ({ x: x(first), y: y(second) }));
  }

  function point(data, { x, y }, index) {
    const points = data.points;
    const [label, kind, from] = [points.label[index], points.kind[index], points.source[index]];
    const real = kind < 0;
    const source = from < 0 || real ? "" : ` from ${data.classes[from]}`;
    const lines = [data.classes[label] + source, real ? "real image" : p.kindName(data.kinds[kind])];
    const r = real ? 0 : data.kinds[kind].r;
    return { x, y, label, kind, real, r, lines, sweep: points.sweep[index], job: points.job[index] };
  }

  /** Real images are shown beside those of any method. */
  function isShown(each, state) {
    const ofKind = state.kind < 0 || each.real || each.kind === state.kind;
    return ofKind && (state.label < 0 || each.label === state.label);
  }

  function mark(each, size) {
    const place = { transform: `translate(${each.x.toFixed(1)} ${each.y.toFixed(1)})`, "data-job": each.job };
    const role = each.real ? "real " : "made ";
    return p.svg("path", { class: "mark " + role + style(each.label), d: shape(each.label, size * (each.real ? 5.5 : 3.6)), ...place });
  }

  /** The line through the images that differ from this one only in r, shown or not, by ascending r. */
  function sweep(all, chosen) {
    if (chosen.sweep < 0) return "";
    const own = all.filter((each) => each.sweep === chosen.sweep).sort((one, other) => one.r - other.r);
    return own.length < 2 ? "" : "M" + own.map((each) => `${each.x.toFixed(1)} ${each.y.toFixed(1)}`).join("L");
  }
})();
