// The limits from which on something is a fault: those of the address win over the usual ones.
import { html, useRef } from "../../../core/ui.js";
import { amend } from "../../../core/url.js";
import { t, value } from "../../../core/words.js";

/** Name, what is usual, least, most, factor to what is shown, unit. The server checks them. */
const LIMITS = [
  ["fouling_rise", 0.08, 0.001, 10, 100, "%"], ["delta_t_drop", 0.2, 0.001, 0.99, 100, "%"], ["past_days", 7, 3, 3650, 1, "d"],
    ["lasting_days", 7, 1, 365, 1, "d"], ["least_load", 0.25, 0.01, 0.99, 100, "%"],
  ["cycle_minutes", 60, 1, 1440, 1, "min"], ["cycles_a_day", 5, 1, 1000, 1, ""], ["valve_open_pct", 10, 0.1, 99.9, 1, "%"], ["overlap_hours", 1, 0.01, 24, 1, "h"],
  ["out_of_schedule_hours", 2, 0.01, 24, 1, "h"], ["habit_share", 0.1, 0.001, 0.49, 100, "%"], ["like_rows", 20, 1, 1000000, 1, ""],
];

/** What the address says of them, where it can be. */
export const limitsOf = (query) => Object.fromEntries(LIMITS.map(([name, , least, most]) =>
  [name, Number(query[name]) >= least && Number(query[name]) <= most ? query[name] : undefined]));

export function Limits({ query }) {
  const waiting = useRef({});
  const changed = LIMITS.filter(([name]) => query[name] !== undefined);
  const typed = (name, usual, factor) => (event) => {
    clearTimeout(waiting.current[name]);
    const number = event.target.valueAsNumber;
    if (!event.target.validity.valid || !Number.isFinite(number)) return;
    const set = Number((number / factor).toPrecision(10));
    waiting.current[name] = setTimeout(() => amend({ [name]: set === usual ? null : set, page: null }), 400);
  };
  return html`<details class="shape-more" open=${changed.length > 0}><summary>${t("findings.limits")}${changed.length > 0 && ` (${t("findings.changed", { count: changed.length })})`}</summary>
    <div class="fields shape-limits">${LIMITS.map(([name, usual, least, most, factor, unit]) => html`<label
      key=${name}><span>${t(`findings.limit_${name}`)}${unit && ` (${unit})`}</span>
      <input type="number" step="any" min=${Number((least * factor).toPrecision(6))} max=${Number((most * factor).toPrecision(6))}
        value=${Number(((query[name] ?? usual) * factor).toPrecision(8))} onInput=${typed(name, usual, factor)} />
      <small class="hint">${query[name] === undefined ? "\u00a0" : t("findings.usual", { usual: value(usual * factor) })}</small></label>`)}</div>
    ${changed.length > 0 && html`<button onClick=${() => amend(Object.fromEntries(LIMITS.map(([name]) => [name, null])))}>${t("findings.all_usual")}</button>`}</details>`;
}
