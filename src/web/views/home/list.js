// Sessions as rows: grouped by site on one axis of time a site, or flat as they were searched or sorted.
import { get, send } from "../../core/api.js";
import { Strip } from "../../core/paint.js";
import { Dialog, Problem, Tag, say, useMay } from "../../core/parts.js";
import { html, useState } from "../../core/ui.js";
import { at } from "../../core/url.js";
import { ago, bytes, day, local, percent, t, word } from "../../core/words.js";
import { Describe, remove } from "../session.js";
import { useHealth } from "./health.js";

const time = (iso) => (iso ? Date.parse(iso) : null);

/** From the first to the last time of some sessions, ms; null where none has data. */
function axisOf(sessions) {
  const dated = sessions.filter((one) => one.start_at && one.end_at);
  if (!dated.length) return null;
  const first = dated.reduce((least, one) => (time(one.start_at) < time(least.start_at) ? one : least)).start_at;
  const last = dated.reduce((most, one) => (time(one.end_at) > time(most.end_at) ? one : most)).end_at;
  return { first, last, from: time(first), length: Math.max(1, time(last) - time(first)) };
}

/** Where on the axis a session has data, as a strip of how much is there where that is known. */
function Span({ session, axis, shares }) {
  if (!axis || !session.start_at) return html`<div class="home-span"></div>`;
  const width = Math.max(2, ((time(session.end_at) - time(session.start_at)) / axis.length) * 100);
  const left = Math.min(100 - width, ((time(session.start_at) - axis.from) / axis.length) * 100);
  return html`<div class="home-span"><div class=${shares?.length ? "home-strip" : "home-strip home-plain"} style=${{ marginLeft: `${left}%`, width: `${width}%` }}>
    ${shares?.length > 0 && html`<${Strip} of=${shares.map((share) => (share == null ? null : share / 100))} height=${10}
      description=${t("home.coverage", { from: day(session.start_at), to: day(session.end_at) })} />`}</div></div>`;
}

function ForEver({ session, onclose, again }) {
  const work = async () => {
    await send("DELETE", `sessions/${session.session_id}`, undefined, { values: { purge: true } });
    say(t("home.purged", { name: session.name }));
    again();
  };
  return html`<${Dialog} title=${t("home.purge")} ok=${t("home.purge")} danger onok=${work} onclose=${onclose}>
    <p>${t("home.purge_text", { name: session.name })}</p><//>`;
}

const unread = (session) => session.status === "uploaded" || (session.status === "failed" && !session.total_rows);

function Row({ session, axis, flat, again }) {
  const may = useMay("operator");
  const { health, element } = useHealth(session);
  const [open, setOpen] = useState(null);
  const [failure, setFailure] = useState(null);
  const gone = Boolean(session.deleted_at);
  const restore = async () => {
    await send("POST", `sessions/${session.session_id}/restore`);
    say(t("session.restored", { name: session.name }));
    again();
  };
  const tried = (work) => () => {
    setFailure(null);
    work().catch(setFailure);
  };
  // A list does not have the notes, which would be lost were they not there to be edited.
  const describe = async () => setOpen({ describe: await get(`sessions/${session.session_id}`) });
  const name = (verb) => `${verb}: ${session.name}`;
  const found = (session.found ?? []).filter(({ kind }) => !["name", "site"].includes(kind)).slice(0, 4);
  const figures = session.column_count > 0
    ? [t("home.rows", { count: session.total_rows }), t("home.points", { count: session.column_count - 1 })]
    : [t("session.files_count", { count: session.files_count ?? 0 })];
  if (gone && session.size_bytes != null) figures.push(bytes(session.size_bytes));
  return html`<li class="home-row" ref=${element}>
    <div class="home-what">
      <a class="name" href=${at(["sessions", session.session_id])}>${session.name}</a>
      ${" "}<${Tag} kind=${session.status}>${word("status", session.status)}<//>
      ${health.findings > 0 && html` <a class="tag warn"
        href=${at(["sessions", session.session_id, "findings"])}>${t("home.findings_since", { count: health.findings, day: health.since })}</a>`}
      ${(session.tags ?? []).map((tag) => html` <a class="tag soft home-tag" href=${at([], { tag })}>${tag}</a>`)}
      ${flat && session.site && html`<a class="home-site small" href=${at([], { site: session.site })}>${session.site}</a>`}
      ${session.notes && html`<p class="home-note soft small">${session.notes}</p>`}
      ${found.length > 0 && html`<p class="home-note soft small">${t("home.found")} ${found.map(({ kind, text }, index) =>
        html`${index > 0 && ", "}${word("home.found_kind", kind)} <span class="mono">${text}</span>`)}</p>`}
    </div>
    <div class="home-when"><${Span} session=${session} axis=${axis} shares=${health.slices} />
      <p class="small soft number"><span>${session.start_at ? `${day(session.start_at)} – ${day(session.end_at)}` : t("home.no_data")}</span>
        <span>${health.percent != null && t("home.there", { percent: percent(health.percent) })}</span></p></div>
    <div class="home-size small number">${figures.map((figure) => html`<span>${figure}</span>`)}
      ${health.dead > 0 && html`<a class="home-bad home-dead" href=${at(["sessions", session.session_id])}>${t("home.dead", { count: health.dead })}</a>`}</div>
    <div class="home-ago small soft" title=${local(session.updated_at)}>${gone ? t("home.deleted_ago", { when: ago(session.deleted_at) }) : ago(session.updated_at)}</div>
    <div class="home-acts">${may && (gone
      ? html`<button onClick=${tried(restore)} aria-label=${name(t("session.restore"))}>${t("session.restore")}</button>
        <button class="plain home-bad" onClick=${() => setOpen("purge")} aria-label=${name(t("home.purge"))}>${t("home.purge")}</button>`
      : html`${unread(session) && html`<a class="button" href=${at(["new"], { session: session.session_id })}
        aria-label=${name(t("home.go_on"))}>${t("home.go_on")}</a>`}
        <button class="plain" onClick=${tried(describe)} aria-label=${name(t("session.edit"))}>${t("session.edit")}</button>
        <button class="plain" onClick=${tried(() => remove(session, again))} aria-label=${name(t("session.delete"))}>${t("session.delete")}</button>`)}</div>
    ${failure && html`<div class="home-wide"><${Problem} failure=${failure} /></div>`}
    ${open?.describe && html`<${Describe} session=${open.describe} onclose=${() => setOpen(null)} ondone=${again} />`}
    ${open === "purge" && html`<${ForEver} session=${session} onclose=${() => setOpen(null)} again=${again} />`}
  </li>`;
}

/** Sites in the order of their last change; what has no site stands last. */
function bySite(items) {
  const groups = new Map();
  for (const one of items) groups.set(one.site ?? "", [...(groups.get(one.site ?? "") ?? []), one]);
  return [...groups].sort(([a], [b]) => (a === "") - (b === ""));
}

export function Sessions({ items, flat, again }) {
  const rows = (of, axis) => html`<ul class="home-list panel">${of.map((one) =>
    html`<${Row} key=${one.session_id} session=${one} axis=${axis ?? axisOf([one])} flat=${flat} again=${again} />`)}</ul>`;
  if (flat) return rows(items);
  return bySite(items).map(([site, of]) => {
    const axis = axisOf(of);
    return html`<section key=${site} class="home-group">
      <h2>${site ? html`<a href=${at([], { site })}>${site}</a>` : t("home.no_site")}
        ${of.length > 1 && html`<span class="soft small"> ${t("home.sessions", { count: of.length })}${site && axis && ` · ${day(axis.first)} – ${day(axis.last)}`}</span>`}</h2>
      ${rows(of, site ? axis : null)}</section>`;
  });
}
