// One panel of the dashboard: what it asks, what came back, and its place on the page.

import { Chart } from "./chart.js";
import { el } from "./dom.js";
import { Frame, join } from "./frame.js";
import { duration, interval } from "./influxql.js";
import { Legend } from "./legend.js";
import { query } from "./api.js";
import { exact } from "./units.js";
import { scheme } from "./theme.js";

// The whole range is read again after so many milliseconds, for points that came very late, but
// no more than one part in so many of the time is spent on that.
const AGAIN = 15e3;
const SHARE = 20;

export class Panel {
  // model is a panel of Grafana's dashboard JSON; page is {palette, tooltip, zoom}.
  constructor(model, page) {
    Object.assign(this, { model, page, visible: false, series: [], times: [], error: null, busy: false });
    this.frames = (model.targets ?? []).filter((t) => !t.hide && t.query).map((t) => new Frame(t));
    this.stat = model.type === "stat";
    this.look = look(model);
    this.seats = new Map(); // the order of a stack
    this.whole = { at: 0, took: 0, step: 0, span: 0 }; // the last reading of the whole range
    this.#build();
  }

  #build() {
    const { title = "", description, gridPos: at } = this.model;
    this.problem = el("span", { class: "problem", hidden: true });
    this.body = el("div", { class: "body" });
    this.none = el("div", { class: "none", hidden: true }, "No data in this time range");
    this.root = el("section", {
      class: this.stat ? "panel stat" : "panel", "aria-label": title,
      style: at ? { gridColumn: `${at.x + 1} / span ${at.w}`, gridRow: `${at.y + 1} / span ${at.h}` } : {},
    }, el("h2", {}, el("span", { title }, title),
      description ? el("span", { class: "info", title: description, tabindex: 0, "aria-label": description }, "i") : null, this.problem), this.body);
    let canvas = this.body;
    if (this.stat) {
      this.big = el("div", { class: "big" });
      canvas = el("div", { class: "spark" });
      this.body.append(this.big, canvas);
    } else {
      this.legend = new Legend(() => this.draw());
      this.root.append(this.legend.root);
    }
    this.body.append(this.none);
    this.chart = new Chart(canvas, this.look, { hover: (u) => this.#hover(u), zoom: this.page.zoom, marks: this.page.marks });
    this.body.addEventListener("mouseleave", () => this.page.tooltip.hide());
  }

  // step is the distance of the points that suits the panel's width.
  step(span) {
    const own = duration((this.model.interval ?? "").replace(/^>/, "")) || 1000;
    const least = Math.max(own, ...this.frames.map((f) => duration(f.over(span).least)));
    const width = this.body.clientWidth || 600;
    return interval(span, Math.min(this.model.maxDataPoints ?? Infinity, width), least);
  }

  // refresh asks for what is new between from and to and draws it. It fails only as the store does.
  async refresh({ from, to }) {
    if (this.busy || this.frames.length === 0) return;
    const span = to - from, step = this.step(span), now = performance.now();
    const due = this.whole.step !== step || this.whole.span !== span || now - this.whole.at > Math.max(AGAIN, SHARE * this.whole.took);
    const plans = this.frames.map((f) => f.plan({ from, to, step }, due));
    if (!due && plans.some((p) => !p.form.apart) && now - this.whole.at < SHARE * this.whole.took) return;
    this.busy = true;
    try {
      const results = await query(plans.map((p) => p.statement));
      if (plans.some((p) => p.whole)) this.whole = { at: now, took: performance.now() - now, step, span };
      this.error = results.find((r) => r.error)?.error ?? null;
      results.forEach((r, i) => { if (!r.error) this.frames[i].absorb(plans[i], r.series); });
      this.range = { from, to, step };
    } catch (e) {
      if (!(e instanceof Error) || e.constructor !== Error) throw e;
      this.error = e.message; // the statement is at fault, not the store
    } finally {
      this.busy = false;
    }
    this.arrange();
    this.draw();
  }

  // arrange makes of the frames what is drawn: colours, order, and no interval that is not over.
  arrange() {
    const [times, all] = join(this.frames.map((f) => f.table()));
    const overrides = colors(this.model);
    const steps = this.model.fieldConfig?.defaults?.color?.mode === "thresholds" && this.model.fieldConfig.defaults.thresholds?.steps;
    const form = this.frames[0]?.form;
    let length = times.length;
    if (form?.step && this.#settled && this.frames.some((f) => f.form?.early)) {
      while (length > 1 && times[length - 1] + form.step > this.range.to) length--;
      // A single first request is shown at once all the same.
      if (!all.some((s) => s.values.slice(0, length).some((v) => v))) length = times.length;
    }
    if (this.look.style === "heat") return this.#heat(times, all);
    const several = this.look.stacked ? this.#settle(all.filter((s) => s.values.some((v) => v))) : all;
    // A few series are seated by name, so that they have the same colours after a reload; many in
    // the order of the stack, so that neighbours differ.
    if (several.length <= 8) [...several].sort((a, b) => (a.name < b.name ? -1 : 1)).forEach((s) => this.page.palette.of(s.kind, s.name, scheme()));
    this.series = several.map((s) => ({
      key: s.key, name: s.name, values: length < times.length ? s.values.slice(0, length) : s.values,
      color: overrides[s.refId] && !(s.kind && several.length > 1) ? this.page.palette.fixed(overrides[s.refId], scheme()) : this.page.palette.of(s.kind, s.name, scheme()),
    }));
    for (const s of this.series) {
      s.last = last(s.values);
      if (this.stat && steps) s.color = this.page.palette.fixed(threshold(steps, this.#reduced(s)), scheme());
    }
    this.times = times.slice(0, length);
  }

  // #heat has a row for each query, those without points too, and one colour.
  #heat(times, all) {
    const color = this.page.palette.fixed("blue", scheme());
    this.times = times;
    this.series = this.frames.map((f) => ({
      key: f.target.refId, name: f.target.alias, color,
      values: all.find((s) => s.refId === f.target.refId)?.values ?? times.map(() => null),
    }));
  }

  // #settle puts a stack in order: who came first lies lowest. The order stays when the beginning
  // has moved out of the range, or the stack would dance.
  #settle(series) {
    const first = new Map(series.map((s) => [s.key, s.values.findIndex((v) => v)]));
    const seat = (s) => this.seats.get(s.key) ?? Infinity;
    series.sort((a, b) => (seat(a) === seat(b) ? first.get(a.key) - first.get(b.key) : seat(a) - seat(b)) || (a.name < b.name ? -1 : 1));
    this.seats = new Map(series.map((s, i) => [s.key, i]));
    return series;
  }

  // #settled says that only intervals that are over are shown: bars grow in sight, lines would
  // plunge, and so would the last value of a stat.
  get #settled() {
    return this.stat ? (this.model.options?.reduceOptions?.calcs?.[0] ?? "lastNotNull") === "lastNotNull" : this.look.style === "line";
  }

  draw() {
    if (!this.range || !this.visible) return;
    const empty = !this.series.some((s) => s.values.some((v) => v !== null));
    this.problem.hidden = !this.error;
    this.problem.textContent = this.problem.title = this.error ?? "";
    if (this.stat) this.#value(empty);
    else this.none.hidden = !empty;
    if (empty) {
      this.chart.clear();
      this.legend?.show([], this.look.unit);
      return;
    }
    const shown = this.legend?.alone ? this.series.filter((s) => s.key === this.legend.alone) : this.series;
    this.chart.draw(...this.#sketch(this.times, shown), this.range);
    if (this.look.style !== "heat") this.legend?.show([...this.series].sort((a, b) => (this.look.stacked ? weight(b) - weight(a) : 0)), this.look.unit);
  }

  // #sketch is what the course behind a stat shows: its value counts the interval that goes on, but
  // a line would plunge there.
  #sketch(times, series) {
    const going = this.stat && this.frames[0].form?.early && times.length > 1 && times[times.length - 1] + this.frames[0].form.step > this.range.to;
    return going ? [times.slice(0, -1), series.map((s) => ({ ...s, values: s.values.slice(0, -1) }))] : [times, series];
  }

  #value(empty) {
    const nothing = this.model.fieldConfig?.defaults?.noValue;
    if (empty) {
      this.big.replaceChildren(nothing ?? "–");
      this.big.style.color = "var(--faint)";
      return;
    }
    const s = this.series[0];
    const [n, unit] = exact(this.#reduced(s), this.look.unit);
    this.big.replaceChildren(n, unit ? el("small", {}, unit) : "");
    this.big.style.color = s.color;
  }

  #reduced(s) { return reduce(s.values, this.model.options?.reduceOptions?.calcs?.[0]); }

  #hover(u) {
    const { idx, left, top } = u.cursor;
    // A cursor that another panel's moves has no place of its own on the page.
    if (idx == null || left < 0 || !this.body.matches(":hover")) return;
    const box = u.over.getBoundingClientRect();
    const heat = this.look.style === "heat";
    const shown = this.legend.alone ? this.series.filter((s) => s.key === this.legend.alone) : this.series;
    this.page.tooltip.show(box.left + left, box.top + top, {
      marks: this.page.marks.near(u, left),
      time: this.times[idx], step: this.range.step, unit: heat ? "short" : this.look.unit, total: this.look.stacked || heat,
      series: shown.map((s) => ({ name: heat ? "≤ " + exact(Number(s.name), this.look.unit).join(" ") : s.name, color: s.color, value: this.look.stacked ? s.values[idx] || null : s.values[idx] })),
    });
  }

  // recolor draws anew after the scheme has changed.
  recolor() {
    if (!this.range) return;
    this.chart.clear();
    this.arrange();
    this.draw();
  }

  // empty tells a panel that was asked and has nothing.
  get empty() { return this.range !== undefined && !this.series.some((s) => this.look.style !== "heat" || s.values.some((v) => v)); }

  close() { this.chart.close(); }
}

// look is how Grafana's model says that the panel is drawn.
function look(model) {
  const defaults = model.fieldConfig?.defaults ?? {};
  const custom = defaults.custom ?? {};
  const stat = model.type === "stat";
  return {
    style: model.type === "heatmap" ? "heat" : custom.drawStyle ?? "line", stacked: (custom.stacking?.mode ?? "none") !== "none",
    fill: stat ? 0.16 : (custom.fillOpacity ?? 0) / 100, width: custom.lineWidth ?? 1,
    unit: defaults.unit, min: defaults.min ?? undefined, max: defaults.max ?? undefined,
    spans: custom.spanNulls === true ? Infinity : Number(custom.spanNulls) || (stat ? Infinity : 0), bare: stat,
  };
}

// colors are the fixed colours, by the query's refId.
function colors(model) {
  const out = {};
  for (const { matcher, properties = [] } of model.fieldConfig?.overrides ?? []) {
    const color = properties.find((p) => p.id === "color")?.value;
    if (matcher?.id === "byFrameRefID" && color?.mode === "fixed") out[matcher.options] = color.fixedColor;
  }
  return out;
}

// threshold is the colour of the highest step that the value reaches.
function threshold(steps, value) {
  return steps.reduce((color, s) => (s.value === null || value >= s.value ? s.color : color), "green");
}

function last(values) {
  for (let i = values.length - 1; i >= 0; i--) if (values[i] !== null) return values[i];
  return null;
}

const weight = (s) => s.values.reduce((n, v) => n + (v ?? 0), 0);

function reduce(values, how) {
  const there = values.filter((v) => v !== null);
  if (how === "sum") return there.reduce((a, b) => a + b, 0);
  if (how === "max") return Math.max(...there);
  if (how === "min") return Math.min(...there);
  if (how === "mean") return there.reduce((a, b) => a + b, 0) / there.length;
  return last(values);
}
