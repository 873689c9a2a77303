/** The examples, in groups. */

import { element } from "./elements.js";

/** @typedef {Record<string, string>} Texts a state in the words of a link */

/**
 * @param {HTMLSelectElement} select
 * @param {{group: string, presets: {name: string, state: Texts}[]}[]} groups
 * @param {(state: Texts) => void} onState
 */
export function fillPresets(select, groups, onState) {
  const all = groups.flatMap(({ presets }) => presets);
  let number = 0;
  for (const { group, presets } of groups) {
    select.append(
      element(
        "optgroup",
        { label: group },
        ...presets.map(({ name }) => element("option", { value: String(number++) }, name)),
      ),
    );
  }
  select.addEventListener("change", () => {
    if (select.value) onState(all[Number(select.value)].state);
  });
}
