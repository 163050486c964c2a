// One recommendation: what it said, whether it was applied, and what that saved once it is measured.
import { send, useGet } from "../../core/api.js";
import { Answer, Dialog, Facts, Field, Tag, say, useMay } from "../../core/parts.js";
import { html, useState } from "../../core/ui.js";
import { at } from "../../core/url.js";
import { clock, local, t, value } from "../../core/words.js";
import { clockOf } from "../models/splits.js";
import { Recommended } from "./answer.js";
import { Verified } from "./verified.js";

function State({ run, zone, onclose, ondone }) {
  const [applied, setApplied] = useState(run.outcome?.applied ?? true);
  const sessions = useGet("sessions", { page_size: 100 });
  const save = async ({ at: since, until, session, note }) => {
    await send("POST", `optimizations/${run.run_id}/outcome`, applied ? { applied, applied_at: since, applied_until: until || null, session_id: session || null,
      note: note || null } : { applied, note: note || null });
    say(t("setpoints.stated"));
    ondone();
  };
  const list = sessions.data?.sessions ?? sessions.data?.items ?? [];
  return html`<${Dialog} title=${t("setpoints.state")} ok=${t("part.save")} onok=${save} onclose=${onclose}>
    <div class="row" role="radiogroup" aria-label=${t("setpoints.state")}>${[[true, "applied"], [false, "not_applied"]].map(([key, name]) =>
      html`<label class="check"><input type="radio" name="applied" checked=${applied === key} onChange=${() => setApplied(key)} />
        <span>${t(`setpoints.${name}`)}</span></label>`)}</div>
    ${applied && html`<${Field} label=${t("setpoints.since")} hint=${t("setpoints.site_clock", { zone })} type="datetime-local" name="at" required
      value=${run.outcome?.applied_at ? clockOf(run.outcome.applied_at, zone) : ""} />
      <${Field} label=${t("setpoints.until")} hint=${t("setpoints.until_hint")} type="datetime-local" name="until" value=${run.outcome?.applied_until
        ? clockOf(run.outcome.applied_until, zone) : ""} />
      <${Field} label=${t("setpoints.data_after")} hint=${t("setpoints.data_after_hint")} name="session" value=${run.outcome?.session_id ?? ""}
        options=${[["", t("setpoints.newest_session")], ...list.map((session) => [session.session_id, session.name])]} />`}
    <label><span>${t("session.notes")}</span><textarea name="note" rows="3" maxlength="2000">${run.outcome?.note ?? ""}</textarea></label><//>`;
}

function Outcome({ run, zone, again }) {
  const [stating, setStating] = useState(false);
  const may = useMay("operator");
  const { outcome } = run;
  return html`<section class="panel"><div class="row spread"><h2>${t("setpoints.outcome")} ${outcome
    && html`<${Tag} kind=${outcome.applied ? "good" : "soft"}>${t(outcome.applied ? "setpoints.applied" : "setpoints.not_applied")}<//>`}</h2>
      ${may && html`<button class=${outcome ? "" : "primary"} onClick=${() => setStating(true)}>${t(outcome ? "session.edit" : "setpoints.state")}</button>`}</div>
    ${outcome?.applied && html`<${Facts} of=${[[t("setpoints.since"), clock(clockOf(outcome.applied_at, zone)), zone],
      [t("setpoints.until"), outcome.applied_until ? clock(clockOf(outcome.applied_until, zone)) : t("setpoints.still"), zone],
      outcome.revision > 1 && [t("setpoints.revision"), value(outcome.revision)]]} />`}
    ${outcome?.note && html`<p class="notes">${outcome.note}</p>`}
    ${!outcome && html`<p class="soft">${t("setpoints.no_outcome")}</p>`}
    ${stating && html`<${State} run=${run} zone=${zone} onclose=${() => setStating(false)} ondone=${again} />`}</section>`;
}

function Asked({ run }) {
  const given = [...Object.entries(run.input_data.conditions ?? {}), ...Object.entries(run.input_data.current ?? {})];
  if (!given.length && !run.input_data.timestamp) return null;
  return html`<section class="panel"><h2>${t("setpoints.given")}</h2>
    <${Facts} of=${[...given.map(([name, number]) => [t(`models.roles.${name}`, { otherwise: name }), value(number)]),
    run.input_data.timestamp && [t("models.when"), clock(run.input_data.timestamp)]]} /></section>`;
}

export function Run({ id, query }) {
  const asked = useGet(`optimizations/${encodeURIComponent(id)}`);
  const model = useGet(asked.data ? `models/${asked.data.model_id}` : null);
  return html`<${Answer} of=${asked} tall>${(run) => html`
    <p class="soft small">${local(run.created_at)} · <a href=${at(["models", run.model_name],
      { version: run.model_version })}>${run.model_name} ${run.model_version}</a></p>
    <section class="panel"><${Recommended} run=${run} model=${model.data} unit=${model.data?.target_unit ?? "kW"} /></section>
    <${Asked} run=${run} />
    <${Outcome} run=${run} zone=${model.data?.lineage?.timezone ?? "UTC"} again=${asked.again} />
    ${run.outcome?.applied && html`<${Verified} key=${run.outcome.revision} id=${run.run_id} query=${query} />`}`}<//>`;
}
