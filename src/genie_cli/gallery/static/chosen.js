"use strict";
// The images that were chosen, by their ids; kept by the browser where it can.
(() => {
  let ids = new Set();
  const listeners = [];
  const place = () => `genie-chosen-${genie.all.key}`;

  function changed() {
    genie.stored.set(place(), JSON.stringify([...ids]));
    for (const listener of listeners) listener();
  }

  genie.chosen = {
    restore() {
      try {
        const kept = JSON.parse(genie.stored.get(place()) || "[]");
        ids = new Set(kept.filter((id) => genie.rowOf(String(id)) >= 0));
      } catch { /* not a list: nothing was chosen */ }
    },
    onChange(listener) { listeners.push(listener); },
    has: (row) => ids.has(genie.id(row)),
    /** Choose a row or not; one without an image cannot be chosen. */
    set(row, wanted) {
      if (!genie.isMade(row)) return;
      if (wanted) ids.add(genie.id(row));
      else ids.delete(genie.id(row));
      changed();
      genie.say(`${wanted ? "chosen" : "not chosen"}; ${genie.many(ids.size, "image", "images")} chosen`);
    },
    toggle(row) { genie.chosen.set(row, !genie.chosen.has(row)); },
    clear() {
      ids = new Set();
      changed();
    },
    get size() { return ids.size; },
    /** In the manifest's order. */
    get rows() { return [...ids].map(genie.rowOf).sort((a, b) => a - b); },
  };

  /** A manifest of the chosen rows, for genie select --keep. */
  genie.chosenManifest = async () => {
    const rows = genie.chosen.rows;
    const lines = [];
    for (const row of rows) lines.push((await genie.details(row)).line);
    const [before, after] = genie.all.header;
    return before + rows.length + after + lines.join("");
  };

  genie.chosenIds = () => genie.chosen.rows.map((row) => `${genie.id(row)}\n`).join("");
})();
