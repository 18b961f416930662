"use strict";
// The theme that was chosen, before anything is drawn. Without a choice the system's is followed.
window.genie = {};

genie.stored = {
  get(name) {
    try { return localStorage.getItem(name); } catch { return null; }
  },
  set(name, value) {
    try { localStorage.setItem(name, value); } catch { /* it is not kept, then */ }
  },
};

genie.theme = (() => {
  const names = ["auto", "light", "dark"];
  let now = names.includes(genie.stored.get("genie-theme")) ? genie.stored.get("genie-theme") : "auto";
  const show = () => {
    if (now === "auto") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = now;
  };
  show();
  return {
    get name() { return now; },
    next() {
      now = names[(names.indexOf(now) + 1) % names.length];
      genie.stored.set("genie-theme", now);
      show();
    },
  };
})();
