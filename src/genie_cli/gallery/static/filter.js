"use strict";
// Which rows are shown, in which order.
(() => {
  /** The rows that fit, sorted; of equal ones, the manifest's order stays. */
  genie.find = (state) => {
    const conditions = [...genie.LISTS, "target", "source"].flatMap((name) => among(name, state[name]));
    conditions.push(...genie.RANGES.flatMap((name) => within(genie.numbers[name], state[name])));
    if (state.q.trim()) conditions.push(says(state.q.trim().toLowerCase()));
    const found = [];
    for (let row = 0; row < genie.count; row += 1) {
      if (conditions.every((fits) => fits(row))) found.push(row);
    }
    return sorted(found, state.sort, state.down);
  };

  function among(name, wanted) {
    if (wanted === null || (Array.isArray(wanted) && !wanted.length)) return [];
    const words = new Set([wanted].flat());
    const { values, codes } = genie.coded[name];
    const fits = values.map((value) => words.has(String(value)));
    return [(row) => fits[codes[row]]];
  }

  function within(numbers, [low, high]) {
    if (low === null && high === null) return [];
    return [(row) => numbers[row] >= (low ?? -Infinity) && numbers[row] <= (high ?? Infinity)];
  }

  function says(text) {
    const columns = ["target", "source", "prompt"].map((name) => {
      const { values, codes } = genie.coded[name];
      return { codes, fits: values.map((value) => value.toLowerCase().includes(text)) };
    });
    const maybeId = /^[0-9a-f]{1,20}$/.test(text);
    return (row) => columns.some(({ codes, fits }) => fits[codes[row]]) || (maybeId && genie.id(row).includes(text));
  }

  function sorted(rows, sort, down) {
    if (sort === "order") return down ? rows.reverse() : rows;
    const keys = genie.numbers[sort] || genie.coded[sort].codes;
    const sign = down ? -1 : 1;
    const known = rows.filter((row) => !Number.isNaN(keys[row]));
    known.sort((a, b) => sign * (keys[a] - keys[b]) || a - b);
    // Rows without a value come last in either direction.
    return known.length === rows.length ? known : known.concat(rows.filter((row) => Number.isNaN(keys[row])));
  }
})();
