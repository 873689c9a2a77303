/** The page as it came, kept before anything on it is changed, so that it can be saved again. */

const SOURCE = `<!doctype html>\n${document.documentElement.outerHTML}\n`;
const START = /(<script[^>]* id="start"[^>]*>)[^]*?(<\/script>)/;

/** @param {string} id @returns {any} */
export const held = (id) => JSON.parse(document.getElementById(id)?.textContent ?? "null");

/** The page, with another start. @param {any} start */
export function startingWith(start) {
  const text = JSON.stringify(start).replaceAll("<", "\\u003c");
  return SOURCE.replace(START, (_, open, close) => `${open}${text}${close}`);
}
