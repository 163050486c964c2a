// A row by hand: what the model would say of it, with its interval, and what is beyond everything it has seen.
import { send } from "../../core/api.js";
import { Problem } from "../../core/parts.js";
import { html, useState } from "../../core/ui.js";
import { amend } from "../../core/url.js";
import { measure, t, value, word } from "../../core/words.js";
import { nameOf } from "./inputs.js";
import { plainly } from "./plain.js";

/** Features that somebody can state: columns of the plant, not what is reckoned from them. */
const stated = (model) => (model.features ?? []).filter((feature) => feature.from === "column");

/** Where a value lies among those of training. */
export function Scale({ range, number, ends }) {
  const [low, high] = ends ?? [Math.min(range.min, number ?? range.min), Math.max(range.max, number ?? range.max)];
  const at = (x) => Math.max(0, Math.min(100, (100 * (x - low)) / (high - low || 1)));
  return html`<svg class="models-scale" viewBox="0 0 100 6" preserveAspectRatio="none" aria-hidden="true">
    <rect class="seen" x=${at(range.min)} width=${at(range.max) - at(range.min)} y="2" height="2" />
    <rect class="usual" x=${at(range.p01)} width=${Math.max(1, at(range.p99) - at(range.p01))} y="1" height="4" />
    ${number != null && html`<rect class=${number < range.min || number > range.max ? "beyond" : "here"} x=${Math.min(98.5, at(number))} width="1.5" y="0"
      height="6" />`}</svg>`;
}

export function Predict({ model, query }) {
  const [answer, setAnswer] = useState(null);
  const [failure, setFailure] = useState(null);
  const [busy, setBusy] = useState(false);
  const row = Object.fromEntries(new URLSearchParams(query.row ?? ""));
  const set = (name, text) => {
    const next = new URLSearchParams(query.row ?? "");
    if (text.trim()) next.set(name, text.trim());
    else next.delete(name);
    amend({ row: String(next) });
  };
  const ask = async (event) => {
    event.preventDefault();
    setBusy(true);
    setFailure(null);
    try {
      const { timestamp, ...numbers } = row;
      // The server guesses only what matters little; here the middle stands in each field.
      const middles = stated(model).filter(({ name }) => numbers[name] === undefined).map(({ name, range }) => ({ name, value: range.median }));
      const values = Object.fromEntries([...middles.map((one) => [one.name, one.value]), ...Object.entries(numbers).map(([name, text]) => [name, Number(text)])]);
      const told = await send("POST", `models/${model.id}/predict`, { rows: [timestamp ? { ...values, timestamp } : values] });
      setAnswer({ ...told, middles });
    } catch (wrong) {
      setFailure(wrong);
    }
    setBusy(false);
  };
  const one = answer?.predictions[0];
  const filled = [...(answer?.middles ?? []), ...(one?.assumptions ?? [])];
  const calendar = (model.features ?? []).some((feature) => feature.role === "calendar");
  return html`<form class="panel" onSubmit=${ask}><h2>${t("models.try")}</h2><p class="small soft">${t("models.try_text")}</p>
    <div class="models-try">${stated(model).map((feature) => {
      const number = row[feature.name] === undefined ? null : Number(row[feature.name]);
      return html`<label key=${feature.name}><span>${nameOf(feature)}${feature.unit && `, ${feature.unit}`} <span class="models-role">${word("models.roles",
        feature.role)}</span></span>
        <input type="number" step="any" inputmode="decimal" name=${feature.name} value=${row[feature.name] ?? ""} placeholder=${value(feature.range.median, 4)}
          onInput=${(event) => set(feature.name, event.target.value)} />
        <${Scale} range=${feature.range} number=${number} /><small class="hint">${t("models.seen_range",
          { low: value(feature.range.min, 4), high: value(feature.range.max, 4) })}</small></label>`;
    })}${calendar && html`<label><span>${t("models.when")}</span><input type="datetime-local" value=${row.timestamp ?? ""}
      onInput=${(event) => set("timestamp", event.target.value)} /></label>`}</div>
    ${failure && html`<${Problem} failure=${plainly(failure)} />`}
    <div class="models-said"><button class="primary" disabled=${busy}>${t("models.predict")}</button>
      <div role="status">${one && html`<p><span class="soft">${t("models.said")}</span> <strong>${measure(one.predicted_power, answer.target_unit, 4)}</strong>
      ${one.lower != null && html` <span class="soft">${t("models.likely",
        { low: value(one.lower, 4), high: measure(one.upper, answer.target_unit, 4) })}</span>`}</p>
      ${one.extrapolating.length > 0 && html`<p class="warnings">${t("models.beyond_seen", { names: one.extrapolating.join(", ") })}</p>`}
      ${filled.length > 0 && html`<details class="small"><summary>${t("models.filled", { count: filled.length })}</summary>
        <ul class="listed">${filled.map((taken) => html`<li><span class="name">${taken.name}</span> = ${value(taken.value)}</li>`)}</ul>
          </details>`}`}</div></div></form>`;
}
