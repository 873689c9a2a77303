/** The views as tabs over one stage. */

/** What a view shows, in a few words. @type {Record<string, string>} */
const MEANING = {
  scatter: "Every input stamps the kernel on the output",
  gather: "Every output gathers what reaches it",
  stretch: "Zeros between and around the input, then a direct convolution",
  matrix: "The transposed convolution matrix times the input as a column",
  subpixel: "One small convolution a phase, and the phases interleaved",
  convolution: "The direct convolution whose adjoint this is",
  gradient: "The gradient of a direct convolution",
  overlap: "How many products every output sums",
  deconvolution: "The true inverse, beside the transpose",
};

export class Tabs {
  /**
   * @param {HTMLElement} root @param {readonly string[]} views
   * @param {string} controls the id of what they change
   * @param {(view: string) => void} onView
   */
  constructor(root, views, controls, onView) {
    this.onView = onView;
    root.setAttribute("role", "tablist");
    root.setAttribute("aria-label", "View");
    this.buttons = views.map((view) => {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = view;
      button.title = MEANING[view] ?? "";
      button.dataset.view = view;
      button.setAttribute("role", "tab");
      button.setAttribute("aria-controls", controls);
      button.addEventListener("click", () => onView(view));
      return button;
    });
    root.append(...this.buttons);
    root.addEventListener("keydown", (event) => this.#pressed(event));
  }

  /** @param {string} view */
  show(view) {
    for (const button of this.buttons) {
      const here = button.dataset.view === view;
      button.setAttribute("aria-selected", String(here));
      button.tabIndex = here ? 0 : -1;
    }
  }

  /** @param {KeyboardEvent} event */
  #pressed(event) {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!step) return;
    const count = this.buttons.length;
    const now = this.buttons.findIndex((button) => button.tabIndex === 0);
    const next = this.buttons[(now + step + count) % count];
    this.onView(/** @type {string} */ (next.dataset.view));
    next.focus();
    event.preventDefault();
    event.stopPropagation();
  }
}
