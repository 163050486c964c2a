// Cleaning: every rule with its limits and what it would find before anything is stored; what was cleaned; two versions compared.
import { useGet } from "../../core/api.js";
import { Answer } from "../../core/parts.js";
import { html } from "../../core/ui.js";
import { at } from "../../core/url.js";
import { t } from "../../core/words.js";
import { Compare } from "./clean/compare.js";
import { Forecast, useForecast } from "./clean/forecast.js";
import { History } from "./clean/history.js";
import { Rule } from "./clean/rule.js";
import { body } from "./clean/settings.js";

/** Of the versions that can be cleaned the one that is looked at, or what that was made of. */
function parsedOf(version, versions) {
  const chosen = versions.find((one) => one.version === version) ?? versions[0];
  const from = chosen?.cleaned_from ? versions.find((one) => one.id === chosen.cleaned_from) : chosen;
  return (from ?? versions.find((one) => !one.cleaned_from))?.version ?? "parsed";
}

function Rules({ session, version, versions, query, again, offered }) {
  const parsed = parsedOf(version, versions);
  const suggested = useGet("feature-mapping/suggest", { session_id: session.session_id, version: parsed });
  const stats = useGet("data/stats", { session_id: session.session_id, version: parsed });
  const asked = body(query, offered, { session_id: session.session_id, dataset_id: parsed });
  const forecast = useForecast(asked);
  const columns = (stats.data?.columns ?? []).filter((one) => one.kind !== null);
  const rest = { session, query, offered, asked, forecast, parsed };
  return html`<div class="shape-clean">
    <div class="shape-rules"><h2 class="visually-hidden">${t("clean.rules")}</h2>${offered.rules.map((rule) =>
      html`<${Rule} key=${rule.switch} rule=${rule} suggested=${suggested.data} columns=${columns} ...${rest} />`)}</div>
    <${Forecast} again=${again} versions=${versions} ...${rest} /></div>`;
}

export default function Clean({ session, version, versions, query, again }) {
  const offered = useGet("cleaning-rules");
  const part = ["history", "compare"].includes(query.part) ? query.part : "rules";
  const cleanings = versions.filter((one) => one.cleaned_from).length;
  const there = (name) => at(["sessions", session.session_id, "clean"], { ...query, part: name === "rules" ? null : name });
  const rest = { session, version, versions, query, again };
  const missing = offered.failure?.problem?.code === "no_such_route";
  return html`<div class="row spread shape-bar"><nav class="shape-parts" aria-label=${t("clean.parts")}>${["rules", "history", "compare"].map((name) =>
      html`<a key=${name} href=${there(name)} aria-current=${name === part ? "page" : null}>${t(`clean.part_${name}`, { count: cleanings })}</a>`)}</nav></div>
    ${part === "history" && (offered.data || missing) ? html`<${History} ...${rest} offered=${offered.data} />` : part === "compare"
      ? html`<${Compare} ...${rest} />`
      : missing ? html`<p class="empty">${t("clean.no_rules")}</p>`
        : html`<${Answer} of=${offered} tall>${(data) => html`<${Rules} ...${rest} offered=${data} />`}<//>`}`;
}
