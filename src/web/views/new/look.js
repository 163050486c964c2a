// What the server would make of the files: asked without anything being made of them, each time a file came or an option changed.
import { question } from "../../core/api.js";
import { useEffect, useState } from "../../core/ui.js";
import { day } from "../../core/words.js";

const json = (text, otherwise) => {
  try {
    return JSON.parse(text) ?? otherwise;
  } catch {
    return otherwise;
  }
};

/** What is stated of single files, by their names. */
export const statedOf = (query) => json(query.of ?? "{}", {});
/** What is stated of all others, for the address. */
export function statedWithout(query, name) {
  const { [name]: _, ...others } = statedOf(query);
  return Object.keys(others).length ? JSON.stringify(others) : null;
}
/** Names of the files that were picked from the server's folder; null: all of it. */
export const pickedFrom = (query) => (query.pick ? json(query.pick, null) : null);

/** The request that reads the files as the address says. */
export function requestOf(query) {
  const files = pickedFrom(query);
  const stated = {
    session_id: query.session, subfolder: query.folder, files: query.folder && files, name: query.name, site: query.site, timezone: query.zone,
    date_format: query.dates, on_conflict: query.conflict, accept_loss: query.loss ? true : null, prefix_by: query.prefix, overrides: statedOf(query), skip_unreadable: true,
  };
  return Object.fromEntries(Object.entries(stated).filter(([, value]) => value != null && value !== ""));
}

/** Everything that changes what is read: the name does not. */
const keyOf = ({ session, folder, pick, site, zone, dates, conflict, loss, prefix, of }) =>
  JSON.stringify([session, folder, pick, site, zone, dates, conflict, loss, prefix, of]);
const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** `{answer, failure, busy, current, again}`; the answer before stays until the next one is there. */
export function useLook(query, turn, paused) {
  const [state, setState] = useState({ answer: null, failure: null, busy: false, key: null });
  const [wanted, setWanted] = useState(0);
  const key = `${keyOf(query)} ${turn}`;
  const asks = Boolean(query.session || query.folder);
  useEffect(() => {
    if (!asks) {
      setState({ answer: null, failure: null, busy: false, key });
      return undefined;
    }
    if (paused) return undefined;
    const ending = new AbortController();
    const ask = async () => {
      await pause(150);
      if (ending.signal.aborted) return;
      try {
        const answer = await question("parse", { ...requestOf({ ...query, name: null }), dry_run: true }, ending.signal);
        setState({ answer, failure: null, busy: false, key });
      } catch (failure) {
        if (!ending.signal.aborted) setState({ answer: null, failure, busy: false, key });
      }
    };
    setState((before) => ({ ...before, busy: true }));
    ask();
    return () => ending.abort();
  }, [key, asks, paused, wanted]);
  return { ...state, current: state.key === key && !state.busy, again: () => setWanted((n) => n + 1) };
}

const stem = (name) => name.split("/").at(-1).replace(/(\.[A-Za-z0-9]{1,7}){1,2}$/, "");

/** A name for the session: its site and time, or the first file's name. */
export function suggestedName(answer, site, first) {
  const plans = (answer?.files ?? []).filter((plan) => plan.first_at);
  if (!plans.length) return null;
  const ends = [plans.map((plan) => day(plan.first_at)).sort()[0], plans.map((plan) => day(plan.last_at)).sort().at(-1)];
  return `${site || stem(first ?? plans[0].file_name)} ${[...new Set(ends)].join(" – ")}`;
}

/** Failures that name files of which none is to be blamed. */
const OF_THEM_ALL = ["conflicting_values", "would_lose_readings", "bad_override"];

/** Each report with what is known of it: `{name, size, verdict?, plan?, bad?, sending?}`, in the order in which they came. */
export function reportsOf(files, look) {
  const { answer, failure } = look;
  const bad = new Map();
  for (const one of answer?.unreadable ?? []) bad.set(one.file_name, one);
  const ofFiles = !OF_THEM_ALL.includes(failure?.problem?.code);
  for (const one of (ofFiles && failure?.problem?.errors) || []) {
    if (one.file && !bad.has(one.file)) bad.set(one.file, { ...one, file_name: one.file, code: failure.problem.code });
  }
  const plans = new Map((answer?.files ?? []).map((plan) => [plan.file_name, plan]));
  const verdicts = new Map((answer?.verdict?.files ?? []).map((verdict) => [verdict.file_name, verdict]));
  const told = [...new Set([...verdicts.keys(), ...plans.keys(), ...bad.keys()])];
  const taken = new Set();
  const rows = [];
  for (const file of files) {
    const own = told.filter((name) => !taken.has(name) && (name === file.name || name.startsWith(`${file.name}/`)));
    for (const name of own) {
      taken.add(name);
      rows.push({ name, file, size: plans.get(name)?.size_bytes ?? (name === file.name ? file.size : null), verdict: verdicts.get(name), plan: plans.get(name), bad: bad.get(name) });
    }
    if (!own.length) rows.push({ name: file.name, file, size: file.size });
  }
  for (const name of told.filter((one) => !taken.has(one))) {
    rows.push({ name, size: plans.get(name)?.size_bytes, verdict: verdicts.get(name), plan: plans.get(name), bad: bad.get(name) });
  }
  return rows;
}
