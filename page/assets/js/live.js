// The page's clock. It ticks once a second, a moment after the second is over, so that its points
// are there; not at all while nobody looks; and less and less often while the store is gone.

const AFTER = 300;     // milliseconds after the second
const LONGEST = 15e3;  // between two attempts

export class Live {
  // tick is called with nothing and fails if the store does; on is told {state, error, wait}.
  constructor(tick, on) {
    Object.assign(this, { tick, on, failures: 0, timer: 0, running: false, paused: false, again: false });
    document.addEventListener("visibilitychange", () => { if (!document.hidden) this.now(); });
  }

  // now ticks at once, or directly after the tick that goes on.
  now() {
    clearTimeout(this.timer);
    if (this.running) { this.again = true; return; }
    this.#run();
  }

  async #run() {
    this.running = true;
    let wait = 1000 + AFTER - (Date.now() % 1000);
    try {
      await this.tick();
      this.failures = 0;
      this.on({ state: this.paused ? "paused" : "live" });
      wait = 1000 + AFTER - (Date.now() % 1000);
    } catch (e) {
      this.failures++;
      wait = Math.min(LONGEST, 1000 * 2 ** (this.failures - 1));
      this.on({ state: "failing", error: e, wait });
    }
    this.running = false;
    if (this.again) { this.again = false; this.#run(); return; }
    if (document.hidden || (this.paused && this.failures === 0)) return;
    this.timer = setTimeout(() => { if (!document.hidden) this.#run(); }, wait < 350 ? wait + 1000 : wait);
  }

  pause(paused) {
    this.paused = paused;
    this.now();
  }
}
