// The time range: the last so long, or from one moment to another. It lives in the address in
// Grafana's notation, ?from=now-15m&to=now.

import { duration } from "./influxql.js";

export const SPANS = ["1m", "5m", "15m", "1h", "6h", "24h", "7d"];

export class Range {
  constructor(standard, search) {
    const asked = new URLSearchParams(search);
    this.set(asked.get("from") ?? standard?.from ?? "now-5m", asked.get("to") ?? standard?.to ?? "now");
  }

  set(from, to) {
    const span = /^now-/.test(from) ? duration(from.slice(4)) : 0;
    if (span && to === "now") {
      Object.assign(this, { span, name: from.slice(4), fixed: null });
    } else if (Number(from) < Number(to)) {
      Object.assign(this, { span: Number(to) - Number(from), name: null, fixed: { from: Number(from), to: Number(to) } });
    } else {
      Object.assign(this, { span: 300e3, name: "5m", fixed: null });
    }
  }

  // at is the range as it is at a moment.
  at(now) { return this.fixed ?? { from: now - this.span, to: now }; }

  search() {
    const [from, to] = this.fixed ? [this.fixed.from, this.fixed.to] : ["now-" + this.name, "now"];
    return `?from=${from}&to=${to}`;
  }
}
