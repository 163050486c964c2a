// Refusals of the server in the page's language: what their code means and the way out. English is what the server speaks:
// it stands until the texts of another language are read, which the first refusal asks for, and where they cannot be read.
import { known, part } from "./modules.js";
import { store, useStore } from "./store.js";
import { html, useEffect } from "./ui.js";
import { has, language, t } from "./words.js";

/** Texts of all codes, by language: `{code: [meaning, way out]}`. */
const TEXTS = { "zh-Hant": new URL("../lang/zh-Hant.refusals.js", import.meta.url).href };
/** Counts the languages that were read, for whoever shows a refusal meanwhile. */
const arrived = store(0);
const texts = () => TEXTS[language.get()];

/** The language of what the server says, where the page's is another. */
export const foreign = () => (texts() ? "en" : null);

/** What the code means and the way out, in the page's language; null where that is what the server says itself. */
export function useMeaning(code) {
  const url = code ? texts() : null;
  useStore(arrived);
  useEffect(() => {
    // Without them English stands there; the next refusal asks again.
    if (url && !known(url)) part(url, { spare: true }).then(() => arrived.set((n) => n + 1), () => {});
  }, [url]);
  return known(url)?.[code]?.join("") ?? null;
}

/**
 * A problem document in words: `text`, and `told` where the server says more of the case at hand, with its names and numbers.
 * The page's own text of a code, where it has one, goes before and says all.
 */
export function useRefusal({ code, detail }) {
  const own = code && has(`problem.${code}`);
  const meaning = useMeaning(own ? null : code);
  if (own) return { text: t(`problem.${code}`) };
  return meaning ? { text: meaning, told: detail } : { text: detail };
}

/** The same within a line, without texts of the page's own: what the server says of a file, or of a button that was pressed. */
export function Refusal({ code, detail }) {
  const meaning = useMeaning(code);
  return meaning ? html`${meaning}<br /><span class="small" lang="en">${detail}</span>` : detail;
}
