// How good a model is, said in words: against simple rules, against Guideline 14, and how often its interval held.
import { Facts, Tag } from "../../core/parts.js";
import { Bars } from "../../core/paint.js";
import { meaningOf, said } from "../../core/said.js";
import { html } from "../../core/ui.js";
import { percent, t, value, word } from "../../core/words.js";

/** The error that this model is judged by, in percent: MAPE, or CV(RMSE) where the plant stood still and has no MAPE. */
export const errorOf = (scores, metrics) => (metrics.judged_by === "rmse" || scores?.mape == null ? scores?.cv_rmse : scores.mape);
export const share = (number) => (number == null ? "–" : value(number, 3));

/** `good`, `warn` or `bad`, and the key of the sentence that says why. */
export function grade(model) {
  const metrics = model.metrics;
  if (model.leaks?.length) return ["bad", "told"];
  if (model.r2 != null && model.r2 < 0) return ["bad", "mean"];
  if (metrics && !metrics.beats_baselines) return ["bad", "beaten"];
  if (metrics?.guideline14?.hourly?.outcome === "fail") return ["warn", "beyond"];
  if (model.r2 != null && model.r2 < 0.3) return ["warn", "little"];
  if (metrics && model.calibrated === false && metrics.interval.coverage < metrics.interval.nominal) return ["warn", "narrow"];
  return ["good", "good"];
}

export function Grade({ model }) {
  const [kind, why] = grade(model);
  return html`<${Tag} kind=${kind}>${t(`models.grade.${why}`)}<//>`;
}

/** What beats what, a sentence each: the rules that it beats first, then those that it loses to. */
export function comparisons(metrics) {
  const own = errorOf(metrics.time_ordered, metrics);
  return (metrics.baselines ?? []).filter((rule) => errorOf(rule.scores, metrics) != null)
    .sort((one, other) => other.beaten - one.beaten)
    .map((rule) => ({
      rule: rule.rule, beaten: rule.beaten, counts: rule.counts,
      text: t(`models.against.${rule.beaten ? "beaten" : rule.counts ? "lost" : "nearer"}`,
        { rule: word("models.rule", rule.rule), own: percent(own), error: percent(errorOf(rule.scores, metrics)) }),
    }));
}

/** The sentence at the top: how far off, on what. */
export function headline(model) {
  const { metrics } = model;
  const error = errorOf(metrics.time_ordered, metrics);
  const said = t("models.headline", { error: percent(error), rows: metrics.time_ordered.rows, unit: model.target_unit ?? "", column: model.target_col });
  return metrics.time_ordered.r2 < 0 ? `${said} ${t("models.headline_mean", { r2: share(metrics.time_ordered.r2) })}` : said;
}

export function Figures({ model }) {
  const { time_ordered: scores, guideline14, interval } = model.metrics;
  const outcome = guideline14?.hourly?.outcome;
  return html`<${Facts} of=${[
    ["MAPE", percent(scores.mape), t("models.about.mape")],
    ["CV(RMSE)", percent(scores.cv_rmse), t("models.about.cv_rmse")],
    [t("models.bias"), scores.nmbe == null ? "–" : `${scores.nmbe > 0 ? "+" : ""}${value(scores.nmbe, 2)} %`, t("models.about.nmbe")],
    ["R²", share(scores.r2), t("models.about.r2")],
    outcome && ["Guideline 14", word("models.outcome", outcome), t("models.about.guideline14")],
    interval?.coverage != null
      && [t("models.interval_held"), t("models.held_of", { held: percent(100 * interval.coverage), asked: percent(100 * interval.nominal) }),
        t("models.about.interval")],
  ]} />`;
}

/** The model's error beside those of the rules, as bars: shorter is better. */
export function Against({ model }) {
  const { metrics } = model;
  const rows = [[t("models.this_model"), metrics.time_ordered, "good"],
    ...(metrics.baselines ?? []).map((rule) => [word("models.rule", rule.rule), rule.scores, rule.beaten ? "soft" : "warn"])]
    .map(([name, scores, kind]) => ({ name, kind, value: errorOf(scores, metrics) })).filter((bar) => bar.value != null);
  const bars = rows.map((bar) => ({ ...bar, text: percent(bar.value) }));
  return html`<${Bars} of=${bars} description=${bars.map((bar) => `${bar.name}: ${bar.text}`).join("; ")} />
    <ul class="models-against">${comparisons(metrics).map((one) => html`<li class=${one.beaten ? "" : "models-lost"}>${one.text}</li>`)}</ul>`;
}

/** What was left out of a training, from its sentences: what tells the answer (by reason), what says nothing, and what else. */
export function leftOut(sentences = []) {
  const [leaks, silent, others] = [new Map(), [], []];
  for (const sentence of sentences) {
    const { code, column, why } = meaningOf(sentence);
    if (code === "left_out_leak") leaks.set(why, [...(leaks.get(why) ?? []), column]);
    else if (code === "constant" || code === "no_number") silent.push(column);
    else others.push(sentence);
  }
  return { leaks: [...leaks], silent, others };
}

/** The same for the eye: what leaks, in plain words, with the names and why. */
export function LeftOut({ sentences, open }) {
  const { leaks, silent, others } = leftOut(sentences);
  if (!leaks.length && !silent.length && !others.length) return null;
  const leaking = leaks.reduce((sum, [, columns]) => sum + columns.length, 0);
  return html`<div class="stack">
    ${leaking > 0 && html`<details class="warnings" open=${open}><summary>${t("models.leaks", { count: leaking })}</summary>
      <p>${t("models.leaks_why")}</p>
      <ul class="listed">${leaks.map(([why, columns]) => html`<li><span class="name">${columns.join(", ")}</span><br />
        <span class="soft small">${why}</span></li>`)}</ul></details>`}
    ${silent.length > 0 && html`<details class="models-note"><summary>${t("models.silent", { count: silent.length })}</summary>
      <p class="soft small">${t("models.silent_why")}</p><p class="models-names">${silent.join(", ")}</p></details>`}
    ${others.length > 0 && html`<details class="models-note"><summary>${t("part.to_know", { count: others.length })}</summary>
      <ul class="listed">${others.map((text) => html`<li>${said(text)}</li>`)}</ul></details>`}
  </div>`;
}

