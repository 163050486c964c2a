// What a cleaning would do, counted before anything is stored and again whenever a limit moves; and the cleaning itself.
import { Failure, followJob, get, question, send } from "../../../core/api.js";
import { Problem, Warnings, say, useMay } from "../../../core/parts.js";
import { html, useEffect, useRef, useState } from "../../../core/ui.js";
import { amend, go } from "../../../core/url.js";
import { count, percent, t, word } from "../../../core/words.js";
import { Choice } from "../statistics/figure.js";
import { isOn, switched, warned } from "./settings.js";

/** The dry run of what is asked; what was counted before stays until the new comes. `missing`: the server has none. */
export function useForecast(asked) {
  const key = JSON.stringify(asked);
  const [state, setState] = useState({ data: null, failure: null, busy: true });
  const [turn, setTurn] = useState(0);
  useEffect(() => {
    const ending = new AbortController();
    setState((before) => ({ ...before, busy: true }));
    question("clean", { ...asked, dry_run: true }, ending.signal).then(
      (data) => ending.signal.aborted || setState({ data, failure: null, busy: false }),
      (failure) => ending.signal.aborted || setState((before) => (failure.problem?.code === "unknown_field"
        ? { data: null, failure: null, busy: false, missing: true } : { data: before.data, failure, busy: false })),
    );
    return () => ending.abort();
  }, [key, turn]);
  return { ...state, again: () => setTurn((n) => n + 1) };
}

/** One bar of what stays, and at its end what is taken of it; however little that is, it is seen. */
function Kept({ taken, all }) {
  const share = taken === 0 ? 0 : Math.max(1, (100 * taken) / Math.max(1, all));
  return html`<svg class="shape-kept" viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true"><rect class="kept" width="100" height="8" />
    <rect class="taken" x=${100 - share} width=${share} height="8" /></svg>`;
}

function Counted({ of, filter }) {
  const { rows, cells, resampling } = of.report;
  const { forecast } = of;
  const pick = (key, from) => forecast.rules.map((one) => [one.rule, one[key]]).filter(([, number]) => number > 0).sort((a, b) => b[1] - a[1]).map((pair) => [...pair, from]);
  const cellsHit = pick(filter ? "cells_nulled" : "cells_flagged");
  const rowsHit = pick(filter ? "rows_dropped" : "rows_flagged");
  const total = (list) => list.reduce((sum, [, number]) => sum + number, 0);
  const line = (name, list, all, kept) => html`<div class="shape-counted"><div class="row spread"><span>${t(`clean.${name}`)}</span>
      <b class="number">${filter ? t("clean.kept_of", { kept: count(kept), all: count(all) })
        : t("clean.hit_of", { hit: count(total(list)), all: count(all) })}</b></div>
    <${Kept} taken=${Math.min(all, total(list))} all=${all} />
    ${list.length > 0 && html`<ul class="shape-hits small">${list.map(([rule, number]) => html`<li key=${rule}><span>${word("rule", rule)}</span><span
      class="number">${count(number)} · ${percent((100 * number) / Math.max(1, all))}</span></li>`)}</ul>`}</div>`;
  const all = rows.resampled - (resampling.empty_bins ?? 0);
  return html`${line("values", cellsHit, cells.before, cells.kept)}
    ${line("times", rowsHit, all, all - total(rowsHit))}
    <p class="soft small">${resampling.applied
      ? t("clean.rows_became", { before: rows.parsed, after: rows.cleaned, interval: t(`clean.every_${resampling.applied}`, { otherwise: resampling.applied }) }) : t("clean.rows_stay", { before: rows.parsed, after: rows.cleaned })}</p>
    ${forecast.emptied_columns.length > 0 && html`<div class="problem"><p>${t("clean.emptied", { count: forecast.emptied_columns.length })}</p>
      <p class="small shape-name">${forecast.emptied_columns.slice(0, 12).join(", ")}${forecast.emptied_columns.length > 12 ? ` ${t("part.more", { count: forecast.emptied_columns.length - 12 })}` : ""}</p></div>`}
    <${Warnings} items=${warned(of.report.warnings.filter((one) => !["column_emptied", "rule_left_out"].includes(one.code)))} />`;
}

export function Forecast({ session, query, offered, asked, forecast, parsed, again }) {
  const may = useMay("operator");
  const [job, setJob] = useState(null);
  const [failure, setFailure] = useState(null);
  const ending = useRef(new AbortController());
  useEffect(() => () => ending.current.abort(), []);
  const filter = offered.switches.find((one) => one.switch === "filter_invalid");
  const keep = offered.switches.find((one) => one.switch === "keep_empty_bins");
  const share = offered.switches.find((one) => one.switch === "on_fraction");
  const takes = isOn(query, filter);
  const arrived = async (id) => {
    const { version } = await get(`cleaning-jobs/${id}`);
    again();
    go(["sessions", session.session_id, "clean"], { part: "history", of: version });
  };
  const clean = async () => {
    setFailure(null);
    setJob({ progress: 0 });
    try {
      const started = await send("POST", "clean", { ...asked, wait: false });
      if (started.reused) {
        say(t("clean.reused", { version: started.version }));
        return await arrived(started.job_id);
      }
      setJob({ progress: 0, id: started.job_id });
      const done = await followJob(started.job_id, (event) => setJob({ id: started.job_id, progress: event.progress ?? 0 }), ending.current.signal);
      if (done.status === "completed") return await arrived(started.job_id);
      if (done.status === "failed") throw new Failure({ code: done.error_code, detail: done.error, errors: done.errors });
      say(t("clean.stopped"));
    } catch (wrong) {
      if (!ending.current.signal.aborted) setFailure(wrong);
    }
    setJob(null);
    return null;
  };
  const stop = () => send("POST", `jobs/${job.id}/cancel`).catch(setFailure);
  const changed = Object.keys(query).some((key) => !["version", "part", "of", "a", "b"].includes(key));
  const reset = () => go(["sessions", session.session_id, "clean"], { version: query.version }, { replace: true });
  return html`<aside class="shape-aside"><section class="panel" aria-labelledby="forecast">
    <div class="row spread"><h2 id="forecast">${t("clean.forecast")}</h2>${changed && html`<button class="plain"
      onClick=${reset}>${t("clean.reset")}</button>`}</div>
    <div class="stack">
      <${Choice} label=${t("clean.what_with_it")} chosen=${takes ? "take" : "report"} of=${[["report", t("clean.only_report")], ["take", t("clean.take_out")]]}
        onchoose=${(key) => amend(switched(filter, key === "take"))} />
      <p class="hint">${t(takes ? "clean.take_out_hint" : "clean.only_report_hint")}</p>
      <label><span>${t("clean.interval")}</span><select onChange=${(event) => amend({ interval: event.target.value })}>
        ${offered.intervals.map((one) => html`<option value=${one === offered.default_interval ? "" : one}
          selected=${one === asked.resample_interval}>${t(`clean.every_${one}`, { otherwise: one })}</option>`)}
        <option value="none" selected=${asked.resample_interval === null}>${t("clean.every_none")}</option></select></label>
      ${[keep, share].filter(Boolean).map((one) => html`<label class="check" key=${one.switch}><input type="checkbox" checked=${isOn(query, one)}
        onChange=${(event) => amend(switched(one, event.target.checked))} /><span>${t(`clean.sentence_${one.switch}`, { otherwise: one.sentence })}</span></label>`)}
    </div>
    <div class="shape-count" aria-live="polite" aria-busy=${forecast.busy ? "true" : null}>
      ${forecast.failure ? html`<${Problem} failure=${forecast.failure} again=${forecast.again} />` : forecast.data?.forecast ? html`<${Counted}
        of=${forecast.data} filter=${takes} />`
        : html`<p class="soft small">${t(forecast.missing ? "clean.no_forecast" : "clean.counting")}</p>`}</div>
    ${failure && html`<${Problem} failure=${failure} again=${clean} />`}
    ${may ? html`<div class="row end">${job ? html`<div class="shape-progress"><progress max="1" value=${job.progress} aria-label=${t("clean.cleaning")}></progress>
        <div class="row spread"><span class="small">${t("clean.cleaning")} ${percent(job.progress * 100)}</span>${job.id && html`<button class="plain"
          onClick=${stop}>${t("part.cancel")}</button>`}</div></div>`
      : html`<button class="primary" onClick=${clean}>${t(takes ? "clean.clean_take" : "clean.clean_report", { version: parsed })}</button>`}</div>` : html`<p
        class="soft small">${t("clean.may_not")}</p>`}
  </section></aside>`;
}
