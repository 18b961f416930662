"use strict";
// The view of single images: source and result side by side, a few in a line.
(() => {
  const WIDTH = 308;
  const BOX = 128;
  const HEIGHT = BOX + 82;
  const KINDS = new Map([
    ["hard negative", "good"],
    ["easy (source lost)", "warn"],
    ["mislabelled", "bad"],
    ["failed", "bad"],
    ["skipped", "warn"],
  ]);

  /** A view of rows; `order` has them as they are shown, and `place` is where the keyboard is. */
  genie.tilesView = (rows) => {
    let columns = 1;
    return {
      label: "Images",
      order: rows,
      layout(width) {
        columns = Math.max(1, Math.floor(width / WIDTH));
        return { lines: Math.ceil(rows.length / columns), height: HEIGHT, tiles: columns };
      },
      lineOf: (place) => Math.floor(place / columns),
      line(number) {
        const line = genie.element("div", { className: "line", role: "presentation" });
        line.style.gridTemplateColumns = `repeat(${columns}, minmax(0, 1fr))`;
        for (let place = number * columns; place < Math.min(rows.length, (number + 1) * columns); place += 1) {
          line.append(tile(rows[place], place, rows.length));
        }
        return line;
      },
      step: (place, key) => place + { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns, ArrowDown: columns }[key],
    };
  };

  function tile(row, place, count) {
    const open = genie.element(
      "button",
      { type: "button", className: "open", tabIndex: -1, aria: { label: genie.describe(row) } },
      genie.element(
        "span",
        { className: "pair" },
        genie.frame("photo", row, BOX),
        genie.element("span", { className: "arrow", aria: { hidden: "true" } }, "→"),
        genie.frame("picture", row, BOX),
      ),
      words(row),
    );
    return genie.element(
      "div",
      { className: "tile", role: "listitem", data: { place, id: genie.id(row) }, aria: { setsize: count, posinset: place + 1 } },
      open,
      genie.chooser(row),
    );
  }

  function words(row) {
    const numbers = [`r ${genie.value("r", row)}`, genie.percent(genie.numbers.confidence[row])].filter(Boolean);
    return genie.element(
      "span",
      { className: "words" },
      genie.element("span", { className: "classes" }, ...genie.classNames(row)),
      genie.element("span", { className: "facts" }, `${numbers.join(" · ")} · `, genie.badge(row)),
    );
  }

  /** Source → target, or the target alone. */
  genie.classNames = (row) => {
    const source = genie.value("source", row);
    return [...(source ? [genie.name(source), " → "] : []), genie.name(genie.value("target", row))];
  };

  /** The verdict, or what became of a row without one; its color is never all that says it. */
  genie.badge = (row) => {
    const verdict = genie.value("verdict", row);
    const word = verdict === "not made" ? genie.value("state", row) : verdict;
    const state = genie.value("state", row);
    const more = ["rejected", "not selected"].includes(state) ? `, ${state}` : "";
    return genie.element("span", { className: `badge ${KINDS.get(word) || "plain"}`, title: word + more }, genie.name(word + more));
  };

  genie.chooser = (row) => {
    const box = genie.element("input", {
      type: "checkbox",
      checked: genie.chosen.has(row),
      disabled: !genie.isMade(row),
      tabIndex: -1,
      aria: { label: `choose ${genie.value("target", row)}, ${genie.id(row)}` },
    });
    box.addEventListener("change", () => genie.chosen.set(row, box.checked));
    return genie.element("label", { className: "choose", title: "choose (x)" }, box);
  };

  /** A row in words, for a screen reader. */
  genie.describe = (row) => {
    const source = genie.value("source", row);
    const confidence = genie.percent(genie.numbers.confidence[row]);
    return [
      `${genie.value("target", row)}${source ? ` from ${source}` : ""}`,
      `r ${genie.value("r", row)}`,
      genie.isMade(row) ? genie.value("verdict", row) : genie.value("state", row),
      confidence && `confidence ${confidence}`,
      genie.value("problem", row),
    ].filter(Boolean).join(", ");
  };
})();
