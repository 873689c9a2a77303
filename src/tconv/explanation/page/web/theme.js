/** Light or dark: as the reader's system has it, until chosen here. */

/**
 * @param {HTMLButtonElement} button
 * @param {(theme: string) => void} onTheme
 */
export function followTheme(button, onTheme) {
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  let chosen = "";
  const apply = () => {
    const theme = chosen || (dark.matches ? "dark" : "light");
    document.documentElement.dataset.theme = theme;
    button.setAttribute("aria-pressed", String(theme === "dark"));
    onTheme(theme);
  };
  dark.addEventListener("change", apply);
  button.addEventListener("click", () => {
    chosen = document.documentElement.dataset.theme === "dark" ? "light" : "dark";
    apply();
  });
  apply();
}
