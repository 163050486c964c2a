// The held-out rows one by one: predicted against measured with the line where both are equal, and what was missed over time and load.
import { Plot } from "../../core/plot.js";
import { html, useMemo } from "../../core/ui.js";
import { colour } from "../../core/theme.js";
import { amend, at } from "../../core/url.js";
import { count, t } from "../../core/words.js";
import { Picture } from "./picture.js";

/** Rows of an evaluation in order of time, as columns: seconds, measured, predicted with its interval, their difference, and the load where it is known. */
function columnsOf({ rows: all }, interval) {
  const rows = all.filter((row) => row.actual != null && row.predicted != null);
  const x = rows.map((row) => Date.parse(row.timestamp) / 1000);
  const [actual, predicted] = [rows.map((row) => row.actual), rows.map((row) => row.predicted)];
  const half = (number) => (interval?.width === "relative" && interval.half_share ? interval.half_share * Math.abs(number) : interval?.half_width);
  return {
    x, actual, predicted, lower: predicted.map((number) => number - half(number)), upper: predicted.map((number) => number + half(number)),
    residual: actual.map((number, index) => number - predicted[index]), load: rows.some((row) => row.load != null) ? rows.map((row) => row.load ?? null) : null,
  };
}

/** Points sorted by their x, for a plot over a number. */
function over(xs, ys) {
  const order = xs.map((_, index) => index).filter((index) => xs[index] != null).sort((one, other) => xs[one] - xs[other]);
  return [order.map((index) => xs[index]), order.map((index) => ys[index])];
}

function Scatter({ columns, unit, name }) {
  const [x, predicted] = useMemo(() => over(columns.actual, columns.predicted), [columns]);
  const series = useMemo(() => [
    { label: t("models.predicted"), unit, values: predicted, scatter: true, colour: colour("--line-1") },
    { label: t("models.one_to_one"), unit, values: x, dash: [6, 4], width: 1.5, colour: colour("--soft") },
  ], [x, predicted, unit]);
  return html`<${Picture} name=${`${name} predicted-measured`} title=${t("models.scatter")} text=${t("models.scatter_text", { count: x.length })}>
    <${Plot} x=${x} series=${series} numbers xLabel=${`${t("models.measured")}${unit ? ` (${unit})` : ""}`} xUnit=${unit} height=${340} legend=${false}
      description=${t("models.scatter_text", { count: x.length })} /><//>`;
}

function ByLoad({ columns, unit, loadUnit, name }) {
  const [x, residual] = useMemo(() => over(columns.load ?? columns.predicted, columns.residual), [columns]);
  const series = useMemo(() => [
    { label: t("models.residual"), unit, values: residual, scatter: true, colour: colour("--line-3") },
    { label: "0", unit, values: x.map(() => 0), dash: [6, 4], colour: colour("--soft") },
  ], [x, residual, unit]);
  const label = columns.load ? `${t("models.roles.load_rt")}${loadUnit ? ` (${loadUnit})` : ""}` : `${t("models.predicted")}${unit ? ` (${unit})` : ""}`;
  return html`<${Picture} name=${`${name} residuals`} title=${t("models.residual_by_load")}>
    <${Plot} x=${x} series=${series} numbers xLabel=${label} height=${364} legend=${false} description=${t("models.residual_by_load")} /><//>`;
}

function OverTime({ columns, unit, zone, name, query }) {
  const series = useMemo(() => [
    { label: t("models.measured"), unit, values: columns.actual, colour: colour("--line-2") },
    { label: t("models.predicted"), unit, values: columns.predicted, colour: colour("--line-1") },
    ...[["lower", "▼"], ["upper", "▲"]].map(([key, mark]) => ({ label: `${t("models.interval_band")} ${mark}`, unit, values: columns[key], width: 1, dash: [2, 4],
      colour: colour("--soft") })),
  ], [columns, unit]);
  const missed = useMemo(() => [{ label: t("models.residual"), unit, values: columns.residual, colour: colour("--line-3") }], [columns, unit]);
  const range = query.from && query.to ? [Number(query.from), Number(query.to)] : undefined;
  const zoom = (from, to) => amend({ from: Math.round(from), to: Math.round(to) });
  return html`<${Picture} name=${`${name} over time`} title=${t("models.over_time")} text=${t("models.over_time_text", { count: count(columns.x.length) })}>
    ${range && html`<button class="plain" onClick=${() => amend({ from: null, to: null })}>${t("models.all_rows")}</button>`}
    <${Plot} x=${columns.x} series=${series} xLabel=${t("models.when")} zone=${zone} range=${range} onrange=${zoom} height=${260}
      description=${t("models.over_time")} />
    <${Plot} x=${columns.x} series=${missed} xLabel=${t("models.when")} zone=${zone} range=${range} onrange=${zoom} height=${140} legend=${false}
      description=${t("models.residual")} /><//>`;
}

export function Rows({ model, of, query }) {
  const columns = useMemo(() => of.data && columnsOf(of.data, model.metrics.interval), [of.data]);
  if (!columns) return html`<div class="waiting tall models-rows" role="status"></div>`;
  if (!columns.x.length) return html`<p class="panel soft models-rows">${t("models.no_evaluation")} <a
    href=${at(["sessions", model.session_id, "model"])}>${t("models.train_again")}</a></p>`;
  const unit = model.target_unit ?? "";
  const load = model.features?.find((feature) => feature.role === "load_rt");
  const rest = { columns, unit, name: `${model.name} ${model.version}` };
  return html`<div class="grid models-rows"><${Scatter} ...${rest} /><${ByLoad} ...${rest} loadUnit=${load?.unit} /></div>
    <${OverTime} ...${rest} zone=${model.lineage?.timezone} query=${query} />`;
}
