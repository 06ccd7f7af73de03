// One query's answers over a moving time range. Rows at a fixed step are kept in one array per
// series, on a grid that all series share; when time goes on the grid is shifted, and only what is
// new, and what may have come late, is asked for:
//
//	          start                                       to
//	 kept     |--|--|--|--|--|--|--|--|--|--|
//	 asked                             |--|--|--|--|
//	                                   ^ LATE before the end of what is kept

import { complete, label, shape } from "./influxql.js";

// How far back to look for points that came late, in milliseconds. A publisher that has to try
// again waits longer than that, which is what reading the whole range now and then is for.
const LATE = 10e3;

export class Frame {
  constructor(target) {
    this.target = target;
    this.series = new Map();
    this.kept = null; // {start, step, end}: the grid and how far it was read
  }

  // over is what answers the query over a range that long: the raw points, or a rollup of them.
  over(span) { return this.target.rollups?.findLast((r) => span > r.over) ?? this.target; }

  // plan is the statement to send for a range; whole asks for all of it.
  plan({ from, to, step }, whole) {
    const asked = this.over(to - from);
    const form = shape(complete(asked.query, { from, to, step }));
    this.alias = asked.alias;
    const grid = form.step || step;
    const start = Math.floor(from / grid) * grid;
    let since = start;
    if (!whole && form.apart && this.kept && this.kept.step === form.step && this.kept.start <= start) {
      const due = Math.floor((Math.min(this.kept.end, to) - Math.max(LATE, form.step)) / form.step) * form.step;
      since = Math.max(start, due);
    }
    return { form, start, since, to, statement: complete(asked.query, { from: since, to, step }), whole: since === start };
  }

  // absorb puts what came back for a plan in its place.
  absorb(plan, rows) {
    const { form } = plan;
    if (!form.step) return this.#replace(plan, rows);
    const length = Math.floor((plan.to - plan.start) / form.step) + 1;
    const missing = form.zero ? 0 : null;
    if (plan.whole || !this.kept) {
      this.series.clear();
    } else {
      const shift = (plan.start - this.kept.start) / form.step;
      const fresh = (plan.since - plan.start) / form.step;
      for (const s of this.series.values()) {
        s.values.splice(0, shift);
        s.values.length = Math.min(s.values.length, fresh);
        while (s.values.length < length) s.values.push(missing);
      }
    }
    this.kept = { start: plan.start, step: form.step, end: plan.to, length };
    for (const row of rows) {
      const time = row.columns.indexOf("time");
      row.columns.forEach((column, c) => {
        if (c === time) return;
        const s = this.#seat(row, column, () => new Array(length).fill(missing));
        for (const v of row.values) {
          const i = (v[time] - plan.start) / form.step;
          if (i >= 0 && i < length && Number.isInteger(i) && typeof v[c] === "number") s.values[i] = v[c];
        }
      });
    }
    for (const [key, s] of this.series) {
      if (s.values.every((v) => v === null) || (form.zero && s.kind !== "" && s.values.every((v) => v === 0))) this.series.delete(key);
    }
    this.form = form;
  }

  // #replace keeps rows that are at no fixed step, on a grid of the times that there are.
  #replace(plan, rows) {
    const times = [...new Set(rows.flatMap((r) => r.values.map((v) => v[r.columns.indexOf("time")])))].sort((a, b) => a - b);
    const seat = new Map(times.map((t, i) => [t, i]));
    this.series.clear();
    for (const row of rows) {
      const time = row.columns.indexOf("time");
      row.columns.forEach((column, c) => {
        if (c === time || !row.values.some((v) => typeof v[c] === "number")) return;
        const s = this.#seat(row, column, () => new Array(times.length).fill(null));
        for (const v of row.values) if (typeof v[c] === "number") s.values[seat.get(v[time])] = v[c];
      });
    }
    this.kept = null;
    this.times = times;
    this.form = plan.form;
  }

  #seat(row, column, values) {
    const tags = row.tags ?? {};
    const key = JSON.stringify([row.name, tags, column]);
    if (!this.series.has(key)) {
      this.series.set(key, {
        key: this.target.refId + key, refId: this.target.refId, kind: Object.keys(tags).sort().join(","),
        name: label(this.alias, { name: row.name, tags, column }), values: values(),
      });
    }
    return this.series.get(key);
  }

  // table is [times, series]: what there is to draw.
  table() {
    if (!this.kept) return [this.times ?? [], [...this.series.values()]];
    const { start, step, length } = this.kept;
    return [Array.from({ length }, (_, i) => start + i * step), [...this.series.values()]];
  }
}

// join puts the tables of several queries onto one grid.
export function join(tables) {
  if (tables.length === 1) return tables[0];
  const [first] = tables[0];
  if (tables.every(([t]) => t.length === first.length && t[0] === first[0] && t[t.length - 1] === first[first.length - 1])) {
    return [first, tables.flatMap(([, s]) => s)];
  }
  const times = [...new Set(tables.flatMap(([t]) => t))].sort((a, b) => a - b);
  const seat = new Map(times.map((t, i) => [t, i]));
  const series = tables.flatMap(([t, list]) => list.map((s) => {
    const values = new Array(times.length).fill(null);
    t.forEach((at, i) => { values[seat.get(at)] = s.values[i]; });
    return { ...s, values };
  }));
  return [times, series];
}
