// One limit of a rule: a slider with its number, or a least and a most; back to what is usual with a press.
import { html, useEffect, useRef, useState } from "../../../core/ui.js";
import { amend } from "../../../core/url.js";
import { t } from "../../../core/words.js";
import { factor, isLimits, setting, stepOf, told, unitOf, written } from "./settings.js";

const PAUSE = 220;
const rounded = (number) => Number(number.toPrecision(10));

/** What is typed or dragged is shown at once, and asked for when it pauses. */
function useDraft(set, tell) {
  const [draft, setDraft] = useState(set);
  const waiting = useRef(0);
  useEffect(() => setDraft(set), [JSON.stringify(set)]);
  useEffect(() => () => clearTimeout(waiting.current), []);
  return [draft, (next) => {
    setDraft(next);
    clearTimeout(waiting.current);
    waiting.current = setTimeout(() => tell(next), PAUSE);
  }];
}

function Number_({ threshold, name, draft, change }) {
  const times = factor(threshold.name);
  const [low, high] = threshold.usual.map((edge) => rounded(edge * times));
  const step = stepOf(threshold);
  const shown = draft == null ? "" : rounded(draft * times);
  const least = threshold.minimum == null ? null : threshold.minimum * times;
  const most = threshold.maximum == null ? null : threshold.maximum * times;
  const typed = (event) => {
    const number = event.target.valueAsNumber;
    if (Number.isFinite(number) && event.target.validity.valid) change(rounded(number / times));
  };
  return html`<input type="range" aria-label=${name} min=${low} max=${high} step=${step} value=${shown} onInput=${typed} />
    <input type="number" aria-label=${name} min=${least} max=${most} step="any" value=${shown} onInput=${typed} />`;
}

function Pair({ threshold, name, draft, change }) {
  const typed = (edge) => (event) => {
    const number = event.target.value === "" ? null : event.target.valueAsNumber;
    if (number !== null && !Number.isFinite(number)) return;
    const next = { ...draft, [edge]: number };
    event.target.setCustomValidity(next.min != null && next.max != null && next.min > next.max ? t("clean.crossed") : "");
    if (event.target.reportValidity()) change(next);
  };
  return html`<span class="shape-pair"><input type="number" step="any" aria-label=${`${name}: ${t("clean.least")}`} placeholder="–∞" value=${draft.min ?? ""}
    onInput=${typed("min")} />
    <span aria-hidden="true">…</span><input type="number" step="any" aria-label=${`${name}: ${t("clean.most")}`} placeholder="∞" value=${draft.max ?? ""}
      onInput=${typed("max")} /></span>`;
}

export function Threshold({ threshold, query }) {
  const set = setting(query, threshold);
  const [draft, change] = useDraft(set, (next) => amend(written(threshold, next)));
  const name = t(`clean.threshold_${threshold.name}`, { otherwise: threshold.sentence });
  const changed = query[threshold.name] !== undefined;
  const Control = isLimits(threshold) ? Pair : Number_;
  return html`<div class=${`shape-threshold ${changed ? "changed" : ""}`}><span class="shape-what">${name}</span>
    <${Control} threshold=${threshold} name=${name} draft=${draft} change=${change} /><span class="soft small shape-unit">${unitOf(threshold)}</span>
    <button class="plain" disabled=${!changed} title=${t("clean.usual", { told: told(threshold, threshold.default) })}
      aria-label=${t("clean.usual", { told: told(threshold, threshold.default) })}
      onClick=${() => amend(written(threshold, threshold.default))}>↺</button></div>`;
}
