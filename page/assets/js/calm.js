// What the page says when there is nothing to draw.

import { el } from "./dom.js";

export function nothingYet(span, command) {
  const root = el("section", { class: "calm" }, el("h1", {}, `Nothing was recorded in the last ${span}`),
    el("p", {}, command ? "Send a request, and the graphs begin within a second:" : "Send the application a request, and the graphs begin within a second."));
  if (command) {
    const copy = el("button", { class: "tool", type: "button", onclick: async () => {
      try { await navigator.clipboard.writeText(command); copy.textContent = "Copied"; } catch { copy.textContent = "Select it to copy"; }
    } }, "Copy");
    root.append(el("div", { class: "command" }, el("code", {}, command), copy));
  }
  return root;
}

export function noSuchPage(list) {
  return el("section", { class: "calm whole" }, el("h1", {}, "There is nothing at this address"),
    el("p", {}, list.length ? "These dashboards are here: " : "No dashboard is here either.",
      ...list.flatMap((d, i) => [i ? ", " : "", el("a", { href: d.path }, d.title)])));
}

export function noDashboards() {
  return el("section", { class: "calm whole" }, el("h1", {}, "This application has no dashboard"),
    el("p", {}, "Give it one in its main: ", el("code", {}, "app.Monitor(ephor.Grafana{})")));
}

export function broken(error) {
  return el("section", { class: "calm whole" }, el("h1", {}, "The page cannot begin"), el("p", {}, error.message));
}
