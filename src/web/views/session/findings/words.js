// Faults in words: what was found, from its numbers; machines and notes in the page's language.
import { said } from "../../../core/said.js";
import { html } from "../../../core/ui.js";
import { count, measure, t } from "../../../core/words.js";

/** While every machine is judged, which takes seconds the first time. */
export const Judging = () => html`<div class="stack judging" role="status"><progress aria-label=${t("findings.judging")}></progress>
  <p class="soft small">${t("findings.judging")}</p></div>`;

export const machine = (name) => t(`findings.machines.${name}`, { otherwise: name });
export const kind = (name) => t(`findings.kind_${name}`, { otherwise: name.replaceAll("_", " ") });
export const evidence = (one) => [t(`findings.evidence_${one.name}`, { otherwise: one.name.replaceAll("_", " ") }), measure(one.value, one.unit)];

/** One finding as a sentence of its numbers; as the server says it where a number is missing. */
export function sentenceOf(one) {
  const values = Object.fromEntries(one.evidence.map((each) => [each.name, measure(each.value, each.unit, 4)]));
  const text = t(`findings.said_${one.kind}`, { ...values, machine: machine(one.machine), otherwise: said(one.detail) });
  return /\{\w+\}/.test(text) ? said(one.detail) : text;
}

export const energy = (kwh) => (kwh == null ? null : kwh >= 10000 ? measure(kwh / 1000, "MWh", 4) : measure(kwh, "kWh", 4));
export const money = (cost) => (cost ? `${cost.currency}\u00a0${count(Math.round(cost.amount))}` : null);
