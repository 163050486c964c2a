// What was saved, as it was measured: avoided energy with its uncertainty, the sum of what was not used day by day, and the report to print.
import { address, atSite, useGet } from "../../core/api.js";
import { Answer, Facts, Field, Problem, Tag, savePicture } from "../../core/parts.js";
import { Plot } from "../../core/plot.js";
import { colour } from "../../core/theme.js";
import { said } from "../../core/said.js";
import { html, useMemo, useRef } from "../../core/ui.js";
import { amend } from "../../core/url.js";
import { clock, day, has, measure, percent, t, value, word } from "../../core/words.js";

const noon = (text) => Date.parse(`${text}T12:00:00Z`) / 1000;

function Cusum({ report }) {
  const box = useRef(null);
  const { days, turned } = report.cusum;
  const x = useMemo(() => days.map((one) => noon(one.day)), [report]);
  const series = useMemo(() => [
    { label: t("setpoints.cusum_before"), unit: "kWh", values: days.map((one) => (one.after ? null : one.cumulative_kwh)), colour: colour("--soft"), width: 2 },
    { label: t("setpoints.cusum_after"), unit: "kWh", values: days.map((one) => (one.after ? one.cumulative_kwh : null)), colour: colour("--line-4"), width: 2.5 },
  ], [report]);
  const marks = useMemo(() => [...(turned ? [{ x: noon(turned), label: t("setpoints.turned") }] : [])], [report]);
  const shades = useMemo(() => (report.outcome.applied_at ? [{ from: Date.parse(report.outcome.applied_at) / 1000, to: report.outcome.applied_until
    ? Date.parse(report.outcome.applied_until) / 1000 : (x.at(-1) ?? 0) + 43200, kind: "good" }] : []), [report]);
  return html`<div ref=${box}><div class="row spread"><h3>${t("setpoints.cusum")}</h3>
    <button class="plain" onClick=${() => savePicture(box.current.querySelector("canvas"), "cusum")}>${t("part.save_picture")}</button></div>
    <p class="small soft">${t("setpoints.cusum_text")}${turned && ` ${t("setpoints.turned_on", { day: turned })}`}</p>
    <${Plot} x=${x} series=${series} zone="UTC" xLabel=${t("models.when")} shades=${shades} marks=${marks} height=${260}
      description=${t("setpoints.cusum_about", { days: days.length, sum: measure(days.at(-1)?.cumulative_kwh, "kWh") })} /></div>`;
}

function Checks({ of }) {
  return html`<ul class="models-against">${of.checks.map((check) => html`<li class=${check.ok ? "" : "models-lost"}>${word("setpoints.check",
    check.name)}: ${percent(check.value == null ? null : Math.abs(check.value))} (${t("setpoints.limit", { limit: percent(check.limit) })})</li>`)}</ul>`;
}

function Report({ id, report, query }) {
  const settings = useGet(report.site && report.site !== "default" ? atSite(report.site) : null);
  const price = settings.data?.energy_price;
  const { savings, baseline, reporting, guideline14 } = report;
  const better = savings.significant && savings.avoided_kwh > 0;
  const state = better ? "saved" : savings.significant ? "more_used" : "chance";
  return html`<p class="setpoints-headline">
    <strong>${t(`setpoints.measured.${state}`, { energy: measure(Math.abs(savings.avoided_kwh), "kWh", 4), percent: percent(Math.abs(savings.percent)) })}</strong>
      <${Tag} kind=${better ? "good" : savings.significant ? "bad" : "warn"}>${t("setpoints.plus_minus",
        { energy: measure(savings.uncertainty_kwh, "kWh", 3), confidence: percent(100 * savings.confidence) })}<//></p>
    <${Facts} of=${[[t("setpoints.predicted_was"), percent(report.predicted_percent)], [t("setpoints.measured_is"), `${value(savings.percent, 3)} %`],
      price && [t("setpoints.money"), `${price.currency} ${value(savings.avoided_kwh * price.per_kwh, 4)}`],
      [t("setpoints.between"), `${value(savings.lower_kwh, 4)} … ${measure(savings.upper_kwh, "kWh", 4)}`],
      [t("setpoints.before"), `${day(baseline.from)} – ${day(baseline.until)}`, t("setpoints.days", { count: baseline.days })],
        [t("setpoints.after"), `${day(reporting.from)} – ${day(reporting.until)}`, t("setpoints.days", { count: reporting.days })],
      ["IPMVP", report.option],
        ["Guideline 14", html`<${Tag} kind=${guideline14.compliant ? "good" : "warn"}>${t(guideline14.compliant ? "setpoints.compliant"
          : "setpoints.not_compliant")}<//>`]]} />
    <${Cusum} report=${report} />
    <${Checks} of=${guideline14} />
    ${report.notes.length > 0 && html`<div class="warnings"><ul class="listed">${report.notes.map((note) => html`<li>${said(note)}</li>`)}</ul></div>`}
    ${!savings.significant && html`<p class="small soft" lang="en">${report.conclusion}</p>`}
    <details class="small"><summary>${t("setpoints.baseline")}</summary><p class="mono">${baseline.equation}</p>
      <${Facts} of=${[["CV(RMSE)", percent(baseline.cv_rmse)], ["NMBE", `${value(baseline.nmbe, 2)} %`], ["R²", value(baseline.r2, 3)],
        baseline.placebo && [t("setpoints.placebo"), `${value(baseline.placebo.percent, 2)} ± ${percent(baseline.placebo.uncertainty_percent)}`,
          t("setpoints.placebo_about")]]} />
      <p class="soft">${report.power_columns.join(", ")} · ${report.datasets.map((one) => one.version ?? one.label ?? "").filter(Boolean).join(", ")} · ${clock(report.outcome.applied_at)}</p></details>
    <p><a class="button" href=${String(address(`optimizations/${id}/verify`, { as: "page", ...asked(query) }))} target="_blank"
      rel="noopener">${t("setpoints.print")}</a></p>`;
}

const asked = ({ confidence, step }) => ({ confidence, step });

/** Why nothing can be measured: mostly that time has to pass, which is no failure. */
function Refused({ of }) {
  const code = of.failure.problem?.code;
  if (!has(`setpoints.cannot.${code}`)) return html`<${Problem} failure=${of.failure} again=${of.again} />`;
  return html`<div class="warnings"><p>${t(`setpoints.cannot.${code}`)}</p><p class="small soft" lang="en">${of.failure.problem.detail}</p></div>`;
}

/** A report, or what is missing for one in words that say what to do. */
export function Verified({ id, query }) {
  const answer = useGet(`optimizations/${encodeURIComponent(id)}/verify`, asked(query));
  return html`<section class="panel"><div class="row spread"><h2>${t("setpoints.verified")}</h2><div class="row">
      <${Field} label=${t("setpoints.confidence")} options=${["", "0.8", "0.95"].map((key) => [key, percent(100 * (Number(key) || 0.9))])}
        value=${query.confidence ?? ""} onChange=${(event) => amend({ confidence: event.target.value })} />
      <${Field} label=${t("setpoints.step")} options=${["", "hour"].map((key) => [key, t(`setpoints.step_by.${key || "day"}`)])} value=${query.step ?? ""}
        onChange=${(event) => amend({ step: event.target.value })} /></div></div>
    ${answer.failure ? html`<${Refused} of=${answer} />`
      : html`<${Answer} of=${answer} tall>${(report) => html`<${Report} id=${id} report=${report} query=${query} />`}<//>`}</section>`;
}
