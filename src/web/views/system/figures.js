// Figures of the running process, by name and label, and asking again while somebody looks.
import { html, useEffect } from "../../core/ui.js";
import { Tag } from "../../core/parts.js";
import { word } from "../../core/words.js";

/** Asks again every few seconds while the page is in front. */
export function useAgain(of, seconds) {
  useEffect(() => {
    const timer = setInterval(() => document.visibilityState === "visible" && of.data && !of.busy && of.again(), 1000 * seconds);
    return () => clearInterval(timer);
  }, [of.busy, of.data, seconds]);
}

/** `figures(name, {label: value})`: the sum of the samples that have those labels, or null. */
export function figuresOf(answer) {
  const by = new Map((answer?.metrics ?? []).map((one) => [one.name, one.samples]));
  return (name, labels = {}) => {
    const samples = (by.get(name) ?? []).filter((one) => Object.entries(labels).every(([key, value]) => one.labels?.[key] === value));
    return samples.length ? samples.reduce((sum, one) => sum + (one.value ?? 0), 0) : null;
  };
}

export const Check = ({ state }) => html`<${Tag} kind=${state === "ok" ? "good" : state === "read_only" ? "warn" : "bad"}>${word("system.check", state)}<//>`;
export const share = (part, whole) => (whole > 0 ? (100 * part) / whole : null);
