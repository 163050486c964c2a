// A training while it runs, and what came of it: how far off the model is, and what is better or worse than it.
import { followJob, send, useGet } from "../../../core/api.js";
import { Answer, Failed, Problem, useMay } from "../../../core/parts.js";
import { said } from "../../../core/said.js";
import { html, useEffect, useState } from "../../../core/ui.js";
import { amend, at } from "../../../core/url.js";
import { percent, t, word } from "../../../core/words.js";
import { Against, Figures, Grade, LeftOut, headline } from "../../models/judged.js";
import { plainly } from "../../models/plain.js";

function Result({ id, sentences }) {
  const asked = useGet(`models/${encodeURIComponent(id)}`);
  return html`<${Answer} of=${asked}>${(model) => (model.metrics ? html`
    <div class="row spread"><h2>${model.name} ${model.version} <${Grade} model=${model} /></h2>
      <div class="row"><a class="button primary" href=${at(["models", model.name], { version: model.version })}>${t("model.look")}</a>
        ${model.can_optimize && html`<a class="button" href=${at(["setpoints"], { model: model.name,
          version: model.version })}>${t("models.to_setpoints")}</a>`}</div></div>
    <p class="models-headline">${headline(model)}</p>
    <${Against} model=${model} />
    <${Figures} model=${model} />
    <${LeftOut} sentences=${model.metrics.left_out ?? sentences} open />`
      : html`<${Failed} id=${id} error=${model.error ?? word("status", model.status)} plainly=${plainly} />`)}<//>`;
}

/** Follows the job `id`; when it has ended, shows its model, or why there is none. */
export function Training({ id, sentences, onended }) {
  const forget = () => amend({ job: null });
  const [job, setJob] = useState(null);
  const [failure, setFailure] = useState(null);
  const may = useMay("operator");
  useEffect(() => {
    const ending = new AbortController();
    setJob(null);
    setFailure(null);
    followJob(id, setJob, ending.signal).then((ended) => {
      if (ending.signal.aborted) return;
      setJob(ended);
      onended();
    }).catch((wrong) => ending.signal.aborted || (wrong.problem?.code === "unknown_job" ? forget() : setFailure(wrong)));
    return () => ending.abort();
  }, [id]);
  if (failure) return html`<section class="panel"><${Problem} failure=${failure} again=${forget} /></section>`;
  if (job?.status === "completed") return html`<section class="panel model-result"><${Result} id=${id} sentences=${sentences} /></section>`;
  if (job?.status === "failed") {
    const problem = { code: job.error_code, detail: job.error ?? t("status.failed"), errors: job.errors };
    return html`<section class="panel"><h2>${t("model.failed")}</h2><${Problem} failure=${plainly({ problem })} again=${forget} /></section>`;
  }
  if (job?.status === "cancelled") return html`<section class="panel"><p>${t("model.cancelled")}</p><button onClick=${forget}>${t("part.close")}</button></section>`;
  return html`<section class="panel model-result" aria-live="polite"><h2>${t("model.training")}</h2>
    <progress max="1" value=${job?.progress ?? 0} aria-label=${t("model.training")}></progress>
    <p class="row spread"><span>${job?.message ? said(job.message) : t("sentence.reading_dataset")}</span><span class="number soft">${percent(100 * (job?.progress ?? 0))}</span></p>
    <${LeftOut} sentences=${sentences} open />
    ${may && html`<button onClick=${() => send("POST", `jobs/${id}/cancel`).catch(setFailure)}>${t("part.cancel")}</button>`}</section>`;
}
