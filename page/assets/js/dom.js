// Elements, built. Text is only ever set as text: names of series are whatever somebody wrote
// into a tag.

export function el(name, props = {}, ...children) {
  const e = document.createElement(name);
  for (const [k, v] of Object.entries(props)) {
    if (k === "class") e.className = v;
    else if (k === "style") Object.assign(e.style, v);
    else if (k.startsWith("on")) e.addEventListener(k.slice(2), v);
    else if (v !== undefined && v !== null && v !== false) e.setAttribute(k, v === true ? "" : v);
  }
  e.append(...children.filter((c) => c !== null && c !== undefined));
  return e;
}

// link makes a link of what is an address of the web, and text of all else.
export function link(text, url) {
  return /^https?:\/\//i.test(url) ? el("a", { href: url, rel: "noreferrer" }, text) : el("span", {}, text);
}
