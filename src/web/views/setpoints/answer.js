// What a model recommends: power now and then with its uncertainty, each set-point with its reason, and what was assumed.
import { atSite, useGet } from "../../core/api.js";
import { Bars } from "../../core/paint.js";
import { Answer, Tag } from "../../core/parts.js";
import { meaningOf, said } from "../../core/said.js";
import { html } from "../../core/ui.js";
import { at } from "../../core/url.js";
import { clock, local, measure, percent, t, value, word } from "../../core/words.js";
import { plainText } from "../models/plain.js";

/** Where an assumption comes from, in words of the page. */
export function sourceOf(text) {
  const { code, version, from, to } = meaningOf(text);
  return code === "from_steady" ? t("sentence.from_steady", { version, from: clock(from), to: clock(to).slice(11) }) : said(text);
}

/** High, middling or low: how far the data speaks for it. */
const surety = (confidence) => (confidence >= 0.6 ? ["good", "high"] : confidence >= 0.3 ? ["warn", "middling"] : ["bad", "low"]);

function Costs({ run, site }) {
  const settings = useGet(site && site !== "default" ? atSite(site) : null);
  const price = settings.data?.energy_price;
  if (!run.change || !(run.savings_kw > 0)) return null;
  const day = 24 * run.savings_kw;
  return html`<p class="small soft">${t("setpoints.a_day", { energy: measure(day, "kWh", 4) })}${price
    && ` ${t("setpoints.a_day_costs", { money: `${price.currency} ${value(day * price.per_kwh, 4)}` })}`}</p>`;
}

function Assumed({ assumptions }) {
  const by = new Map();
  for (const one of assumptions) by.set(one.source, [...(by.get(one.source) ?? []), one]);
  if (!by.size) return null;
  return html`<details class="small"><summary>${t("setpoints.assumed", { count: assumptions.length })}</summary>
    ${[...by].map(([source, all]) => html`<p><strong>${sourceOf(source)}</strong></p>
      <ul class="setpoints-assumed">${all.map((one) => html`<li><span>${one.name}</span> <span class="number">${value(one.value, 4)}</span>
        </li>`)}</ul>`)}</details>`;
}

/** One set-point: what it is now, what it should be, what that alone saves, and why. */
function Setpoint({ one, unit, change }) {
  const stays = !change || (one.current != null && Math.abs(one.value - one.current) < 1e-9);
  return html`<li class=${stays ? "stays" : ""}><span class="name capital">${word("models.roles", one.parameter)}</span>
    <span class="number">${one.current != null && !stays && html`<span class="soft">${measure(one.current, one.unit, 4)} →</span> `}${stays
      ? html`${measure(one.value, one.unit, 4)} <span class="soft">${t("setpoints.stays")}</span>`
      : html`<strong class="setpoints-to">${measure(one.value, one.unit, 4)}</strong>`}</span>
    <span class="number">${stays ? "" : t("setpoints.saves_each", { power: measure(one.savings, unit, 3) })}</span>
    <span class="small soft why">${said(one.reason)}</span></li>`;
}

export function Recommended({ run, model, unit = "kW" }) {
  const [kind, sure] = surety(run.confidence);
  const bars = [{ name: t("setpoints.now"), value: run.baseline_power, text: measure(run.baseline_power, unit, 4), kind: "soft" },
    { name: t("setpoints.then"), value: run.predicted_power, text: measure(run.predicted_power, unit, 4), kind: run.change ? "good" : "soft",
      low: run.lower ?? undefined, high: run.upper ?? undefined }];
  return html`<p class="setpoints-headline">${run.change
    ? html`<strong>${t("setpoints.saves_much", { power: measure(run.savings_kw, unit, 3), percent: percent(run.savings_percent) })}</strong>`
      : html`<strong>${t("setpoints.no_change")}</strong>`}
    ${run.change && html` <${Tag} kind=${kind}>${t(`setpoints.sure.${sure}`, { percent: percent(100 * run.confidence) })}<//>`}</p>
    <${Bars} of=${bars} rowHeight=${34} description=${bars.map((bar) => `${bar.name} ${bar.text}`).join(", ")} />
    <p class="small soft">${run.lower == null ? t("setpoints.nobody_knows")
      : t("setpoints.likely", { low: value(run.lower, 4), high: measure(run.upper, unit, 4) })}</p>
    <${Costs} run=${run} site=${model?.folder} />
    ${run.extrapolating.length > 0 && html`<p class="warnings">${t("setpoints.beyond_seen", { names: run.extrapolating.map(plainText).join(", ") })}</p>`}
    ${run.constraint_violations.length > 0 && html`<div class="warnings"><strong>${t("setpoints.not_kept")}</strong>
      <ul class="listed">${run.constraint_violations.map((text) => html`<li>${plainText(text)}</li>`)}</ul></div>`}
    <ul class="setpoints-recommended"
      aria-label=${t("setpoints.recommended")}>${run.recommendations.map((one) => html`<${Setpoint} key=${one.parameter} one=${one} unit=${unit}
        change=${run.change} />`)}</ul>
    <p class="small soft">${said(run.message)}</p>
    <${Assumed} assumptions=${run.assumptions} />`;
}

/** A run that was asked for here: it is kept, and found again under its address. */
export function Kept({ of, model }) {
  return html`<${Answer} of=${of}>${(run) => html`<${Recommended} run=${run} model=${model} unit=${model.target_unit ?? "kW"} />
    <p class="row spread"><span class="small soft">${t("setpoints.kept", { when: local(run.created_at) })}</span>
      <a class="button" href=${at(["setpoints", "runs", run.run_id])}>${t("setpoints.follow")}</a></p>`}<//>`;
}
