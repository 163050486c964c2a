// Jobs as they are: what runs, how far it is, what failed and why; those that run are followed live and can be cancelled.
import { followJob, send, useGet } from "../../core/api.js";
import { Answer, Empty, Field, Listed, Pager, Problem, Tag, say, useMay } from "../../core/parts.js";
import { foreign, useRefusal } from "../../core/refusals.js";
import { said } from "../../core/said.js";
import { html, useEffect, useState } from "../../core/ui.js";
import { amend, at } from "../../core/url.js";
import { ago, duration, local, percent, t, word } from "../../core/words.js";
import { useAgain } from "./figures.js";

const GOING = ["queued", "running"];
const SIZE = 20;

/** Why a job failed. */
function Why({ job }) {
  const { text, told } = useRefusal({ code: job.error_code, detail: job.error });
  return html`<div class="system-error"><p>${text}</p>${told && html`<p class="small soft" lang="en">${told}</p>`}
    ${job.errors.length > 0 && html`<${Listed} items=${job.errors} most=${5} lang=${foreign()} />`}</div>`;
}

function Job({ job, again }) {
  const [live, setLive] = useState(null);
  const [failure, setFailure] = useState(null);
  const may = useMay("operator");
  const now = { ...job, ...live };
  const going = GOING.includes(now.status);
  useEffect(() => {
    setLive(null);
    if (!GOING.includes(job.status)) return undefined;
    const ending = new AbortController();
    followJob(job.job_id, (event) => setLive({ status: event.status, progress: event.progress, message: event.message }), ending.signal).then(again, () => {});
    return () => ending.abort();
  }, [job.job_id, job.status]);
  const cancel = async () => {
    try {
      await send("POST", `jobs/${job.job_id}/cancel`);
      say(t("system.cancel_asked"));
      again();
    } catch (wrong) {
      setFailure(wrong);
    }
  };
  const took = job.started_at && (Date.parse(job.finished_at ?? new Date().toISOString()) - Date.parse(job.started_at)) / 1000;
  return html`<li class="system-job"><div class="row spread"><span><strong>${word("system.kind", job.kind)}</strong> <${Tag} kind=${now.status}>${word("status",
    now.status)}<//>
      ${job.kind === "train" && now.status === "completed" && html` <a href=${at(["models", job.job_id])}>${t("model.look")}</a>`}</span>
      <span class="soft small" title=${local(job.created_at)}>${ago(job.created_at)}${took > 0 && ` · ${duration(took)}`}${job.attempts > 1
        && ` · ${t("system.attempts", { count: job.attempts })}`}</span></div>
    ${going && html`<div class="system-going"><progress max="1" value=${now.progress} aria-label=${word("system.kind", job.kind)}></progress>
      <span class="number">${percent(100 * now.progress)}</span>
      ${may && html`<button disabled=${job.cancel_requested} onClick=${cancel}>${t(job.cancel_requested ? "system.cancelling" : "part.cancel")}</button>`}</div>`}
    ${now.message && now.status !== "failed" && html`<p class="small soft">${said(now.message)}</p>`}
    ${job.error && html`<${Why} job=${job} />`}
    ${failure && html`<${Problem} failure=${failure} />`}</li>`;
}

export function Jobs({ query }) {
  const page = Number(query.page) || 1;
  const asked = useGet("jobs", { status: query.status, kind: query.kind, page, page_size: SIZE });
  useAgain(asked, 8);
  const options = (keys, room) => [["", t("system.all")], ...keys.map((key) => [key, word(room, key)])];
  return html`<div class="system-quiet"><div class="row system-filter">
      <${Field} label=${t("system.job_kind")} options=${options(["parse", "clean", "train"], "system.kind")} value=${query.kind ?? ""}
        onChange=${(event) => amend({ kind: event.target.value, page: null })} />
      <${Field} label=${t("system.job_status")} options=${options(["queued", "running", "completed", "failed", "cancelled"], "status")} value=${query.status ?? ""}
        onChange=${(event) => amend({ status: event.target.value, page: null })} /></div>
    <${Answer} of=${asked} tall>${({ items, total_pages: pages }) => (items.length
      ? html`<section class="panel"><ul class="system-list">${items.map((job) => html`<${Job} key=${job.job_id} job=${job} again=${asked.again} />`)}</ul></section>
      <${Pager} page=${page} pages=${pages} go=${(next) => amend({ page: next }, { replace: false })} />` : html`<${Empty}>${t("system.no_jobs")}<//>`)}<//></div>`;
}
