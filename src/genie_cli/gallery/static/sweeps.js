"use strict";
// The view of sweeps: a line for each source, target and replicate, with its results from low r to high.
(() => {
  const LARGEST = 122; // pixels of a cell; where less than three of those fit, they are smaller
  const MARGIN = 10;
  const CAPTION = 30;
  const HEAD = 34;

  genie.sweepsView = (rows) => {
    const sweeps = gather(rows);
    const order = sweeps.flat();
    const starts = [];
    const sweepOf = new Int32Array(order.length);
    let next = 0;
    sweeps.forEach((sweep, number) => {
      starts.push(next);
      sweepOf.fill(number, next, next + sweep.length);
      next += sweep.length;
    });
    const present = [...new Set(order.map((row) => genie.coded.r.codes[row]))].sort((a, b) => a - b);
    // The first column is the source's. Where each sweep has other ratios, as with GeNIe-Ada, they are not lined up.
    const longest = sweeps.reduce((most, sweep) => Math.max(most, sweep.length), 0);
    const isAligned = present.length <= 2 * longest;
    const columnOf = new Map(isAligned ? present.map((code, column) => [code, column + 1]) : []);
    const columns = isAligned ? present.length : longest;
    let across = 1;
    let cell = LARGEST;
    return {
      label: "Sweeps over r",
      order,
      count: sweeps.length,
      layout(width) {
        cell = Math.min(LARGEST, Math.floor(width / 3));
        across = Math.floor(width / cell);
        const high = Math.ceil((columns + 1) / across);
        return { lines: sweeps.length, height: HEAD + high * (cell - MARGIN + CAPTION), tiles: longest + 1 };
      },
      lineOf: (place) => sweepOf[place],
      line: (number) => line(sweeps[number], { number, count: sweeps.length, start: starts[number], columnOf, across, cell }),
      step(place, key) {
        if (key === "ArrowLeft" || key === "ArrowRight") return place + (key === "ArrowLeft" ? -1 : 1);
        const other = sweepOf[place] + (key === "ArrowUp" ? -1 : 1);
        if (!sweeps[other]) return -1;
        return starts[other] + Math.min(place - starts[sweepOf[place]], sweeps[other].length - 1);
      },
    };
  };

  /** Rows by sweep, in the order of each one's first row; within one, r rises. */
  function gather(rows) {
    const found = new Map();
    for (const row of rows) {
      const sweep = genie.all.sweep[row];
      if (found.has(sweep)) found.get(sweep).push(row);
      else found.set(sweep, [row]);
    }
    const { codes } = genie.coded.r;
    for (const sweep of found.values()) sweep.sort((a, b) => codes[a] - codes[b]);
    return [...found.values()];
  }

  function line(sweep, { number, count, start, columnOf, across, cell }) {
    const [first] = sweep;
    const source = genie.value("source", first);
    const target = genie.value("target", first);
    const replicate = genie.value("replicate", first);
    const names = [...genie.classNames(first), ...(replicate ? [` · replicate ${replicate}`] : [])];
    const cells = genie.element("div", { className: "cells" });
    cells.style.gridAutoColumns = `${cell}px`;
    cells.style.gridAutoRows = `${cell - MARGIN + CAPTION}px`;
    const put = (element, column) => {
      element.style.gridColumn = (column % across) + 1;
      element.style.gridRow = Math.floor(column / across) + 1;
      cells.append(element);
    };
    put(photo(first, cell - MARGIN), 0);
    sweep.forEach((row, place) => {
      put(result(row, start + place, cell - MARGIN), columnOf.get(genie.coded.r.codes[row]) ?? place + 1);
    });
    return genie.element(
      "div",
      {
        className: "line sweep",
        role: "listitem",
        aria: { setsize: count, posinset: number + 1, label: `${source || "no source"} to ${target}` },
      },
      genie.element("span", { className: "classes" }, ...names),
      cells,
    );
  }

  function photo(row, box) {
    return genie.element(
      "div",
      { className: "tile source" },
      genie.frame("photo", row, box),
      genie.element("span", { className: "facts" }, "source"),
    );
  }

  function result(row, place, box) {
    const [kind, mark, said] = {
      yes: ["good", "✓", "shows its label"],
      no: ["bad", "✗", "does not show its label"],
    }[genie.value("consistent", row)] || ["", "", ""];
    const facts = genie.element("span", { className: "facts" }, `r ${genie.value("r", row)} `);
    facts.append(genie.element("span", { className: kind }, mark));
    const label = [genie.describe(row), said].filter(Boolean).join(", ");
    const open = genie.element(
      "button",
      { type: "button", className: "open", tabIndex: -1, title: said, aria: { label } },
      genie.frame("picture", row, box),
      facts,
    );
    return genie.element("div", { className: "tile", data: { place, id: genie.id(row) } }, open, genie.chooser(row));
  }
})();
