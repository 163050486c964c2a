// One file: what it was seen as and why, its first rows as read, what to know of it, and how else it may be read.
import { Problem, Warnings } from "../../core/parts.js";
import { Refusal, useMeaning } from "../../core/refusals.js";
import { said } from "../../core/said.js";
import { html, useRef } from "../../core/ui.js";
import { amend } from "../../core/url.js";
import { bytes, count, day, duration, t, value, word } from "../../core/words.js";
import { statedOf } from "./look.js";
import { plain } from "./plain.js";
import { Stated } from "./stated.js";

const COLUMNS = 40;
const seen = (verdict, what) => verdict?.seen.find((one) => one.what === what);

function Shown({ rows }) {
  const points = rows[0]?.cells.slice(0, COLUMNS).map((cell) => cell.point) ?? [];
  const more = (rows[0]?.cells.length ?? 0) - points.length;
  const shown = (cell) => (cell == null || cell.value === null ? html`<span
    class="null">–</span>` : typeof cell.value === "number" ? value(cell.value, 7) : String(cell.value));
  return html`<div class="scroll new-rows" tabindex="0" role="region" aria-label=${t("new.first_rows")}><table>
    <caption class="visually-hidden">${t("new.first_rows")}</caption>
    <thead><tr><th scope="col">${t("new.time")}</th>${points.map((point) => html`<th scope="col" class="number">${point}</th>`)}
      ${more > 0 && html`<th scope="col">${t("new.more_points", { count: more })}</th>`}</tr></thead>
    <tbody>${rows.map((row) => html`<tr><td class="time">${row.timestamp.replace("T", " ")}</td>${points.map((_, index) => html`<td
      class="number">${shown(row.cells[index])}</td>`)}${more > 0 && html`<td></td>`}</tr>`)}</tbody></table></div>`;
}

/** What was chosen and what it was told by. */
function Why({ verdict }) {
  return html`<dl class="new-why">${verdict.seen.map(({ what, value: chosen, evidence }) => html`<div><dt>${word("new.what", what)}</dt>
    <dd><strong>${what === "format" ? word("new.format", chosen) : chosen}</strong><span class="soft small"> ${said(evidence)}</span></dd></div>`)}
    ${verdict.remembered && html`<div><dt>${t("new.remembered")}</dt><dd>${verdict.remembered}</dd></div>`}</dl>`;
}

function Details({ row, query }) {
  const { verdict, plan } = row;
  const rows = [...verdict.first_rows, ...verdict.last_rows.filter((last) => !verdict.first_rows.some((first) => first.timestamp === last.timestamp))];
  const leftOut = Object.entries(verdict.left_out ?? {});
  const markers = Object.entries(plan?.loss_markers ?? {}).sort(([, a], [, b]) => b - a);
  return html`
    <${Warnings} items=${plan?.warnings?.map((one) => ({ ...one, file: null, message: plain(said(one.message)) }))} open />
    <div class="new-halves"><div><h3>${t("new.seen_as")}</h3><${Why} verdict=${verdict} /></div>
      <div>${rows.length > 0 && html`<h3>${t("new.first_rows")}</h3><${Shown} rows=${rows} />`}
        ${verdict.tables?.length > 0 && html`<p class="small">${t("new.tables")} ${verdict.tables.join(", ")}</p>`}
        ${leftOut.length > 0 && html`<p class="small soft">${t("new.left_out_rows")}
          ${" "}${leftOut.map(([reason, number]) => `${word("new.dropped", reason)} ${count(number)}`).join(", ")}</p>`}
        ${markers.length > 0 && html`<p class="small soft">${t("new.markers")}
          ${" "}${markers.slice(0, 8).map(([text, number], index) => html`${index > 0 && ", "}<span class="mono">${text}</span> ${count(number)}`)}</p>`}</div></div>
    <${Stated} row=${row} query=${query} />`;
}

/** A file that cannot be read: why, and the ways out. */
function Bad({ row, query, onremove }) {
  const { bad } = row;
  // Several that cannot be read for different reasons have no code of their own.
  const meaning = useMeaning(bad.code === "unreadable_files" ? null : bad.code);
  const dates = bad.code === "ambiguous_dates" || /date_format/.test(bad.message);
  const state = (changes) => amend({ of: JSON.stringify({ ...statedOf(query), [row.name]: { ...statedOf(query)[row.name], ...changes } }) });
  return html`<div class="new-reason"><p>${[bad.line && t("part.line", { line: bad.line }), bad.column && t("part.column", { column: bad.column })].filter(Boolean).join(", ")}
      ${(bad.line || bad.column) && ": "}${meaning ?? plain(bad.message)}</p>
    ${meaning && html`<p class="small soft" lang="en">${plain(bad.message)}</p>`}
    <div class="row">
      ${dates && ["DMY", "MDY"].map((order) => html`<button type="button" onClick=${() => state({ date_format: order })}>${t(`new.read_${order}`)}</button>`)}
      ${onremove && html`<button type="button" onClick=${onremove}>${t("new.leave_out")}</button>`}</div>
    <details class="new-otherwise"><summary class="small">${t("new.otherwise")}</summary><${Stated} row=${row} query=${query} /></details></div>`;
}

const MARKS = { good: "✓", bad: "✕", warn: "!", pending: "…" };

const refused = (file) => file?.failure?.problem?.status >= 400 && file.failure.problem.status < 500;

/** How far the file is: what is shown at its left, and in one line beside its name. */
function standing(row, looking) {
  const state = row.file?.state;
  if (state === "failed") return ["bad", t(refused(row.file) ? "new.refused" : "new.not_sent")];
  if (state === "waiting") return ["pending", t("new.waits")];
  if (state === "sending") return ["pending", t("new.sending", { sent: bytes(row.file.sent), size: bytes(row.size) })];
  if (state === "same") return ["warn", t("new.same")];
  if (row.bad) return ["bad", t("new.cannot_be_read")];
  if (!row.verdict) return ["pending", t(looking ? "new.looking" : "new.not_looked")];
  return [row.plan?.warnings?.length ? "warn" : "good", word("new.format", seen(row.verdict, "format")?.value)];
}

export function Report({ row, query, looking, onremove, onagain }) {
  const { verdict, plan, file } = row;
  const [kind, stands] = standing(row, looking);
  const open = query.look === row.name;
  const summary = useRef(null);
  const warned = plan?.warnings?.length ?? 0;
  const stated = statedOf(query)[row.name];
  return html`<li class=${`new-file ${kind}`}>
    <div class="new-line">
      <span class="new-mark" aria-hidden="true">${MARKS[kind]}</span>
      <div class="new-called"><span class="name">${row.name}</span> <span class="soft small number">${row.size == null ? "" : bytes(row.size)}</span>
        <div class="small ${kind === "bad" ? "new-bad" : "soft"}">${stands}${warned > 0 && ` · ${t("part.to_know", { count: warned })}`}${stated && ` · ${t("new.stated")}`}</div></div>
      ${verdict && plan && html`<div class="new-figures number"><span>${t("home.rows", { count: plan.rows })}</span>
        <span>${t("home.points", { count: plan.points.length })}</span></div>
        <div class="small number">${day(plan.first_at)} – ${day(plan.last_at)}<br />
          <span class="soft">${plan.interval_s ? t("new.every", { time: duration(plan.interval_s) }) : ""}</span></div>
        <div class="small new-dates">${seen(verdict, "dates")?.value ?? "–"} · ${seen(verdict, "zone")?.value ?? t("new.own_zone")}<br />
          <span class="soft new-evidence">${said(seen(verdict, "dates")?.evidence)}</span></div>`}
      <div class="new-acts">
        ${file?.state === "failed" && !refused(file) && html`<button type="button" onClick=${onagain}>${t("part.again")}</button>`}
        ${verdict && html`<button type="button" class="plain" ref=${summary} aria-expanded=${open ? "true" : "false"}
          onClick=${() => amend({ look: open ? null : row.name })}>${t(open ? "new.less" : "new.more")}</button>`}
        ${onremove && !row.bad && html`<button type="button" class="plain" aria-label=${`${t("new.take_away")}: ${row.name}`}
          title=${t("new.take_away")} onClick=${onremove}>×</button>`}</div>
    </div>
    ${file?.state === "sending" && html`<progress max=${Math.max(1, row.size)} value=${file.sent}
      aria-label=${t("new.sending", { sent: bytes(file.sent), size: bytes(row.size) })}></progress>`}
    ${file?.state === "failed" && (refused(file) ? html`<div class="new-reason">
      <p><${Refusal} code=${file.failure.problem.code} detail=${file.failure.problem.errors?.[0]?.message ?? file.failure.problem.detail} /></p></div>` : html`<${Problem} failure=${file.failure} />`)}
    ${row.bad && file?.state !== "waiting" && html`<${Bad} row=${row} query=${query} onremove=${onremove} />`}
    ${open && verdict && html`<div class="new-details"><${Details} row=${row} query=${query} /></div>`}</li>`;
}
