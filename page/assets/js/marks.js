// The marks on the time axis: what the dashboard's annotations ask the store, such as the deploys.

import { query } from "./api.js";
import { complete } from "./influxql.js";
import { ink } from "./theme.js";

const EVERY = 5e3; // milliseconds between two looks at the same range
const NEAR = 6;    // pixels from a mark at which its text is told

export class Marks {
  // list are the annotations of Grafana's dashboard JSON. Only an InfluxDB can be asked here.
  constructor(list = []) {
    this.asks = list.filter((a) => a.enable !== false && a.datasource?.type === "influxdb" && a.target?.query);
    this.all = []; // each {time, name, text}, in the order of the list
    this.error = null;
    this.last = { at: -Infinity, span: 0, to: 0 };
  }

  // refresh asks for the marks between from and to.
  async refresh({ from, to }) {
    const now = performance.now(), span = to - from;
    if (this.asks.length === 0 || (now - this.last.at < EVERY && span === this.last.span && Math.abs(to - this.last.to) < 2 * EVERY)) return;
    const results = await query(this.asks.map((a) => complete(a.target.query, { from, to, step: 1000 })));
    this.last = { at: now, span, to };
    const error = results.find((r) => r.error)?.error ?? null;
    if (error && error !== this.error) console.error(`annotation: ${error}`); // the panels have nothing to do with it
    this.error = error;
    this.all = results.flatMap((r, i) => events(this.asks[i], r.series ?? []));
  }

  // near are the marks at a place on a plot.
  near(u, left) { return this.all.filter((m) => Math.abs(u.valToPos(m.time, "x") - left) <= NEAR); }

  // draw puts a line on a plot for each mark.
  draw(u) {
    const { left, top, width, height } = u.bbox;
    const { ctx } = u;
    ctx.save();
    ctx.beginPath();
    ctx.setLineDash([4, 3].map((n) => n * devicePixelRatio));
    for (const m of this.all) {
      const x = Math.round(u.valToPos(m.time, "x", true)) + 0.5;
      if (x < left || x > left + width) continue;
      ctx.moveTo(x, top);
      ctx.lineTo(x, top + height);
    }
    ctx.strokeStyle = ink().axis;
    ctx.lineWidth = devicePixelRatio;
    ctx.stroke();
    ctx.restore();
  }
}

// events are the marks of an annotation's series: the text is in the column that it names, or in the first.
export function events({ name = "", target }, series) {
  return series.flatMap(({ columns, values }) => {
    const text = Math.max(1, columns.indexOf(target.textColumn));
    return values.map((v) => ({ time: v[0], name, text: String(v[text] ?? "") }));
  });
}
