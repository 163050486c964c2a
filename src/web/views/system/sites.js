// Sites: what a kilowatt-hour costs there, how its reports and points are read, and which of that is to be forgotten.
import { atSite, send, useGet } from "../../core/api.js";
import { Answer, Dialog, Empty, Field, Problem, Table, Tag, say, useMay } from "../../core/parts.js";
import { html, useState } from "../../core/ui.js";
import { at } from "../../core/url.js";
import { ago, count, local, t, value, word } from "../../core/words.js";

const CURRENCIES = ["TWD", "USD", "EUR", "JPY", "CNY", "HKD", "SGD", "GBP"];

function Price({ site }) {
  const asked = useGet(atSite(site));
  const [open, setOpen] = useState(false);
  const may = useMay("operator");
  const set = async ({ price, currency }) => {
    await send("PUT", atSite(site), { ...asked.data, site: undefined, energy_price: price ? { per_kwh: Number(price), currency } : null });
    say(t("session.saved", { name: site }));
    asked.again();
  };
  return html`<${Answer} of=${asked}>${({ energy_price: price }) => html`<div class="row spread">
    <p>${price ? html`<strong>${price.currency} ${value(price.per_kwh)}</strong> ${t("system.per_kwh")}`
      : html`<span class="soft">${t("system.no_price")}</span>`}</p>
    ${may && html`<button onClick=${() => setOpen(true)}>${t(price ? "session.edit" : "system.set_price")}</button>`}</div>
    ${open && html`<${Dialog} title=${t("system.price_of", { site })} ok=${t("part.save")} onok=${set} onclose=${() => setOpen(false)}>
      <${Field} label=${t("system.per_kwh_long")} hint=${t("system.price_hint")} name="price" type="number" step="any" min="0.000001" value=${price?.per_kwh ?? ""}
        autofocus />
      <${Field} label=${t("system.currency")} name="currency" options=${[...new Set([price?.currency ?? "TWD", ...CURRENCIES])].map((code) => [code, code])}
        value=${price?.currency ?? "TWD"} /><//>`}`}<//>`;
}

const stated = (options) => Object.entries(options ?? {}).filter(([, told]) => told != null && told !== "" && !(Array.isArray(told) && !told.length));

function Overrides({ site }) {
  const asked = useGet(atSite(site, "/overrides"));
  const [failure, setFailure] = useState(null);
  const may = useMay("operator");
  const forget = (values, name) => async () => {
    try {
      await send("DELETE", atSite(site, "/overrides"), undefined, { values });
      say(t("system.forgotten", { name }));
      asked.again();
    } catch (wrong) {
      setFailure(wrong);
    }
  };
  const reports = [{ key: "file", name: t("system.report") }, { key: "how", name: t("system.read_as") }, { key: "when", name: t("system.remembered") },
    { key: "forget", name: "" }];
  const columns = [{ key: "column", name: t("system.point") }, { key: "how", name: t("system.read_as") }, { key: "forget", name: "" }];
  const told = (pairs) => pairs.map(([name, given]) => html`<${Tag} kind="soft">${word("system.option", name)}: ${String(given)}<//> `);
  return html`${failure && html`<${Problem} failure=${failure} />`}<${Answer} of=${asked}>${(of) => (of.reports.length || of.columns.length ? html`
    ${of.reports.length > 0 && html`<${Table} caption=${t("system.report")} heads=${reports} rows=${of.reports} cards rowKey=${(one) => one.shape}
      cell=${(one, key) =>
      (key === "file" ? html`<span class="name">${one.file_name}</span>` : key === "how" ? told(stated(one.options)) : key === "when"
        ? html`<span title=${local(one.updated_at)}>${ago(one.updated_at)}</span>`
        : may && html`<button class="plain" aria-label=${`${t("system.forget")} ${one.file_name}`}
          onClick=${forget({ report: one.shape }, one.file_name)}>${t("system.forget")}</button>`)} />`}
    ${of.columns.length > 0 && html`<h3>${t("system.points")}</h3><${Table} caption=${t("system.points")} heads=${columns} rows=${of.columns} cards
      rowKey=${(one) => one.column} cell=${(one, key) =>
      (key === "column" ? html`<span class="name">${one.column}</span>` : key === "how" ? told(stated({ ...one, column: null }))
        : may && html`<button class="plain" aria-label=${`${t("system.forget")} ${one.column}`}
          onClick=${forget({ column: one.column }, one.column)}>${t("system.forget")}</button>`)} />`}`
    : html`<p class="soft">${t("system.none_remembered")}</p>`)}<//>`;
}

function Site({ site }) {
  return html`<div class="grid"><section class="panel"><h2>${t("system.price")}</h2><${Price} site=${site} /></section></div>
    <section class="panel system-below"><h2>${t("system.remembered_title")}</h2><p class="small soft">${t("system.remembered_text")}</p>
      <${Overrides} site=${site} /></section>`;
}

export function Sites({ id }) {
  const asked = useGet("sessions", { page_size: 100 });
  return html`<${Answer} of=${asked} tall>${(list) => {
    const sites = new Map();
    for (const { site } of list.sessions ?? list.items ?? []) if (site) sites.set(site, (sites.get(site) ?? 0) + 1);
    if (id && !sites.has(id)) sites.set(id, 0);
    if (!sites.size) return html`<${Empty}>${t("system.no_sites")}<//>`;
    const chosen = id ?? [...sites.keys()][0];
    return html`<nav class="row system-sites" aria-label=${t("system.tab.sites")}>${[...sites].map(([site,
      sessions]) => html`<a class="button" href=${at(["system", "sites", site])} aria-current=${site === chosen ? "page" : null}>${site} <span
        class="soft small">${count(sessions)}</span></a>`)}</nav>
      <${Site} key=${chosen} site=${chosen} />`;
  }}<//>`;
}
