// The figures of the gallery: what all of them share, and genie.drawFigures, which draws those that there are data for.
// Each other file figure-*.js adds one kind of figure to genie.figureKinds. All text is set as text, never as markup.
(function () {
  "use strict";

  const genie = (window.genie = window.genie || {});
  const SVG = "http://www.w3.org/2000/svg";
  const FONT = "12px system-ui, sans-serif"; // as in figures.css: widths of text are measured with it
  const SMALLEST = 60; // pixels: what is narrower is hidden
  const METHODS = { genie: "GeNIe", img2img: "Img2Img", txt2img: "Txt2Img" };
  const pen = document.createElement("canvas").getContext("2d");

  genie.figureKinds = genie.figureKinds || [];

  /** Draw the figures into a container, replacing what is there.
   * figures: what gallery/figures/collect.py gives.
   * openImage: called with a job's id when its point is chosen.
   * thumbnail: gives for a job's id an element to show beside its point, or null.
   */
  genie.drawFigures = function (container, figures, openImage, thumbnail) {
    container.replaceChildren();
    container.classList.add("figures");
    const tip = makeTip(container, thumbnail);
    for (const kind of genie.figureKinds) {
      const found = figures[kind.name];
      if (!found) continue;
      for (const data of Array.isArray(found) ? found : [found]) {
        const frame = makeFrame(container, kind, data);
        kind.draw(frame, data, { openImage, tip });
      }
    }
    container.append(tip.element); // last, so that it lies above all
  };

  /** A figure with its heading, room for sentences and plots, and the table of its data. */
  function makeFrame(container, kind, data) {
    const figure = html("figure", { class: "figure", "data-figure": kind.name });
    const caption = html("figcaption", {}, html("h2", {}, kind.heading(data)));
    const body = html("div", { class: "figure-body" });
    figure.append(caption, body);
    container.append(figure);
    return {
      figure,
      body,
      say: (text) => caption.append(html("p", {}, text)),
      add: (...elements) => body.append(...elements),
      table: (title, head, rows) => figure.append(makeTable(title, head, rows)),
    };
  }

  /** A table that is folded away; numbers are aligned by their column's second cell on. */
  function makeTable(title, head, rows) {
    const heads = head.map((name) => html("th", { scope: "col" }, name));
    const lines = rows.map((row) =>
      html("tr", {}, ...row.map((cell, place) => (place ? html("td", {}, cell) : html("th", { scope: "row" }, cell)))),
    );
    const table = html("table", {}, html("caption", { class: "hidden" }, title), html("thead", {}, html("tr", {}, ...heads)));
    table.append(html("tbody", {}, ...lines));
    return html("details", {}, html("summary", {}, "Data: " + title), html("div", { class: "figure-table" }, table));
  }

  /** The box beside a point: lines of text, and a thumbnail if a job's id is given that has one. */
  function makeTip(container, thumbnail) {
    const element = html("div", { class: "figure-tip", role: "status", "aria-live": "polite", hidden: "" });
    return {
      element,
      show(event, lines, job) {
        const picture = job ? thumbnail(job) : null;
        element.replaceChildren(...(picture ? [picture] : []), ...lines.map((line) => html("p", {}, line)));
        element.dataset.job = job || "";
        element.hidden = false;
        const outer = container.getBoundingClientRect();
        const left = event.clientX - outer.left + 14;
        const highest = outer.width - element.offsetWidth - 4;
        element.style.left = Math.max(0, Math.min(left, highest)) + "px";
        const below = event.clientY - outer.top + 16;
        const isLow = event.clientY + 20 + element.offsetHeight > window.innerHeight;
        element.style.top = (isLow ? below - element.offsetHeight - 32 : below) + "px";
      },
      hide() {
        element.hidden = true;
      },
    };
  }

  function html(name, attributes, ...children) {
    return filled(document.createElement(name), attributes, children);
  }

  function svg(name, attributes, ...children) {
    return filled(document.createElementNS(SVG, name), attributes, children);
  }

  function filled(element, attributes, children) {
    for (const [name, value] of Object.entries(attributes || {})) element.setAttribute(name, value);
    element.append(...children.map((child) => (child instanceof Node ? child : String(child))));
    return element;
  }

  /** Call draw(width) now and whenever the element's width changes; not while it is hidden. */
  function onWidth(element, draw) {
    let last = 0;
    const update = () => {
      const width = Math.floor(element.clientWidth);
      if (width < SMALLEST || width === last) return;
      last = width;
      draw(width);
    };
    update();
    new ResizeObserver(() => requestAnimationFrame(update)).observe(element);
  }

  /** A new plot: an SVG in its own pixels, with a name for screen readers. */
  function plot(width, height, label) {
    const size = { width, height, viewBox: `0 0 ${width} ${height}` };
    return svg("svg", { ...size, class: "plot", role: "img", "aria-label": label });
  }

  /** A function from values to pixels, linear. */
  function scale([low, high], [start, end]) {
    return (value) => start + ((value - low) / (high - low || 1)) * (end - start);
  }

  /** Some round numbers from low to high, about as many as asked for. */
  function ticks(low, high, count) {
    const raw = (high - low) / Math.max(count, 1) || 1;
    const power = 10 ** Math.floor(Math.log10(raw));
    const step = [1, 2, 5, 10].map((factor) => factor * power).find((each) => each >= raw * 0.999);
    const found = [];
    for (let at = Math.ceil(low / step - 1e-9); at * step <= high + step * 1e-6; at += 1) {
      found.push(Number((at * step).toPrecision(12)));
    }
    return found;
  }

  /** Horizontal lines with their values at the left. */
  function gridY(root, values, y, left, right, format) {
    for (const value of values) {
      root.append(svg("line", { class: "grid", x1: left, x2: right, y1: y(value), y2: y(value) }));
      root.append(text(left - 6, y(value), format(value), "end", "faint"));
    }
  }

  /** A text whose middle line is at y; anchor: start, middle or end. */
  function text(x, y, content, anchor, style) {
    const own = { x, y, "text-anchor": anchor || "start", "dominant-baseline": "central" };
    return svg("text", style ? { ...own, class: style } : own, content);
  }

  /** The text on one line, shortened to a width in pixels. */
  function fitted(content, width) {
    pen.font = FONT;
    let short = content.slice(0, 200).replace(/\s+/g, " ").trim();
    if (pen.measureText(short).width <= width) return short;
    while (short && pen.measureText(short + "…").width > width) short = Array.from(short).slice(0, -1).join("");
    return short + "…";
  }

  function widthOf(content) {
    pen.font = FONT;
    return pen.measureText(content).width;
  }

  /** A list of [style, name], each with a patch of its color. */
  function legend(entries) {
    const items = entries.map(([style, name]) => html("li", {}, html("span", { class: "swatch " + style }), name));
    return html("ul", { class: "legend" }, ...items);
  }

  /** Tell what an element is when the pointer is on it. */
  function explain(element, tip, lines) {
    element.addEventListener("pointermove", (event) => tip.show(event, lines));
    element.addEventListener("pointerleave", () => tip.hide());
    return element;
  }

  const percent = (share) => (100 * share).toFixed(share > 0 && share < 0.0995 ? 1 : 0) + " %";
  const number = (value, digits) => (value === null || value === undefined ? "–" : value.toFixed(digits));
  const ratio = (r) => String(Number(r.toFixed(4)));
  const methodName = (method) => METHODS[method] || method;
  const kindName = (kind) => (kind.method === "txt2img" ? "Txt2Img" : `${methodName(kind.method)}, r = ${ratio(kind.r)}`);

  genie.plot = {
    html, svg, plot, scale, ticks, gridY, text, fitted, widthOf, legend, explain, onWidth,
    percent, number, ratio, methodName, kindName,
  };
})();
