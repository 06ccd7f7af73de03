// The names of a panel's series with their last values, as many as fit into one line.

import { el } from "./dom.js";
import { short } from "./influxql.js";
import { format } from "./units.js";

const pen = document.createElement("canvas").getContext("2d");

// Widths in the style sheet: an item's mark and gaps, the longest name, and "+ 999".
const MARK = 12 + 6 + 6 + 14, NAME = 240, REST = 44;

export class Legend {
  // pick is called with a series' key when it is to be shown alone, with null for all.
  constructor(pick) {
    this.root = el("div", { class: "legend" });
    this.pick = pick;
    this.alone = null;
    this.seats = new Map();
  }

  // show lists series, each {key, name, color, last}, in their order.
  show(series, unit) {
    const fit = this.#fitting(series, unit);
    const shown = series.slice(0, fit);
    const keys = shown.map((s) => s.key + s.color).join("\n");
    if (keys !== this.keys) {
      this.keys = keys;
      this.seats = new Map(shown.map((s) => [s.key, this.#item(s)]));
      this.rest = el("span", { class: "rest" });
      this.root.replaceChildren(...[...this.seats.values()].map((i) => i.root), this.rest);
    }
    for (const s of shown) {
      const item = this.seats.get(s.key);
      item.value.textContent = format(s.last, unit);
      item.root.setAttribute("aria-pressed", String(this.alone === null || this.alone === s.key));
    }
    this.rest.textContent = series.length > fit ? `+ ${series.length - fit}` : "";
    this.rest.title = series.length > fit ? `${series.length} series in all` : "";
  }

  // #fitting is how many series have room, with what says how many more there are.
  #fitting(series, unit) {
    pen.font = `12px ${getComputedStyle(this.root).fontFamily}`;
    const room = this.root.clientWidth - 24;
    let used = 0, fit = 0;
    for (const s of series) {
      used += MARK + Math.min(NAME, pen.measureText(short(s.name)).width) + pen.measureText(format(s.last, unit)).width;
      if (fit > 0 && used + (fit + 1 < series.length ? REST : 0) > room) break;
      fit++;
    }
    return fit;
  }

  #item(s) {
    const value = el("span", { class: "value" });
    const root = el("button", { type: "button", title: s.name, onclick: () => this.#click(s.key) },
      el("span", { class: "mark", style: { background: s.color } }), el("span", { class: "name" }, short(s.name)), value);
    return { root, value };
  }

  #click(key) {
    this.alone = this.alone === key ? null : key;
    this.pick(this.alone);
  }
}
