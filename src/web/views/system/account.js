// One's own account: password, language and colours, and the browsers in which it is logged in.
import { send, useGet } from "../../core/api.js";
import { Answer, Empty, Facts, Field, Problem, Tag, say } from "../../core/parts.js";
import { setTheme } from "../../core/theme.js";
import { html, useRef, useState } from "../../core/ui.js";
import { LANGUAGES, ago, local, speak, t } from "../../core/words.js";

function Password() {
  const [failure, setFailure] = useState(null);
  const form = useRef(null);
  const change = async (event) => {
    event.preventDefault();
    const given = Object.fromEntries(new FormData(event.target));
    setFailure(null);
    if (given.new !== given.again) return setFailure({ message: t("system.not_the_same") });
    try {
      await send("POST", "account/password", { old: given.old, new: given.new });
      form.current.reset();
      say(t("system.password_changed"));
    } catch (wrong) {
      setFailure(wrong);
    }
  };
  return html`<form class="panel stack" ref=${form} onSubmit=${change}><h2>${t("system.password")}</h2>
    <${Field} label=${t("system.old_password")} name="old" type="password" required autocomplete="current-password" />
    <${Field} label=${t("system.new_password")} hint=${t("system.password_rule")} name="new" type="password" minlength="12" required autocomplete="new-password" />
    <${Field} label=${t("system.again_password")} name="again" type="password" minlength="12" required autocomplete="new-password" />
    ${failure && html`<${Problem} failure=${failure} />`}<div class="row"><button class="primary">${t("system.change_password")}</button></div></form>`;
}

function Preferences({ who }) {
  const asked = useGet(`users/${who.id}/preferences`);
  const [failure, setFailure] = useState(null);
  const keep = (changed) => async (event) => {
    const value = event.target.value || null;
    try {
      await send("PUT", `users/${who.id}/preferences`, { ...asked.data, [changed]: value });
      if (changed === "language" && value) await speak(value);
      if (changed === "theme" && value && value !== "system") setTheme(value);
      asked.again();
      say(t("system.kept_preference"));
    } catch (wrong) {
      setFailure(wrong);
    }
  };
  return html`<section class="panel stack"><h2>${t("system.preferences")}</h2><${Answer} of=${asked}>${(of) => html`<div class="fields">
      <${Field} label=${t("nav.language")} options=${[["", t("system.as_browser")], ...LANGUAGES]} value=${of.language ?? ""} onChange=${keep("language")} />
      <${Field} label=${t("system.theme")} options=${[["", t("system.as_system")], ["light", t("nav.light")], ["dark", t("nav.dark")]]} value=${of.theme ?? ""}
        onChange=${keep("theme")} /></div>`}<//>
    ${failure && html`<${Problem} failure=${failure} />`}<p class="hint">${t("system.preferences_hint")}</p></section>`;
}

function Logins({ who }) {
  const asked = useGet(`users/${who.id}/sessions`);
  const [failure, setFailure] = useState(null);
  const end = (path) => async () => {
    try {
      await send("DELETE", path);
      say(t("system.login_ended"));
      asked.again();
    } catch (wrong) {
      setFailure(wrong);
    }
  };
  return html`<section class="panel"><div class="row spread"><h2>${t("system.logins")}</h2>${asked.data?.logins.length > 1
    && html`<button onClick=${end(`users/${who.id}/sessions`)}>${t("system.end_all")}</button>`}</div>
    ${failure && html`<${Problem} failure=${failure} />`}
    <${Answer} of=${asked}>${({ logins }) => (logins.length
      ? html`<ul class="system-list">${logins.map((one) => html`<li class="system-login" key=${one.id}><div>
        <strong>${one.address ?? "–"}</strong> ${one.is_current && html`<${Tag} kind="good">${t("system.this_one")}<//>`}
        <p class="small soft">${one.user_agent ?? ""}</p><p class="small soft">${t("system.login_times",
          { begun: local(one.created_at), used: ago(one.last_used_at), until: local(one.expires_at) })}</p></div>
        ${!one.is_current && html`<button class="plain" onClick=${end(`users/${who.id}/sessions/${one.id}`)}>${t("system.end_login")}</button>`}</li>`)}</ul>`
          : html`<${Empty}>${t("system.no_logins")}<//>`)}<//></section>`;
}

export function Account({ who }) {
  return html`<section class="panel">
    <${Facts} of=${[[t("system.name"), who.name], [t("system.role"), t(`system.roles.${who.role}`)],
      [t("system.via"), t(`system.vias.${who.via}`, { otherwise: who.via })]]} />
      <p class="small soft">${t(`system.role_may.${who.role}`)}</p></section>
    <div class="grid"><${Preferences} who=${who} />${who.via === "login" && html`<${Password} />`}</div>
    <div class="system-below"><${Logins} who=${who} /></div>`;
}
