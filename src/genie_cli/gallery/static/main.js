"use strict";
// Puts the page together: the address says what is shown, and everything follows it.
(() => {
  let found = null; // the rows that fit, and the state that they fit
  let figuresDrawn = false;
  const hasFigures = Object.keys(genie.figures).length > 0;

  /** Change what is shown. With `replace`, "back" leads to where it led before. */
  genie.go = (changes, replace = false) => {
    const state = { ...genie.state, ...changes };
    const address = genie.writeAddress(state);
    if (address === genie.writeAddress(genie.state)) return;
    if (replace) history.replaceState(history.state, "", address);
    else history.pushState({ ours: true }, "", address);
    apply(state);
  };

  genie.open = (id) => genie.go({ image: id });

  /** Close the image: go back to the list, if it was opened from there. */
  genie.close = () => {
    if (!genie.state.image) return;
    if (history.state?.ours) history.back();
    else genie.go({ image: "" }, true);
  };

  /** What leads to the image before and after the open one. */
  genie.neighbours = () => {
    const order = genie.viewport.view?.order || [];
    const place = order.indexOf(genie.rowOf(genie.state.image));
    const to = (row) => (row === undefined ? null : () => genie.go({ image: genie.id(row) }, true));
    return place < 0 ? {} : { previous: to(order[place - 1]), next: to(order[place + 1]) };
  };

  function apply(state) {
    const before = genie.state;
    genie.state = state;
    genie.syncControls(state);
    const isFigures = state.view === "figures" && hasFigures;
    const rowsChanged = !found || key(state) !== found.key;
    if (rowsChanged) found = { key: key(state), rows: genie.find(state) };
    if (rowsChanged || !before || before.view !== state.view) showView(state, isFigures);
    showDetail(state, before);
  }

  /** All that decides which rows are shown. */
  const key = (state) => genie.writeAddress({ ...state, image: "", view: "images" });

  function showView(state, isFigures) {
    for (const button of document.querySelectorAll("nav button")) {
      const isCurrent = button.dataset.view === (isFigures ? "figures" : state.view === "figures" ? "images" : state.view);
      if (isCurrent) button.setAttribute("aria-current", "true");
      else button.removeAttribute("aria-current");
    }
    for (const id of ["controls", "toolbar", "list"]) genie.by(id).hidden = isFigures;
    genie.by("figures").hidden = !isFigures;
    genie.by("nothing").hidden = isFigures || found.rows.length > 0;
    if (isFigures) {
      drawFigures();
      return;
    }
    genie.resetPlace();
    const view = state.view === "sweeps" ? genie.sweepsView(found.rows) : genie.tilesView(found.rows);
    genie.by("list").setAttribute("aria-label", view.label);
    const controls = genie.by("controls");
    scrollTo(0, Math.min(scrollY, controls.offsetTop + controls.offsetHeight)); // the list begins anew
    genie.viewport.show(view);
    genie.markCurrent();
    const nouns = genie.coded.verdict.values.includes("not made") ? ["job", "jobs"] : ["image", "images"];
    const all = genie.many(genie.count, ...nouns);
    const counted = found.rows.length === genie.count ? all : `${found.rows.length.toLocaleString("en")} of ${all}`;
    genie.by("count").textContent = view.count === undefined ? counted : `${counted} in ${genie.many(view.count, "sweep", "sweeps")}`;
  }

  function drawFigures() {
    if (figuresDrawn) return;
    figuresDrawn = true;
    genie.drawFigures(genie.by("figures"), genie.figures, genie.open, genie.thumbnail);
  }

  function showDetail(state, before) {
    const row = state.image ? genie.rowOf(state.image) : -1;
    if (row >= 0) {
      genie.showDetail(row, genie.neighbours());
    } else if (before?.image) {
      genie.hideDetail();
      const place = genie.viewport.view?.order.indexOf(genie.rowOf(before.image)) ?? -1;
      if (!genie.by("list").hidden) genie.focusPlace(place);
    }
  }

  function showChosen() {
    const { size } = genie.chosen;
    genie.by("choice").hidden = !size;
    genie.by("chosen").textContent = `${size.toLocaleString("en")} chosen`;
    for (const tile of document.querySelectorAll("#list .tile[data-id]")) {
      tile.querySelector(".choose input").checked = genie.chosen.has(genie.rowOf(tile.dataset.id));
    }
    const box = document.querySelector("#detail .choose input");
    if (box && genie.state.image) box.checked = genie.chosen.has(genie.rowOf(genie.state.image));
  }

  function listen() {
    for (const button of document.querySelectorAll("nav button")) {
      button.addEventListener("click", () => genie.go({ view: button.dataset.view, image: "" }));
    }
    const follow = () => {
      const state = genie.readAddress(location.hash);
      if (genie.writeAddress(state) !== genie.writeAddress(genie.state)) apply(state);
    };
    addEventListener("popstate", follow);
    addEventListener("hashchange", follow);
    genie.by("detail").addEventListener("cancel", (event) => {
      event.preventDefault();
      genie.close();
    });
    genie.by("detail").addEventListener("click", (event) => {
      if (event.target === event.currentTarget) genie.close(); // beside the dialog
    });
    genie.by("help").addEventListener("click", () => genie.by("keys").showModal());
    const theme = genie.by("theme");
    const name = () => { theme.textContent = `Theme: ${genie.theme.name}`; };
    theme.addEventListener("click", () => { genie.theme.next(); name(); });
    name();
    genie.copyButton(genie.by("copy-ids"), genie.chosenIds);
    genie.by("clear-chosen").addEventListener("click", genie.chosen.clear);
    genie.by("download").addEventListener("click", async () => {
      try {
        genie.download("chosen.jsonl", await genie.chosenManifest());
      } catch (error) {
        alert(error.message);
      }
    });
  }

  document.querySelector('nav [data-view="figures"]').hidden = !hasFigures;
  genie.buildControls();
  genie.viewport = new genie.Viewport(genie.by("list"));
  genie.chosen.restore();
  genie.chosen.onChange(showChosen);
  genie.startKeys();
  listen();
  apply(genie.readAddress(location.hash));
  showChosen();
})();
