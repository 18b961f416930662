"use strict";
// The keyboard: one tile can be reached with Tab, and the arrow keys move on from there.
(() => {
  const SIDEWAYS = ["ArrowLeft", "ArrowRight"]; // which, unlike up and down, do not scroll a page
  let place = 0; // of the tile that can be reached, among those shown

  const tileAt = (where) => genie.by("list").querySelector(`.tile[data-place="${where}"]`);

  /** Let Tab reach the tile that is current, wherever it was drawn. */
  genie.markCurrent = () => {
    const tiles = [...genie.by("list").querySelectorAll(".tile[data-place]")];
    const current = tileAt(place) || tiles[0];
    for (const tile of tiles) {
      for (const stop of tile.querySelectorAll(".open, .choose input")) stop.tabIndex = tile === current ? 0 : -1;
    }
  };

  genie.resetPlace = () => { place = 0; };

  /** Move to a place in the list, and focus it. */
  genie.focusPlace = (where) => {
    const { view } = genie.viewport;
    if (!view || where < 0 || where >= view.order.length) return;
    place = where;
    genie.viewport.reveal(view.lineOf(place));
    genie.markCurrent();
    tileAt(place)?.querySelector(".open")?.focus({ preventScroll: true });
  };

  genie.startKeys = () => {
    const list = genie.by("list");
    list.addEventListener("focusin", (event) => {
      const tile = event.target.closest(".tile[data-place]");
      if (tile) {
        place = Number(tile.dataset.place);
        genie.markCurrent();
      }
    });
    list.addEventListener("click", (event) => {
      const open = event.target.closest(".open");
      if (open) genie.open(open.closest(".tile").dataset.id);
    });
    document.addEventListener("keydown", pressed);
    new MutationObserver(genie.markCurrent).observe(list, { childList: true });
  };

  function pressed(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || genie.isTyping(event.target)) return;
    if (genie.by("keys").open) return;
    const isOpen = genie.by("detail").open;
    const act = isOpen ? inDialog(event) : inPage(event);
    if (act) {
      event.preventDefault();
      act();
    }
  }

  function inDialog({ key }) {
    if (key === "ArrowLeft") return genie.neighbours().previous;
    if (key === "ArrowRight") return genie.neighbours().next;
    if (key === "x") return () => genie.chosen.toggle(genie.rowOf(genie.state.image));
    return null;
  }

  function inPage({ key, target }) {
    if (key === "/") return () => genie.by("search").focus();
    if (key === "?") return () => genie.by("keys").showModal();
    const tile = target.closest?.(".tile[data-place]");
    if (!tile) return target === document.body && SIDEWAYS.includes(key) && !genie.by("list").hidden ? enter : null;
    const { view } = genie.viewport;
    if (key.startsWith("Arrow")) return () => genie.focusPlace(view.step(place, key));
    if (key === "Home") return () => genie.focusPlace(0);
    if (key === "End") return () => genie.focusPlace(view.order.length - 1);
    if (key === "x") return () => genie.chosen.toggle(genie.rowOf(tile.dataset.id));
    if (key === "Enter" && target.type === "checkbox") return () => genie.open(tile.dataset.id);
    return null;
  }

  /** Go to the first tile that is wholly in view. */
  function enter() {
    const top = genie.by("toolbar").getBoundingClientRect().bottom;
    const tiles = [...genie.by("list").querySelectorAll(".tile[data-place]")];
    const first = tiles.find((tile) => tile.getBoundingClientRect().top >= top);
    if (first) genie.focusPlace(Number(first.dataset.place));
  }
})();
