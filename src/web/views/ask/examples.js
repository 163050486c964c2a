// Statements to begin with, made of the points that the chosen session has.
import { t } from "../../core/words.js";
import { plain } from "./completion.js";

const numbers = (points) => points.filter((one) => one.kind === "instantaneous" && one.count > 0);
const first = (points, ...tests) => {
  for (const test of tests) {
    const found = points.find(test);
    if (found) return found;
  }
  return null;
};

/** `[title, sql, query]` each; what needs points that are not there is left out. */
export function examples(session, points) {
  const own = [];
  const some = numbers(points);
  const power = first(some, (one) => /total.*kw$/i.test(one.column), (one) => one.unit === "kW", (one) => /kw$/i.test(one.column), () => true);
  const load = first(some, (one) => one.unit === "RT", (one) => /(^|_)RT$/.test(one.column) && /sys|total|load/i.test(one.column));
  if (power) {
    const name = plain(power.column);
    own.push([t("ask.example_day", { column: power.column }), `SELECT date_trunc('day', timestamp) AS day, avg(${name}) AS mean, max(${name}) AS peak\nFROM latest\nGROUP BY day\nORDER BY day`, { view: "chart" }]);
    own.push([t("ask.example_hour", { column: power.column }), `SELECT date_part('hour', timestamp) AS hour, avg(${name}) AS mean\nFROM latest\nGROUP BY hour\nORDER BY hour`, { view: "chart" }]);
    own.push([t("ask.example_top", { column: power.column }), `SELECT timestamp, ${name}\nFROM latest\nWHERE ${name} IS NOT NULL\nORDER BY ${name} DESC\nLIMIT 20`, {}]);
    if (load && load !== power) {
      own.push([t("ask.example_efficiency"), `SELECT date_trunc('day', timestamp) AS day, sum(${name}) / sum(${plain(load.column)}) AS kw_per_rt\nFROM latest\nWHERE ${plain(load.column)} > 1\nGROUP BY day\nORDER BY day`, { view: "chart" }]);
    }
  }
  if (session?.versions?.some((one) => one.cleaned_from)) own.push([t("ask.example_events"), "SELECT rule, \"column\", count(*) AS events, sum(rows) AS samples\nFROM events\nGROUP BY rule, \"column\"\nORDER BY samples DESC", {}]);
  return [
    ...own,
    [t("ask.example_sessions"), "SELECT name, site, status, total_rows, updated_at\nFROM sessions\nORDER BY updated_at DESC", {}],
    [t("ask.example_points"), "SELECT session, kind, unit, count(*) AS points\nFROM columns\nGROUP BY session, kind, unit\nORDER BY points DESC", {}],
    [t("ask.example_faults"), "SELECT session_id, machine, kind, count(*) AS days, sum(energy_wasted_kwh) AS kwh\nFROM findings\nGROUP BY session_id, machine, kind\nORDER BY kwh DESC NULLS LAST", {}],
  ];
}
