// The settings in force, to read: each with its value, where it comes from, and what it would be otherwise.
import { useGet } from "../../core/api.js";
import { Answer, Empty, Field, Search, Table, Tag } from "../../core/parts.js";
import { html } from "../../core/ui.js";
import { amend } from "../../core/url.js";
import { bytes, t, word } from "../../core/words.js";

const SIZES = /_BYTES$/;
function shown(name, text) {
  if (text == null) return html`<span class="null">${t("system.unset")}</span>`;
  return SIZES.test(name) && Number(text) > 0 ? html`${bytes(Number(text))} <span class="soft small">${text}</span>` : html`<span class="mono">${text}</span>`;
}

export function Settings({ query }) {
  const asked = useGet("system/config");
  const heads = [{ key: "name", name: t("system.setting") }, { key: "value", name: t("system.value") }, { key: "origin", name: t("system.origin") },
    { key: "default", name: t("system.default") }];
  const cell = (one, key) => {
    if (key === "name") return html`<span class="mono name">${one.name}</span>`;
    if (key === "origin") return html`<${Tag} kind=${one.origin === "default" ? "soft" : ""}>${word("system.origins", one.origin)}<//>`;
    return shown(one.name, one[key]);
  };
  return html`<p class="soft">${t("system.settings_text")}</p>
    <div class="row system-filter"><${Search} label=${t("models.search")} value=${query.q} onsearch=${(q) => amend({ q })} />
      <${Field} type="checkbox" label=${t("system.only_set")} checked=${Boolean(query.set)}
        onChange=${(event) => amend({ set: event.target.checked ? 1 : null })} /></div>
    <${Answer} of=${asked} tall>${({ settings }) => {
      const wanted = settings.filter((one) => (!query.set || one.origin !== "default")
        && (!query.q || `${one.name} ${one.value ?? ""}`.toLowerCase().includes(query.q.toLowerCase())));
      return wanted.length ? html`<${Table} caption=${t("system.tab.settings")} heads=${heads} rows=${wanted} cell=${cell} rowKey=${(one) => one.name} cards
        kind="system-settings" />` : html`<${Empty}>${t("system.no_setting")}<//>`;
    }}<//>`;
}
