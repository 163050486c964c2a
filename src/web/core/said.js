// Sentences of the server in the page's language: its answers say what each of their sentences says, as a code and values.
import { sayings } from "./api.js";
import { has, t, word } from "./words.js";

const LENGTHS = { d: "days", h: "hours", min: "minutes", s: "seconds" };
/** Values that are codes of the server themselves, by their names. */
const KINDS = {
  rules: (text) => text.split(", ").map((one) => one.replace(/^[a-z_]+/, (rule) => word("rule", rule))).join(t("sentence.and")),
  interval: (text) => t(`clean.every_${text}`, { otherwise: text }),
  rule: (text) => word("rule", text),
  algorithm: (text) => word("models.algorithm", text),
  kind: (text) => t(`findings.kind_${text}`, { otherwise: text }),
  names: (text) => text.replace(/\b[a-z_]+\b/g, (role) => t(`models.roles.${role}`, { otherwise: role })),
  time: (text) => text.replace(/\b(d|h|min|s)\b/g, (unit) => t(`sentence.${LENGTHS[unit]}`)),
  parameter: (text) => t(`clean.role_${text}`, { otherwise: text.replaceAll("_", " ") }),
};
KINDS.own = KINDS.time;

/** What it says in words, or null where a part of it has none. */
function inWords(meaning, name) {
  if (typeof meaning === "string") return KINDS[name]?.(meaning) ?? t(`sentence.words.${meaning}`, { otherwise: meaning });
  if (Array.isArray(meaning)) {
    const parts = meaning.map((part) => inWords(part));
    return parts.includes(null) ? null : parts.map((part, index) => (index < parts.length - 1 ? part.replace(/[.。]$/, "") : part)).join(t("sentence.comma"));
  }
  if (!has(`sentence.${meaning.code}`)) return null;
  const values = Object.entries(meaning.values ?? {}).map(([key, value]) => [key, inWords(value, key)]);
  return values.some(([, text]) => text === null) ? null : t(`sentence.${meaning.code}`, Object.fromEntries(values));
}

/** A sentence of an answer, in the page's language; one that is not known stays as it is. */
export const said = (sentence) => (sayings.has(sentence) && inWords(sayings.get(sentence))) || (sentence ?? "");
/** The code of a sentence and its values in words, where it is known: `{code, ...values}`. */
export function meaningOf(sentence) {
  const meaning = sayings.get(sentence);
  if (!meaning?.code) return {};
  return { code: meaning.code, ...Object.fromEntries(Object.entries(meaning.values ?? {}).map(([key, value]) => [key, inWords(value, key)])) };
}
