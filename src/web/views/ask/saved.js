// Statements that are kept under a name: chosen, kept, forgotten – which can be taken back.
import { send, useGet } from "../../core/api.js";
import { Answer, Dialog, Field, say, useMay } from "../../core/parts.js";
import { Refusal } from "../../core/refusals.js";
import { html, useState } from "../../core/ui.js";
import { at } from "../../core/url.js";
import { ago, t } from "../../core/words.js";

const path = (name) => `queries/${encodeURIComponent(name)}`;

export function Keep({ sql, session, names, onclose, ondone }) {
  const [name, setName] = useState("");
  const keep = async ({ name: title, description }) => {
    await send("PUT", path(title.trim()), { sql, session_id: session || null, description: description.trim() || null });
    say(t("ask.kept", { name: title.trim() }));
    ondone();
  };
  return html`<${Dialog} title=${t("ask.keep")} ok=${t("part.save")} onok=${keep} onclose=${onclose}>
    <${Field} label=${t("ask.name")} name="name" required maxlength="200" value=${name} onInput=${(event) => setName(event.target.value)} autofocus
      hint=${names.includes(name.trim()) ? t("ask.replaces") : ""} />
    <${Field} label=${t("ask.description")} name="description" maxlength="1000" /><//>`;
}

export function Saved({ asked, chosen }) {
  const may = useMay("operator");
  const forget = async (one) => {
    await send("DELETE", path(one.name));
    asked.again();
    say(t("ask.forgotten", { name: one.name }), [t("session.undo"), async () => {
      await send("PUT", path(one.name), { sql: one.sql, session_id: one.session_id, description: one.description });
      asked.again();
    }]);
  };
  return html`<${Answer} of=${asked}>${({ queries }) => (queries.length === 0 ? html`<p class="soft small">${t("ask.none_kept")}</p>`
    : html`<ul class="shape-saved">${queries.map((one) => html`<li key=${one.name}><a href=${at(["ask"],
      { sql: one.sql, session: one.session_id, saved: one.name })} aria-current=${one.name === chosen ? "true" : null} title=${one.sql}>
        <span class="shape-name">${one.name}</span><span class="soft small shape-name">${one.description ?? ago(one.updated_at)}</span></a>
      ${may && html`<button class="plain" aria-label=${t("ask.forget", { name: one.name })} title=${t("ask.forget", { name: one.name })}
        onClick=${() => forget(one).catch((failure) => say(html`<${Refusal} code=${failure.problem?.code} detail=${failure.message} />`))}>×</button>`}</li>`)}</ul>`)}<//>`;
}
