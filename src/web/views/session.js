// One session: what stands around its tabs. A tab is a module of `session/`, read when it is first looked at; it gets the
// session, the version that is looked at and the values of the address.
import { send, useGet } from "../core/api.js";
import { Answer, CopyLink, Dialog, Facts, Field, Later, Problem, Tabs, Tag, say, useMay } from "../core/parts.js";
import { html, useState } from "../core/ui.js";
import { amend, at, go } from "../core/url.js";
import { ago, count, day, t, word } from "../core/words.js";

const TABS = ["verdict", "chart", "table", "statistics", "clean", "model", "findings", "files"];
const moduleOf = (name) => new URL(`./session/${name}.js`, import.meta.url).href;

/** Name, site, tags and notes of a session. */
export function Describe({ session, onclose, ondone }) {
  const save = async ({ name, site, tags, notes }) => {
    await send("PATCH", `sessions/${session.session_id}`, { name, site: site || null, tags: tags.split(",").map((tag) => tag.trim()).filter(Boolean), notes: notes || null });
    say(t("session.saved", { name }));
    ondone();
  };
  return html`<${Dialog} title=${t("session.describe")} ok=${t("part.save")} onok=${save} onclose=${onclose}>
    <${Field} label=${t("session.name")} name="name" value=${session.name} required autofocus />
    <${Field} label=${t("session.site")} name="site" value=${session.site ?? ""} />
    <${Field} label=${t("session.tags")} hint=${t("session.tags_hint")} name="tags" value=${(session.tags ?? []).join(", ")} />
    <label><span>${t("session.notes")}</span><textarea name="notes" rows="4">${session.notes ?? ""}</textarea></label><//>`;
}

/** Deletes a session; what is said of it offers to take that back. */
export async function remove(session, ondone) {
  await send("DELETE", `sessions/${session.session_id}`);
  say(t("session.deleted", { name: session.name }), [t("session.undo"), async () => {
    await send("POST", `sessions/${session.session_id}/restore`);
    say(t("session.restored", { name: session.name }));
    ondone();
  }]);
  ondone();
}

function Heading({ session, version, versions, again }) {
  const [describing, setDescribing] = useState(false);
  const [failure, setFailure] = useState(null);
  const may = useMay("operator");
  const tried = (work) => () => work().catch(setFailure);
  const restore = async () => {
    await send("POST", `sessions/${session.session_id}/restore`);
    again();
  };
  return html`<div class="heading">
    <p class="crumbs"><a href="#/">${t("nav.sessions")}</a>${session.site && html` / <a href=${at([], { site: session.site })}>${session.site}</a>`}</p>
    <div class="row spread"><h1>${session.name} <${Tag} kind=${session.status}>${word("status", session.status)}<//></h1>
      <div class="row">
        ${versions.length > 0 && html`<select aria-label=${t("session.version")} onChange=${(event) => amend({ version: event.target.value })}>
          <option value="" selected=${version === "latest"}>${t("session.newest")}</option>
          ${versions.map((one) => html`<option value=${one.version} selected=${one.version === version}>${one.version}</option>`)}</select>`}
        <${CopyLink} />
        ${may && (session.deleted_at
          ? html`<button onClick=${tried(restore)}>${t("session.restore")}</button>`
          : html`<button class="plain" onClick=${() => setDescribing(true)}>${t("session.edit")}</button>
            <button class="plain" onClick=${tried(() => remove(session, () => go([])))}>${t("session.delete")}</button>`)}
      </div></div>
    ${session.deleted_at && html`<p class="warnings">${t("session.is_deleted")}</p>`}
    ${failure && html`<${Problem} failure=${failure} />`}
    <p class="soft small">${[session.start_at && `${day(session.start_at)} – ${day(session.end_at)}`,
      session.total_rows != null && t("session.rows", { count: session.total_rows }), session.timezone, t("session.files_count", { count: session.files_count ?? 0 }),
      t("session.changed", { when: ago(session.updated_at) })].filter(Boolean).join(" · ")}
      ${(session.tags ?? []).map((tag) => html` <${Tag}>${tag}<//>`)}</p>
    ${session.notes && html`<p class="notes">${session.notes}</p>`}
    ${describing && html`<${Describe} session=${session} onclose=${() => setDescribing(false)} ondone=${again} />`}
  </div>`;
}

export default function Session({ path, query }) {
  const [, id, wished = null] = path;
  const asked = useGet(`sessions/${encodeURIComponent(id ?? "")}`);
  const version = query.version || "latest";
  return html`<${Answer} of=${asked} tall>${(session) => {
    const versions = session.versions ?? [];
    const chosen = wished ?? (versions.length ? "verdict" : "files");
    const tabs = (versions.length ? TABS : ["files"]).map((name) => [name, t(`tab.${name}`), at(["sessions", id, name], { version: query.version })]);
    const rest = { session, version, versions, query, again: asked.again };
    return html`<${Heading} ...${rest} />
      <${Tabs} label=${t("session.tabs")} tabs=${tabs} chosen=${chosen} />
      ${TABS.includes(chosen) ? html`<${Later} key=${chosen} url=${moduleOf(chosen)} ...${rest} />` : html`<p class="empty">${t("part.no_such_page")}</p>`}`;
  }}<//>`;
}
