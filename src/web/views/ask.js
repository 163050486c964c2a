// Questions in SQL over everything that is stored: tables beside an editor, the answer as table or chart, statements kept.
import { useGet } from "../core/api.js";
import { CopyLink, Problem, saveFile, useMay } from "../core/parts.js";
import { html, useEffect, useMemo, useRef, useState } from "../core/ui.js";
import { amend, at, go } from "../core/url.js";
import { count, t } from "../core/words.js";
import { examples } from "./ask/examples.js";
import { Editor, insert } from "./ask/editor.js";
import { ask, asFile } from "./ask/run.js";
import { Result } from "./ask/result.js";
import { Keep, Saved } from "./ask/saved.js";
import { COMMON, Tables, tablesOf } from "./ask/tables.js";

const LIMIT = 10000;

/** Carries a statement out, once for each `turn`; `cancel` ends it. */
function useStatement(body, turn) {
  const [state, setState] = useState({ answer: null, failure: null, since: null });
  const ending = useRef(null);
  useEffect(() => {
    if (!body.sql?.trim()) return setState({ answer: null, failure: null, since: null });
    const own = new AbortController();
    ending.current = own;
    setState((before) => ({ ...before, failure: null, since: Date.now() }));
    ask(body, own.signal).then((answer) => ending.current === own && setState({ answer, failure: null, since: null }),
      (failure) => ending.current === own && setState(own.signal.aborted ? { answer: null, failure: null, since: null, cancelled: true } : { answer: null, failure, since: null }));
    return () => {
      ending.current = null;
      own.abort();
    };
  }, [body.sql, body.session_id, body.limit, turn]);
  return { ...state, cancel: () => ending.current?.abort() };
}

/** How long it has been running. */
function Running({ since, cancel }) {
  const [now, setNow] = useState(Date.now());
  useEffect(() => {
    const ticking = setInterval(() => setNow(Date.now()), 500);
    return () => clearInterval(ticking);
  }, []);
  return html`<span class="row"><span class="soft small number">${t("ask.running", { seconds: Math.max(0, Math.floor((now - since) / 1000)) })}</span><button
    onClick=${cancel}>${t("part.cancel")}</button></span>`;
}

export default function Ask({ query }) {
  const area = useRef(null);
  const may = useMay("operator");
  const [draft, setDraft] = useState(query.sql ?? "");
  const [keeping, setKeeping] = useState(false);
  const [learnt, setLearnt] = useState({});
  const [turn, setTurn] = useState(0);
  const sessions = useGet("sessions", { page_size: 100, sort: "updated_at", order: "desc", status_at_least: "parsed" });
  const chosen = query.session ?? sessions.data?.items[0]?.session_id ?? "";
  const session = useGet(chosen && `sessions/${encodeURIComponent(chosen)}`);
  const here = session.data?.session_id === chosen ? session.data : null;
  const stats = useGet(here?.versions?.length ? "data/stats" : null, { session_id: chosen });
  const points = (here && stats.data?.session_id === chosen ? stats.data.columns : []).filter((one) => one.kind !== null);
  const settled = sessions.failure || session.failure || stats.failure || (sessions.data && !chosen) || (here && (!here.versions?.length || stats.data?.session_id === chosen));
  const saved = useGet("queries");
  const limit = Number(query.limit) || LIMIT;
  const body = { sql: query.sql, session_id: query.session || chosen || null, limit };
  const ready = query.session || sessions.data;
  const run = useStatement(ready ? body : {}, `${turn} ${query.run ?? ""}`);
  useEffect(() => setDraft(query.sql ?? ""), [query.sql]);
  const known = useMemo(() => ({
    tables: [...tablesOf(here), ...COMMON],
    columns: [{ name: "timestamp", about: t("ask.type_time") }, ...points.map((one) => ({ name: one.column, about: one.unit ?? one.kind })), ...Object.values(learnt).flat()],
  }), [here, stats.data, learnt]);
  const start = (sql = area.current.value, more = {}) => {
    if (!sql.trim()) return;
    if (sql === query.sql && Object.keys(more).length === 0) return setTurn(turn + 1);
    go(["ask"], { sql, session: chosen, view: query.view, ...more });
  };
  const put = (text) => insert(area.current, text);
  const file = async (format) => saveFile(await asFile({ sql: query.sql, session_id: body.session_id }, format), `${query.saved || "answer"}.${format}`);
  const wrong = run.failure?.place && draft === query.sql ? run.failure.place : null;
  return html`<div class="row spread heading"><h1>${t("ask.title")}</h1><div class="row">${query.sql && html`<${CopyLink} />`}<a class="button plain"
    href="docs/">${t("ask.api")}</a></div></div>
    <div class="shape-ask"><aside class="shape-known">
      <section class="panel"><h2>${t("ask.tables")}</h2><label><span>${t("ask.session")}</span><select onChange=${(event) => amend({ session: event.target.value })}>
          ${(sessions.data?.items ?? []).map((one) => html`<option value=${one.session_id} selected=${one.session_id === chosen}>${one.name}</option>`)}
          ${here && !sessions.data?.items.some((one) => one.session_id === chosen) && html`<option value=${chosen} selected>${here.name}</option>`}</select></label>
        <${Tables} session=${here} points=${points} put=${put} learn=${setLearnt} /></section>
      <section class="panel"><h2>${t("ask.saved")}</h2><div class="shape-kept-list"><${Saved} asked=${saved} chosen=${query.saved} /></div></section></aside>
    <div class="shape-asking">
      <section class="panel"><${Editor} area=${area} text=${draft} known=${known} wrong=${wrong} onchange=${setDraft} onrun=${() => start()} />
        <div class="row spread shape-run"><div class="row"><button class="primary" disabled=${!draft.trim() || run.since !== null}
          onClick=${() => start()}>${t("ask.run")}</button>
          ${run.since !== null && html`<${Running} since=${run.since} cancel=${run.cancel} />`}
          ${may && draft.trim() && html`<button class="plain" onClick=${() => setKeeping(true)}>${t("ask.keep")}</button>`}
          ${draft && html`<button class="plain" onClick=${() => go(["ask"], { session: query.session })}>${t("ask.clear")}</button>`}</div>
          <span class="soft small shape-keys" id="ask-keys">${t("ask.keys")}</span></div></section>
      ${run.failure && html`${run.failure.place && html`<p class="small"><button class="plain" onClick=${() => {
        const { line, column, length = 0 } = run.failure.place;
        const from = draft.split("\n").slice(0, line - 1).reduce((sum, each) => sum + each.length + 1, 0) + column - 1;
        area.current.focus();
        area.current.setSelectionRange(from, from + length);
      }}>${t("ask.place", { line: count(run.failure.place.line), column: count(run.failure.place.column) })}</button></p>`}<${Problem} failure=${run.failure} />`}
      ${run.cancelled && html`<p class="soft" role="status">${t("ask.cancelled")}</p>`}
      ${query.sql && !run.answer && !run.failure && !run.cancelled && html`<div class="waiting tall" role="status"></div>`}
      ${run.answer && html`<div aria-busy=${run.since !== null ? "true" : null}><${Result} answer=${run.answer} query=${query} zone=${here?.timezone}
        file=${file} limit=${limit} /></div>`}
      ${!query.sql && !settled && html`<div class="waiting tall" role="status"></div>`}
      ${!query.sql && settled && html`<section class="panel"><h2>${t("ask.examples")}</h2><ul
        class="shape-examples">${examples(here, points).map(([title, sql, more]) =>
        html`<li key=${title}><a href=${at(["ask"], { sql, session: chosen, ...more })}><span class="name">${title}</span>
          <code>${sql.replaceAll("\n", " ")}</code></a></li>`)}</ul></section>`}
    </div></div>
    ${keeping && html`<${Keep} sql=${draft} session=${chosen} names=${(saved.data?.queries ?? []).map((one) => one.name)} onclose=${() => setKeeping(false)}
      ondone=${saved.again} />`}`;
}
