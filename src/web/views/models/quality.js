// How good a model is: against simple rules, by load, over time, and how often its interval held.
import { useGet } from "../../core/api.js";
import { Bars } from "../../core/paint.js";
import { Table, Tag } from "../../core/parts.js";
import { html } from "../../core/ui.js";
import { measure, percent, t, value, word } from "../../core/words.js";
import { Against, errorOf } from "./judged.js";
import { Picture } from "./picture.js";
import { Rows } from "./rows.js";
import { Splits } from "./splits.js";

function Interval({ model }) {
  const { interval } = model.metrics;
  if (interval?.coverage == null) return null;
  const [held, nominal] = [100 * interval.coverage, 100 * interval.nominal];
  const half = interval.width === "relative" && interval.half_share ? percent(100 * interval.half_share) : measure(interval.half_width, model.target_unit, 3);
  const verdict = interval.calibrated ? "calibrated" : held > nominal ? "too_wide" : "too_narrow";
  const bars = [{ name: word("models.bar", "asked"), value: nominal, text: percent(nominal), kind: "soft" },
    { name: word("models.bar", "held"), value: held, text: percent(held), kind: verdict === "too_narrow" ? "bad" : "good" }];
  return html`<section class="panel"><h2>${t("models.interval_title")} <${Tag} kind=${verdict === "too_narrow" ? "bad" : verdict === "too_wide" ? "soft"
    : "good"}>${t(`models.${verdict}_tag`)}<//></h2>
    <p>${t("models.interval_text", { nominal: percent(nominal), half, held: percent(held) })} ${t(`models.${verdict}`)}
      ${interval.widened > 1 && t("models.widened", { times: value(interval.widened, 3) })}</p>
    <${Bars} of=${bars} description=${bars.map((bar) => `${bar.name} ${bar.text}`).join(", ")} /></section>`;
}

/** Errors by tenths of the load, from those that the training kept. */
function ByLoad({ model }) {
  const bins = model.metrics.load_bins ?? [];
  if (!bins.length) return null;
  const load = model.features?.find((feature) => feature.role === "load_rt" && feature.from === "column");
  const unit = load?.unit ?? model.target_unit ?? "";
  const bars = bins.map((bin) => ({
    name: `${value(bin.from, 4)} – ${value(bin.to, 4)} ${unit}`, value: bin.mape ?? 0, kind: bin.mape > 10 ? "warn" : "plain",
    text: `${percent(bin.mape)}${bin.bias == null ? "" : ` (${bin.bias > 0 ? "+" : ""}${measure(bin.bias, model.target_unit, 2)})`}`,
  }));
  return html`<${Picture} name=${`${model.name} ${model.version} by load`} title=${t("models.by_load")} text=${t("models.by_load_text")}>
    <${Bars} of=${bars} rowHeight=${24} description=${bars.map((bar) => `${bar.name}: ${bar.text}`).join("; ")} /><//>`;
}

function Tried({ model }) {
  const { candidates = [], random_split: random, blocked_cv: blocks } = model.metrics;
  const errors = (blocks?.blocks ?? []).map((block) => errorOf(block, model.metrics)).filter((error) => error != null);
  const heads = [{ key: "algorithm", name: t("models.candidates") }, { key: "validation", name: t("models.split.validation"), number: true },
    { key: "test", name: t("models.split.test"), number: true }];
  const cell = (one, key) => {
    if (key === "algorithm") return html`${one.algorithm === model.algorithm ? html`<strong>${word("models.algorithm", one.algorithm)}</strong>`
      : word("models.algorithm", one.algorithm)}${one.refused && html` <span class="soft small" title=${one.refused}>${t("models.not_fitted")}</span>`}`;
    return percent(errorOf(key === "validation" ? one.validation : one.time_ordered, model.metrics));
  };
  return html`<section class="panel"><h2>${t("models.choice")}</h2>
    ${candidates.length > 0 && html`<${Table} caption=${t("models.candidates")} heads=${heads} rows=${candidates} cell=${cell} />`}
    ${errors.length > 1 && html`<p class="small">${t("models.blocks", { count: errors.length, error: percent(errorOf(blocks.pooled, model.metrics)),
      low: percent(Math.min(...errors)), high: percent(Math.max(...errors)) })}</p>`}
    ${errorOf(random, model.metrics) != null
      && html`<p class="small soft">${t("models.flatters", { error: percent(errorOf(random, model.metrics)) })}</p>`}</section>`;
}

export function Quality({ model, query }) {
  const evaluation = useGet(`models/${model.id}/evaluation`);
  return html`<div class="models-view"><div class="grid models-three"><${Picture} name=${`${model.name} ${model.version} against rules`} title=${t("models.compared")}>
    <${Against} model=${model} /><//>
    ${model.lineage && html`<section class="panel"><h2>${t("models.splits")}</h2><${Splits} model=${model} /></section>`}<${Interval} model=${model} /></div>
    <${Rows} model=${model} of=${evaluation} query=${query} />
    <div class="grid"><${ByLoad} model=${model} /><${Tried} model=${model} /></div></div>`;
}
