/** The page put together: what is asked for, what is shown of it, and who hears of it. */

import { linkTo, stateOf, textsIn, textsOf } from "./address.js";
import { atRandom, channelsOf, kernelNumbers, shownValues, typedSize, withCell } from "./cell_values.js";
import { code } from "./code.js";
import { CodePanel } from "./code_panel.js";
import { Controls } from "./controls.js";
import { copied } from "./copying.js";
import { byId, element } from "./elements.js";
import { saveGif, saveHtml, savePng, saveSvg } from "./exports.js";
import { FactsPanel } from "./facts_panel.js";
import { sameFrame } from "./links.js";
import { PicturePanel } from "./picture_panel.js";
import { fillPresets } from "./presets.js";
import { held } from "./pristine.js";
import { made, withFittingValues, withRank } from "./shown.js";
import { Stage } from "./stage.js";
import { Tabs } from "./tabs.js";
import { followTheme } from "./theme.js";
import { Timeline } from "./timeline.js";
import { VIEWS } from "./trace.js";

/** @typedef {import("./model.js").Trace} Trace */
/** @typedef {import("./shown.js").Wanted} Wanted */
/** @typedef {import("./shown.js").Shown} Shown */

const HINT = "Point at a cell to see what makes it; click to pin it.";
const BESIDE = "gather";
const ADDRESS_AFTER = 250;
/** The parts that are brought up to date in the frame after the drawing's. */
const LATER = ["panel", "facts"];
const START = { view: "scatter", i: "3x3", k: "3", s: "2", frame: "1" };

class Explorer {
  frame = 0;
  beside = "";
  theme = "light";
  /** @type {Shown | null} */
  shown = null;

  constructor() {
    const stages = byId("stages");
    this.first = this.#stageIn(stages, 0);
    this.second = this.#stageIn(stages, 1);
    this.second.root.hidden = true;
    this.timeline = new Timeline(byId("timeline"), (frame) => this.go(frame));
    this.controls = new Controls(byId("panel"), {
      change: (change, field) => this.change(change, field),
      rank: (rank) => this.#rank(rank),
      values: (which, text) => this.#values(which, text),
    });
    this.code = new CodePanel(sectionIn("panel"));
    this.facts = new FactsPanel(sectionIn("facts"));
    this.picture = new PicturePanel(sectionIn("facts"));
    this.#buttons();
    document.addEventListener("keydown", (event) => this.#pressed(event));
    window.addEventListener("hashchange", () => this.open(textsIn(location.hash.slice(1))));
    followTheme(byId("theme"), (theme) => {
      this.theme = theme;
      this.first.stage.paint(theme);
      this.second.stage.paint(theme);
    });
  }

  /** @param {HTMLElement} stages @param {number} n */
  #stageIn(stages, n) {
    const tabs = element("div", { className: "tabs" });
    const picture = element("div", { className: "picture", id: `picture-${n}` });
    const root = element("div", { className: "stage" }, tabs, picture);
    stages.append(root);
    const owner = {
      tell: (/** @type {string} */ line, /** @type {boolean} */ pinned) => this.#tell(line, pinned),
      edit: (/** @type {Trace} */ trace, /** @type {readonly [number, number]} */ ref, /** @type {string} */ text) =>
        this.#edit(trace, ref, text),
    };
    const onView = (/** @type {string} */ view) =>
      n ? this.showBeside(view) : this.change({ view }, "");
    return {
      root,
      stage: new Stage(picture, owner),
      tabs: new Tabs(tabs, Object.keys(VIEWS), picture.id, onView),
    };
  }

  #buttons() {
    byId("beside").addEventListener("click", () => this.showBeside(this.beside ? "" : BESIDE));
    byId("link").addEventListener("click", () =>
      copied(byId("link"), linkTo(this.#state())),
    );
    byId("help").addEventListener("click", () => /** @type {HTMLDialogElement} */ (byId("keys")).showModal());
    const menu = /** @type {HTMLDetailsElement} */ (byId("save"));
    menu.addEventListener("click", (event) => {
      const kind = /** @type {HTMLElement} */ (event.target).dataset.save;
      if (kind) this.save(kind, /** @type {HTMLButtonElement} */ (event.target));
    });
    menu.addEventListener("keydown", (event) => {
      if (event.key === "Escape") menu.open = false;
    });
    document.addEventListener("pointerdown", (event) => {
      if (!menu.contains(/** @type {Node} */ (event.target))) menu.open = false;
    });
  }

  /**
   * Show what a link says; where that cannot be shown, say why.
   * @param {Record<string, string>} texts
   */
  open(texts) {
    try {
      const { wanted, beside, frame } = stateOf(texts);
      this.#put(made(wanted, beside), beside);
      this.go(frame);
      return true;
    } catch (why) {
      this.complain(`This link cannot be shown: ${said(why)}`);
      return false;
    }
  }

  /** Play one trace, whatever made it. @param {Trace} trace */
  play(trace) {
    document.documentElement.classList.add("player");
    this.trace = trace;
    this.first.tabs.show(trace.view);
    this.go(0);
  }

  /** @param {Partial<Wanted>} change @param {string} field what was changed, as the panel names it */
  change(change, field) {
    performance.mark("change");
    /** @type {HTMLSelectElement} */ (byId("preset")).value = "";
    const wanted = withFittingValues({ .../** @type {Wanted} */ (this.wanted), ...change });
    this.wanted = wanted;
    try {
      this.#put(made(wanted, this.beside), this.beside);
    } catch (why) {
      this.complain(said(why));
      this.controls.show(wanted, this.shown?.geometry ?? null, field);
    }
    performance.measure("change to drawing", "change");
  }

  /** @param {string} view "" closes it */
  showBeside(view) {
    try {
      this.#put(made(/** @type {Wanted} */ (this.wanted), view), view);
    } catch (why) {
      this.complain(said(why));
    }
  }

  /** @param {Shown} shown @param {string} beside */
  #put(shown, beside) {
    const before = this.trace;
    this.shown = shown;
    this.wanted = shown.wanted;
    this.trace = shown.trace;
    this.beside = beside;
    this.complain("");
    document.documentElement.classList.toggle("beside", beside !== "");
    this.second.root.hidden = beside === "";
    byId("beside").setAttribute("aria-pressed", String(beside !== ""));
    this.first.tabs.show(shown.trace.view);
    this.second.tabs.show(beside);
    this.controls.show(shown.wanted, shown.geometry, "");
    this.go(before ? sameFrame(before, this.frame, shown.trace) : this.frame);
    for (const part of LATER) byId(part).ariaBusy = "true";
    requestAnimationFrame(() => setTimeout(() => this.#describe(shown)));
  }

  /** What comes in the frame after the drawing's. @param {Shown} shown */
  #describe(shown) {
    if (shown !== this.shown) return;
    const { geometry } = shown;
    this.controls.showValues(shownValues(shown));
    this.facts.show(geometry);
    this.code.show(code(geometry, channelsOf(shown)));
    this.picture.show(geometry, kernelNumbers(shown));
    for (const part of LATER) byId(part).ariaBusy = "false";
  }

  /** @param {number} frame */
  go(frame) {
    const trace = /** @type {Trace} */ (this.trace);
    this.frame = Math.min(Math.max(frame, 0), trace.steps.length + 1);
    this.first.stage.show(trace, this.frame);
    const other = this.shown?.beside;
    if (other) this.second.stage.show(other, sameFrame(trace, this.frame, other));
    const step = trace.steps[this.frame - 1];
    const say = step ? `${step.say}. ${step.formula}` : this.frame ? "the result" : "the start";
    this.timeline.show(this.frame, trace.steps.length + 2, say);
    byId("live").textContent = capital(say);
    if (this.shown) this.#address();
  }

  #state() {
    const { wanted } = /** @type {Shown} */ (this.shown);
    return textsOf({ wanted, beside: this.beside, frame: this.frame });
  }

  #address() {
    clearTimeout(this.later);
    this.later = window.setTimeout(
      () => history.replaceState(null, "", linkTo(this.#state())),
      ADDRESS_AFTER,
    );
  }

  /** @param {number} rank */
  #rank(rank) {
    this.change(withRank(/** @type {Wanted} */ (this.wanted), rank), "");
  }

  /**
   * Take values as they are typed, or a word for them; the size follows what is typed.
   * @param {"x" | "weight"} which @param {string} text
   */
  #values(which, text) {
    const shown = /** @type {Shown} */ (this.shown);
    const given = text === "random" ? atRandom(shown, which) : text.replace(/\s/g, "");
    const [values, size] = which === "x" ? ["x", "i"] : ["w", "k"];
    const typed = /^[a-z]+$/.test(given) ? null : typedSize(given);
    const sized = typed?.length === shown.geometry.rank ? { [size]: typed.join("x") } : {};
    try {
      this.change(stateOf({ ...this.#state(), ...sized, [values]: given }).wanted, "");
    } catch (why) {
      this.complain(said(why));
      this.controls.refuse(which);
    }
  }

  /** @param {Trace} trace @param {readonly [number, number]} ref @param {string} text */
  #edit(trace, [panel, cell], text) {
    const which = trace.panels[panel].name === "input" ? "x" : "weight";
    this.#values(which, withCell(/** @type {Shown} */ (this.shown), which, cell, text));
  }

  /** @param {string} line @param {boolean} pinned */
  #tell(line, pinned) {
    const told = byId("told");
    told.textContent = line || HINT;
    told.classList.toggle("cell", line !== "");
    told.classList.toggle("pinned", pinned);
    told.ariaLive = pinned ? "polite" : "off";
  }

  /** @param {string} why */
  complain(why) {
    const message = byId("message");
    if (message.textContent !== why) message.textContent = why;
    message.hidden = why === "";
    byId("told").hidden = why !== "";
  }

  /** @param {string} kind @param {HTMLButtonElement} button */
  async save(kind, button) {
    const trace = /** @type {Trace} */ (this.trace);
    const label = button.textContent;
    button.disabled = true;
    try {
      if (kind === "svg") saveSvg(trace, this.frame, this.theme);
      else if (kind === "png") await savePng(trace, this.frame, this.theme);
      else if (kind === "html") saveHtml(trace, this.shown ? { state: this.#state() } : { trace });
      else {
        const delay = Number(this.timeline.speed.value);
        await saveGif(trace, this.theme, delay, (done, all) => {
          button.textContent = `${label} ${done}/${all}`;
        });
      }
    } catch (why) {
      this.complain(said(why));
    }
    button.textContent = label;
    button.disabled = false;
    /** @type {HTMLDetailsElement} */ (byId("save")).open = false;
  }

  /** @param {KeyboardEvent} event */
  #pressed(event) {
    const target = /** @type {HTMLElement} */ (event.target);
    if (event.ctrlKey || event.metaKey || event.altKey || target.closest("dialog")) return;
    if (target.matches("input:not([type=checkbox]), select, textarea")) return;
    const pressable = target.closest("button, summary, input");
    const where = { " ": "play", ArrowLeft: "back", ArrowRight: "on", Home: "first", End: "last" }[
      event.key
    ];
    if (!where || (event.key === " " && pressable)) return;
    this.timeline.go(where);
    event.preventDefault();
  }
}

/** @param {string} id */
function sectionIn(id) {
  const section = element("section");
  byId(id).append(section);
  return section;
}

/** @param {string} text */
const capital = (text) => text[0].toUpperCase() + text.slice(1);

/** @param {unknown} why */
const said = (why) => (why instanceof Error ? why.message : String(why));

const explorer = new Explorer();
byId("told").textContent = HINT;
fillPresets(byId("preset"), held("presets"), (state) => {
  explorer.timeline.pause();
  explorer.open(state);
});
const start = held("start");
if (start.trace) explorer.play(start.trace);
else {
  const linked = textsIn(location.hash.slice(1));
  if (!Object.keys(linked).length || !explorer.open(linked)) {
    const why = byId("message").textContent ?? "";
    explorer.open(start.state ?? START);
    if (why) explorer.complain(why);
  }
}
document.documentElement.dataset.ready = "true";
