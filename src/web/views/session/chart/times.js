// From when until when the chart shows, as text and as steps.
import { Field } from "../../../core/parts.js";
import { html } from "../../../core/ui.js";
import { t } from "../../../core/words.js";
import { instant, stamp } from "./time.js";

export function Times({ range, zone, zoom, all }) {
  const [from, to] = range.map((time) => stamp(Math.round(time / 60) * 60, zone).replace("T", " "));
  const span = range[1] - range[0];
  const set = (which) => (event) => {
    const time = instant(event.target.value, zone);
    if (time === null) return;
    if (which === 0) zoom(time, time < range[1] ? range[1] : time + span, { step: true });
    else zoom(time > range[0] ? range[0] : time - span, time, { step: true });
  };
  const scale = (by) => () => zoom((range[0] + range[1]) / 2 - (span * by) / 2, (range[0] + range[1]) / 2 + (span * by) / 2);
  const move = (by) => () => zoom(range[0] + span * by, range[1] + span * by);
  return html`<div class="row chart-times">
    <${Field} label=${t("chart.from")} value=${from} placeholder="2024-07-01 08:30" inputmode="numeric" size="16" onChange=${set(0)} />
    <${Field} label=${t("chart.to")} value=${to} placeholder="2024-07-01 08:30" inputmode="numeric" size="16" onChange=${set(1)} />
    <div class="row chart-steps" role="group" aria-label=${t("chart.move")}>
      ${[["‹", "chart.earlier", move(-0.5)], ["›", "chart.later", move(0.5)], ["+", "chart.closer", scale(0.5)], ["−", "chart.wider", scale(2)]]
        .map(([sign, name, work]) => html`<button aria-label=${t(name)} title=${t(name)} onClick=${work}>${sign}</button>`)}
      <button onClick=${all}>${t("chart.whole")}</button></div></div>`;
}
