// Numbers as people read them, by Grafana's unit identifiers.

const SHORT = [[1e12, "T"], [1e9, "G"], [1e6, "M"], [1e3, "K"]];
const IEC = [[2 ** 40, "TiB"], [2 ** 30, "GiB"], [2 ** 20, "MiB"], [2 ** 10, "KiB"], [1, "B"]];
const SI = [[1e12, "TB"], [1e9, "GB"], [1e6, "MB"], [1e3, "kB"], [1, "B"]];
const TIME = [[86400e3, "d"], [3600e3, "h"], [60e3, "min"], [1e3, "s"], [1, "ms"], [1e-3, "µs"], [1e-6, "ns"]];

// A unit is how many of its base make one of it, a ladder of larger and smaller names, and what
// stands behind the number at all times.
const UNITS = {
  ns: { factor: 1e-6, ladder: TIME }, "µs": { factor: 1e-3, ladder: TIME }, ms: { factor: 1, ladder: TIME },
  s: { factor: 1e3, ladder: TIME }, m: { factor: 60e3, ladder: TIME }, h: { factor: 3600e3, ladder: TIME },
  bytes: { factor: 1, ladder: IEC }, kbytes: { factor: 2 ** 10, ladder: IEC }, mbytes: { factor: 2 ** 20, ladder: IEC },
  decbytes: { factor: 1, ladder: SI }, deckbytes: { factor: 1e3, ladder: SI }, decmbytes: { factor: 1e6, ladder: SI },
  Bps: { factor: 1, ladder: SI, suffix: "/s" }, binBps: { factor: 1, ladder: IEC, suffix: "/s" },
  reqps: { factor: 1, ladder: SHORT, suffix: "/s" }, ops: { factor: 1, ladder: SHORT, suffix: "/s" },
  cps: { factor: 1, ladder: SHORT, suffix: "/s" }, wps: { factor: 1, ladder: SHORT, suffix: "/s" }, rps: { factor: 1, ladder: SHORT, suffix: "/s" },
  percent: { factor: 1, suffix: "%" }, percentunit: { factor: 100, suffix: "%" },
  short: { factor: 1, ladder: SHORT }, none: { factor: 1 },
};

// parts takes a value into its number and what stands behind it: ["1.23", "ms"]. Numbers that the
// eye compares, on an axis, are by apart, which sets their decimals, and where they have names, all
// are named like the largest.
export function parts(value, unit, by, largest = value) {
  if (value == null || Number.isNaN(value)) return ["–", ""];
  if (!Number.isFinite(value)) return [value > 0 ? "∞" : "−∞", ""];
  const u = UNITS[unit];
  const { factor, ladder, suffix = "" } = u ?? { factor: 1, ladder: SHORT, suffix: unit && unit !== "string" ? " " + unit.replace(/^(suffix|prefix):/, "") : "" };
  const base = value * factor;
  const size = Math.abs(base);
  const [divisor, name] = rung(ladder, ladder === SHORT ? size : Math.abs(largest * factor));
  const digits = by === undefined ? decimals(size / divisor) : stepDecimals(by * factor / divisor);
  return [number(base / divisor, digits), (name + suffix).trim()];
}

export function format(value, unit, by, largest) {
  const [n, name] = parts(value, unit, by, largest);
  return name === "" ? n : name === "%" || name === "/s" ? n + name : n + " " + name;
}

// exact is for a single large figure: whole numbers below a million stay whole.
export function exact(value, unit) {
  if ((unit === "short" || unit === "none" || !unit) && Number.isInteger(value) && Math.abs(value) < 1e6) {
    return [number(value, 0), ""];
  }
  return parts(value, unit);
}

// binary is how many of a unit's base make one of it if its ladder goes by 1024, and 0 otherwise.
export const binary = (unit) => (UNITS[unit]?.ladder === IEC ? UNITS[unit].factor : 0);

function rung(ladder, size) {
  if (!ladder) return [1, ""];
  for (const [at, name] of ladder) if (size >= at) return [at, name];
  const last = ladder[ladder.length - 1];
  if (last[0] > 1) return [1, ""];
  return size === 0 ? ladder.find(([at]) => at === 1) : last;
}

// Three digits that count, and no zeros behind the point that say nothing.
function decimals(size) {
  if (size === 0 || Number.isInteger(size)) return 0;
  return Math.max(0, 2 - Math.floor(Math.log10(size)));
}

function stepDecimals(step) {
  for (let d = 0; d < 6; d++) {
    const scaled = step * 10 ** d;
    if (Math.abs(scaled - Math.round(scaled)) < 1e-6 * scaled) return d;
  }
  return 6;
}

const formats = new Map();

function number(n, digits) {
  digits = Math.min(digits, 12);
  if (!formats.has(digits)) {
    formats.set(digits, new Intl.NumberFormat("en-US", { minimumFractionDigits: 0, maximumFractionDigits: digits }));
  }
  return formats.get(digits).format(n).replace("-", "−");
}
