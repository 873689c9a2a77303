/** The colours, by name: one hue a role, apart for colour-blind eyes and in grey. */

import { THEMES } from "../constants.js";

/**
 * Return the colours of a theme.
 * @param {string} theme
 */
export function colours(theme) {
  if (!Object.hasOwn(THEMES, theme)) {
    throw new Error(`theme '${theme}' is not one of ${Object.keys(THEMES).join(", ")}`);
  }
  return THEMES[theme];
}
