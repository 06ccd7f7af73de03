// What the pointer is over: one for the page, moved about.

import { el } from "./dom.js";
import { short } from "./influxql.js";
import { format } from "./units.js";
import { clock } from "./chart.js";

const MOST = 12;

export class Tooltip {
  constructor() {
    this.root = el("div", { id: "tip", hidden: true });
    document.body.append(this.root);
  }

  // show tells the values of series, each {name, color, value}, at a time, and marks, each {name, text}.
  show(x, y, { time, step, series, unit, total, marks = [] }) {
    const rows = series.filter((s) => s.value != null).sort((a, b) => b.value - a.value);
    if (rows.length === 0 && marks.length === 0) return this.hide();
    const lines = rows.slice(0, MOST).map((s) => el("div", { class: "item" },
      el("span", { class: "mark", style: { background: s.color } }),
      el("span", { class: "name" }, short(s.name)), el("span", { class: "value" }, format(s.value, unit))));
    if (rows.length > MOST) lines.push(el("div", { class: "rest" }, `and ${rows.length - MOST} more`));
    if (total && rows.length > 1) {
      const sum = rows.reduce((n, s) => n + s.value, 0);
      lines.push(el("div", { class: "item" }, el("span", { class: "name" }, `all ${rows.length}`), el("span", { class: "value" }, format(sum, unit))));
    }
    lines.push(...marks.map((m) => el("div", { class: "event" }, `${m.name}: ${m.text}`)));
    this.root.replaceChildren(el("div", { class: "when" }, clock(time, Math.min(step, 59e3))), ...lines);
    this.root.hidden = false;
    const { width, height } = this.root.getBoundingClientRect();
    const left = x + 16 + width > innerWidth ? x - 16 - width : x + 16;
    const top = Math.min(Math.max(8, y - height / 2), innerHeight - height - 8);
    this.root.style.transform = `translate(${Math.round(Math.max(4, left))}px, ${Math.round(top)}px)`;
  }

  hide() { this.root.hidden = true; }
}
