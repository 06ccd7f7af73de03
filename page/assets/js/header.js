// The bar on top with its controls, and the strip below it with the application's own figures.

import { status } from "./api.js";
import { el, link } from "./dom.js";
import { SPANS } from "./range.js";
import { toggle } from "./theme.js";
import { exact } from "./units.js";

export class Header {
  // on is {span, live, ...}: what the controls do.
  constructor(on) {
    this.spans = SPANS.map((span) => el("button", { type: "button", title: `The last ${span}`, onclick: () => on.span(span) }, span));
    this.live = el("button", { id: "live", class: "tool", type: "button", onclick: on.live }, "Live");
    const theme = el("button", { class: "tool", type: "button", title: "Light or dark", "aria-label": "Light or dark", onclick: toggle }, moon());
    document.getElementById("controls").replaceChildren(el("div", { class: "segments", role: "group", "aria-label": "Time range" }, ...this.spans), this.live, theme);
    this.trouble = document.getElementById("trouble");
    this.strip = document.getElementById("strip");
  }

  boards(list, current) {
    document.getElementById("boards").replaceChildren(...list.map((d) =>
      el("a", { href: d.path, "aria-current": d.uid === current?.uid ? "page" : null }, d.title)));
  }

  range(range) {
    this.spans.forEach((b, i) => b.setAttribute("aria-pressed", String(SPANS[i] === range.name)));
  }

  state({ state, error, wait }) {
    this.live.dataset.state = state;
    this.live.replaceChildren({ live: "Live", paused: "Paused", failing: "Retrying" }[state]);
    this.live.title = { live: "New points every second. Press to stop.", paused: "Press to go on with now.", failing: "Press to try at once." }[state];
    this.trouble.hidden = state !== "failing";
    if (error) this.trouble.textContent = `${error.message} Trying again in ${Math.round(wait / 1000)} s.`;
  }

  // poll shows the status and returns the command to try. A page of dashboards that have changed meanwhile loads
  // itself again; its address keeps the range.
  async poll() {
    const s = await status();
    if (s.revision !== this.revision) location.reload();
    const parts = (s.figures ?? []).map((f) => {
      const [n, unit] = exact(f.value, f.unit || "short");
      return el("span", { class: f.alarm ? "figure alarm" : "figure" }, el("span", { class: "label" }, f.label),
        el("span", { class: "value" }, unit ? n + " " + unit : n), f.detail ? el("span", { class: "detail" }, f.detail) : null);
    });
    if (s.notice) parts.push(el("span", { class: s.failed ? "notice failed" : "notice" }, s.notice));
    if (s.links?.length) parts.push(el("span", { class: "links" }, ...s.links.map((l) => link(l.text, l.url))));
    this.strip.replaceChildren(...parts);
    return s.try ?? "";
  }
}

function moon() {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  for (const [k, v] of Object.entries({ viewBox: "0 0 16 16", width: 16, height: 16, "aria-hidden": "true" })) svg.setAttribute(k, v);
  const path = document.createElementNS(svg.namespaceURI, "path");
  path.setAttribute("fill", "currentColor");
  const ring = document.createElementNS(svg.namespaceURI, "circle");
  for (const [k, v] of Object.entries({ cx: 8, cy: 8, r: 6, fill: "none", stroke: "currentColor", "stroke-width": 1.4 })) ring.setAttribute(k, v);
  path.setAttribute("d", "M8 2a6 6 0 0 0 0 12Z");
  svg.append(ring, path);
  return svg;
}
