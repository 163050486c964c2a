// What the answers say, put together: how much of each point is there, what is dead, what wastes, and how bad that is.
import { useMemo } from "../../../core/ui.js";
import { useGet } from "../../../core/api.js";
import { instant } from "../chart/time.js";

const SENSORS = ["drift", "offset", "swap", "wrong_unit", "time_shift", "frozen"];

/** The first day after a period. */
export function after(first, by) {
  const date = new Date(`${first}T00:00Z`);
  if (by === "month") date.setUTCMonth(date.getUTCMonth() + 1);
  else date.setUTCDate(date.getUTCDate() + (by === "week" ? 7 : 1));
  return date.toISOString().slice(0, 10);
}

/** Days shown each for itself up to about a year, then weeks, then months. */
export function periodOf(days) {
  if (days <= 400) return "day";
  return days <= 2800 ? "week" : "month";
}

/**
 * Points as `{column, share, shares, samples, dead, reasons, lost}`: shares are of the time that a report covers, and null where
 * none does; `reasons` are counts of cells without a value, the most frequent first.
 */
export function pointsOf(coverage, quality, [start, end], zone) {
  // The first and the last period count in full in the answer; here they are as long as the data are.
  const { periods, by } = coverage;
  const edges = periods.map((first) => [instant(first, zone), instant(after(first, by), zone)]);
  const full = edges.reduce((sum, [from, to]) => sum + to - from, 0);
  const parts = (interval) => edges.map(([from, to]) => Math.max(0, Math.min(to, end + (interval ?? 0)) - Math.max(from, start)) / (to - from));
  const known = new Map(quality.columns.map((one) => [one.column, one]));
  const rows = quality.total_rows;
  return coverage.points.map(({ column, share, shares, samples, interval_s: interval }) => {
    const nulls = known.get(column)?.nulls ?? {};
    const uncovered = nulls.not_covered ?? 0;
    const reasons = Object.entries(nulls).sort((a, b) => b[1] - a[1]);
    const part = parts(interval);
    const real = part.reduce((sum, one, index) => sum + one * (edges[index][1] - edges[index][0]), 0);
    const first = uncovered ? shares.findIndex((one) => one > 0) : 0;
    const last = uncovered ? shares.findLastIndex((one) => one > 0) : shares.length - 1;
    const inside = shares.map((one, index) => {
      const outside = samples > 0 && (index < first || index > last) && one === 0;
      return one === null || outside ? null : Math.min(1, one / (part[index] || 1));
    });
    const covered = rows ? 1 - uncovered / rows : 1;
    return {
      column, samples, interval, reasons, dead: samples === 0, shares: inside,
      share: share === null ? null : Math.min(1, covered > 0 && real > 0 ? (share * full) / real / covered : 0),
      longest: known.get(column)?.longest_null_run ?? 0,
    };
  });
}

/** The share of all readings that is there, 0–100; null where no point tells how many there should be. */
export function shareOf(points) {
  const judged = points.filter(({ share }) => share !== null);
  return judged.length ? (100 * judged.reduce((sum, { share }) => sum + share, 0)) / judged.length : null;
}

/** Losses of all points by reason: `[{reason, cells, column}]`, where `column` has lost most by it. */
export function lossesOf(quality) {
  const all = new Map();
  for (const { column, nulls } of quality.columns) {
    for (const [reason, cells] of Object.entries(nulls)) {
      const one = all.get(reason) ?? { reason, cells: 0, most: 0 };
      one.cells += cells;
      if (cells > one.most) Object.assign(one, { most: cells, column });
      all.set(reason, one);
    }
  }
  return [...all.values()].sort((a, b) => b.cells - a.cells);
}

/** Findings, the dearest first: by money, else energy, else days. */
export const ranked = (summary) => summary.slice().sort((a, b) =>
  (b.cost?.amount ?? 0) - (a.cost?.amount ?? 0) || (b.energy_wasted_kwh ?? 0) - (a.energy_wasted_kwh ?? 0) || b.days - a.days);

/** Whether a fault was still there in the last days of the data. */
export const lasts = (finding, end) => (end - instant(finding.last_day)) / 86400 < 4;

/** Events by rule: `{rules: [{rule, total, columns, start_at, end_at}], doubtful}`; times are those of the longest. */
export function useHits(id, version) {
  const asked = useGet("data/events", { session_id: id, version, page_size: 1 });
  const rules = asked.data?.rules ?? null;
  const doubtful = useMemo(() => [...new Set((rules ?? []).filter(({ rule }) => SENSORS.includes(rule)).flatMap(({ columns }) => columns))], [rules]);
  return { rules, doubtful, failure: asked.failure, again: asked.again };
}

/** The only power that is recorded, or what a name says is all of it; the greatest of many is not the plant. */
function powerOf(suggested, stats) {
  const target = suggested?.target_col;
  const powers = (stats?.columns ?? []).filter(({ unit, kind }) => FACTOR[unit] && kind === "instantaneous");
  const sure = target && (suggested.mapping.system_level_cols.includes(target) || (powers.length <= 1 && powers.every(({ column }) => column === target)));
  return sure ? [target] : [];
}

const FACTOR = { W: 0.001, kW: 1, MW: 1000 };
/** Power, load and energy of the plant: `{power, load, none, recorded, figures: {days: [{day, share, kwh, kwRt}], kwh, kwRt, peak: {value, at}}, settled}`. */
export function useEnergy(session, version) {
  const id = session.session_id;
  const suggested = useGet("feature-mapping/suggest", { session_id: id, version });
  const plays = (name) => suggested.data?.roles.some(({ role, columns }) => role === name && columns.length > 0);
  const known = plays("power") && (plays("load") || (plays("flow") && plays("chw_supply") && plays("chw_return")));
  const efficiency = useGet(known ? "data/efficiency" : null, { session_id: id, version });
  const role = (name) => efficiency.data?.roles.find((one) => one.role === name)?.columns ?? [];
  const alone = suggested.failure || (suggested.data && !known) || efficiency.failure;
  const stats = useGet(alone ? "data/stats" : null, { session_id: id, version });
  const power = efficiency.data ? role("power") : stats.data ? powerOf(suggested.data, stats.data) : [];
  const load = efficiency.data ? role("load") : [];
  const asked = power.length ? { session_id: id, version, columns: [...power, ...load] } : null;
  const daily = useGet(asked && "data/series", asked && { ...asked, every: "1d", points: 20000 });
  const fine = useGet(asked && "data/series", asked && { ...asked, columns: power, points: 2000 });
  const shares = useGet(asked && "data/coverage", asked && { ...asked, columns: power.slice(0, 1), by: "day" });
  const settled = efficiency.data || (alone && (stats.data || stats.failure));
  const figures = useMemo(() => {
    if (!daily.data || !fine.data || !shares.data) return null;
    const part = (names) => daily.data.series.filter(({ column }) => names.includes(column));
    const factor = (series) => FACTOR[series.unit] ?? 1;
    const there = new Map(shares.data.periods.map((day, index) => [day, shares.data.points[0]?.shares[index] ?? 1]));
    const sum = (all, index) => (all.every(({ values }) => values[index] != null)
      ? all.reduce((total, series) => total + series.values[index] * factor(series), 0) : null);
    const [powers, loads] = [part(power), part(load)];
    let peak = null;
    const whole = fine.data.series.length === 1 ? fine.data.series[0] : null;
    whole?.values.forEach((number, index) => {
      if (number === null) return;
      const kw = number * factor(whole);
      if (!peak || kw > peak.value) peak = { value: kw, at: whole.timestamps[index] };
    });
    const days = (powers[0]?.timestamps ?? []).map((time, index) => {
      const day = time.slice(0, 10);
      const [kw, rt] = [sum(powers, index), loads.length ? sum(loads, index) : null];
      const share = there.get(day) ?? 1;
      return { day, share, kwh: kw === null ? null : kw * 24 * share, kwRt: kw !== null && rt > 0 ? kw / rt : null };
    });
    const kwh = efficiency.data?.energy_kwh ?? days.reduce((total, one) => total + (one.kwh ?? 0), 0);
    return { days, peak, kwh, kwRt: efficiency.data?.kw_rt ?? null };
  }, [daily.data, fine.data, shares.data, efficiency.data]);
  const none = settled && !power.length;
  const recorded = none ? stats.data?.columns.filter(({ column }) => column !== "timestamp") ?? [] : [];
  const failed = [daily, fine, shares].find(({ failure }) => failure);
  return { power, load, none, recorded, figures, settled: none || !!figures || !!failed, failure: failed?.failure, again: failed?.again };
}

/**
 * `[good | warn | bad, data | plant]`: how bad it is, and whether the data or the plant make it so; `[open, so_far]` where no rule
 * has looked at the values yet, which is no reason to call them good.
 */
export function levelOf({ share, dead, points, faults, end, doubtful, kwRt, judged, cleaned }) {
  if (faults.some((one) => lasts(one, end) && one.days >= 7)) return ["bad", "plant"];
  if ((share !== null && share < 80) || dead > points / 5) return ["bad", "data"];
  if (faults.length || kwRt > 1) return ["warn", "plant"];
  if ((share !== null && share < 97) || dead > 0 || doubtful) return ["warn", "data"];
  return cleaned ? ["good", judged ? "plant" : "data"] : ["open", "so_far"];
}
