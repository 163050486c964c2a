// What a model goes by: how much each input matters, where it lay in training, what was left out, and whether physics agrees.
import { Bars } from "../../core/paint.js";
import { Empty, Table, Tag } from "../../core/parts.js";
import { html } from "../../core/ui.js";
import { amend } from "../../core/url.js";
import { percent, t, value, word } from "../../core/words.js";
import { LeftOut } from "./judged.js";
import { Picture } from "./picture.js";

/** What an input is called: its column, or in words what is reckoned from others. */
export const nameOf = (feature) => (feature.from === "column" ? feature.name : t(`models.features_name.${feature.name}`, { otherwise: feature.name }));

function Importance({ model, query }) {
  const { importance = [] } = model.metrics;
  const features = new Map((model.features ?? []).map((feature) => [feature.name, feature]));
  const most = query.all ? importance : importance.filter((one) => one.rmse_increase > 0).slice(0, 12);
  const named = (name) => (features.has(name) ? nameOf(features.get(name)) : name);
  const bars = most.map((one) => ({ name: named(one.feature), value: Math.max(0, one.rmse_increase),
    text: `+${value(Math.max(0, one.rmse_increase), 3)} ${model.target_unit ?? ""}` }));
  return html`<${Picture} name=${`${model.name} ${model.version} importance`} title=${t("models.importance")} text=${t("models.importance_text")}>
    ${bars.length ? html`<${Bars} of=${bars} description=${bars.map((bar) => `${bar.name}: ${bar.text}`).join("; ")} />` : html`<${Empty}>–<//>`}
    ${importance.length > most.length
      && html`<button class="plain" onClick=${() => amend({ all: 1 })}>${t("part.more", { count: importance.length - most.length })}</button>`}<//>`;
}

function Physics({ model }) {
  const { sweep = [] } = model.metrics;
  if (!sweep.length) return null;
  const features = new Map((model.features ?? []).map((feature) => [feature.name, feature]));
  const heads = [{ key: "feature", name: t("models.feature") }, { key: "direction", name: t("models.direction") }, { key: "wrong", name: t("models.kept") }];
  const cell = (one, key) => {
    if (key === "feature") return features.has(one.feature) ? nameOf(features.get(one.feature)) : one.feature;
    if (key === "direction") return t(`models.sweep.${one.direction}`, { otherwise: one.direction });
    if (!one.share_of_steps_wrong) return html`<${Tag} kind="good">${t("models.sweep_ok")}<//>`;
    return html`<${Tag} kind=${one.share_of_steps_wrong > 0.05 ? "warn" : "soft"}>${t("models.sweep_wrong", { share: percent(100 * one.share_of_steps_wrong) })}<//>
      <span class="soft small"> ${t("models.sweep_most", { most: `${value(one.worst_wrong_step, 2)} ${model.target_unit ?? ""}` })}</span>`;
  };
  return html`<section class="panel"><h2>${t("models.physics")}</h2><p class="small soft">${t("models.physics_text")}</p>
    <${Table} caption=${t("models.physics")} heads=${heads} rows=${sweep} cell=${cell} cards /></section>`;
}

const heads = () => [
  { key: "name", name: t("models.feature") }, { key: "role", name: t("models.role") },
    { key: "usual", name: t("models.usual"), number: true, title: t("models.usual_about") },
  { key: "seen", name: t("models.seen"), number: true }, { key: "present", name: t("models.present"), number: true },
];
function cell(feature, key) {
  const { range, unit } = feature;
  switch (key) {
    case "name": return html`<span class="name">${nameOf(feature)}</span>${feature.from !== "column"
      && html` <span class="soft small">${t(`models.from.${feature.from}`, { otherwise: feature.from })}</span>`}`;
    case "role": return word("models.roles", feature.role);
    case "usual": return `${value(range.p01, 4)} – ${value(range.p99, 4)} ${unit ?? ""}`;
    case "seen": return `${value(range.min, 4)} – ${value(range.max, 4)} ${unit ?? ""}`;
    default: return percent(100 * range.present);
  }
}

export function Inputs({ model, query }) {
  return html`<div class="models-view"><div class="grid"><${Importance} model=${model} query=${query} /><${Physics} model=${model} /></div>
    <section class="panel"><h2>${t("models.left_out")}</h2><${LeftOut} sentences=${[...(model.metrics.left_out ?? []), ...(model.metrics.notes ?? [])]} open />
      ${!(model.metrics.left_out ?? []).length && !(model.metrics.notes ?? []).length && html`<p class="soft">${t("models.nothing_left_out")}</p>`}</section>
    ${model.features && html`<section class="panel"><h2>${t("models.features")}</h2>
      <${Table} caption=${t("models.features")} heads=${heads()} rows=${model.features} cell=${cell} rowKey=${(feature) => feature.name} cards /></section>`}</div>`;
}
