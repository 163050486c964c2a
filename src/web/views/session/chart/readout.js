// The chart's legend: each column with its colour, its value under the cursor, and a way to take it out.
import { store, useStore } from "../../../core/store.js";
import { lineColour } from "../../../core/theme.js";
import { html } from "../../../core/ui.js";
import { t, value } from "../../../core/words.js";
import { valueAt } from "./lines.js";
import { stamp } from "./time.js";

/** Where the cursor is, in seconds; null: it is not on the plot. */
export const cursor = store(null);

/** Lets the cursor of a plot be known. */
export function follow(plot) {
  const tell = () => {
    const { left } = plot.cursor;
    cursor.set(left >= 0 ? plot.posToVal(left, "x") : null);
  };
  (plot.hooks.setCursor ??= []).push(tell);
}

const Swatch = ({ index, dashed }) => html`<svg class="chart-swatch" viewBox="0 0 22 10" aria-hidden="true">
  <line x1="0" x2="22" y1="5" y2="5" stroke=${lineColour(index)} stroke-width="3" stroke-dasharray=${dashed ? "5 3" : null} /></svg>`;

/** A column's unit, and the one that it has from the next parse on. */
function Unit({ of, next, onunit }) {
  const changes = next && next !== of?.unit;
  return html`<button class="plain chart-unit" title=${changes ? t("chart.unit_next", { unit: next }) : t("chart.set_unit")} onClick=${() => onunit(of)}>
    <span class="visually-hidden">${t("chart.set_unit_of", { column: of?.column })}: </span>${of?.unit || t("chart.no_unit")}${changes && ` → ${next}`}</button>`;
}

/**
 * `entries`: `{column, known, next, index, line, other}`; `next` is the unit that the next parse gives it, `other` the line of the
 * version that is laid over.
 */
export function Readout({ entries, zone, versions, onremove, onunit }) {
  const time = useStore(cursor);
  return html`<div class="chart-readout">
    <span class="chart-time number">${time === null ? t("chart.at_cursor") : stamp(Math.round(time / 60) * 60, zone).replace("T", " ")}</span>
    ${entries.map(({ column, known: { unit, kind } = {}, next, index, line, other, known }) => html`<span class="chart-entry" key=${column}>
      <${Swatch} index=${index} /><span class="chart-entry-name" title=${column}>${column}</span>
      <b class="number">${time !== null && line ? value(valueAt(line, time)) : ""}</b>
      ${onunit && kind !== "status" ? html`<${Unit} of=${known} next=${next} onunit=${onunit} />` : html`<span class="soft">${unit}</span>`}
      ${other && html`<span class="chart-entry-other" title=${versions[1]}><${Swatch} index=${index} dashed />
        <b class="number">${time === null ? "" : value(valueAt(other, time))}</b></span>`}
      <button class="plain chart-remove" aria-label=${t("chart.remove", { column })} onClick=${() => onremove(column)}>×</button></span>`)}</div>`;
}
