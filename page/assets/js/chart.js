// A graph of one panel: uPlot, told what to draw. Built again only when its series change; every
// second it only gets new data.

import { fade } from "./palette.js";
import { bars, cells, lonely, pile, spanned } from "./paths.js";
import { ink } from "./theme.js";
import { binary, format } from "./units.js";

const uPlot = globalThis.uPlot;
const SYNC = uPlot.sync("ephor");
const FONT = "11.5px system-ui, -apple-system, 'Segoe UI', Roboto, 'Liberation Sans', sans-serif";
const ROUND = 12; // series beyond which lines are thinner and the pointer leaves no dots

export class Chart {
  // look is {style, stacked, fill, width, unit, min, max, spans, bare}; on is {hover, zoom, marks}.
  constructor(host, look, on = {}) {
    Object.assign(this, { host, look, on, plot: null, signature: null, step: 1000 });
    this.watch = new ResizeObserver(() => this.#fit());
    this.watch.observe(host);
  }

  // draw shows series, each {key, values, color}, at times, between from and to.
  draw(times, series, { from, to, step }) {
    this.step = step;
    this.range = [from, to];
    const stacked = this.look.stacked;
    const columns = series.map((s) => s.values);
    this.rows = series.map((s) => s.name); // of a heat map, each called after its upper bound
    this.whole = columns.every((values) => values.every((v) => v === null || Number.isInteger(v)));
    const data = [times, ...(stacked ? pile(columns, times.length) : columns)];
    const signature = series.map((s) => s.key + s.color).join("\n");
    if (this.plot && signature === this.signature) {
      this.plot.batch(() => {
        this.plot.setData(data, false);
        this.plot.setScale("x", { min: from, max: to });
      });
      return;
    }
    this.signature = signature;
    this.#build(data, series);
  }

  #build(data, series) {
    this.plot?.destroy();
    const { width, height } = this.#size();
    const options = {
      width, height, ms: 1, pxAlign: 1,
      padding: this.look.bare ? [2, 0, 0, 0] : [8, 14, 0, 2],
      legend: { show: false },
      scales: {
        x: { time: true, range: () => this.range },
        y: { range: (u, low, high) => this.#rangeY(low, high) },
      },
      axes: this.look.bare ? [{ show: false }, { show: false }] : this.#axes(),
      series: [{}, ...series.map((s, i) => this.#series(s, series.length))],
      bands: this.look.stacked && this.look.style === "line" ? series.slice(1).map((s, i) => ({ series: [i + 2, i + 1], fill: fade(s.color, this.look.fill) })) : [],
      cursor: this.look.bare ? { show: false } : {
        y: false, sync: { key: SYNC.key, setSeries: false },
        points: { show: !this.look.stacked && this.look.style === "line" && series.length <= ROUND, size: 7, width: 0 },
        drag: { x: true, y: false, setScale: false },
      },
      hooks: this.look.bare ? {} : {
        draw: [
          ...(this.look.style === "heat" ? [(u) => cells(u, series[0].color, this.step)] : []),
          (u) => this.on.marks?.draw(u),
        ],
        setCursor: [(u) => this.on.hover?.(u)],
        setSelect: [(u) => this.#zoom(u)],
      },
    };
    this.plot = new uPlot(options, data, this.host);
    this.plot.setScale("x", { min: this.range[0], max: this.range[1] });
  }

  #series(s, count) {
    const { style, stacked, fill, width, spans } = this.look;
    if (style === "heat") return { stroke: s.color, paths: () => null, points: { show: false } };
    if (style === "bars") {
      return { stroke: s.color, fill: s.color, width: 0, paths: bars(() => this.step, stacked), points: { show: false } };
    }
    return {
      stroke: s.color, width: style === "points" ? 0 : count > ROUND ? 1 : width,
      fill: stacked || count === 1 ? fade(s.color, fill) : undefined,
      spanGaps: false, gaps: spanned(spans),
      points: style === "points" ? { show: true, size: 4, width: 0, fill: s.color }
        : { show: () => false, size: 5, width: 0, fill: s.color, filter: stacked ? () => null : lonely(spans) },
    };
  }

  #axes() {
    const { axis, grid } = ink();
    const shared = { stroke: axis, font: FONT, grid: { stroke: grid, width: 1 }, ticks: { show: false } };
    return [
      { ...shared, size: 26, gap: 6, space: (u, a, from, to, width) => (width > 460 ? 92 : to - from > 180e3 ? 46 : 62), grid: { show: false }, values: (u, splits, a, space, by) => splits.map((t) => clock(t, by)) },
      {
        ...shared, gap: 6, space: 34, ...(this.look.style === "heat" ? { splits: () => this.rows.map((_, i) => i + 1) } : {}), incrs: () => steps(this.look.unit, this.whole),
        values: (u, splits) => splits.map((v) => this.look.style === "heat" ? format(Number(this.rows[v - 1]), this.look.unit) : format(v, this.look.unit, splits.length > 1 ? splits[1] - splits[0] : undefined, splits[splits.length - 1])),
        size: (u, values) => 16 + Math.max(20, ...(values ?? []).map((v) => Math.ceil(measure(u.ctx, v)))),
      },
    ];
  }

  // #rangeY starts at the least there is, which is 0 for most, and leaves room above.
  #rangeY(low, high) {
    if (this.look.style === "heat") return [0, this.rows.length];
    const { min, max } = this.look;
    if (low == null) [low, high] = [0, 1];
    if (this.look.stacked || this.look.style === "bars") low = Math.min(low, 0);
    if (min !== undefined) low = Math.min(min, low);
    else if (low > 0 && low < high * 0.6) low = 0;
    if (max !== undefined) high = Math.max(max, high);
    if (high === low) [low, high] = low === 0 ? [0, 1] : [Math.min(low, 0), Math.max(high * 1.2, 0)];
    const room = (high - low) * 0.08;
    return [min !== undefined && low >= min ? low : low - (low < 0 ? room : 0), max !== undefined && high <= max ? max : high + room];
  }

  #zoom(u) {
    if (u.select.width < 6) return;
    const [from, to] = [u.posToVal(u.select.left, "x"), u.posToVal(u.select.left + u.select.width, "x")];
    u.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
    this.on.zoom?.(Math.round(from), Math.round(to));
  }

  #size() {
    return { width: Math.max(40, this.host.clientWidth), height: Math.max(30, this.host.clientHeight) };
  }

  #fit() {
    const size = this.#size();
    if (this.plot && (size.width !== this.plot.width || size.height !== this.plot.height)) this.plot.setSize(size);
  }

  clear() {
    this.plot?.destroy();
    this.plot = this.signature = null;
  }

  close() {
    this.watch.disconnect();
    this.clear();
  }
}

// steps are the distances that an axis may have between its numbers: powers of 2 for bytes by
// 1024, and nothing between whole numbers where there is nothing.
function steps(unit, whole) {
  const base = binary(unit);
  if (base) return Array.from({ length: 70 }, (_, i) => 2 ** (i - 4) / base);
  const decimal = Array.from({ length: 24 }, (_, i) => i - 9).flatMap((e) => [1, 2, 5].map((m) => Number(`${m}e${e}`)));
  return whole ? decimal.filter((s) => s >= 1) : decimal;
}

function measure(ctx, text) {
  ctx.save();
  ctx.font = FONT;
  const { width } = ctx.measureText(text);
  ctx.restore();
  return width;
}

const two = (n) => String(n).padStart(2, "0");

// clock is a time as exact as the distance between two of them wants it.
export function clock(ms, by) {
  const d = new Date(ms);
  const time = `${two(d.getHours())}:${two(d.getMinutes())}`;
  if (by < 1000) return `${time}:${two(d.getSeconds())}.${String(d.getMilliseconds()).padStart(3, "0")}`;
  if (by < 60e3) return `${time}:${two(d.getSeconds())}`;
  return by < 86400e3 && (d.getHours() || d.getMinutes()) ? time : d.toLocaleDateString("en-GB", { day: "numeric", month: "short" });
}
