// The rows of an answer: a sorted table of typed cells, or a chart.
import { Empty, Pager, Table, say } from "../../core/parts.js";
import { Refusal } from "../../core/refusals.js";
import { html, useMemo, useState } from "../../core/ui.js";
import { amend } from "../../core/url.js";
import { clock, count, exact, t } from "../../core/words.js";
import { Choice } from "../session/statistics/figure.js";
import { Chart, isNumber, isTime } from "./chart.js";

const PAGE = 100;

function written(cell, type) {
  if (cell === null) return html`<span class="null">null</span>`;
  if (typeof cell === "number") return exact(cell);
  if (typeof cell === "object") return JSON.stringify(cell);
  return isTime(type) ? clock(String(cell)) : String(cell);
}

function order(rows, index, descending) {
  if (index === null) return rows;
  const way = descending ? -1 : 1;
  return [...rows].sort((a, b) => {
    const [x, y] = [a[index], b[index]];
    if (x === null || y === null) return (x === null) - (y === null);
    return (x < y ? -1 : x > y ? 1 : 0) * way;
  });
}

function Rows({ answer, query }) {
  const sorted = /^\d+$/.test(query.sort ?? "") && Number(query.sort) < answer.columns.length ? Number(query.sort) : null;
  const rows = useMemo(() => order(answer.rows, sorted, query.descending), [answer, sorted, query.descending]);
  const pages = Math.ceil(rows.length / PAGE);
  const page = Math.min(pages, Math.max(1, Number(query.page) || 1));
  const heads = answer.columns.map((one, index) => ({ key: String(index), name: one.name, title: one.type, number: isNumber(one.type), sort: true, kind: isTime(one.type) ? "time" : null }));
  const sort = (key) => amend({ sort: key, descending: query.sort === key && !query.descending ? 1 : null, page: null });
  return html`<${Table} caption=${t("ask.answer")} heads=${heads} rows=${rows.slice((page - 1) * PAGE, page * PAGE)}
    cell=${(row, key) => written(row[Number(key)], answer.columns[Number(key)].type)}
      sorted=${sorted === null ? null : { key: String(sorted), descending: !!query.descending }} onsort=${sort} kind="shape-rows" />
    <${Pager} page=${page} pages=${pages} go=${(number) => amend({ page: number }, { replace: false })} />`;
}

/** `file(format)` answers a promise of what is saved. */
export function Result({ answer, query, zone, file, limit }) {
  const [saving, setSaving] = useState(null);
  const view = query.view === "chart" ? "chart" : "table";
  const save = async (format) => {
    setSaving(format);
    try {
      await file(format);
    } catch (failure) {
      say(html`<${Refusal} code=${failure.problem?.code} detail=${failure.message} />`);
    }
    setSaving(null);
  };
  if (answer.columns.length === 0) return html`<${Empty}>${t("ask.nothing")}<//>`;
  return html`<section class="panel"><div class="row spread"><div class="row">
      <${Choice} label=${t("ask.view")} chosen=${view} of=${[["table", t("ask.table")], ["chart", t("ask.chart")]]}
        onchoose=${(key) => amend({ view: key === "table" ? null : key })} />
      <span class="soft small" role="status">${t("ask.rows_in", { count: answer.row_count, ms: answer.elapsed_ms })}</span></div>
      <div class="row">${["csv", "parquet"].map((format) => html`<button key=${format} class="plain" disabled=${saving !== null}
        onClick=${() => save(format)}>${t(saving === format ? "ask.saving" : "ask.save_as", { format: format === "csv" ? "CSV" : "Parquet" })}</button>`)}</div></div>
    ${answer.truncated && html`<p class="warnings">${t("ask.truncated", { shown: count(answer.row_count), limit: count(limit) })} ${answer.row_count < 100000
      && html`<button class="plain" onClick=${() => amend({ limit: answer.row_count < 50000 ? 50000 : 100000, run: Date.now() })}>${t("ask.more_rows")}</button>`}</p>`}
    ${answer.rows.length === 0 ? html`<${Empty}>${t("ask.no_rows")}<//>` : view === "chart" ? html`<${Chart} answer=${answer} query=${query} zone=${zone} />`
      : html`<${Rows} answer=${answer} query=${query} />`}</section>`;
}
