// One model: what it predicts, whether it can be relied on, and what can be done with the version that is looked at.
import { address, send, useGet } from "../../core/api.js";
import { Answer, CopyLink, Dialog, Failed, Field, Problem, Tabs, Tag, say, useMay } from "../../core/parts.js";
import { html, useEffect, useState } from "../../core/ui.js";
import { amend, at, go } from "../../core/url.js";
import { bytes, count, duration, local, t, word } from "../../core/words.js";
import { Figures, Grade, headline } from "./judged.js";
import { Inputs } from "./inputs.js";
import { plainly } from "./plain.js";
import { Predict } from "./predict.js";
import { Quality } from "./quality.js";
import { dayOf } from "./splits.js";
import { Versions } from "./versions.js";

const TABS = { quality: Quality, inputs: Inputs, versions: Versions, predict: Predict };
const isId = (text) => /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text);

function Delete({ model, onclose }) {
  const drop = async () => {
    await send("DELETE", `models/${model.id}`, undefined, { values: { force: model.optimization_runs > 0 || model.aliases.length > 0 } });
    say(t("models.deleted", model));
    go(["models"]);
  };
  return html`<${Dialog} title=${t("models.delete_title", model)} ok=${t("models.delete")} danger onok=${drop} onclose=${onclose}>
    <p>${t("models.delete_text")}</p>
    ${model.optimization_runs > 0 && html`<p class="warnings">${t("models.delete_runs", { count: model.optimization_runs })}</p>`}
    ${model.aliases.length > 0 && html`<p class="warnings">${t("models.delete_aliases", { aliases: model.aliases.join(", ") })}</p>`}<//>`;
}

function Alias({ model, onclose, ondone }) {
  const set = async ({ alias }) => {
    const answer = await send("PUT", `models/by-name/${encodeURIComponent(model.name)}/aliases/${encodeURIComponent(alias.trim())}`, { version: model.version });
    say(answer.previous_version && answer.previous_version !== answer.version
      ? t("models.alias_moved", { alias, before: answer.previous_version, version: answer.version }) : t("models.alias_set", { alias, version: answer.version }));
    ondone();
  };
  return html`<${Dialog} title=${t("models.alias_add")} ok=${t("part.save")} onok=${set} onclose=${onclose}>
    <${Field} label=${t("models.alias")} hint=${t("models.alias_hint")} name="alias" required autofocus maxlength="100" value="production" /><//>`;
}

function Aliases({ model, again }) {
  const may = useMay("operator");
  const drop = (alias) => async () => {
    await send("DELETE", `models/by-name/${encodeURIComponent(model.name)}/aliases/${encodeURIComponent(alias)}`);
    say(t("models.alias_removed", { alias }), [t("session.undo"), async () => {
      await send("PUT", `models/by-name/${encodeURIComponent(model.name)}/aliases/${encodeURIComponent(alias)}`, { version: model.version });
      again();
    }]);
    again();
  };
  return model.aliases.map((alias) => html` <span class="tag models-alias" key=${alias}>${alias}${may
    && html`<button class="plain" aria-label=${t("models.alias_remove", { alias })}
    title=${t("models.alias_remove", { alias })} onClick=${drop(alias)}>×</button>`}</span>`);
}

function Actions({ model, again }) {
  const [open, setOpen] = useState(null);
  const may = useMay("operator");
  const whole = model.status === "completed" && model.integrity === "ok";
  const leave = () => setOpen(null);
  return html`<div class="row">
    ${whole && model.can_optimize
      && html`<a class="button primary" href=${at(["setpoints"], { model: model.name, version: model.version })}>${t("models.to_setpoints")}</a>`}
    ${whole && html`<details class="models-menu"><summary class="button">${t("models.download")}</summary><div>
      <a href=${String(address(`models/${model.id}/file`))} download>${t("models.file")} (${bytes(model.size_bytes)})</a>
      <a href=${String(address(`models/${model.id}/scoring-table.csv`))} download>${t("models.table")}</a></div></details>`}
    <${CopyLink} />
    ${may && whole && html`<button class="plain" onClick=${() => setOpen("alias")}>${t("models.alias_add")}</button>`}
    ${may && html`<button class="plain" onClick=${() => setOpen("delete")}>${t("models.delete")}</button>`}
    ${open === "alias" && html`<${Alias} model=${model} onclose=${leave} ondone=${again} />`}
    ${open === "delete" && html`<${Delete} model=${model} onclose=${leave} />`}</div>`;
}

function Heading({ model, versions, again }) {
  const session = useGet(`sessions/${model.session_id}`);
  const { lineage } = model;
  return html`<div class="heading"><p class="crumbs"><a href="#/models">${t("nav.models")}</a></p>
    <div class="row spread"><div class="row"><h1>${model.name}</h1>
      <select aria-label=${t("models.version")} onChange=${(event) => amend({ version: event.target.value }, { replace: false })}>${versions.map((one) =>
        html`<option value=${one.version} selected=${one.version === model.version}>${one.version}${one === versions[0] ? ` (${t("models.newest")})`
          : ""}</option>`)}</select>
      ${model.status === "completed" ? html`<${Grade} model=${model} />` : html`<${Tag} kind=${model.status}>${word("status", model.status)}<//>`}
      <${Aliases} model=${model} again=${again} /></div>
      <${Actions} model=${model} again=${again} /></div>
    ${model.metrics && html`<p class="models-headline">${headline(model)}</p>`}
    ${model.leaks.length > 0 && html`<p class="problem">${t("models.told_answer", { columns: model.leaks.join(", ") })}</p>`}
    ${model.error && html`<p>${t("models.failed")}</p><${Failed} id=${model.id} error=${model.error} plainly=${plainly} />`}
    ${["queued", "running"].includes(model.status) && html`<p class="warnings">${t("models.under_way")}</p>`}
    ${model.status === "completed" && model.integrity !== "ok" && html`<p class="problem">${t("models.damaged")}</p>`}
    ${model.metrics && html`<${Figures} model=${model} />`}
    <p class="soft small models-lineage">${[session.data ? html`<a href=${at(["sessions", model.session_id, "model"])}>${session.data.name}</a>` : session.failure
      && t("models.deleted_session"),
      word("models.algorithm", model.algorithm), model.target_col, lineage
        && `${dayOf(lineage.start_ms, lineage.timezone)} – ${dayOf(lineage.end_ms, lineage.timezone)}`,
      lineage && t("models.rows_of", { rows: count(lineage.rows), interval: duration(lineage.interval_s) }),
        local(model.created_at)].filter(Boolean).map((text, index) => html`${index > 0 && " · "}${text}`)}</p></div>`;
}

/** The versions of a name, and the one that is looked at; an id is led to its name. */
export function Model({ name, tab = "quality", query }) {
  const known = useGet(isId(name) ? `models/${name}` : null);
  useEffect(() => {
    if (known.data) go(["models", known.data.name, ...(tab === "quality" ? [] : [tab])], { ...query, version: known.data.version }, { replace: true });
  }, [known.data]);
  const named = useGet(isId(name) ? null : `models/by-name/${encodeURIComponent(name)}`);
  const versions = named.data?.versions ?? [];
  const chosen = versions.find((one) => one.version === query.version) ?? versions[0];
  const other = chosen && chosen.id !== named.data.id;
  const asked = useGet(other ? `models/${chosen.id}` : null);
  const failed = [known, named, asked].find((one) => one.failure);
  if (failed) return html`<p class="crumbs"><a href="#/models">${t("nav.models")}</a></p><${Problem} failure=${failed.failure} again=${failed.again} />`;
  const again = () => {
    named.again();
    if (other) asked.again();
  };
  const Tab = TABS[tab];
  return html`<${Answer} of=${named} tall>${() => html`<${Answer} of=${other ? asked : named} tall>${(model) => html`
    ${query.version && !versions.some((one) => one.version === query.version)
      && html`<p class="warnings">${t("models.no_such_version", { version: query.version })}</p>`}
    <${Heading} model=${model} versions=${versions} again=${again} />
    <${Tabs} label=${t("models.tabs")} chosen=${tab} tabs=${Object.keys(TABS).filter((key) => model.metrics || key === "versions").map((key) =>
      [key, t(`models.tab.${key}`), at(["models", model.name, ...(key === "quality" ? [] : [key])], { version: query.version })])} />
    ${Tab ? (model.metrics || tab === "versions") && html`<${Tab} key=${`${tab}${model.id}`} model=${model} versions=${versions} query=${query} />`
      : html`<p class="empty">${t("part.no_such_page")}</p>`}`}<//>`}<//>`;
}
