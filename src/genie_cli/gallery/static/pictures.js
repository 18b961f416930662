"use strict";
// Thumbnails, which are cells of a sheet of 25. A sheet is loaded when the first of its cells is in the page.
(() => {
  const SMALL = 100; // pixels below which a picture is enlarged, with its pixels as squares

  /** A thumbnail in a square box, or null if there is none; `kind` is "picture" (generated) or "photo" (a source). */
  genie.thumb = (kind, row, box) => {
    const cell = genie.all[kind][row];
    if (cell < 0) return null;
    const { names, sides, sizes } = genie.all[`${kind}s`];
    const { across, all } = genie.all.cells;
    const sheet = Math.floor(cell / all);
    const [width, height] = sizes.values[sizes.codes ? sizes.codes[cell] : 0];
    const longer = Math.max(width, height);
    const scale = longer < SMALL ? box / longer : Math.min(1, box / longer);
    const picture = genie.element("span", { className: longer < SMALL ? "thumb pixels" : "thumb" });
    const place = cell % all;
    const side = sides[sheet] * scale;
    Object.assign(picture.style, {
      width: `${Math.max(1, width * scale)}px`,
      height: `${Math.max(1, height * scale)}px`,
      backgroundImage: `url("sheets/${names[sheet]}.jpg")`,
      backgroundSize: `${across * side}px auto`,
      backgroundPosition: `${-(place % across) * side}px ${-Math.floor(place / across) * side}px`,
    });
    return picture;
  };

  /** A square with a row's image, or with the reason why there is none. */
  genie.frame = (kind, row, box) => {
    const frame = genie.element("span", { className: "frame" });
    frame.style.width = frame.style.height = `${box}px`;
    const picture = genie.thumb(kind, row, box);
    const reason = genie.value(kind === "picture" ? "problem" : "lost", row);
    if (picture) frame.append(picture);
    else if (kind === "photo" && !genie.value("source", row) && !reason) frame.append(why("no source"));
    else frame.append(why(kind === "photo" ? `source ${reason}` : reason || "not made"));
    return frame;
  };

  /** For the figures: the thumbnail of a job, or null. */
  genie.thumbnail = (id) => {
    const row = genie.rowOf(id);
    if (row < 0 || genie.all.picture[row] < 0) return null;
    return genie.element("div", { className: "tip" }, genie.frame("picture", row, genie.all.cells.largest));
  };

  function why(text) {
    return genie.element("span", { className: "why", title: text }, genie.name(text));
  }
})();
