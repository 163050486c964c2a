// Light or dark, as the system has it until somebody chooses.
import { store } from "./store.js";

const system = matchMedia("(prefers-color-scheme: dark)");
const kept = () => {
  try {
    return localStorage.getItem("theme");
  } catch {
    return null;
  }
};
const current = () => kept() ?? (system.matches ? "dark" : "light");

/** `light` or `dark`; what is drawn on a canvas is drawn again when it changes. */
export const theme = store(current());

export function setTheme(name) {
  try {
    if (name) localStorage.setItem("theme", name);
  } catch {
    // Chosen until the page is left.
  }
  theme.set(name ?? current());
  document.documentElement.dataset.theme = theme.get();
}
system.addEventListener("change", () => setTheme(null));
setTheme(null);

/** A colour of the style sheet, such as `--accent`. */
export const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
/** Colours of lines that are told apart: eight, named `--line-1` … `--line-8`. */
export const lineColour = (index) => colour(`--line-${(index % 8) + 1}`);
