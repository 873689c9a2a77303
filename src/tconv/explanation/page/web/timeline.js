/** The row of buttons and ticks that goes through the frames of a trace. */

const MOST_TICKS = 120;

export class Timeline {
  /**
   * @param {HTMLElement} root
   * @param {(frame: number) => void} onFrame
   */
  constructor(root, onFrame) {
    this.root = root;
    this.onFrame = onFrame;
    this.frame = 0;
    this.last = 0;
    this.timer = 0;
    this.range = /** @type {HTMLInputElement} */ (root.querySelector("input[type=range]"));
    this.ticks = /** @type {HTMLElement} */ (root.querySelector(".ticks"));
    this.count = /** @type {HTMLOutputElement} */ (root.querySelector(".count"));
    this.speed = /** @type {HTMLSelectElement} */ (root.querySelector(".speed select"));
    this.loop = /** @type {HTMLInputElement} */ (root.querySelector(".loop input"));
    this.playButton = /** @type {HTMLButtonElement} */ (root.querySelector("[data-go=play]"));
    root.addEventListener("click", (event) => {
      const button = /** @type {HTMLElement} */ (event.target).closest("[data-go]");
      if (button) this.go(/** @type {HTMLElement} */ (button).dataset.go ?? "");
    });
    this.range.addEventListener("input", () => {
      this.pause();
      this.onFrame(Number(this.range.value));
    });
    this.speed.addEventListener("change", () => {
      if (this.playing) this.play();
    });
  }

  get playing() {
    return this.timer !== 0;
  }

  /** Show where a trace stands. @param {number} frame @param {number} frames @param {string} say */
  show(frame, frames, say) {
    this.frame = frame;
    this.last = frames - 1;
    this.range.max = String(this.last);
    this.range.value = String(frame);
    this.range.setAttribute("aria-valuetext", say);
    this.ticks.style.setProperty("--ticks", String(Math.min(this.last, MOST_TICKS)));
    const steps = this.last - 1;
    if (frame === 0) this.count.textContent = `${steps} step${steps === 1 ? "" : "s"}`;
    else this.count.textContent = frame > steps ? "result" : `${frame} of ${steps}`;
  }

  /** @param {string} where first, back, play, on or last */
  go(where) {
    if (where === "play") {
      if (this.playing) this.pause();
      else this.play();
      return;
    }
    this.pause();
    const to = { first: 0, back: this.frame - 1, on: this.frame + 1, last: this.last }[where];
    if (to !== undefined) this.onFrame(Math.min(Math.max(to, 0), this.last));
  }

  play() {
    this.pause();
    if (this.frame >= this.last) this.onFrame(0);
    this.timer = window.setInterval(() => this.tick(), Number(this.speed.value));
    this.#showPlaying();
  }

  tick() {
    if (this.frame < this.last) this.onFrame(this.frame + 1);
    else if (this.loop.checked) this.onFrame(0);
    else this.pause();
  }

  pause() {
    window.clearInterval(this.timer);
    this.timer = 0;
    this.#showPlaying();
  }

  #showPlaying() {
    this.root.classList.toggle("playing", this.playing);
    this.playButton.setAttribute("aria-label", this.playing ? "Pause" : "Play");
  }
}
