// Words, numbers and times as they are shown: English or 繁體中文, each in one file of `lang/`. Times are the site's own.
import { language as wished } from "./begin.js";
import { part } from "./modules.js";
import { store, useStore } from "./store.js";

export const LANGUAGES = [["en", "English"], ["zh-Hant", "繁體中文"]];
export const language = store(null);
let texts = {};

/** Reads a language's file and draws everything in it. */
export async function speak(name = wished()) {
  texts = await part(new URL(`../lang/${name}.js`, import.meta.url).href);
  document.documentElement.lang = name;
  try {
    localStorage.setItem("language", name);
  } catch {
    // A browser that keeps nothing asks again next time.
  }
  language.set(name);
}
export const useLanguage = () => useStore(language);

function lookUp(key) {
  return key.split(".").reduce((found, part) => found?.[part], texts);
}

/**
 * The text of a key such as `home.empty`, with its values: `{name}`. Where a text is a pair `{one, other}` the value
 * `count` chooses. Numbers are written as numbers are; a key that is not there is shown as it is.
 */
export function t(key, values = {}) {
  let text = lookUp(key);
  if (text && typeof text === "object") text = values.count === 1 ? text.one : text.other;
  if (typeof text !== "string") return values.otherwise ?? key;
  return text.replace(/\{(\w+)\}/g, (whole, name) => {
    const value = values[name];
    if (value == null) return name in values ? "–" : whole;
    return typeof value === "number" ? count(value) : String(value);
  });
}
/** Whether there is a text of that key. */
export const has = (key) => lookUp(key) !== undefined;
/** The text of a code the server uses (a rule, a status, a kind), or the code in plain letters. */
export const word = (room, code) => t(`${room}.${code}`, { otherwise: String(code ?? "–").replaceAll("_", " ") });

const locale = () => (language.get() === "zh-Hant" ? "zh-Hant" : "en");
const formats = new Map();
function format(options) {
  const key = `${locale()}${JSON.stringify(options)}`;
  if (!formats.has(key)) formats.set(key, new Intl.NumberFormat(locale(), options));
  return formats.get(key);
}

/** A whole number. */
export const count = (number) => (number == null ? "–" : format({ maximumFractionDigits: Number.isInteger(number) ? 0 : 2 }).format(number));

/** A reading or a figure, to five digits. */
export function value(number, digits = 5) {
  if (number == null || Number.isNaN(number)) return "–";
  const size = Math.abs(number);
  if (size !== 0 && (size >= 1e12 || size < 1e-3)) return number.toExponential(2);
  return format(size >= 1000 ? { maximumFractionDigits: Math.max(0, digits - 4) } : { maximumSignificantDigits: digits }).format(number);
}
/** A reading with its unit. */
export const measure = (number, unit, digits) => (number == null ? "–" : `${value(number, digits)}${unit ? `\u00a0${unit}` : ""}`);
/** A cell as it is stored. */
export const exact = (number) => format({ maximumSignificantDigits: 17, useGrouping: false }).format(number);
/** A share, given as 0–100. What is not all is never written as all. */
export function percent(number) {
  if (number == null) return "–";
  if (number > 0 && number < 0.1) return "< 0.1\u00a0%";
  if (number < 100 && number > 99.9) return "> 99.9\u00a0%";
  if (number < 100 && number >= 90) return `${format({ maximumFractionDigits: 1 }).format(Math.floor(number * 10) / 10)}\u00a0%`;
  return `${format({ maximumFractionDigits: number >= 10 ? 0 : 1 }).format(number)}\u00a0%`;
}

export function bytes(size) {
  if (size == null) return "–";
  const units = ["B", "kB", "MB", "GB", "TB"];
  const step = Math.min(units.length - 1, Math.floor(Math.log10(Math.max(1, size)) / 3));
  return `${(size / 1000 ** step).toFixed(step && size < 10 * 1000 ** step ? 1 : 0)}\u00a0${units[step]}`;
}

/** The site's clock as the server sends it; its offset is left out. */
export const clock = (iso) => (iso ? iso.replace("T", " ").replace(/(:\d\d)(:00)?(\.\d+)?(Z|[+-]\d\d:\d\d)$/, "$1") : "–");
export const day = (iso) => (iso ? iso.slice(0, 10) : "–");
/** This machine's clock, for what happened here: uploads, jobs. */
export const local = (iso) => (iso ? new Date(iso).toLocaleString(locale() === "en" ? "en-GB" : locale(), { dateStyle: "medium", timeStyle: "short" }) : "–");

/** How long ago. */
export function ago(iso) {
  if (!iso) return "–";
  const seconds = (Date.parse(iso) - Date.now()) / 1000;
  const relative = new Intl.RelativeTimeFormat(locale(), { numeric: "auto" });
  for (const [unit, length] of [["day", 86400], ["hour", 3600], ["minute", 60]]) {
    if (unit === "day" && Math.abs(seconds) > 30 * length) return day(iso);
    if (Math.abs(seconds) >= length) return relative.format(Math.trunc(seconds / length), unit);
  }
  return relative.format(0, "minute");
}

/** A length of time in the largest unit of which it has two, or some and nothing besides: 90 minutes, one hour. */
export function duration(seconds) {
  if (seconds == null) return "–";
  const [unit, length] = [["day", 86400], ["hour", 3600], ["minute", 60], ["second", 1]]
    .find(([, one]) => seconds >= 2 * one || (seconds > 0 && seconds % one === 0)) ?? ["second", 1];
  return format({ style: "unit", unit, unitDisplay: "long", maximumFractionDigits: 1 }).format(seconds / length);
}
