"use strict";
// The rows as columns, and what is loaded of a row when it is asked for. data/rows.js calls `genie.load`.
(() => {
  const DIGITS = 20; // of an id
  const waiting = new Map(); // number of a file of rows -> what its promise calls
  const chunks = new Map(); // number -> promise of the rows' details

  genie.load = (columns) => {
    const count = columns.ids.length / DIGITS;
    genie.count = count;
    genie.all = columns;
    genie.coded = {};
    for (const [name, { values, codes }] of Object.entries(columns.coded)) {
      genie.coded[name] = { values, codes: codes ? Int32Array.from(codes) : new Int32Array(count) };
    }
    genie.numbers = {};
    for (const name of ["confidence", "similarity"]) {
      genie.numbers[name] = Float64Array.from(columns[name], (value) => (value === null ? NaN : value));
    }
  };

  /** The value of a coded column in a row. */
  genie.value = (name, row) => genie.coded[name].values[genie.coded[name].codes[row]];

  genie.isMade = (row) => genie.value("verdict", row) !== "not made";

  genie.id = (row) => genie.all.ids.slice(DIGITS * row, DIGITS * (row + 1));

  /** The row with this id, or -1. */
  genie.rowOf = (id) => {
    if (!/^[0-9a-f]{20}$/.test(id)) return -1;
    let place = genie.all.ids.indexOf(id);
    while (place >= 0 && place % DIGITS) place = genie.all.ids.indexOf(id, place + 1);
    return place < 0 ? -1 : place / DIGITS;
  };

  genie.lines = (key, number, rows) => waiting.get(number)?.(key === genie.all.key ? rows : null);

  /** All that is known of a row, from a file that is loaded once; see gallery/lines.py. */
  genie.details = async (row) => {
    const number = Math.floor(row / genie.all.chunk);
    if (!chunks.has(number)) chunks.set(number, load(number));
    return (await chunks.get(number))[row % genie.all.chunk];
  };

  function load(number) {
    return new Promise((resolve, reject) => {
      waiting.set(number, (rows) => {
        // The file may be of another gallery, made in the same folder while this page was open.
        if (rows) resolve(rows);
        else reject(new Error("This gallery was made anew, of other images: reload the page."));
      });
      const script = document.createElement("script");
      script.src = `data/lines-${String(number).padStart(4, "0")}.js`;
      script.addEventListener("error", () => {
        chunks.delete(number);
        reject(new Error(`${script.src} cannot be loaded`));
      });
      script.addEventListener("load", () => script.remove());
      document.head.append(script);
    });
  }
})();
