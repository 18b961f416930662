"use strict";
// Text to the clipboard, or to a file.
(() => {
  /** Returns whether it worked. */
  genie.copy = async (text) => {
    try {
      await navigator.clipboard.writeText(text);
      return true;
    } catch {
      return byCommand(text); // no clipboard, or no permission
    }
  };

  function byCommand(text) {
    const field = genie.element("textarea", { value: text, className: "hidden", aria: { hidden: "true" } });
    const focused = document.activeElement;
    (document.querySelector("dialog[open]") || document.body).append(field);
    field.select();
    let done = false;
    try { done = document.execCommand("copy"); } catch { /* it did not work */ }
    field.remove();
    focused?.focus?.();
    return done;
  }

  /** A button that copies a text, and says so. */
  genie.copyButton = (button, text) => {
    const label = button.textContent;
    button.addEventListener("click", async () => {
      const done = await genie.copy(typeof text === "function" ? text() : text);
      button.textContent = done ? "Copied" : "Cannot copy";
      genie.say(done ? "copied" : "cannot be copied; select the text instead");
      setTimeout(() => { button.textContent = label; }, 1500);
    });
    return button;
  };

  genie.download = (name, text) => {
    const address = URL.createObjectURL(new Blob([text], { type: "application/jsonl" }));
    const link = genie.element("a", { href: address, download: name });
    link.click();
    setTimeout(() => URL.revokeObjectURL(address), 60000);
  };
})();
