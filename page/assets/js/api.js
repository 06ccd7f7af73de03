// What the page asks its server.

// StoreError is that there is no answer to be had just now, whatever the question.
export class StoreError extends Error {}

async function get(path, timeout) {
  let response;
  try {
    response = await fetch(path, { signal: AbortSignal.timeout(timeout), cache: "no-store" });
  } catch (e) {
    throw new StoreError(e.name === "TimeoutError" ? "The page's server did not answer in time." : "The page's server is gone. Is the program that serves it still running?");
  }
  let body;
  try {
    body = await response.json();
  } catch {
    throw new StoreError(`The page's server answered ${response.status} with something that is not JSON.`);
  }
  if (response.ok) return body;
  const what = body.error ?? `status ${response.status}`;
  throw response.status >= 500 ? new StoreError(sentence(what)) : new Error(what);
}

export const dashboards = () => get("/api/dashboards", 10e3);
export const status = () => get("/api/status", 5e3);

// query sends statements in one request. Each result is {series} or {error}.
export async function query(statements) {
  const form = new URLSearchParams({ epoch: "ms", q: statements.join("; ") });
  const { results = [] } = await get("/query?" + form, 20e3);
  // After one that fails the store executes no other, so that one speaks for all.
  const culprit = results.find((r) => r.error);
  return statements.map((_, i) => {
    const mine = results.filter((r) => r.statement_id === i);
    if (culprit && culprit.statement_id <= i) mine.unshift(culprit);
    const failed = mine.find((r) => r.error);
    if (/^database not found/.test(failed?.error)) return { series: [] }; // nobody has written yet
    return failed ? { error: failed.error } : { series: mine.flatMap((r) => r.series ?? []) };
  });
}

function sentence(text) {
  return text.charAt(0).toUpperCase() + text.slice(1) + (/[.!?]$/.test(text) ? "" : ".");
}
