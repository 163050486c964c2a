// Set-points that save power: asked of a model for the present conditions, kept as runs, and followed until the saving is measured.
import { useGet } from "../core/api.js";
import { Answer, CopyLink, Problem, Tabs } from "../core/parts.js";
import { html } from "../core/ui.js";
import { amend, at } from "../core/url.js";
import { percent, t } from "../core/words.js";
import { Grade, errorOf } from "./models/judged.js";
import { Ask } from "./setpoints/ask.js";
import { History } from "./setpoints/history.js";
import { Run } from "./setpoints/run.js";

/** The first of the models that knows set-points, or else the first; those with an alias come first. */
function firstOf(models) {
  const ranked = models.filter((model) => model.status === "completed").sort((one, other) => other.can_optimize - one.can_optimize || other.aliases.length - one.aliases.length);
  return (ranked[0] ?? models[0])?.name;
}

function Choose({ models, model, query }) {
  const others = models.some((one) => one.name === model.name) ? models : [model, ...models];
  return html`<div class="row setpoints-model"><label><span>${t("models.model")}</span>
    <select onChange=${(event) => amend({ model: event.target.value, version: null, run: null, set: null, now: null, fixed: null, limits: null })}>
      ${others.map((one) => html`<option value=${one.name} selected=${one.name === model.name}>${one.name}</option>`)}</select></label>
    <span class="setpoints-told"><a href=${at(["models", model.name], { version: query.version })}>${model.name} ${model.version}</a> <${Grade} model=${model} />
      <span class="soft">${t("models.off", { error: percent(model.metrics && errorOf(model.metrics.time_ordered, model.metrics)) })} · ${model.target_col}</span>
        </span></div>`;
}

function Page({ models, query }) {
  const name = query.model ?? firstOf(models);
  const named = useGet(name && `models/by-name/${encodeURIComponent(name)}`);
  const older = query.version && named.data?.versions.find((one) => one.version === query.version && one.id !== named.data.id);
  const asked = useGet(older ? `models/${older.id}` : null);
  const failed = [named, asked].find((one) => one.failure);
  if (failed) return html`<${Problem} failure=${failed.failure} again=${failed.again} /><p>
    <a class="button" href=${at(["setpoints"])}>${t("setpoints.other_model")}</a></p>`;
  return html`<${Answer} of=${older ? asked : named} tall>${(model) => html`<${Choose} models=${models} model=${model} query=${query} />
    ${!model.metrics ? html`<p class="warnings">${t("models.under_way")}</p>`
      : model.can_optimize ? html`<${Ask} key=${model.id} model=${model} query=${query} />`
        : html`<div class="empty"><p>${t("setpoints.knows_none")}</p><p class="soft small">${t("setpoints.knows_none_why")}</p>
          <a class="button" href=${at(["sessions", model.session_id, "model"])}>${t("setpoints.map_more")}</a></div>`}`}<//>`;
}

export default function Setpoints({ path, query }) {
  const [, part = "ask", id] = path;
  const list = useGet(part === "ask" ? "models" : null, { page_size: 100 });
  const tabs = [["ask", t("setpoints.tab.ask"), at(["setpoints"], { model: query.model, version: query.version })],
    ["history", t("setpoints.tab.history"), at(["setpoints", "history"], { model: query.model })]];
  return html`<div class="row spread"><h1>${t("setpoints.title")}</h1><${CopyLink} /></div>
    <${Tabs} label=${t("setpoints.title")} tabs=${tabs} chosen=${part === "runs" ? "history" : part} />
    ${part === "runs" && id ? html`<${Run} key=${id} id=${id} query=${query} />`
      : part === "history" ? html`<${History} query=${query} />`
        : part === "ask" ? html`<${Answer} of=${list} tall>${({ models }) => (models.length ? html`<${Page} models=${models} query=${query} />`
          : html`<div class="empty"><p>${t("setpoints.no_model")}</p><a class="button primary" href="#/">${t("models.to_sessions")}</a></div>`)}<//>`
          : html`<p class="empty">${t("part.no_such_page")}</p>`}`;
}
