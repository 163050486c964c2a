// Rows of several columns at the same times, and what no route sums up: asked in SQL, as a question that changes nothing.
import { question } from "../../../core/api.js";
import { useEffect, useState } from "../../../core/ui.js";

export const quoted = (name) => `"${name.replaceAll('"', '""')}"`;
/** The table of a version: `cleaned-v1` is `cleaned_v1`. */
export const tableOf = (version) => (/^[a-z]+(-v\d+)?$/.test(version) ? version.replace("-", "_") : null);

/** What narrows rows to the time that is looked at. */
export function within({ from, to }) {
  const literal = (time) => `'${time.replaceAll("'", "")}'`;
  return [from && `timestamp >= ${literal(from)}`, to && `timestamp < ${literal(to)}`].filter(Boolean);
}

/** Like `useGet`, of a statement; null asks nothing. */
export function useRows(sql, session) {
  const [state, setState] = useState({ data: null, failure: null, busy: true });
  const [turn, setTurn] = useState(0);
  useEffect(() => {
    if (!sql) return undefined;
    const ending = new AbortController();
    setState((before) => ({ ...before, busy: true }));
    question("query", { sql, session_id: session }, ending.signal).then(
      (data) => ending.signal.aborted || setState({ data, failure: null, busy: false }),
      (failure) => ending.signal.aborted || setState({ data: null, failure, busy: false }),
    );
    return () => ending.abort();
  }, [sql, session, turn]);
  return { ...state, again: () => setTurn((n) => n + 1) };
}
