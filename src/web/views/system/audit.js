// Everything that changed something, and what was refused: who, when, what, with filters; whether the list is whole; and to take away.
import { address, get, useGet } from "../../core/api.js";
import { Answer, Empty, Field, Pager, Problem, Search, Tag } from "../../core/parts.js";
import { html, useState } from "../../core/ui.js";
import { amend, at } from "../../core/url.js";
import { count, local, t, word } from "../../core/words.js";

const FILTERS = ["q", "who", "action", "result", "from", "to", "session_id", "object"];
const AREAS = ["session", "model", "optimization", "login", "user", "key", "link", "site", "query", "job", "record", "file", "cache"];

function Verify() {
  const [state, setState] = useState(null);
  const verify = async () => {
    setState({ busy: true });
    setState(await get("audit/verify").catch((failure) => ({ failure })));
  };
  return html`<div class="row"><button disabled=${state?.busy} onClick=${verify}>${t(state?.busy ? "system.verifying" : "system.verify")}</button>
    ${state?.entries != null && html`<span role="status"><${Tag} kind=${state.intact ? "good" : "bad"}>${state.intact
      ? t("system.intact", { count: state.entries }) : t("system.broken", { seq: state.broken_at })}<//>
      <span class="soft small mono" title=${state.last_hash}> …${state.last_hash.slice(-12)}</span></span>`}
    ${state?.failure && html`<${Problem} failure=${state.failure} />`}</div>`;
}

function where(entry) {
  if (entry.object_kind === "session" || (!entry.object_id && entry.session_id)) return at(["sessions", entry.session_id ?? entry.object_id]);
  if (entry.object_kind === "model") return at(["models", entry.object_id]);
  if (/optimization|run/.test(entry.object_kind)) return at(["setpoints", "runs", entry.object_id]);
  return null;
}

function Entry({ entry }) {
  const link = entry.object_id && entry.result === "done" && !/delete|purge/.test(entry.action) ? where(entry) : null;
  const more = Object.entries(entry.detail ?? {});
  return html`<li class="system-entry"><details><summary><span class="number soft small">${local(entry.at)}</span> <strong>${entry.who}</strong>
      <span>${t(`system.action.${entry.action.replaceAll(".", "_")}`, { otherwise: entry.action })}</span>
      ${entry.object_id && html`<span class="soft small system-object">${entry.detail?.name ?? entry.object_id}</span>`}
      ${entry.result !== "done" && html`<${Tag} kind="bad">${t("system.refused")}<//>`}</summary>
    <dl class="system-detail">${[["#", count(entry.seq)], [t("system.action_code"), html`<code>${entry.action}</code>`],
      [t("system.object"), html`${entry.object_kind} ${link ? html`<a href=${link}>${entry.object_id}</a>` : entry.object_id ?? ""}`],
      [t("system.via"), word("system.vias", entry.via)], [t("system.from_address"), entry.address ?? "–"], entry.result !== "done"
        && [t("system.result"), word("problem", entry.result)],
      entry.request_id && [t("system.request"), html`<code>${entry.request_id}</code>`],
        ...more.map(([name, told]) => [name.replaceAll("_", " "), typeof told === "object" ? html`<code>${JSON.stringify(told)}</code>` : String(told)]),
          [t("system.hash"), html`<code>${entry.hash.slice(0, 16)}…</code>`]]
      .filter(Boolean).map(([name, told]) => html`<div><dt>${name}</dt><dd>${told}</dd></div>`)}</dl></details></li>`;
}

export function Audit({ query }) {
  const page = Number(query.page) || 1;
  const filter = Object.fromEntries(FILTERS.map((name) => [name, query[name]]));
  const asked = useGet("audit", { ...filter, page, page_size: 50 });
  const set = (name) => (event) => amend({ [name]: event.target.value, page: null });
  const take = (format) => String(address("audit/export", { ...filter, format }));
  return html`<div class="row spread"><${Verify} /><div class="row"><a class="button" href=${take("csv")} download="audit.csv">CSV</a>
    <a class="button" href=${take("ndjson")} download="audit.ndjson">NDJSON</a></div></div>
    <div class="system-filter fields"><${Search} label=${t("models.search")} value=${query.q} onsearch=${(q) => amend({ q, page: null })} />
      <${Search} label=${t("system.who")} value=${query.who} onsearch=${(who) => amend({ who, page: null })} />
      <${Field} label=${t("system.about")} options=${[["", t("system.all")], ...AREAS.map((area) => [`${area}.*`, word("system.area", area)])]}
        value=${query.action ?? ""} onChange=${set("action")} />
      <${Field} label=${t("system.result")} options=${[["", t("system.all")], ["done", t("system.done")], ["refused", t("system.refused")]]}
        value=${query.result ?? ""} onChange=${set("result")} />
      <${Field} label=${t("system.from")} type="date" value=${query.from ?? ""} onChange=${set("from")} />
        <${Field} label=${t("system.to")} type="date" value=${query.to ?? ""} onChange=${set("to")} /></div>
    <${Answer} of=${asked} tall>${({ items, total, total_pages: pages }) => (items.length
      ? html`<section class="panel"><p class="small soft">${t("system.entries_count", { count: total })}</p>
        <ul class="system-list">${items.map((entry) => html`<${Entry} key=${entry.seq} entry=${entry} />`)}</ul></section>
        <${Pager} page=${page} pages=${pages} go=${(next) => amend({ page: next }, { replace: false })} />` : html`<${Empty}>${t("system.no_entries")}<//>`)}<//>`;
}
