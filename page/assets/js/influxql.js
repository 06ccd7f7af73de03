// What Grafana's InfluxDB data source does to a statement before it sends it, and to the names of
// the series that come back.

// The distances between two points that are easy to read, in milliseconds.
const STEPS = [10, 20, 50, 100, 200, 500, 1e3, 2e3, 5e3, 10e3, 15e3, 20e3, 30e3, 60e3, 120e3, 300e3, 600e3, 900e3, 1800e3,
  3600e3, 7200e3, 10800e3, 21600e3, 43200e3, 86400e3];

const SPAN = { ns: 1e-6, u: 1e-3, "µ": 1e-3, ms: 1, s: 1e3, m: 60e3, h: 3600e3, d: 86400e3, w: 604800e3 };

// duration reads "1s", "now-5m"'s "5m" and the like; 0 is no duration.
export function duration(text) {
  const m = /^(\d+)(ns|ms|u|µ|s|m|h|d|w)$/.exec(text ?? "");
  return m ? Number(m[1]) * SPAN[m[2]] : 0;
}

// interval is the smallest step that needs no more points than fit, and is not below the least.
export function interval(range, points, least) {
  const want = Math.max(range / Math.max(points, 1), least);
  return STEPS.find((s) => s >= want) ?? Math.ceil(want / 86400e3) * 86400e3;
}

export function spell(ms) {
  for (const unit of ["d", "h", "m", "s"]) if (ms % SPAN[unit] === 0) return ms / SPAN[unit] + unit;
  return ms + "ms";
}

// complete puts the time range and the interval into a statement.
export function complete(statement, { from, to, step }) {
  const values = {
    timeFilter: `time >= ${from}ms AND time <= ${to}ms`,
    __interval_ms: String(step), __interval: spell(step), __from: String(from), __to: String(to),
  };
  return statement.replace(/\$(timeFilter|__interval_ms|__interval|__from|__to)\b|\$\{(timeFilter|__interval_ms|__interval|__from|__to)\}/g,
    (_, a, b) => values[a ?? b]);
}

// shape says what a completed statement gives: step is the distance of its rows in milliseconds, 0
// if they are at no fixed one. apart: each row depends on its own interval's points alone, so
// that new rows can be asked for without the old. zero: intervals without points are 0.
// early: the row of an interval that is not over says little, because it is too small (a sum) or
// stands on too few points (a percentile).
export function shape(statement) {
  const outer = top(statement);
  const group = /group\s+by\s[^;]*?\btime\(\s*(\d+)(ns|ms|u|µ|s|m|h|d|w)/i.exec(outer);
  const step = group ? Number(group[1]) * SPAN[group[2]] : 0;
  const across = /\b(difference|derivative|moving_average|cumulative_sum|elapsed|holt_winters\w*|non_negative_\w+|\w+_moving_average|top|bottom|sample)\s*\(/i;
  return {
    step: step >= 1 ? step : 0,
    apart: step >= 1 && !across.test(statement) && !/\bfill\(\s*(previous|linear)\s*\)/i.test(statement) && !/\bs?(limit|offset)\s+\d/i.test(outer),
    zero: group !== null && /\bfill\(\s*0+(\.0*)?\s*\)/i.test(outer.slice(group.index)),
    early: /\b(count|sum|mean|median|mode|percentile|stddev|spread|integral)\(/i.test(outer),
  };
}

// top is a statement without its strings and subqueries, each blanked.
function top(statement) {
  const bare = statement.replace(/"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'/g, (s) => "_".repeat(s.length));
  let out = "", depth = 0, sub = 0;
  for (let i = 0; i < bare.length; i++) {
    const c = bare[i];
    if (c === "(") { depth++; if (sub === 0 && /^\(\s*select\b/i.test(bare.slice(i, i + 40))) sub = depth; }
    out += sub ? " " : c;
    if (c === ")") { if (depth === sub) sub = 0; depth--; }
  }
  return out;
}

// label names a series by the alias' patterns, or by measurement, field and tags without one.
export function label(alias, { name, tags, column }) {
  if (!alias) {
    const pairs = Object.entries(tags).map(([k, v]) => `${k}: ${v}`);
    return `${name}.${column}` + (pairs.length ? ` {${pairs.join(", ")}}` : "");
  }
  return alias.replace(/\$(\w+)|\[\[\s*([^\]]+?)\s*\]\]/g, (whole, a, b) => {
    const key = a ?? b;
    if (key === "m" || key === "measurement") return name;
    if (key === "col") return column;
    if (key.startsWith("tag_")) return tags[key.slice(4)] ?? "";
    if (/^\d+$/.test(key)) return name.split(".")[Number(key)] ?? whole;
    return whole;
  });
}

// short is a label that fits into a legend. An execution environment's name is that of its log
// stream, 2026/11/22/[$LATEST] and 32 digits; the first 8 digits tell it from the others.
export function short(text) {
  const stream = /^\d{4}\/\d\d\/\d\d\/(?:[^/[]*)\[([^\]]*)\]([0-9a-f]{32})$/.exec(text);
  if (stream) return stream[2].slice(0, 8) + (stream[1] === "$LATEST" ? "" : " v" + stream[1]);
  return text.length > 40 ? text.slice(0, 18) + "…" + text.slice(-18) : text;
}
