// Light or dark: the system's choice until the reader makes one.

const KEY = "ephor.scheme";
const system = matchMedia("(prefers-color-scheme: dark)");
const listeners = [];
let chosen = stored();

function stored() {
  try {
    const s = localStorage.getItem(KEY);
    return s === "light" || s === "dark" ? s : null;
  } catch {
    return null; // storage is switched off
  }
}

export const scheme = () => chosen ?? (system.matches ? "dark" : "light");

export function toggle() {
  chosen = scheme() === "dark" ? "light" : "dark";
  try { localStorage.setItem(KEY, chosen); } catch { /* it holds until the page is closed */ }
  apply();
}

export const onScheme = (f) => listeners.push(f);

function apply() {
  document.documentElement.style.colorScheme = chosen ?? "";
  for (const f of listeners) f(scheme());
}

system.addEventListener("change", apply);
if (chosen) apply();

// What is drawn on canvases cannot read the style sheet's pairs.
export const ink = () => scheme() === "dark"
  ? { axis: "#98a2b0", grid: "#23272f", card: "#181b21" }
  : { axis: "#5a6472", grid: "#eceef2", card: "#ffffff" };
