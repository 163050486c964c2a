// Who else sees a session, and links with which programs that send no key read it.
import { base, send, useGet } from "../../../core/api.js";
import { Answer, Field, Problem, Tag, say, useMay } from "../../../core/parts.js";
import { html, useState } from "../../../core/ui.js";
import { local, t } from "../../../core/words.js";
import { copy } from "./downloads.js";

const HOURS = [[24, "day"], [168, "week"], [744, "month"], [8784, "year"]];

export function Links({ session, versions }) {
  const path = `sessions/${session.session_id}/links`;
  const asked = useGet(path);
  const [made, setMade] = useState(null);
  const [failure, setFailure] = useState(null);
  const tried = (work) => async (event) => {
    event?.preventDefault?.();
    setFailure(null);
    try {
      await work(event);
      asked.again();
    } catch (wrong) {
      setFailure(wrong);
    }
  };
  const make = tried(async (event) => {
    const { note, hours } = Object.fromEntries(new FormData(event.target));
    const link = await send("POST", path, { note, hours: Number(hours) });
    setMade(String(new URL(link.data_path.replace(/^\/api\/v1\//, ""), base)));
    event.target.reset();
  });
  const end = (link) => tried(async () => {
    await send("DELETE", `${path}/${link.id}`);
    say(t("files.link_ended"));
  });
  const live = (link) => !link.revoked_at && Date.parse(link.expires_at) > Date.now();
  return html`<section class="panel"><h2>${t("files.links")}</h2><p class="soft small">${t("files.links_text")}</p>
    ${versions.length > 0 && html`<form class="fields" onSubmit=${make}>
      <${Field} label=${t("files.link_note")} name="note" maxlength="2000" placeholder=${t("files.link_note_hint")} />
      <${Field} label=${t("files.link_for")} name="hours" value="168" options=${HOURS.map(([hours, name]) => [hours, t(`files.for_${name}`)])} />
      <button>${t("files.link_make")}</button></form>`}
    ${failure && html`<${Problem} failure=${failure} />`}
    ${made && html`<div class="done"><p>${t("files.link_once")}</p><div class="files-line"><pre tabindex="0">${made}</pre>
      <button type="button" onClick=${() => copy(made)}>${t("files.copy")}</button></div></div>`}
    <${Answer} of=${asked}>${({ links }) => (links.length ? html`<ul class="files-links">${links.map((link) => html`<li key=${link.id}>
      <div><span class="name">${link.note || t("files.link_unnamed")}</span>
        ${live(link) ? null : html` <${Tag} kind="soft">${t(link.revoked_at ? "files.link_revoked" : "files.link_expired")}<//>`}
        <p class="soft small">${[link.made_by, t("files.until", { time: local(link.expires_at) })].filter(Boolean).join(" · ")}</p></div>
      ${live(link) && html`<button type="button" class="plain" onClick=${end(link)}>${t("files.link_end")}</button>`}</li>`)}</ul>` : html`<p
        class="soft small">${t("files.no_links")}</p>`)}<//></section>`;
}

export function Sharing({ session, who }) {
  const path = `sessions/${session.session_id}/sharing`;
  const asked = useGet(path);
  const may = useMay("operator");
  const [failure, setFailure] = useState(null);
  const save = async (event) => {
    event.preventDefault();
    setFailure(null);
    const form = new FormData(event.target);
    try {
      await send("PUT", path, { everyone: form.get("everyone") === "on", people: form.get("people").split(",").map((name) => name.trim()).filter(Boolean) });
      say(t("files.shared"));
      asked.again();
    } catch (wrong) {
      setFailure(wrong);
    }
  };
  return html`<section class="panel"><h2>${t("files.sharing")}</h2>
    <${Answer} of=${asked}>${(shared) => {
      const own = may && (who.role === "admin" || shared.owner === who.name);
      return html`<p class="soft small">${shared.owner ? t("files.owner", { name: shared.owner }) : t("files.no_owner")}</p>
        ${own ? html`<form class="stack" onSubmit=${save}>
          <${Field} type="checkbox" label=${t("files.everyone")} name="everyone" checked=${shared.everyone} />
          <${Field} label=${t("files.people")} hint=${t("files.people_hint")} name="people" value=${shared.people.join(", ")} />
          <div><button>${t("part.save")}</button></div></form>`
        : html`<p>${shared.everyone ? t("files.everyone") : shared.people.join(", ") || "–"}</p>`}`;
    }}<//>
    ${failure && html`<${Problem} failure=${failure} />`}</section>`;
}
