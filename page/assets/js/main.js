// The page: finds the dashboard that the address names, lays its panels out and keeps them moving.

import * as api from "./api.js";
import { broken, noDashboards, noSuchPage, nothingYet } from "./calm.js";
import { el } from "./dom.js";
import { Header } from "./header.js";
import { Live } from "./live.js";
import { Marks } from "./marks.js";
import { Palette } from "./palette.js";
import { Panel } from "./panel.js";
import { Range } from "./range.js";
import { onScheme } from "./theme.js";
import { Tooltip } from "./tooltip.js";

const AT_ONCE = 4; // requests that are under way together: a browser opens six

async function start() {
  const main = document.getElementById("main");
  let listing;
  try {
    listing = await api.dashboards();
  } catch (e) {
    main.replaceChildren(broken(e));
    setTimeout(start, 2000);
    return;
  }
  const list = listing.dashboards;
  const uid = /^\/d\/([^/]+)/.exec(location.pathname)?.[1];
  const current = list.find((d) => d.uid === uid);
  document.title = current ? `${current.title} · ${listing.title}` : listing.title;

  if (!current) {
    const header = new Header({ span() {}, live() {} });
    header.boards(list, null);
    document.getElementById("controls").hidden = true;
    main.replaceChildren(location.pathname === "/" && list.length === 0 ? noDashboards() : noSuchPage(list));
    return;
  }
  globalThis.ephor = new Page(current, listing, main); // to look at from the browser's console
}

class Page {
  constructor(board, listing, main) {
    this.range = new Range(board.model.time, location.search);
    this.header = new Header({ span: (s) => this.look("now-" + s, "now"), live: () => this.#press() });
    this.header.boards(listing.dashboards, board);
    this.header.revision = listing.revision;
    this.marks = new Marks(board.model.annotations?.list);
    const page = { palette: new Palette(), tooltip: new Tooltip(), marks: this.marks, zoom: (from, to) => this.look(String(from), String(to)) };
    this.panels = [];
    const items = flatten(board.model.panels ?? []).map((model) => {
      if (model.type === "row") {
        const { y } = model.gridPos;
        return el("h2", { class: "row", style: { gridColumn: "1 / -1", gridRow: String(y + 1) } }, model.title);
      }
      const panel = new Panel(model, page);
      this.panels.push(panel);
      return panel.root;
    });
    this.hint = el("div");
    main.replaceChildren(this.hint, el("div", { id: "grid" }, ...items));
    onScheme(() => this.panels.forEach((p) => p.recolor()));
    this.#watch();

    this.live = new Live(() => this.tick(), (s) => this.header.state(s));
    addEventListener("popstate", () => { this.range = new Range(board.model.time, location.search); this.#changed(); });
    document.addEventListener("dblclick", (e) => { if (this.range.fixed && e.target.closest(".body")) this.look("now-5m", "now"); });
    this.#changed();
  }

  // look changes the time range, and the address with it.
  look(from, to) {
    this.range.set(from, to);
    history.pushState(null, "", this.range.search());
    this.#changed();
  }

  #changed() {
    this.header.range(this.range);
    this.#stop(this.range.fixed !== null);
  }

  // #stop holds the page at this moment, or lets it go on.
  #stop(stop) {
    this.stopped = stop ? Date.now() : null;
    this.live.pause(stop);
  }

  #press() {
    if (this.live.failures > 0) this.live.now();
    else if (this.range.fixed) this.look("now-5m", "now");
    else this.#stop(!this.live.paused);
  }

  // tick brings every panel in sight up to date. Each is asked even if another's answer fails.
  async tick() {
    const moment = this.range.at(this.stopped ?? Date.now());
    const due = this.panels.filter((p) => p.visible);
    const failures = [];
    const worker = async () => {
      for (let p = due.shift(); p && failures.length === 0; p = due.shift()) {
        await p.refresh(moment).catch((e) => failures.push(e));
      }
    };
    const head = this.header.poll().then((command) => { this.command = command; }, (e) => failures.push(e));
    const marks = this.marks.refresh(moment).catch((e) => failures.push(e));
    await Promise.all([head, marks, ...Array.from({ length: AT_ONCE }, worker)]);
    this.#calm();
    if (failures.length > 0) throw failures[0];
  }

  // #calm shows what to do while no panel has anything.
  #calm() {
    const asked = this.panels.filter((p) => p.range);
    const show = asked.length > 0 && asked.every((p) => p.empty) && !this.range.fixed;
    const key = show ? this.range.name + this.command : null;
    if (key === this.hinted) return;
    this.hinted = key;
    this.hint.replaceChildren(...(show ? [nothingYet(this.range.name, this.command)] : []));
  }

  // #watch keeps track of which panels are in sight, and brings those up to date that come into it.
  #watch() {
    const owner = new Map(this.panels.map((p) => [p.root, p]));
    const seen = new IntersectionObserver((entries) => {
      let news = false;
      for (const e of entries) {
        const p = owner.get(e.target);
        news ||= e.isIntersecting && !p.visible;
        p.visible = e.isIntersecting;
      }
      if (news) this.live.now();
    }, { rootMargin: "160px" });
    for (const root of owner.keys()) seen.observe(root);
  }
}

// flatten takes panels out of rows that Grafana has saved collapsed.
function flatten(panels) {
  return panels.flatMap((p) => (p.type === "row" && p.panels?.length ? [p, ...p.panels] : [p]));
}

await start();
