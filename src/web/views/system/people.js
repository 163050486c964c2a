// Who may what: accounts with their roles, and keys of programs. A key is shown once, when it is made.
import { send, useGet } from "../../core/api.js";
import { Answer, Dialog, Empty, Field, Pager, Table, Tag, say } from "../../core/parts.js";
import { html, useState } from "../../core/ui.js";
import { amend } from "../../core/url.js";
import { ago, local, t, word } from "../../core/words.js";

const ROLES = ["viewer", "operator", "admin"];
const roles = () => ROLES.map((role) => [role, t(`system.roles.${role}`)]);
const SIZE = 20;

function NewPerson({ onclose, ondone }) {
  const make = async ({ name, role, password }) => {
    await send("POST", "users", { name, role, password: password || null });
    say(t("system.person_made", { name }));
    ondone();
  };
  return html`<${Dialog} title=${t("system.new_person")} ok=${t("system.make")} onok=${make} onclose=${onclose}>
    <${Field} label=${t("system.name")} name="name" required autofocus maxlength="200" autocomplete="off" />
      <${Field} label=${t("system.role")} hint=${t("system.role_hint")} name="role" options=${roles()} value="viewer" />
    <${Field} label=${t("system.password")} hint=${t("system.password_hint")} name="password" type="password" minlength="12" autocomplete="new-password" /><//>`;
}

function Change({ person, onclose, ondone }) {
  const save = async ({ role, password, disabled }) => {
    const wanted = disabled === "on";
    await send("PATCH", `users/${person.id}`, { ...(role !== person.role && { role }), ...(password && { password }),
      ...(wanted !== Boolean(person.disabled_at) && { disabled: wanted }) });
    say(t("session.saved", { name: person.name }));
    ondone();
  };
  return html`<${Dialog} title=${person.name} ok=${t("part.save")} onok=${save} onclose=${onclose}>
    <${Field} label=${t("system.role")} hint=${t("system.role_hint")} name="role" options=${roles()} value=${person.role} />
    ${person.kind === "person"
      && html`<${Field} label=${t("system.new_password")} hint=${t("system.new_password_hint")} name="password" type="password" minlength="12"
        autocomplete="new-password" />`}
    <${Field} type="checkbox" label=${t("system.disable")} name="disabled" checked=${Boolean(person.disabled_at)} />
      <p class="hint">${t("system.disable_hint")}</p><//>`;
}

function Persons({ query, onmade }) {
  const [open, setOpen] = useState(null);
  const page = Number(query.page) || 1;
  const asked = useGet("users", { page, page_size: SIZE });
  const heads = [{ key: "name", name: t("system.name") }, { key: "role", name: t("system.role") }, { key: "state", name: t("system.state_of") },
    { key: "since", name: t("system.since") }, { key: "change", name: "" }];
  const cell = (person, key) => {
    switch (key) {
      case "name": return html`<span class="name">${person.name}</span> <span class="soft small">${word("system.account_kind", person.kind)}</span>`;
      case "role": return t(`system.roles.${person.role}`);
      case "state": return person.disabled_at ? html`<${Tag} kind="bad">${t("system.disabled")}<//>`
        : html`<${Tag} kind="good">${t("system.active")}<//>${person.kind === "person" && !person.has_password
          && html` <span class="soft small">${t("system.no_password")}</span>`}`;
      case "since": return html`<span title=${local(person.created_at)}>${ago(person.created_at)}</span>`;
      default: return html`<button class="plain" aria-label=${`${t("session.edit")} ${person.name}`} onClick=${() => setOpen(person)}>${t("session.edit")}</button>`;
    }
  };
  return html`<section class="panel"><div class="row spread"><h2>${t("system.people")}</h2>
    <button class="primary" onClick=${() => setOpen("new")}>${t("system.new_person")}</button></div>
    <${Answer} of=${asked}>${({ items, total_pages: pages }) => (items.length
      ? html`<${Table} caption=${t("system.people")} heads=${heads} rows=${items} cell=${cell} rowKey=${(one) => one.id} cards />
      <${Pager} page=${page} pages=${pages} go=${(next) => amend({ page: next })} />` : html`<${Empty}>${t("system.no_people")}<//>`)}<//>
    ${open === "new" && html`<${NewPerson} onclose=${() => setOpen(null)} ondone=${asked.again} />`}
    ${open?.id && html`<${Change} person=${open} onclose=${() => setOpen(null)} ondone=${() => {
      asked.again();
      onmade();
    }} />`}</section>`;
}

/** A new key, shown this once; it is gone when this is closed. */
function Shown({ made, onclose }) {
  const copy = async () => {
    await navigator.clipboard.writeText(made.key);
    say(t("system.key_copied"));
  };
  return html`<div class="done system-key" role="status"><p><strong>${t("system.key_once", { name: made.name })}</strong></p><p class="mono">${made.key}</p>
    <div class="row"><button class="primary" onClick=${() => copy().catch(() => say(t("system.copy_by_hand")))}>${t("system.copy")}</button>
      <button onClick=${onclose}>${t("system.key_kept")}</button></div></div>`;
}

function NewKey({ onclose, onmade }) {
  const make = async ({ name, role, user, expires }) => onmade(await send("POST", "keys", { name, role, user: user || null, expires: expires || null }));
  return html`<${Dialog} title=${t("system.new_key")} ok=${t("system.make")} onok=${make} onclose=${onclose}>
    <${Field} label=${t("system.key_name")} hint=${t("system.key_name_hint")} name="name" required autofocus maxlength="200" autocomplete="off" />
      <${Field} label=${t("system.role")} hint=${t("system.role_hint")} name="role" options=${roles()} value="viewer" />
    <${Field} label=${t("system.key_user")} hint=${t("system.key_user_hint")} name="user" autocomplete="off" />
    <${Field} label=${t("system.expires")} name="expires" value="90d" options=${[["30d", t("system.days", { count: 30 })],
      ["90d", t("system.days", { count: 90 })], ["52w", t("system.year")], ["", t("system.never")]]} /><//>`;
}

function Keys({ query }) {
  const [making, setMaking] = useState(false);
  const [made, setMade] = useState(null);
  const [ending, setEnding] = useState(null);
  const page = Number(query.keys) || 1;
  const asked = useGet("keys", { revoked: query.revoked ? null : "false", page, page_size: SIZE });
  const heads = [{ key: "name", name: t("system.key") }, { key: "role", name: t("system.role") }, { key: "used", name: t("system.last_used") },
    { key: "expires", name: t("system.expires") }, { key: "end", name: "" }];
  const cell = (key_, head) => {
    switch (head) {
      case "name": return html`<span class="name">${key_.name}</span> <span class="soft small">${key_.user !== key_.name ? key_.user : ""}</span>`;
      case "role": return t(`system.roles.${key_.role}`);
      case "used": return key_.last_used_at ? html`<span title=${local(key_.last_used_at)}>${ago(key_.last_used_at)}</span>`
        : html`<span class="soft">${t("system.never_used")}</span>`;
      case "expires": return key_.revoked_at ? html`<${Tag} kind="bad">${t("system.revoked")}<//>` : key_.expires_at
        ? (Date.parse(key_.expires_at) < Date.now() ? html`<${Tag} kind="warn">${t("system.expired")}<//>` : local(key_.expires_at)) : t("system.never");
      default: return !key_.revoked_at
        && html`<button class="plain" aria-label=${`${t("system.revoke")} ${key_.name}`} onClick=${() => setEnding(key_)}>${t("system.revoke")}</button>`;
    }
  };
  const revoke = async () => {
    await send("DELETE", `keys/${ending.id}`);
    say(t("system.key_revoked", { name: ending.name }));
    asked.again();
  };
  return html`<section class="panel"><div class="row spread"><h2>${t("system.keys")}</h2><div class="row">
      <${Field} type="checkbox" label=${t("system.with_revoked")} checked=${Boolean(query.revoked)}
        onChange=${(event) => amend({ revoked: event.target.checked ? 1 : null })} />
          <button class="primary" onClick=${() => setMaking(true)}>${t("system.new_key")}</button></div></div>
    ${made && html`<${Shown} made=${made} onclose=${() => setMade(null)} />`}
    <${Answer} of=${asked}>${({ items, total_pages: pages }) => (items.length
      ? html`<${Table} caption=${t("system.keys")} heads=${heads} rows=${items} cell=${cell} rowKey=${(one) => one.id} cards />
      <${Pager} page=${page} pages=${pages} go=${(next) => amend({ keys: next })} />` : html`<${Empty}>${t("system.no_keys")}<//>`)}<//>
    ${making && html`<${NewKey} onclose=${() => setMaking(false)} onmade=${(key) => {
      setMade(key);
      asked.again();
    }} />`}
    ${ending && html`<${Dialog} title=${t("system.revoke_title", { name: ending.name })} ok=${t("system.revoke")} danger onok=${revoke}
      onclose=${() => setEnding(null)}><p>${t("system.revoke_text")}</p><//>`}</section>`;
}

export function People({ query }) {
  const [turn, setTurn] = useState(0);
  return html`<${Persons} query=${query} onmade=${() => setTurn((n) => n + 1)} /><${Keys} key=${turn} query=${query} />`;
}
