"use strict";
// Search, sorting and filters: built from the values that the rows have, and following the address.
(() => {
  const NAMES = { verdict: "Verdict", state: "State", method: "Method", r: "Noise ratio r", confidence: "Confidence", similarity: "Similarity to the source" };
  const WAIT = 150; // milliseconds after the last key of a search
  const fields = {}; // name -> function that shows a state

  genie.buildControls = () => {
    const panel = document.querySelector("#filters .filters");
    panel.append(...["target", "source"].flatMap(classes));
    panel.append(...["verdict", "state", "method", "r"].flatMap(chips));
    panel.append(...["confidence", "similarity"].flatMap(range));
    search();
    genie.by("sort").addEventListener("change", (event) => genie.go({ sort: event.target.value }));
    genie.by("direction").addEventListener("click", () => genie.go({ down: !genie.state.down }));
    genie.by("clear-filters").addEventListener("click", () => genie.go(genie.noFilters()));
    if (innerWidth >= 900) genie.by("filters").open = true;
  };

  genie.syncControls = (state) => {
    for (const sync of Object.values(fields)) sync(state);
    const search = genie.by("search");
    if (search.value.trim() !== state.q.trim() && document.activeElement !== search) search.value = state.q;
    genie.by("sort").value = state.sort;
    const direction = genie.by("direction");
    direction.textContent = state.down ? "descending" : "ascending";
    direction.setAttribute("aria-label", `order: ${direction.textContent}`); // not pressed or not: the word changes
    const active = genie.activeFilters(state);
    genie.by("active").textContent = active ? ` (${active})` : "";
    genie.by("clear-filters").hidden = !active && !state.q;
  };

  function counts(name) {
    const { values, codes } = genie.coded[name];
    const found = new Array(values.length).fill(0);
    for (const code of codes) found[code] += 1;
    return found;
  }

  function classes(name) {
    const { values } = genie.coded[name];
    if (values.length < 2) return [];
    const number = counts(name);
    const select = genie.element("select", {}, genie.element("option", { value: "*" }, "all classes"));
    values.forEach((value, code) => {
      select.append(genie.element("option", { value: `=${value}` }, `${value || "no source"} (${number[code].toLocaleString("en")})`));
    });
    select.addEventListener("change", () => genie.go({ [name]: select.value === "*" ? null : select.value.slice(1) }));
    fields[name] = (state) => {
      const wanted = state[name] === null ? "*" : `=${state[name]}`;
      if (![...select.options].some((option) => option.value === wanted)) {
        select.append(genie.element("option", { value: wanted }, `${state[name]} (0)`));
      }
      select.value = wanted;
    };
    return [genie.element("label", { className: "field" }, `${name === "target" ? "Target" : "Source"} class`, select)];
  }

  function chips(name) {
    const { values } = genie.coded[name];
    if (values.length < 2) return [];
    const number = counts(name);
    const boxes = values.map((value) => genie.element("input", { type: "checkbox", value: String(value) }));
    const group = genie.element("fieldset", { className: "field" }, genie.element("legend", {}, NAMES[name]));
    boxes.forEach((box, code) => {
      group.append(
        genie.element("label", { className: "chip" }, box, genie.name(String(values[code])), genie.element("small", {}, number[code].toLocaleString("en"))),
      );
      box.addEventListener("change", () => genie.go({ [name]: boxes.filter((other) => other.checked).map((other) => other.value) }));
    });
    fields[name] = (state) => boxes.forEach((box) => { box.checked = state[name].includes(box.value); });
    return [group];
  }

  function range(name) {
    if (!genie.numbers[name].some((number) => !Number.isNaN(number))) return [];
    const ends = ["from", "to"].map((word) =>
      genie.element("input", { type: "number", min: 0, max: 1, step: 0.05, placeholder: word === "from" ? "0" : "1", aria: { label: `${NAMES[name]} ${word}` } }),
    );
    const read = (field) => (field.value === "" || !Number.isFinite(Number(field.value)) ? null : Math.abs(Number(field.value)));
    for (const end of ends) end.addEventListener("change", () => genie.go({ [name]: ends.map(read) }));
    fields[name] = (state) => ends.forEach((end, place) => {
      if (document.activeElement !== end) end.value = state[name][place] ?? "";
    });
    return [genie.element("fieldset", { className: "field" }, genie.element("legend", {}, NAMES[name]), genie.element("span", { className: "range" }, ends[0], " to ", ends[1]))];
  }

  function search() {
    let timer = 0;
    const field = genie.by("search");
    field.addEventListener("input", () => {
      clearTimeout(timer);
      timer = setTimeout(() => genie.go({ q: field.value }, true), WAIT);
    });
  }
})();
