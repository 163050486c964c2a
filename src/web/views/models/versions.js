// Versions of a model side by side: up to three, with the best figure of each row marked.
import { get } from "../../core/api.js";
import { Problem, Table, Tag } from "../../core/parts.js";
import { html, useEffect, useState } from "../../core/ui.js";
import { amend, at, split } from "../../core/url.js";
import { ago, bytes, count, local, percent, t, value, word } from "../../core/words.js";
import { Grade } from "./judged.js";

const MOST = 3;
const exactly = (number) => (number == null ? "–" : `${value(number, 3)} %`);
/** A figure of a version: name, how it is read and shown, and whether less or more is better. */
const ROWS = [
  ["MAPE", (model) => model.metrics.time_ordered.mape, exactly, "less"],
  ["CV(RMSE)", (model) => model.metrics.time_ordered.cv_rmse, exactly, "less"],
  ["bias", (model) => model.metrics.time_ordered.nmbe, exactly, "nearer"],
  ["R²", (model) => model.metrics.time_ordered.r2, (number) => (number == null ? "–" : value(number, 5)), "more"],
  ["interval_held", (model) => model.metrics.interval?.coverage, (number) => percent(number == null ? null : 100 * number), null],
  ["half_width", (model) => model.metrics.interval?.half_width, (number, model) => (number == null ? "–"
    : `± ${value(number, 3)} ${model.target_unit ?? ""}`), "less"],
  ["algorithm_of", (model) => model.algorithm, (key) => word("models.algorithm", key), null],
  ["inputs_of", (model) => model.feature_count, count, null],
  ["width_of", (model) => model.interval ?? "", (width) => t(`model.width.${width || "stored"}`, { otherwise: width }), null],
  ["rows_made", (model) => model.lineage?.rows, count, null],
  ["data_of", (model) => model.lineage?.dataset_version, (version) => version ?? "–", null],
];
const named = (key) => t(`models.compared_rows.${key}`, { otherwise: key });

function bestOf(numbers, way) {
  if (!way || numbers.length < 2 || numbers.some((number) => number == null)) return null;
  const ranked = numbers.map((number) => (way === "more" ? -number : way === "nearer" ? Math.abs(number) : number));
  const best = Math.min(...ranked);
  return ranked.filter((number) => number === best).length === 1 ? ranked.indexOf(best) : null;
}

function Compared({ models }) {
  const heads = [{ key: "name", name: t("models.figure") }, ...models.map((model) => ({ key: model.id, name: model.version, number: true }))];
  const rows = ROWS.map(([key, read, show, way]) => {
    const numbers = models.map(read);
    const best = bestOf(numbers, way);
    return { name: named(key),
      ...Object.fromEntries(models.map((model, index) => [model.id, index === best ? html`<strong class="models-best">${show(numbers[index], model)}</strong>`
        : show(numbers[index], model)])) };
  });
  const inputs = new Set(models.flatMap((model) => (model.features ?? []).map((feature) => feature.name)));
  const differing = [...inputs].filter((name) => !models.every((model) => (model.features ?? []).some((feature) => feature.name === name)));
  return html`<${Table} caption=${t("models.compare")} heads=${heads} rows=${rows} />
    ${differing.length > 0 && html`<h3>${t("models.inputs_differ")}</h3><${Table} caption=${t("models.inputs_differ")} heads=${heads}
      rows=${differing.map((name) => ({ name,
        ...Object.fromEntries(models.map((model) => [model.id, (model.features ?? []).some((feature) => feature.name === name) ? "✓" : "–"])) }))} />`}`;
}

export function Versions({ model, versions, query }) {
  const whole = versions.filter((one) => one.status === "completed");
  const wished = split(query.compare).filter((version) => whole.some((one) => one.version === version)).slice(0, MOST);
  const chosen = wished.length ? wished
    : [...new Set([model.version, ...whole.map((one) => one.version)])].filter((version) => whole.some((one) => one.version === version)).slice(0, 2);
  const [models, setModels] = useState([]);
  const [failure, setFailure] = useState(null);
  useEffect(() => {
    const ending = new AbortController();
    Promise.all(chosen.map((version) => get(`models/${whole.find((one) => one.version === version).id}`, {}, { signal: ending.signal })))
      .then(setModels, (wrong) => ending.signal.aborted || setFailure(wrong));
    return () => ending.abort();
  }, [chosen.join()]);
  const toggle = (version) => amend({ compare: (chosen.includes(version) ? chosen.filter((one) => one !== version) : [...chosen, version].slice(-MOST)).join(",") });
  const heads = [{ key: "pick", name: t("models.compare") }, { key: "version", name: t("models.version") }, { key: "verdict", name: t("models.verdict") },
    { key: "mape", name: "MAPE", number: true }, { key: "cv", name: "CV(RMSE)", number: true }, { key: "size", name: t("models.size"), number: true },
      { key: "made", name: t("models.made") }];
  const cell = (one, key) => {
    const done = one.status === "completed";
    switch (key) {
      case "pick": return done ? html`<input type="checkbox" aria-label=${`${t("models.compare")} ${one.version}`} checked=${chosen.includes(one.version)}
        disabled=${chosen.length === 1 && chosen[0] === one.version}
        onChange=${() => toggle(one.version)} />` : null;
      case "version": return html`<a class="name"
        href=${at(["models", one.name], { version: one.version })}>${one.version}</a>${(one.aliases ?? []).map((alias) => html` <${Tag}>${alias}<//>`)}`;
      case "verdict": return done ? html`<${Grade} model=${one} />` : html`<${Tag} kind=${one.status}>${word("status", one.status)}<//>`;
      case "mape": return percent(one.mape);
      case "cv": return percent(one.cv_rmse);
      case "size": return bytes(one.size_bytes);
      default: return html`<span title=${local(one.created_at)}>${ago(one.created_at)}</span>`;
    }
  };
  return html`<section class="panel"><h2>${t("models.tab.versions")}</h2>
      <${Table} caption=${t("models.tab.versions")} heads=${heads} rows=${versions} cell=${cell} rowKey=${(one) => one.id} cards />
      ${versions.length < 2 && html`<p class="soft small">${t("models.one_version")}</p>`}</section>
    ${whole.length > 1 && html`<section class="panel"><h2>${t("models.compare")}</h2><p class="small soft">${t("models.compare_hint")}</p>
      ${failure ? html`<${Problem} failure=${failure} />` : models.length > 0 && html`<${Compared} models=${models} />`}</section>`}`;
}
