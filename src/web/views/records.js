// Declared collections of records: which there are, and the records of one as its server keeps them. All of it is made from
// the declarations; nothing here knows a collection.
import { address, useGet } from "../core/api.js";
import { Answer, CopyLink, Empty, Facts, Field, Listed, Pager, Search, Table, Tabs, Tag } from "../core/parts.js";
import { foreign } from "../core/refusals.js";
import { html } from "../core/ui.js";
import { amend, at } from "../core/url.js";
import { clock, count, exact, t, word } from "../core/words.js";

const PAGE = 50;

/** Declarations that are not in force, each with its place and reason; what was declared before goes on. */
function Wrong({ files }) {
  const wrong = files.filter((file) => file.error);
  if (!wrong.length) return null;
  return html`<div class="warnings"><p>${t("records.wrong", { count: wrong.length })}</p>
    <${Listed} items=${wrong.map(({ file, line, error }) => ({ file, line, message: error }))} lang=${foreign()} /></div>`;
}

function cell(field, value) {
  if (value == null) return "–";
  if (field.type === "time") return clock(value);
  if (field.type === "number" || field.type === "integer") return exact(value);
  return typeof value === "object" ? html`<code>${JSON.stringify(value)}</code>` : String(value);
}

/** A filter of a field: its words where it has a list of them, else what is typed. */
function Filter({ field, query }) {
  const choose = (value) => amend({ [field.name]: value || null, page: null });
  if (field.values.length) {
    return html`<${Field} label=${field.name} value=${query[field.name]} onChange=${(event) => choose(event.target.value)}
      options=${[["", t("records.any")], ...field.values.map((word) => [word, word])]} />`;
  }
  return html`<${Search} label=${field.name} value=${query[field.name]} onsearch=${choose} />`;
}

function Records({ of, query }) {
  const page = Math.max(1, Number(query.page) || 1);
  const filters = of.fields.filter((field) => (field.index || field.values.length > 0) && field.name !== of.key && ["text", "boolean"].includes(field.type));
  const searched = of.fields.some((field) => field.search);
  const asks = Object.fromEntries(filters.map(({ name }) => [name, query[name]]));
  const narrowed = query.q || Object.values(asks).some(Boolean);
  const order = query.order === "asc" ? "asc" : "desc";
  const sort = of.fields.some(({ name }) => name === query.sort) ? query.sort : null;
  const asked = useGet(of.route, { ...asks, q: searched ? query.q : null, sort_by: sort, order: sort ? order : null, page, page_size: PAGE });
  const sortBy = (key) => amend({ sort: key, order: key === sort && order === "desc" ? "asc" : "desc", page: null });
  const heads = of.fields.map((field) => ({
    key: field.name, name: field.name, title: field.description, number: ["number", "integer"].includes(field.type), sort: field.type !== "json",
  }));
  return html`<p class="soft" translate=${false}>${of.description}</p>
    <${Facts} of=${[[t("records.kept_by"), of.backend], [t("records.parent"), of.parent ?? "–"], [t("records.path"), html`<code>${of.route}</code>`]]} />
    <form class="fields records-filters" role="search" onSubmit=${(event) => event.preventDefault()}>
      ${searched && html`<${Search} label=${t("records.search")} value=${query.q} onsearch=${(q) => amend({ q: q || null, page: null })} />`}
      ${filters.map((field) => html`<${Filter} key=${field.name} field=${field} query=${query} />`)}</form>
    <${Answer} of=${asked} tall>${(data) => html`<p class="soft small">${t("records.total", { count: data.total })}</p>
      ${data.items.length
        ? html`<${Table} caption=${of.name} heads=${heads} rows=${data.items} rowKey=${(row) => row[of.key]} cards sorted=${sort && { key: sort, descending: order === "desc" }}
            onsort=${sortBy} cell=${(row, key) => cell(of.fields.find(({ name }) => name === key), row[key])} />`
        : html`<${Empty}>${narrowed ? t("records.none") : html`${t("records.empty")} <code>POST ${address(`${of.route}/batch`).pathname}</code><br />
          <a href="docs/">${t("records.how")}</a>`}<//>`}
      <${Pager} page=${data.page} pages=${data.total_pages} go=${(to) => amend({ page: to }, { replace: false })} />`}<//>`;
}

export default function Collections({ path, query }) {
  const [, name] = path;
  const asked = useGet("collections");
  return html`<div class="row spread"><h1>${t("nav.records")}</h1><${CopyLink} /></div>
    <${Answer} of=${asked} tall>${({ items, files }) => {
      const chosen = items.find((one) => one.name === name) ?? (name ? null : items[0]);
      return html`<${Wrong} files=${files} />
        ${items.length > 0 && html`<${Tabs} label=${t("nav.records")} chosen=${chosen?.name} tabs=${items.map((one) => [one.name, word("collection", one.name), at(["records", one.name])])} />`}
        ${chosen ? html`<${Records} key=${chosen.name} of=${chosen} query=${query} />` : html`<${Empty}>${t(name ? "part.no_such_page" : "records.no_collection")}<//>`}`;
    }}<//>`;
}
