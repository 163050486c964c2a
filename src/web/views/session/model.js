// A session's models: train one of the plant's power in two clicks, from a mapping that is suggested and can be corrected.
import { send, useGet } from "../../core/api.js";
import { Answer, Empty, Field, Problem, Tag, useMay } from "../../core/parts.js";
import { said } from "../../core/said.js";
import { html, useMemo, useState } from "../../core/ui.js";
import { amend, at } from "../../core/url.js";
import { ago, percent, t, word } from "../../core/words.js";
import { Grade, errorOf } from "../models/judged.js";
import { mappingOf, nameFrom, placed, readMoves, writeMoves } from "../models/mapping.js";
import { plainly } from "../models/plain.js";
import { Board } from "./model/board.js";
import { Training } from "./model/training.js";

const WIDTHS = ["", "10m", "15m", "30m", "1h"];
const ALGORITHMS = ["auto", "gbdt", "physics", "hybrid"];

/** The models that were made from this session, the newest first. */
function Made({ of }) {
  return html`<${Answer} of=${of}>${({ models }) => (models.length ? html`<section class="panel"><h2>${t("model.of_this_session")}</h2>
    <ul class="model-made">${models.map((model) => html`<li key=${model.id}>
      <a class="name" href=${at(["models", model.name], { version: model.version })}>${model.name} ${model.version}</a>
      ${model.status === "completed" ? html`<${Grade} model=${model} /><span class="number">${t("models.off", { error: percent(errorOf(model, {})) })}</span>`
        : html`<${Tag} kind=${model.status}>${word("status", model.status)}<//>`}
      <span class="soft">${model.target_col}</span><span class="soft">${ago(model.created_at)}</span></li>`)}</ul></section>` : null)}<//>`;
}

function Form({ suggested, session, version, query, ontrained }) {
  const [failure, setFailure] = useState(null);
  const [busy, setBusy] = useState(false);
  const moves = useMemo(() => readMoves(query.moved), [query.moved]);
  const original = useMemo(() => placed(suggested, []), [suggested]);
  const places = useMemo(() => placed(suggested, moves), [suggested, moves]);
  const told = useMemo(() => new Map(suggested.columns.map((one) => [one.column, one])), [suggested]);
  const target = query.target ?? suggested.target_col ?? "";
  const name = query.name ?? nameFrom(session.name);
  const used = [...places].filter(([column, category]) => category && category !== "system_level_cols" && column !== target);
  const move = (column, category) => {
    const next = new Map(moves);
    if (original.get(column) === category) next.delete(column);
    else next.set(column, category);
    amend({ moved: writeMoves(next) }, { replace: false });
  };
  const train = async (event) => {
    event.preventDefault();
    setBusy(true);
    setFailure(null);
    try {
      const body = { model_name: name.trim(), session_id: session.session_id, version: suggested.version, feature_mapping: mappingOf(places, target),
        algorithm: query.algorithm ?? "auto", interval: query.width || null, wait: false };
      const asked = await send("POST", "models/train", body);
      amend({ job: asked.job_id });
      ontrained(asked);
    } catch (wrong) {
      setFailure(wrong);
    }
    setBusy(false);
  };
  const names = [...places.keys()];
  const powers = names.filter((column) => places.get(column) === "system_level_cols" || /kw|power|watt/i.test(column));
  const options = [...(target ? [] : [["", t("model.choose")]]), ...powers.map((column) => [column, column]),
    ...names.filter((column) => !powers.includes(column)).map((column) => [column, column])];
  return html`<form class="panel" onSubmit=${train}>
    <div class="row spread"><h2>${t("model.title")}</h2><span class="soft small">${t("model.from_version", { version: suggested.version })}</span></div>
    <div class="model-form">
      <${Field} label=${t("model.name")} name="name" value=${name} required maxlength="120" autocomplete="off"
        onInput=${(event) => amend({ name: event.target.value })} />
      <${Field} label=${t("model.target")} name="target" options=${options} value=${target} required onChange=${(event) => amend({ target: event.target.value })} />
      <${Field} label=${t("model.rows")} options=${WIDTHS.map((key) => [key, t(`model.width.${key || "stored"}`)])} value=${query.width ?? ""}
        onChange=${(event) => amend({ width: event.target.value })} />
      <${Field} label=${t("model.algorithm")} options=${ALGORITHMS.map((key) => [key, t(`models.algorithm.${key}`)])} value=${query.algorithm ?? "auto"}
        onChange=${(event) => amend({ algorithm: event.target.value })} />
      <button class="primary" disabled=${busy || !target || !used.length}>${t(busy ? "model.sending" : "model.train")}</button>
    </div>
    <p class="hint">${!target ? t("model.no_target") : target === suggested.target_col
      ? t("model.target_why", { target, why: said(suggested.target_evidence) }) : t("model.target_chosen", { target })}
      ${" "}${t("model.will_leave_out")}</p>
    ${!used.length && html`<p class="warnings">${t("model.nothing_used")}</p>`}
    ${failure && html`<${Problem} failure=${plainly(failure)} />`}
    <details class="model-parts" open=${query.board !== "closed"} onToggle=${(event) => amend({ board: event.target.open ? null : "closed" })}>
      <summary>${t("model.parts", { used: used.length, all: names.length })}${moves.size > 0 && html` · ${t("model.moved_count", { count: moves.size })}`}</summary>
      <p class="hint row spread">
        <span>${t("model.drag")}</span>${moves.size > 0
          && html`<button type="button" class="plain" onClick=${() => amend({ moved: null })}>${t("model.as_suggested")}</button>`}</p>
      <${Board} places=${places} told=${told} suggested=${original} target=${target} onmove=${move} />
    </details></form>`;
}

export default function Model({ session, version, query }) {
  const may = useMay("operator");
  const [asked, setAsked] = useState(null);
  const suggestion = useGet("feature-mapping/suggest", { session_id: session.session_id, version });
  const made = useGet("models", { session_id: session.session_id, page_size: 20 });
  const ended = () => made.again();
  const sentences = asked?.job_id === query.job ? asked?.warnings : [];
  return html`<div class="model">
    ${query.job && html`<${Training} key=${query.job} id=${query.job} sentences=${sentences} onended=${ended} />`}
    ${may && !session.deleted_at && html`<${Answer} of=${suggestion} tall>${(suggested) =>
      html`<${Form} suggested=${suggested} session=${session} version=${version} query=${query} ontrained=${setAsked} />`}<//>`}
    <${Made} of=${made} />
    ${!may && !made.data?.models?.length && made.data && html`<${Empty}>${t("model.none_yet")}<//>`}</div>`;
}
