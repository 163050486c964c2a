// What is known of a version's columns, and in which groups they are shown.
import { useGet } from "../../../core/api.js";
import { useMemo } from "../../../core/ui.js";
import { instant } from "./time.js";

/** The version that is looked at, of those that the session has. */
export function versionOf(versions, version) {
  if (version === "latest") return versions[0];
  return versions.find((one) => one.version === version || one.id === version) ?? versions.find((one) => one.version.startsWith(version)) ?? versions[0];
}

/** First and last instant of a version, in seconds. */
export function wholeOf(session, versions, version) {
  const { start_at: start, end_at: end } = versionOf(versions, version) ?? session;
  const [from, to] = [instant(start ?? session.start_at), instant(end ?? session.end_at)];
  return from === null || to === null ? null : [from, Math.max(to, from + 60)];
}

/** All columns but the time, as `/data/stats` tells of them. `{data: [{column, original_name, kind, unit, count, min, max, nulls}] …}` */
export function useColumns(session, version) {
  const asked = useGet("data/stats", { session_id: session.session_id, version });
  const data = useMemo(() => asked.data && asked.data.columns.filter(({ column }) => column !== "timestamp"), [asked.data]);
  return { ...asked, data };
}

/** The machine that a name begins with: `CH_1_KW` is of `CH_1`, `AH0101_T` of `AH0101`. */
const machine = (name) => name.match(/^\p{L}+[_-]?\d+/u)?.[0] ?? "";
const letters = (name) => name.match(/^[^\d_]+/u)?.[0] ?? "";

/**
 * Columns by machine, or by the letters that names begin with, in the order of the file; what stands alone comes last
 * under the name "". `[name, columns]`.
 */
export function grouped(columns) {
  const sizes = new Map();
  const more = (key) => key && sizes.set(key, (sizes.get(key) ?? 0) + 1);
  for (const { column } of columns) {
    for (const key of new Set([machine(column), letters(column)])) more(key);
  }
  const groups = new Map();
  for (const one of columns) {
    const key = [machine(one.column), letters(one.column)].find((name) => sizes.get(name) > 1) ?? "";
    if (!groups.has(key)) groups.set(key, []);
    groups.get(key).push(one);
  }
  const alone = [...groups].filter(([name, some]) => !name || some.length < 2).flatMap(([, some]) => some);
  const others = [...groups].filter(([name, some]) => name && some.length > 1);
  return alone.length ? [...others, ["", alone]] : others;
}

/**
 * The scale of each column: its unit; without one, columns of like size share a scale that no unit names.
 */
export function scalesOf(columns) {
  const size = ({ min, max }) => Math.max(Math.abs(min ?? 0), Math.abs(max ?? 0));
  const scales = new Map();
  let [least, place] = [0, 0];
  for (const one of columns.slice().sort((a, b) => size(a) - size(b))) {
    if (one.unit) {
      scales.set(one.column, one.unit);
      continue;
    }
    if (size(one) > 10 * least) {
      least = size(one);
      place += 1;
    }
    scales.set(one.column, "\u200b".repeat(place));
  }
  return scales;
}

/** Whether a column's names have the text in them, its unit or its kind too. */
export const fits = (text) => {
  const words = (text ?? "").toLowerCase().split(/\s+/).filter(Boolean);
  return ({ column, original_name: original, unit, kind }) => {
    const all = `${column} ${original ?? ""} ${unit ?? ""} ${kind ?? ""}`.toLowerCase();
    return words.every((word) => all.includes(word));
  };
};
/** A name that says more than the column's, or null. */
export const otherName = ({ column, original_name: original }) => (original && original !== column && /^_|__|_$/.test(column) ? original : null);
