// A statement sent to the server: its answer, its failure with the place in the statement, and as a file.
import { Failure, reachBy } from "../../core/api.js";

const KINDS = { csv: "text/csv", parquet: "application/vnd.apache.parquet" };

/** Where in the text something is wrong, counted from 1; null where that is not told. */
function place(sql, detail) {
  const told = /at Line: (\d+), Column: (\d+)/.exec(detail);
  if (told) return { line: Number(told[1]), column: Number(told[2]) };
  const name = /(?:there is no (?:column|table) |Invalid function )'?"?([^'"]+?)'?"?(?: here|\.|,|;|$)/.exec(detail)?.[1];
  if (!name) return null;
  const index = sql.toLowerCase().indexOf(name.toLowerCase());
  if (index < 0) return null;
  const before = sql.slice(0, index).split("\n");
  return { line: before.length, column: before.at(-1).length + 1, length: name.length };
}

/** What is wrong as it is shown: without the field's name, which is always the statement. */
function told(problem, sql) {
  const detail = (problem.detail ?? "").replace(/^sql: /, "").replace(/^Internal error: /, "").replace(/, errors: Error.*$/s, ".");
  const failure = new Failure({ ...problem, detail: detail.replace(/ at Line: \d+, Column: \d+$/, ""), errors: [] });
  failure.place = place(sql, detail);
  return failure;
}

async function sent(body, accept, signal) {
  const response = await reachBy("query", body, accept, signal);
  if (!response.ok) throw told(await response.json().catch(() => ({ detail: response.statusText })), body.sql);
  return response;
}

/** The rows of a statement; the work ends with the signal. */
export const ask = async (body, signal) => (await sent(body, "application/json", signal)).json();
/** The whole answer as a file's content. */
export const asFile = async (body, format, signal) => (await sent({ ...body, format }, KINDS[format], signal)).blob();
