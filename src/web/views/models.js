// All models: the newest version of each, how far off it is and whether it can be relied on; and the way to one of them.
import { useGet } from "../core/api.js";
import { Answer, CopyLink, Empty, Pager, Search, Table, Tag } from "../core/parts.js";
import { html } from "../core/ui.js";
import { amend, at } from "../core/url.js";
import { ago, local, percent, t, word } from "../core/words.js";
import { Grade, share } from "./models/judged.js";
import { Model } from "./models/one.js";

const heads = () => [
  { key: "name", name: t("models.model") }, { key: "verdict", name: t("models.verdict") },
    { key: "mape", name: "MAPE", number: true, title: t("models.about.mape") },
  { key: "cv_rmse", name: "CV(RMSE)", number: true, title: t("models.about.cv_rmse") }, { key: "r2", name: "R²", number: true, title: t("models.about.r2") },
  { key: "interval", name: t("models.interval_short"), title: t("models.about.interval") }, { key: "target", name: t("models.predicts") },
    { key: "session", name: t("models.made_from") }, { key: "made", name: t("models.made") },
];

function cell(model, key, names) {
  const whole = model.status === "completed";
  switch (key) {
    case "name": return html`<a class="name" href=${at(["models", model.name])}>${model.name}</a>
      <span class="soft small"> ${model.version}${model.versions_count > 1 && ` · ${t("models.versions", { count: model.versions_count })}`}</span>
      ${(model.aliases ?? []).map((alias) => html` <${Tag}>${alias}<//>`)}`;
    case "verdict": return whole ? (model.integrity === "ok" ? html`<${Grade} model=${model} />` : html`<${Tag} kind="bad">${t("models.damaged")}<//>`)
      : html`<${Tag} kind=${model.status}>${word("status", model.status)}<//>`;
    case "mape": return percent(model.mape);
    case "cv_rmse": return percent(model.cv_rmse);
    case "r2": return share(model.r2);
    case "interval": return model.calibrated == null ? "–"
      : html`<span class=${model.calibrated ? "" : "soft"}>${t(model.calibrated ? "models.as_asked" : "models.not_as_asked")}</span>`;
    case "target": return html`<span class="models-column">${model.target_col}</span>`;
    case "session": return names.has(model.session_id)
      ? html`<a class="models-from" title=${names.get(model.session_id)} href=${at(["sessions", model.session_id, "model"])}>${names.get(model.session_id)}</a>`
        : html`<span class="soft">${t("models.deleted_session")}</span>`;
    default: return html`<span title=${local(model.created_at)}>${ago(model.created_at)}</span>`;
  }
}

function List({ query }) {
  const page = Number(query.page) || 1;
  const asked = useGet("models", { q: query.q, subfolder: query.site, page, page_size: 25 });
  const sessions = useGet("sessions", { page_size: 100 });
  const names = new Map((sessions.data?.sessions ?? sessions.data?.items ?? []).map((session) => [session.session_id, session.name]));
  return html`<div class="row spread"><h1>${t("models.title")}</h1><${CopyLink} /></div>
    <div class="row models-search"><${Search} label=${t("models.search")} value=${query.q} placeholder=${t("models.search_hint")}
      onsearch=${(q) => amend({ q, page: null })} />
      ${asked.data?.folders?.length > 1
        && html`<label><span>${t("models.site")}</span><select onChange=${(event) => amend({ site: event.target.value, page: null })}>
        <option value="">${t("models.all_sites")}</option>${asked.data.folders.map((folder) => html`<option value=${folder}
          selected=${folder === query.site}>${folder}</option>`)}</select></label>`}</div>
    <${Answer} of=${asked} tall>${({ models, total_pages: pages }) => (models.length
      ? html`<${Table} caption=${t("models.title")} heads=${heads()} rows=${models} cell=${(model, key) => cell(model, key, names)}
        rowKey=${(model) => model.id} cards />
        <${Pager} page=${page} pages=${pages} go=${(next) => amend({ page: next }, { replace: false })} />`
      : query.q || query.site ? html`<${Empty}>${t("models.none_found", { q: query.q ?? query.site })}<//>`
        : html`<div class="empty"><p>${t("models.empty")}</p><a class="button primary" href="#/">${t("models.to_sessions")}</a></div>`)}<//>`;
}

export default function Models({ path, query }) {
  const [, name, tab] = path;
  return name ? html`<${Model} key=${name} name=${name} tab=${tab} query=${query} />` : html`<${List} query=${query} />`;
}
