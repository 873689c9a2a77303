/** The same layer in the words of each framework, copied by one click. */

import { copied } from "./copying.js";
import { element } from "./elements.js";

export class CodePanel {
  /** @param {HTMLElement} root */
  constructor(root) {
    this.choice = element("select", { ariaLabel: "Framework" });
    this.copy = element("button", { type: "button" }, "Copy");
    this.text = element("pre", { tabIndex: 0, ariaLabel: "Code" });
    this.text.setAttribute("role", "region");
    this.choice.addEventListener("change", () => this.#draw());
    this.copy.addEventListener("click", () => copied(this.copy, this.text.textContent ?? ""));
    root.classList.add("code");
    root.append(
      element(
        "div",
        { className: "row" },
        element("h2", {}, "Code"),
        element("div", { className: "row" }, this.choice, this.copy),
      ),
      this.text,
    );
  }

  /** @param {Record<string, {code?: string, none?: string}>} code a framework each */
  show(code) {
    this.code = code;
    const names = Object.keys(code);
    if (this.choice.length !== names.length) {
      this.choice.replaceChildren(...names.map((name) => element("option", { value: name }, name)));
    }
    this.#draw();
  }

  #draw() {
    const line = this.code?.[this.choice.value];
    this.text.textContent = line?.code ?? `none: ${line?.none}`;
    this.copy.disabled = !line?.code;
  }
}
