// All sessions: which sites there are, what data each session has, and whether something is wrong. Searched, filtered and
// sorted by the address.
import { useGet } from "../core/api.js";
import { Answer, CopyLink, Empty, Field, Pager, Search, useMay } from "../core/parts.js";
import { html } from "../core/ui.js";
import { amend } from "../core/url.js";
import { ago, bytes, t, word } from "../core/words.js";
import { Welcome } from "./home/empty.js";
import { useWrongs } from "./home/health.js";
import { Sessions } from "./home/list.js";

const STATUSES = ["uploaded", "parsed", "cleaned", "failed"];
/** What a list can be sorted by, and whether the greatest stands first. */
const SORTS = { updated_at: "desc", created_at: "desc", name: "asc", site: "asc", total_rows: "desc", status: "asc" };
const PAGE = 100;

const different = (texts) => [...new Set(texts.filter(Boolean))].sort((a, b) => a.localeCompare(b));

/** One sentence: how many sites and sessions, and what is wrong with any of them, since when. */
function Glance({ of }) {
  const { items, total } = of;
  const sites = different(items.map((one) => one.site)).length;
  const failed = items.filter((one) => one.status === "failed");
  const open = items.filter((one) => one.status === "uploaded");
  const since = failed.map((one) => one.updated_at).sort()[0];
  const { faults, dead } = useWrongs(items);
  return html`<p class="home-glance">
    <span>${t("home.sessions", { count: total })}${sites > 0 && ` · ${t("home.sites", { count: sites })}`}</span>
    ${failed.length > 0 && html`<a class="tag bad" href="#/?status=failed">${t("home.failed", { count: failed.length, when: ago(since) })}</a>`}
    ${open.length > 0 && html`<a class="tag warn" href="#/?status=uploaded">${t("home.open", { count: open.length })}</a>`}
    ${faults > 0 && html`<span class="tag warn">${t("home.findings", { count: faults })}</span>`}
    ${dead > 0 && html`<span class="tag warn">${t("home.dead", { count: dead })}</span>`}
    ${failed.length + open.length + faults + dead === 0 && html`<span class="tag">${t("home.well")}</span>`}</p>`;
}

function Filters({ query, all, flat }) {
  const choose = (name) => (event) => amend({ [name]: event.target.value || null, page: null }, { replace: false });
  const listed = (name, of) => {
    const known = different([...of, query[name]]);
    return [["", t(`home.any_${name}`)], ...known.map((text) => [text, text])];
  };
  const set = ["q", "status", "site", "tag", "sort", "deleted"].some((name) => query[name]);
  // What was searched stands in one list, whose own order is that of the last change.
  const keys = Object.keys(SORTS).filter((key) => !(flat && key === "updated_at"));
  const orders = [["", t(flat ? "home.sort_updated_at" : "home.by_site")], ...keys.map((key) => [key, t(`home.sort_${key}`)])];
  const unfolded = Boolean(query.filters || query.status || query.site || query.tag || query.sort || query.deleted);
  return html`<form class=${`home-filters ${unfolded ? "unfolded" : ""}`} role="search" onSubmit=${(event) => event.preventDefault()}>
    <${Search} label=${t("home.search")} placeholder=${t("home.search_hint")} value=${query.q} onsearch=${(q) => amend({ q, page: null })} />
    ${!unfolded && html`<button type="button" class="home-fold" onClick=${() => amend({ filters: "1" })}>${t("home.filters")}</button>`}
    <${Field} label=${t("home.site")} value=${query.site} options=${listed("site", all.map((one) => one.site))} onChange=${choose("site")} />
    <${Field} label=${t("home.status")} value=${query.status} onChange=${choose("status")}
      options=${[["", t("home.any_status")], ...STATUSES.map((status) => [status, word("status", status)])]} />
    <${Field} label=${t("home.tag")} value=${query.tag} options=${listed("tag", all.flatMap((one) => one.tags ?? []))} onChange=${choose("tag")} />
    <${Field} label=${t("home.sort")} value=${query.sort} onChange=${choose("sort")}
      options=${orders} />
    <div class="row home-modes">
      <button type="button" aria-pressed=${query.deleted ? "true" : "false"}
        onClick=${() => amend({ deleted: query.deleted ? null : "true", page: null }, { replace: false })}>${t("home.deleted")}</button>
      ${set && html`<a class="button plain" href="#/">${t("home.clear")}</a><${CopyLink} />`}</div></form>`;
}

/** What is kept on the server's disk, and what room is left. */
function Storage() {
  const { data } = useGet("status");
  if (data?.stored_bytes == null) return html`<p class="home-storage soft small">\u00a0</p>`;
  const parts = Object.entries(data.stored ?? {}).filter(([, size]) => size > 0);
  return html`<p class="home-storage soft small">${t("home.storage", { used: bytes(data.stored_bytes), free: bytes(data.free_bytes) })}
    ${parts.length > 0 && ` ${parts.map(([kind, size]) => `${word("home.stored", kind)} ${bytes(size)}`).join(" · ")}`}</p>`;
}

export default function Home({ query }) {
  const may = useMay("operator");
  const page = Math.max(1, Number(query.page) || 1);
  const { q, status, site, tag, sort, deleted } = query;
  const asks = { q, status, site, tag, deleted, sort: SORTS[sort] ? sort : "updated_at", order: SORTS[sort] ?? "desc", page, page_size: PAGE };
  const plain = !(q || status || site || tag || sort || deleted) && page === 1;
  const newest = useGet("sessions", { sort: "updated_at", order: "desc", page_size: PAGE });
  const found = useGet(plain ? null : "sessions", asks);
  // What was there stays until the first answer to a question comes.
  const shown = plain ? newest : found.data || found.failure ? found : { ...newest, busy: true };
  const again = () => {
    newest.again();
    if (!plain) found.again();
  };
  const all = newest.data?.items ?? [];
  if (plain && newest.data?.total === 0) return html`<${Welcome} again=${again} />`;
  const flat = Boolean(q || sort || deleted);
  return html`
    <div class="row spread home-top"><div><h1>${t(deleted ? "home.deleted_title" : "home.title")}</h1>
      ${!deleted && (newest.data ? html`<${Glance} of=${newest.data} />` : html`<p class="home-glance"></p>`)}</div>
      ${may && html`<a class="button primary" href="#/new">${t("home.new")}</a>`}</div>
    <${Filters} query=${query} all=${all} flat=${Boolean(q || deleted)} />
    <${Answer} of=${shown} tall>${(data) => (data.items.length
      ? html`<${Sessions} items=${data.items} flat=${flat} searched=${q} again=${again} />`
      : html`<${Empty}>${t(deleted ? "home.none_deleted" : "home.none_match")} ${(q || status || site || tag) && html`<a
        href=${deleted ? "#/?deleted=true" : "#/"}>${t("home.clear")}</a>`}<//>`)}<//>
    ${shown.data && html`<${Pager} page=${page} pages=${shown.data.total_pages} go=${(to) => amend({ page: to }, { replace: false })} />`}
    <${Storage} />`;
}
