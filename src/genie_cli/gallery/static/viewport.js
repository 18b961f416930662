"use strict";
// Of a list of any length, the few lines that are in view. No more than `MOST` tiles are ever in the page.
(() => {
  const MOST = 150;
  const AHEAD = 1; // lines above and below that are drawn before they come into view

  genie.Viewport = class {
    /** `list` is as high as all lines together; lines are placed in it. */
    constructor(list) {
      this.list = list;
      this.drawn = new Map(); // line -> element
      this.view = null;
      const later = () => {
        if (!this.asked) this.asked = requestAnimationFrame(() => { this.asked = 0; this.draw(); });
      };
      addEventListener("scroll", later, { passive: true });
      new ResizeObserver(() => this.resize()).observe(list);
      addEventListener("resize", () => this.resize());
    }

    /** Show a view: an object with `layout(width)`, which returns lines, height and tiles of a line, and `line(n)`. */
    show(view) {
      this.view = view;
      this.sized = "";
      this.resize();
    }

    resize() {
      if (!this.view || this.list.hidden || this.sized === `${this.list.clientWidth} ${innerHeight}`) return;
      this.sized = `${this.list.clientWidth} ${innerHeight}`;
      this.size = this.view.layout(this.list.clientWidth);
      // On a large screen more lines than may be drawn would fit: they are set wider apart.
      this.size.height = Math.max(this.size.height, Math.ceil(innerHeight / Math.max(1, this.most() - 1)));
      this.list.style.height = `${this.size.lines * this.size.height}px`;
      this.forget();
      this.draw();
    }

    /** Draw everything in view anew. */
    forget() {
      for (const element of this.drawn.values()) element.remove();
      this.drawn.clear();
    }

    draw() {
      if (!this.view || this.list.hidden) return;
      const [first, last] = this.range();
      for (const [line, element] of this.drawn) {
        if (line < first || line >= last) {
          element.remove();
          this.drawn.delete(line);
        }
      }
      for (let line = first; line < last; line += 1) {
        if (this.drawn.has(line)) continue;
        const element = this.view.line(line);
        element.style.transform = `translateY(${line * this.size.height}px)`;
        const next = this.drawn.get(line + 1); // so that the order in the document is that of the list
        this.list.insertBefore(element, next || null);
        this.drawn.set(line, element);
      }
    }

    /** Lines that may be drawn. */
    most() {
      return Math.max(1, Math.floor(MOST / this.size.tiles));
    }

    range() {
      const { height, lines } = this.size;
      const top = -this.list.getBoundingClientRect().top;
      const most = this.most();
      const visible = Math.min(most, Math.ceil(innerHeight / height) + 1);
      const ahead = Math.min(AHEAD, Math.floor((most - visible) / 2));
      const first = Math.floor(Math.max(0, Math.min(top, (lines - 1) * height)) / height);
      return [Math.max(0, first - ahead), Math.min(lines, first + visible + ahead)];
    }

    /** Scroll as little as is needed to have a line in view. */
    reveal(line) {
      const { height } = this.size;
      const covered = genie.by("toolbar").offsetHeight + 8;
      const top = this.list.getBoundingClientRect().top + line * height;
      if (top < covered) scrollBy(0, top - covered);
      else if (top + height > innerHeight) scrollBy(0, Math.min(top + height - innerHeight, top - covered));
      this.draw();
    }
  };
})();
