// What a cleaning is asked for, as it stands in the address: only what differs from what is usual is written there.
import { has, t, value, word } from "../../../core/words.js";

/** Shares are told in per cent. */
const SHARES = new Set(["zero_tolerance", "steady_spread", "heat_balance", "plant_balance", "plant_balance_share", "affinity", "standing_flow", "offset_share", "drift_share_per_month"]);
const WHOLE = new Set(["frozen_samples", "steady_window_min"]);
export const ROLES = {
  detect_out_of_range: ["dry_bulb", "wet_bulb"], apply_steady_state: ["load"], apply_heat_balance: ["load", "flow", "chw_supply", "chw_return", "cw_flow", "cw_supply", "cw_return", "chiller_power"],
  check_equipment: ["flow"], derive: ["power", "load", "flow", "chw_supply", "chw_return", "cw_supply", "cw_return", "dry_bulb", "humidity"],
};

export const factor = (name) => (SHARES.has(name) ? 100 : 1);
export const isLimits = (threshold) => typeof threshold.default === "object";

/** The unit as it is shown; the server's `samples` and the like in the page's words. */
export function unitOf({ name, unit }) {
  if (SHARES.has(name)) return name.endsWith("per_month") ? t("clean.unit_share_month") : "%";
  return has(`clean.unit_${name}`) ? t(`clean.unit_${name}`) : (unit ?? "");
}
/** How finely it is set. */
export function stepOf({ name, usual }) {
  if (WHOLE.has(name)) return 1;
  const rough = ((usual[1] - usual[0]) * factor(name)) / 100;
  return 10 ** Math.floor(Math.log10(rough));
}

export const isOn = (query, one) => (query[one.switch] === undefined ? one.default : query[one.switch] === "1");
/** What the address shall say so that it is on or off. */
export const switched = (one, on) => ({ [one.switch]: on === one.default ? null : on ? "1" : "0" });

const number = (text) => (text === "" || text == null || !Number.isFinite(Number(text)) ? null : Number(text));
/** A threshold as it is set: a number, or `{min, max}`; `-5..30` in the address. */
export function setting(query, threshold) {
  const written = query[threshold.name];
  if (written === undefined) return threshold.default;
  if (!isLimits(threshold)) {
    const set = number(written);
    return set === null || set < (threshold.minimum ?? -Infinity) || set > (threshold.maximum ?? Infinity) ? threshold.default : set;
  }
  const [low = "", high = ""] = written.split("..");
  return { min: number(low), max: number(high) };
}
export function written(threshold, set) {
  if (!isLimits(threshold)) return { [threshold.name]: set == null || set === threshold.default ? null : String(set) };
  const same = (set.min ?? null) === (threshold.default.min ?? null) && (set.max ?? null) === (threshold.default.max ?? null);
  return { [threshold.name]: same ? null : `${set.min ?? ""}..${set.max ?? ""}` };
}

/** Units that were stated, by column: `CHP_VFD~Hz,FLOW~GPM`. */
export const units = (query) => Object.fromEntries((query.units ?? "").split(",").map((pair) => pair.split("~")).filter(([name, unit]) => name && unit));
export const role = (query, name) => query[`as_${name}`] ?? "";

/** The request. Rules that lack a point are left out and told of, not refused. */
export function body(query, offered, who) {
  const on = Object.fromEntries([...offered.rules, ...offered.switches].map((one) => [one.switch, isOn(query, one)]));
  const thresholds = Object.fromEntries(offered.thresholds.filter(({ name }) => query[name] !== undefined).map((one) => [one.name, setting(query, one)]));
  const columns = Object.fromEntries([...new Set(Object.values(ROLES).flat())].map((name) => [name, role(query, name)]).filter(([, column]) => column).map(([name, column]) => [name, column.includes("+") ? column.split("+") : column]));
  const interval = query.interval === "none" ? null : offered.intervals.includes(query.interval) ? query.interval : offered.default_interval;
  return { ...who, ...on, lenient: true, resample_interval: interval, thresholds, columns, units: units(query) };
}

/** A setting in words: `0…30 °C`, `15 %`. */
export function told(threshold, set) {
  const unit = unitOf(threshold);
  if (isLimits(threshold)) return `${set?.min == null ? "–∞" : value(set.min, 4)} … ${set?.max == null ? "∞" : value(set.max, 4)}${unit && `\u00a0${unit}`}`;
  return `${value((set ?? 0) * factor(threshold.name), 4)}${unit && unit !== "×" ? `\u00a0${unit}` : ""}`;
}

/** What parameters of a cleaning differ in from what is usual, in words. */
export function differing(parameters, offered) {
  const said = [];
  const { thresholds = {}, columns = {}, units: stated = {} } = parameters ?? {};
  const rules = offered.rules.filter((one) => parameters[one.switch]);
  said.push(...rules.map((one) => t(`clean.title_${one.switch}`, { otherwise: one.sentence })));
  for (const one of offered.thresholds) {
    const set = thresholds[one.name];
    if (set === undefined || !rules.some((rule) => rule.thresholds.includes(one.name))) continue;
    const same = isLimits(one) ? (set.min ?? null) === (one.default.min ?? null) && (set.max ?? null) === (one.default.max ?? null) : set === one.default;
    if (!same) said.push(`${t(`clean.threshold_${one.name}`, { otherwise: one.sentence })}: ${told(one, set)}`);
  }
  for (const [name, column] of Object.entries(columns)) if (typeof column === "string") said.push(`${t(`clean.role_${name}`, { otherwise: name })}: ${column}`);
  for (const [column, unit] of Object.entries(stated)) said.push(`${column}: ${unit}`);
  return said;
}

/** Warnings of a cleaning, in the page's words where it has them. */
export const warned = (items) => items.map((one) => (has(`clean.warn_${one.code}`) ? { ...one, message: t(`clean.warn_${one.code}`, { rule: word("rule", one.message.split(" ")[0]), count: one.count }), count: 1 } : one));
