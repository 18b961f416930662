// Points that can be chosen with the pointer or with the arrow keys, and opened with a click or with Enter.
(function () {
  "use strict";

  const genie = (window.genie = window.genie || {});
  const p = genie.plot;
  const NEAR = 14; // pixels from a point that still choose it

  /** Let a plot's points be chosen.
   * points: function that gives those shown now, each with x and y in the plot's pixels, lines of text, and job or "".
   * chosen: called with the point, or null when none is chosen any more.
   */
  p.choosable = function (root, points, { tip, openImage }, chosen) {
    const ring = p.svg("circle", { class: "ring", r: 8, visibility: "hidden" });
    root.append(ring);
    root.setAttribute("tabindex", "0");
    root.setAttribute("role", "application");
    let current = null;

    const choose = (point, event) => {
      if (point !== current) chosen(point);
      current = point;
      ring.setAttribute("visibility", point ? "visible" : "hidden");
      root.classList.toggle("opens", Boolean(point && point.job));
      if (!point) return tip.hide();
      ring.setAttribute("cx", point.x);
      ring.setAttribute("cy", point.y);
      return tip.show(event || placeOf(root, point), point.lines, point.job);
    };
    root.addEventListener("pointermove", (event) => choose(nearest(points(), inside(root, event)), event));
    root.addEventListener("pointerleave", () => choose(null));
    root.addEventListener("blur", () => choose(null));
    root.addEventListener("click", (event) => {
      const point = nearest(points(), inside(root, event));
      if (point && point.job) openImage(point.job);
    });
    root.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      if (event.key === "Escape" && current) choose(null);
      else if (event.key === "Enter" && current && current.job) openImage(current.job);
      else if (!move(event.key, points(), current, choose)) return;
      event.preventDefault();
      event.stopPropagation(); // the page has keys of its own
    });
  };

  /** Choose the point that an arrow key leads to, from left to right; whether it was one of these keys. */
  function move(key, points, current, choose) {
    const steps = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1, Home: -Infinity, End: Infinity };
    if (!Object.hasOwn(steps, key)) return false;
    const ordered = [...points].sort((one, other) => one.x - other.x || one.y - other.y);
    if (!ordered.length) return true;
    const at = ordered.indexOf(current);
    const to = at < 0 && Number.isFinite(steps[key]) ? 0 : at + steps[key];
    choose(ordered[Math.max(0, Math.min(ordered.length - 1, to))]);
    return true;
  }

  function nearest(points, { x, y }) {
    let best = null;
    let least = NEAR ** 2;
    for (const point of points) {
      const distance = (point.x - x) ** 2 + (point.y - y) ** 2;
      if (distance < least) [best, least] = [point, distance];
    }
    return best;
  }

  function inside(root, event) {
    const box = root.getBoundingClientRect();
    return { x: event.clientX - box.left, y: event.clientY - box.top };
  }

  function placeOf(root, point) {
    const box = root.getBoundingClientRect();
    return { clientX: box.left + point.x, clientY: box.top + point.y };
  }
})();
