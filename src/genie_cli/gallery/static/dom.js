"use strict";
// Elements, without markup: all text comes from outside, and is only ever text.
(() => {
  /** An element with properties, `data` and `aria` among them, and children: elements, or text. */
  genie.element = (tag, properties = {}, ...children) => {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(properties)) {
      if (name === "data") Object.assign(made.dataset, value);
      else if (name === "aria") for (const [word, said] of Object.entries(value)) made.setAttribute(`aria-${word}`, said);
      else if (name === "role") made.setAttribute("role", value);
      else if (value !== undefined) made[name] = value;
    }
    made.append(...children.filter((child) => child !== null && child !== undefined));
    return made;
  };

  /** A name of any script, whose direction changes nothing around it. */
  genie.name = (text) => genie.element("bdi", {}, text);

  genie.by = (id) => document.getElementById(id);

  /** Tell somebody who cannot see the page. */
  genie.say = (text) => {
    genie.by("said").textContent = text;
  };

  genie.many = (count, one, several) => `${count.toLocaleString("en")} ${count === 1 ? one : several}`;

  genie.percent = (share) => (Number.isFinite(share) ? `${(100 * share).toFixed(share > 0.995 && share < 1 ? 1 : 0)} %` : "");

  genie.isTyping = (target) => target instanceof HTMLElement && target.matches("input:not([type=checkbox]), select, textarea");
})();
