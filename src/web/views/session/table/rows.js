// The rows of a page of the table: in the order of time as they are stored, or sorted by a column by SQL.
import { Failure, get, send } from "../../../core/api.js";
import { useEffect, useState } from "../../../core/ui.js";

export const ROWS = 100;

/** What a server that was started before the page was renewed does not know yet. */
let jumps = true;

async function stored({ id, version, columns, offset, at, every }, signal) {
  const values = { session_id: id, version, columns, rows: ROWS, every };
  if (jumps) {
    try {
      return await get("data/preview", { ...values, ...(at ? { at } : { offset: offset || null }), reasons: every ? null : "true" }, { signal });
    } catch (failure) {
      if (!(failure instanceof Failure) || failure.problem.code !== "unknown_parameter") throw failure;
      jumps = false;
    }
  }
  const answer = await get("data/preview", { ...values, from: at, offset: offset || null }, { signal });
  return { ...answer, offset: offset || 0 };
}

const quoted = (name) => `"${name.replaceAll('"', '""')}"`;
/** The version's table in SQL: `cleaned-v1` is `cleaned_v1`. */
const tableOf = (version) => (/^[a-z]+(-v\d+)?$/.test(version) ? version.replace("-", "_") : "latest");

async function sorted({ id, version, columns, offset, sort, descending, total }, signal) {
  const sql = `SELECT ${["timestamp", ...columns].map(quoted).join(", ")} FROM ${tableOf(version)}
    ORDER BY ${quoted(sort)} ${descending ? "DESC" : "ASC"} NULLS LAST, timestamp LIMIT ${ROWS} OFFSET ${offset || 0}`;
  const answer = await send("POST", "query", { session_id: id, sql }, { signal });
  const names = answer.columns.map(({ name }) => name);
  const preview = answer.rows.map((row) => Object.fromEntries(row.map((cell, index) => [names[index], cell])));
  return { preview, columns: names, total_rows: total, offset: offset || 0, null_reasons: [] };
}

/** `{data: {preview, columns, total_rows, offset, null_reasons}, failure, busy, again}`; the page before stays until this one is there. */
export function useRows(asked) {
  const [state, setState] = useState({ data: null, failure: null, busy: true });
  const [turn, setTurn] = useState(0);
  useEffect(() => {
    if (!asked.columns.length) return undefined;
    const ending = new AbortController();
    setState((before) => ({ ...before, busy: true }));
    (asked.sort ? sorted : stored)(asked, ending.signal).then(
      (data) => setState({ data, failure: null, busy: false }),
      (failure) => ending.signal.aborted || setState({ data: null, failure, busy: false }),
    );
    return () => ending.abort();
  }, [JSON.stringify(asked), turn]);
  return { ...state, again: () => setTurn((n) => n + 1) };
}

/** Why cells of a page have no value: `(row, column)` → reasons, the likeliest first. A column's only reason is certain. */
export function reasonsOf(answer, columns) {
  const told = new Map();
  for (const { column, row, rows, reasons } of answer.null_reasons ?? []) {
    for (let index = row; index < row + (rows ?? 1); index += 1) told.set(`${index} ${column}`, reasons);
  }
  const usual = new Map(columns.map(({ column, nulls }) => [column, Object.entries(nulls ?? {}).sort((a, b) => b[1] - a[1]).map(([reason]) => reason)]));
  return (row, column) => told.get(`${row} ${column}`) ?? usual.get(column) ?? [];
}

const field = (cell) => (cell == null ? "" : /[",\n\r]/.test(cell) ? `"${String(cell).replaceAll('"', '""')}"` : String(cell));
/** A page as CSV, as it is shown. */
export function csvOf(columns, rows) {
  const lines = [columns, ...rows.map((row) => columns.map((column) => row[column]))];
  return new Blob(["\ufeff", ...lines.map((line) => `${line.map(field).join(",")}\r\n`)], { type: "text/csv" });
}
