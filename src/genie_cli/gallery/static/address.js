"use strict";
// What is shown, as the part of the address behind the #, and back.
(() => {
  const LISTS = ["verdict", "state", "method", "r"];
  const RANGES = ["confidence", "similarity"];
  const SORTS = ["order", "target", "r", "confidence", "similarity"];
  const VIEWS = ["images", "sweeps", "figures"];

  genie.LISTS = LISTS;
  genie.RANGES = RANGES;

  genie.readAddress = (hash) => {
    const said = new URLSearchParams(hash.replace(/^#/, ""));
    const state = { image: said.get("image") || "", q: said.get("q") || "" };
    state.view = VIEWS.includes(said.get("view")) ? said.get("view") : "images";
    for (const name of ["target", "source"]) state[name] = said.has(name) ? said.get(name) : null;
    for (const name of LISTS) state[name] = said.getAll(name);
    for (const name of RANGES) state[name] = readRange(said.get(name));
    const sort = said.get("sort") || "order";
    state.down = sort.startsWith("-");
    state.sort = SORTS.includes(sort.replace(/^-/, "")) ? sort.replace(/^-/, "") : "order";
    return state;
  };

  genie.writeAddress = (state) => {
    const said = new URLSearchParams();
    if (state.view !== "images") said.set("view", state.view);
    for (const name of ["target", "source"]) if (state[name] !== null) said.set(name, state[name]);
    for (const name of LISTS) for (const value of state[name]) said.append(name, value);
    for (const name of RANGES) {
      const [low, high] = state[name];
      if (low !== null || high !== null) said.set(name, `${low ?? ""}-${high ?? ""}`);
    }
    if (state.q) said.set("q", state.q);
    if (state.sort !== "order" || state.down) said.set("sort", (state.down ? "-" : "") + state.sort);
    if (state.image) said.set("image", state.image);
    return `#${said}`;
  };

  /** How many filters are in force. */
  genie.activeFilters = (state) =>
    ["target", "source"].filter((name) => state[name] !== null).length +
    LISTS.filter((name) => state[name].length).length +
    RANGES.filter((name) => state[name].some((end) => end !== null)).length;

  /** What a state has where nothing is filtered. */
  genie.noFilters = () => {
    const { image, view, sort, down, ...filters } = genie.readAddress("");
    return filters;
  };

  function readRange(text) {
    const found = /^(\d*\.?\d*)-(\d*\.?\d*)$/.exec(text || "");
    return found ? [readNumber(found[1]), readNumber(found[2])] : [null, null];
  }

  function readNumber(text) {
    return text === "" || Number.isNaN(Number(text)) ? null : Number(text);
  }
})();
