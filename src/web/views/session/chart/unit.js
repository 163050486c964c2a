// States a column's unit for its site: the next parse follows it, versions that are stored keep theirs.
import { atSite, send } from "../../../core/api.js";
import { Dialog, Field, say } from "../../../core/parts.js";
import { html } from "../../../core/ui.js";
import { t } from "../../../core/words.js";

const UNITS = [
  "°C", "°F", "K", "%", "kW", "W", "MW", "kWh", "MWh", "RT", "L/min", "L/s", "m³/h", "GPM", "Hz", "Pa", "kPa", "bar", "psi", "ppm", "A", "V", "rpm", "min", "h",
];

/** `of` is the column as `/data/stats` tells of it; `stated` what is remembered of it. */
export function UnitDialog({ session, of, stated, onclose, ondone }) {
  const site = session.site;
  if (!site) {
    return html`<${Dialog} title=${t("chart.unit_of", { column: of.column })} onclose=${onclose}><p>${t("chart.unit_site")}</p><//>`;
  }
  const save = async ({ unit }) => {
    const path = atSite(site, "/overrides");
    const { kind, name } = stated ?? {};
    if (unit.trim()) await send("PUT", path, { column: of.original_name, unit: unit.trim(), ...(kind && { kind }), ...(name && { name }) });
    else if (stated) await send("DELETE", path, undefined, { values: { column: of.original_name } });
    say(t("chart.unit_saved", { column: of.column, site }));
    ondone();
  };
  return html`<${Dialog} title=${t("chart.unit_of", { column: of.column })} ok=${t("part.save")} onok=${save} onclose=${onclose}>
    <${Field} label=${t("chart.unit")} name="unit" value=${stated?.unit ?? of.unit ?? ""} list="chart-units" maxlength="40" autofocus />
    <datalist id="chart-units">${UNITS.map((unit) => html`<option value=${unit}></option>`)}</datalist>
    <p class="soft small">${t("chart.unit_note", { site })}</p><//>`;
}
