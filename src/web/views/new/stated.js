// How one file is read, where somebody knows better than what was found: each change is looked at, at once.
import { Field } from "../../core/parts.js";
import { said } from "../../core/said.js";
import { html } from "../../core/ui.js";
import { amend } from "../../core/url.js";
import { t, word } from "../../core/words.js";
import { statedOf } from "./look.js";
import { plain } from "./plain.js";
import { ORDERS, isZone } from "./options.js";

const FORMATS = ["wide", "narrow", "single_point", "apogee", "toa5"];
const NUMBERS = ["header_row", "skip_rows", "year"];

/** Another reading in words: `Order of dates DMY`. */
const written = ({ field, value }) =>
  `${t(`new.field.${field}`, { otherwise: field })} ${field === "format" ? word("new.format", value) : value}`;

export function Stated({ row, query }) {
  const all = statedOf(query);
  const own = all[row.name] ?? {};
  const state = (changes) => {
    const next = Object.fromEntries(Object.entries({ ...own, ...changes }).filter(([, given]) => given !== "" && given != null));
    const { [row.name]: _, ...others } = all;
    const rest = Object.keys(next).length ? { ...others, [row.name]: next } : others;
    amend({ of: Object.keys(rest).length ? JSON.stringify(rest) : null });
  };
  const chosen = (name) => (event) => state({ [name]: event.target.value });
  const typed = (name) => (event) => {
    const given = event.target.value.trim();
    if (name === "timezone" && given && !isZone(given)) return;
    state({ [name]: NUMBERS.includes(name) && given ? Number(given) : given });
  };
  const others = (row.verdict?.other_readings ?? []).filter((other) => !(other.field === "timezone" && !isZone(other.value)));
  return html`<div class="new-stated"><h3>${t("new.otherwise")}</h3>
    ${others.map((other) => html`<p class="small"><button type="button"
      onClick=${() => state({ [other.field]: NUMBERS.includes(other.field) ? Number(other.value) : other.value })}>${t("new.read_as", { what: written(other) })}</button>
      <span class="soft"> ${plain(said(other.why))}</span></p>`)}
    <div class="fields">
      <${Field} label=${t("new.field.format")} value=${own.format} onChange=${chosen("format")}
        options=${[["", t("new.as_found")], ...FORMATS.map((format) => [format, t(`new.format.${format}`)])]} />
      <${Field} label=${t("new.field.timezone")} value=${own.timezone ?? ""} list="new-zones" placeholder=${t("new.as_all")} onChange=${typed("timezone")} />
      <${Field} label=${t("new.field.date_format")} value=${own.date_format} onChange=${chosen("date_format")}
        options=${[["", t("new.as_all")], ...ORDERS.map((order) => [order, t(`new.order_${order}`)])]} />
      <${Field} label=${t("new.field.decimal")} value=${own.decimal} onChange=${chosen("decimal")}
        options=${[["", t("new.as_found")], [".", "1.5"], [",", "1,5"]]} />
      <${Field} label=${t("new.field.delimiter")} value=${own.delimiter} onChange=${chosen("delimiter")}
        options=${[["", t("new.as_found")], [",", t("new.comma")], [";", t("new.semicolon")], ["tab", t("new.tab")], ["|", "|"]]} />
      <${Field} label=${t("new.field.header_row")} type="number" min="1" value=${own.header_row ?? ""} placeholder=${t("new.as_found")}
        onChange=${typed("header_row")} />
      <${Field} label=${t("new.field.skip_rows")} type="number" min="0" value=${own.skip_rows ?? ""} placeholder="0" onChange=${typed("skip_rows")} />
      <${Field} label=${t("new.field.year")} type="number" min="1900" max="2200" value=${own.year ?? ""} placeholder=${t("new.as_found")}
        onChange=${typed("year")} />
      <${Field} label=${t("new.field.encoding")} value=${own.encoding ?? ""} placeholder=${t("new.as_found")} onChange=${typed("encoding")} />
      ${row.verdict?.tables?.length > 1 && html`<${Field} label=${t("new.field.sheet")} value=${own.sheet ?? ""} placeholder=${t("new.all_sheets")}
        onChange=${typed("sheet")} />`}
    </div>
    ${Object.keys(own).length > 0 && html`<button type="button" class="plain"
      onClick=${() => state(Object.fromEntries(Object.keys(own).map((name) => [name, null])))}>${t("new.unstate")}</button>`}</div>`;
}
