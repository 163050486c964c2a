// The system: how it is, its jobs and storage, its settings, who may what, and what was done. Each tab is there for who may see it.
import { account } from "../core/api.js";
import { CopyLink, Tabs, useMay } from "../core/parts.js";
import { useStore } from "../core/store.js";
import { html } from "../core/ui.js";
import { at } from "../core/url.js";
import { t } from "../core/words.js";
import { Account } from "./system/account.js";
import { Audit } from "./system/audit.js";
import { Health } from "./system/health.js";
import { Jobs } from "./system/jobs.js";
import { People } from "./system/people.js";
import { Settings } from "./system/settings.js";
import { Sites } from "./system/sites.js";
import { Storage } from "./system/storage.js";

/** A tab, what draws it, and the role that it takes. */
const TABS = [["health", Health], ["jobs", Jobs], ["storage", Storage], ["sites", Sites], ["settings", Settings, "admin"], ["people", People, "admin"], ["audit", Audit, "admin"], ["account", Account]];

export default function System({ path, query }) {
  const [, tab = "health", id] = path;
  const who = useStore(account);
  const admin = useMay("admin");
  const shown = TABS.filter(([name, , role]) => (!role || admin) && (name !== "account" || who?.id));
  const Chosen = shown.find(([name]) => name === tab)?.[1];
  return html`<div class="row spread"><h1>${t("nav.system")}</h1><div class="row"><a class="button plain" href="docs/">${t("system.docs")}</a><${CopyLink} /></div></div>
    <${Tabs} label=${t("nav.system")} chosen=${tab} tabs=${shown.map(([name]) => [name, t(`system.tab.${name}`), at(["system", ...(name === "health" ? [] : [name])])])} />
    ${Chosen ? html`<${Chosen} query=${query} id=${id} who=${who} />` : html`<p class="empty">${t(TABS.some(([name]) => name === tab) ? "system.not_yours" : "part.no_such_page")}</p>`}`;
}
