// A new session, or a session read again: files are chosen and sent, what they would become is shown, and options follow at
// once. Nothing is made of them before somebody says so.
import { followJob, get, send, useGet } from "../core/api.js";
import { Problem, Warnings, say, useMay } from "../core/parts.js";
import { useStore } from "../core/store.js";
import { said } from "../core/said.js";
import { html, useEffect, useMemo, useRef, useState } from "../core/ui.js";
import { amend, at, go } from "../core/url.js";
import { count, percent, t } from "../core/words.js";
import { Chooser } from "./new/chooser.js";
import { pickedFrom, reportsOf, requestOf, statedWithout, suggestedName, useLook } from "./new/look.js";
import { Options } from "./new/options.js";
import { plain } from "./new/plain.js";
import { Points } from "./new/points.js";
import { Report } from "./new/report.js";
import { again, canRemove, chosen, forget, isSending, removeFiles, sentTo, stop, stored, takeUp } from "./new/sending.js";
import { Sum } from "./new/sum.js";

/** Follows the job that reads the files; its id stands in the address, so that a reload goes on with it. */
function Reading({ query, session, ondone, onfailed }) {
  const [told, setTold] = useState({ status: "queued" });
  useEffect(() => {
    const ending = new AbortController();
    followJob(query.job, setTold, ending.signal).then((job) => {
      if (ending.signal.aborted) return;
      if (job.status === "completed") ondone(job);
      else onfailed(job);
    }, (failure) => ending.signal.aborted || onfailed({ status: "failed", failure }));
    return () => ending.abort();
  }, [query.job]);
  const cancel = () => send("POST", `jobs/${query.job}/cancel`).catch(() => null);
  return html`<section class="panel new-reading" role="status"><h2>${t("new.reading", { name: query.name || session?.name || t("new.title") })}</h2>
    <progress max="1" value=${told.status === "queued" ? null : told.progress ?? 0} aria-label=${t("new.reading_label")}></progress>
    <div class="row spread"><p class="soft">${told.status === "queued" ? t("new.queued") : `${percent((told.progress ?? 0) * 100)}${told.message ? ` · ${said(told.message)}` : ""}`}</p>
      <button type="button" onClick=${cancel}>${t("part.cancel")}</button></div>
    <p class="soft small">${t("new.leave")}</p></section>`;
}

/** Takes away what was sent where nothing of it can be read. */
const removeForEver = (id) =>
  send("DELETE", `sessions/${id}`, undefined, { values: { purge: true } }).then(() => say(t("new.nothing_kept")), () => null);

export default function New({ query }) {
  const may = useMay("operator");
  const files = useStore(chosen);
  const turn = useStore(stored);
  const asked = useGet(query.session ? `sessions/${encodeURIComponent(query.session)}` : null);
  const session = asked.data?.session_id === query.session ? asked.data : null;
  const known = useGet("sessions", { page_size: 100 });
  const sites = useMemo(() => [...new Set((known.data?.items ?? []).map((one) => one.site).filter(Boolean))], [known.data]);
  const inside = useGet(query.folder ? "files" : null, { subfolder: query.folder });
  const names = (query.folder && inside.data?.current_folder === query.folder && inside.data.files) || [];
  const picks = query.folder ? pickedFrom(query) ?? names : [];
  const [failure, setFailure] = useState(null);
  const [busy, setBusy] = useState(false);
  const isNew = !session?.versions?.length;
  useEffect(() => {
    if (session && !files.length) takeUp(session.session_id, session.files);
  }, [session]);
  useEffect(() => {
    if (query.session) return;
    // What is still being sent, or was while another view was looked at, is gone on with.
    if (files.every((one) => !one.file)) forget();
    else if (sentTo()) amend({ session: sentTo() });
  }, [query.session]);
  const look = useLook(query, turn, Boolean(query.job || session?.deleted_at));
  const rows = useMemo(() => reportsOf([...files, ...picks.map((name) => ({ name, size: null, state: "stored", onServer: true }))], look),
    [files, picks.join("\n"), look.answer, look.failure]);
  const good = rows.filter((row) => row.verdict);
  const bad = rows.filter((row) => row.bad);
  const sending = files.some((one) => ["waiting", "sending"].includes(one.state));
  const verdict = look.answer?.verdict;
  const suggested = isNew ? suggestedName(look.answer, query.site || session?.site, good[0]?.name) : session.name;
  const any = files.length > 0 || query.folder;

  // Files of this page of which none can be read are of no use to anybody: they are not left behind. Nor are they taken away
  // while they are looked at, or where somebody kept them to come back.
  const useless = useRef(null);
  const hopeless = rows.length > 0 && rows.every((row) => row.bad || row.file?.state === "same") && canRemove() && !sending;
  useless.current = hopeless && session && isNew && !query.job && look.current ? query.session : null;
  useEffect(() => () => {
    if (isSending()) return;
    const id = useless.current;
    forget();
    if (id) removeForEver(id);
  }, []);

  useEffect(() => {
    if (!sending) return undefined;
    const ask = (event) => event.preventDefault();
    addEventListener("beforeunload", ask);
    return () => removeEventListener("beforeunload", ask);
  }, [sending]);

  const make = async () => {
    setBusy(true);
    setFailure(null);
    try {
      const queued = await send("POST", "parse", { ...requestOf({ ...query, name: query.name || (isNew ? suggested?.slice(0, 200) : null) }), wait: false });
      amend({ job: queued.job_id, made: queued.session_id });
    } catch (wrong) {
      setFailure(wrong);
    }
    setBusy(false);
  };
  const done = async () => {
    const id = query.made ?? query.session;
    const made = await get(`sessions/${encodeURIComponent(id)}`).catch(() => null);
    const warned = (made?.files ?? []).reduce((sum, file) => sum + file.warnings.length, 0);
    forget();
    go(["sessions", id], {}, { replace: true });
    if (made) say(t("new.done", { name: made.name, rows: t("home.rows", { count: made.total_rows }), points: t("home.points", { count: Math.max(0, made.column_count - 1) }) }),
      warned > 0 ? [t("part.to_know", { count: warned }), () => go(["sessions", id, "files"])] : undefined);
  };
  const failed = (job) => {
    amend({ job: null, made: null });
    if (job.status === "cancelled") say(t("new.cancelled"));
    else setFailure(job.failure ?? { problem: { code: job.error_code, detail: job.error, errors: job.errors ?? [] } });
    asked.again();
  };
  const discard = async () => {
    stop();
    const id = isNew ? query.session : null;
    const purge = Boolean(useless.current);
    useless.current = null;
    forget();
    go(isNew ? [] : ["sessions", query.session, "files"], {}, { replace: true });
    if (purge) await removeForEver(id);
    else if (id) await send("DELETE", `sessions/${id}`).then(() => say(t("new.discarded"), [t("session.undo"), async () => {
      await send("POST", `sessions/${id}/restore`);
      go(["new"], { session: id });
    }]), () => null);
  };

  if (!may) return html`<p class="empty">${t("new.viewer")}</p>`;
  const title = html`<p class="crumbs"><a href="#/">${t("nav.sessions")}</a></p><h1>${isNew ? t("new.title") : t("new.title_again", { name: session.name })}</h1>`;
  if (query.job) return html`${title}<${Reading} query=${query} session=${session} ondone=${done} onfailed=${failed} />`;
  if (session?.deleted_at) return html`${title}<p class="warnings">${t("session.is_deleted")} <a href=${at(["sessions", query.session])}>${session.name}</a></p>`;
  if (asked.failure) return html`${title}<${Problem} failure=${asked.failure} again=${asked.again} />`;
  const removable = (row) => {
    const without = { of: statedWithout(query, row.name) };
    if (row.file?.onServer) return picks.length > 1 ? () => amend({ ...without, pick: JSON.stringify(picks.filter((name) => name !== row.file.name)) }) : null;
    if (!row.file || !canRemove()) return null;
    return () => {
      amend(without);
      removeFiles([row.file.key]);
    };
  };
  // What is asked for beside a field, or said of a file where it stands, is not said again.
  const told = (look.answer?.warnings ?? []).filter((one) => !["timezone_assumed", "unreadable_file"].includes(one.code))
    .map((one) => ({ ...one, message: plain(said(one.message)) }));
  const ready = verdict?.accepted && look.current && !sending && !busy;
  const named = bad.length > 0 && bad.length === rows.length;
  const problem = failure ?? (look.failure && !bad.length ? look.failure : null);
  return html`${title}
    <p class="soft new-lead">${t(isNew ? "new.lead" : "new.lead_again")}</p>
    <${Chooser} query=${query} small=${any} names=${names} inside=${inside} picks=${picks} />
    ${any && html`
      <${Options} query=${query} session=${session} sites=${sites} look=${look} suggested=${suggested} />
      <${Sum} look=${look} rows=${rows} good=${good} bad=${bad} sending=${sending} query=${query} />
      ${problem && html`<${Problem} failure=${problem} again=${failure ? null : look.again} />`}
      <${Warnings} items=${told} />
      <ul class="new-files panel" aria-busy=${look.busy ? "true" : null}>${rows.map((row) =>
        html`<${Report} key=${row.name} row=${row} query=${query} looking=${look.busy} onremove=${removable(row)} onagain=${again} />`)}</ul>
      ${verdict && html`<${Points} of=${verdict.points} open=${query.points} />`}
      <div class="new-bar"><div class="new-bar-said small soft">${t(!isNew ? "new.unchanged" : query.session ? "new.kept" : "new.nothing_yet")}</div>
        <button type="button" class="plain" onClick=${discard}>${t(isNew ? "new.discard" : "part.cancel")}</button>
        <button type="button" class="primary" disabled=${!ready}
          onClick=${make}>${named ? t("new.none_readable") : !good.length ? t(look.busy ? "new.looking" : "new.make", { count: rows.length })
          : bad.length ? t("new.make_without", { count: good.length, good: count(good.length), bad: count(bad.length) })
            : t(isNew ? "new.make" : "new.make_again", { count: good.length })}</button></div>`}`;
}
