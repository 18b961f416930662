// A confusion matrix: rows are true classes, columns predicted ones.
(function () {
  "use strict";

  const genie = (window.genie = window.genie || {});
  const p = genie.plot;
  const LARGEST = 34; // pixels of a cell
  const SMALLEST = 13;
  const NAME = 130; // pixels of a class's name, at most
  const PAIRS = 50; // rows of the table

  genie.figureKinds.push({
    name: "confusion",
    heading: () => "Confusion matrix",
    draw(frame, data, { tip }) {
      frame.say(
        "Each row is a true class, each column what its images were taken for; colors rise with the root of the share of " +
          "the row." + chosen(data),
      );
      frame.add(p.legend([["fill-c1", "correct"], ["fill-bad", "confused"]]));
      const box = p.html("div", { class: "figure-plot" });
      frame.add(box);
      p.onWidth(box, (width) => box.replaceChildren(drawn(width, data, tip)));
      const pairs = confused(data);
      frame.table(
        pairs.length > PAIRS ? `the ${PAIRS} most frequent confusions shown` : "confusions shown",
        ["true class", "predicted class", "images", "share of the row"],
        pairs.slice(0, PAIRS).map(([row, column, count]) => [
          data.labels[row], data.labels[column], count, p.percent(count / data.totals[row]),
        ]),
      );
    },
  });

  function chosen(data) {
    if (!data.chosen) return "";
    const which = data.chosen === "manifest" ? "those that occur in this gallery" : "the most confused ones";
    return ` Shown are ${data.labels.length} of ${data.classes} classes: ${which}.`;
  }

  function confused(data) {
    const found = [];
    data.counts.forEach((counts, row) =>
      counts.forEach((count, column) => count && row !== column && found.push([row, column, count])),
    );
    return found.sort((one, other) => other[2] - one[2]);
  }

  function drawn(width, data, tip) {
    const size = data.labels.length;
    const most = Math.min(NAME, width * 0.3);
    const names = data.labels.map((name) => p.fitted(name, most));
    const beside = Math.max(...names.map(p.widthOf)) + 30;
    const cell = Math.max(SMALLEST, Math.min(LARGEST, Math.floor((width - beside - 8) / size)));
    const root = p.plot(beside + cell * size + 8, beside + cell * size + 8, `Confusion matrix of ${size} classes`);
    root.append(p.text(beside, 8, "predicted class", "start", "faint"));
    root.append(upwards(p.text(0, 0, "true class", "end", "faint"), 8, beside));
    names.forEach((name, place) => {
      const middle = beside + cell * (place + 0.5);
      root.append(p.text(beside - 6, middle, name, "end"), upwards(p.text(0, 0, name), middle, beside - 6));
    });
    root.append(p.svg("rect", { class: "border", x: beside, y: beside, width: cell * size, height: cell * size }));
    data.counts.forEach((counts, row) =>
      counts.forEach((count, column) => {
        if (count) root.append(...drawnCell(data, row, column, beside, cell, tip));
      }),
    );
    return root;
  }

  function upwards(text, x, y) {
    text.setAttribute("transform", `translate(${x} ${y}) rotate(-90)`);
    return text;
  }

  function drawnCell(data, row, column, beside, cell, tip) {
    const [count, total] = [data.counts[row][column], data.totals[row]];
    const depth = 0.12 + 0.88 * Math.sqrt(count / total);
    const [x, y] = [beside + cell * column, beside + cell * row];
    const rect = p.svg("rect", {
      class: "mark cell " + (row === column ? "fill-c1" : "fill-bad"), "fill-opacity": depth.toFixed(3),
      x: x + 0.5, y: y + 0.5, width: cell - 1, height: cell - 1,
    });
    const said = `${count} of ${total} images (${p.percent(count / total)})`;
    p.explain(rect, tip, [`true: ${data.labels[row]}`, `predicted: ${data.labels[column]}`, said]);
    if (cell < 22 || String(count).length > 3) return [rect];
    return [rect, p.text(x + cell / 2, y + cell / 2, count, "middle", depth > 0.6 ? "inside" : "")];
  }
})();
