"use strict";
// The dialog with one row: result and source at full size, all that is known, and the command that makes it again.
(() => {
  const SMALL = 100;
  let shown = -1;

  /** Fill the dialog with a row, and open it. */
  genie.showDetail = async (row, neighbours) => {
    const dialog = genie.by("detail");
    const isNew = shown !== row || !dialog.open;
    shown = row;
    if (!dialog.open) dialog.showModal();
    if (!isNew) return;
    dialog.replaceChildren(...head(row, neighbours), genie.element("p", { className: "muted" }, "Loading…"));
    dialog.querySelector("h2").focus();
    let known;
    try {
      known = await genie.details(row);
    } catch (error) {
      known = { problem: error.message };
    }
    if (shown !== row || !dialog.open) return;
    dialog.lastElementChild.replaceWith(body(row, known));
  };

  genie.hideDetail = () => {
    shown = -1;
    if (genie.by("detail").open) genie.by("detail").close();
  };

  function head(row, { previous, next }) {
    const button = (label, go) => {
      const made = genie.element("button", { type: "button", disabled: !go }, label);
      if (go) made.addEventListener("click", go);
      return made;
    };
    const close = genie.element("button", { type: "button", className: "close" }, "Close");
    close.addEventListener("click", () => genie.close());
    const title = genie.element("h2", { id: "detail-title", tabIndex: -1 }, ...genie.classNames(row));
    const choose = genie.chooser(row);
    choose.append(" choose");
    choose.firstChild.tabIndex = 0;
    return [
      genie.element("div", { className: "dialog-head" }, title, genie.element("span", { className: "buttons" }, choose, button("Previous", previous), button("Next", next), close)),
    ];
  }

  function body(row, known) {
    if (known.problem) return genie.element("p", { className: "notice" }, known.problem);
    const line = JSON.parse(known.line);
    const figures = [figure("source", "photo", row, known.photo), figure("result", "picture", row, known.image)];
    return genie.element(
      "div",
      { className: "dialog-body" },
      genie.element("div", { className: "both" }, ...(line.source ? figures : figures.slice(1))),
      facts(row, line, known),
      command(known.command),
    );
  }

  function figure(caption, kind, row, address) {
    const made = genie.element("figure", {});
    const below = genie.element("figcaption", { className: "muted" }, caption);
    if (address) {
      const label = kind === "photo" ? `source: ${genie.value("source", row)}` : `result: ${genie.describe(row)}`;
      const image = genie.element("img", { alt: label });
      image.addEventListener("load", () => image.classList.toggle("pixels", Math.max(image.naturalWidth, image.naturalHeight) < SMALL));
      image.addEventListener("error", () => {
        image.replaceWith(genie.frame(kind, row, 256));
        below.append(": a thumbnail, since the file is not where it was");
      });
      image.src = address;
      made.append(image);
    } else {
      made.append(genie.frame(kind, row, 256));
    }
    made.append(below);
    return made;
  }

  function facts(row, line, known) {
    const oracle = known.oracle || {};
    const select = known.select || {};
    const source = line.source || {};
    const pairs = [
      ["verdict", genie.badge(row)],
      ["why", line.reason || genie.value("problem", row)],
      ["target class", line.target],
      ["source class", source.label],
      ["prompt", line.prompt],
      ["method", line.method],
      ["noise ratio r", line.r],
      ["probability of the target", oracle.target_probability],
      ["probability of the source class", oracle.source_probability],
      ["the oracle's top class", oracle.top],
      ["margin", oracle.margin],
      ["similarity to the source", oracle.source_similarity],
      ["soft label", softLabel(oracle.soft_label)],
      ["oracle", oracle.oracle],
      ["selected", select.selected === undefined ? "" : select.selected ? "yes" : `no: ${select.reason || ""}`],
      ["seed", known.seed],
      ["replicate", line.replicate],
      ["model", line.model],
      ["source", source.path],
      ["source is missing", genie.value("lost", row)],
      ["file", line.file],
      ["id", line.id],
    ];
    const list = genie.element("dl", { className: "all" });
    for (const [name, value] of pairs) {
      if (value === undefined || value === null || value === "") continue;
      const said = genie.element("dd", {}, value instanceof Node ? value : genie.name(String(value)));
      list.append(genie.element("div", {}, genie.element("dt", {}, name), said));
    }
    return list;
  }

  function softLabel(shares) {
    if (!shares) return "";
    const best = Object.entries(shares).sort((a, b) => b[1] - a[1]).slice(0, 5);
    return best.map(([label, share]) => `${label} ${genie.percent(share)}`).join(", ");
  }

  function command(text) {
    if (!text) return genie.element("p", { className: "muted" }, "No command to make it again can be shown.");
    const copy = genie.copyButton(genie.element("button", { type: "button", className: "copy" }, "Copy command"), text);
    return genie.element("div", { className: "command" }, genie.element("p", {}, "To make it again:"), genie.element("pre", { tabIndex: 0 }, genie.element("code", {}, text)), copy);
  }
})();
