// The names of a panel's series with their last values, as many as fit into one line.

import { el } from "./dom.js";
import { short } from "./influxql.js";
import { format } from "./units.js";

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
    const room = this.root.clientWidth - 24;
    let used = 0, fit = 0;
    for (const s of series) {
      const width = 12 + 6 + Math.min(240, 6.6 * short(s.name).length) + 6 + 7.2 * format(s.last, unit).length + 14;
      if (used + width > room - (fit + 1 < series.length ? 60 : 0) && fit > 0) break;
      used += width;
      fit++;
    }
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
