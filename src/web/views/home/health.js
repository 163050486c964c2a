// How full a session's data are and what was found in them, asked for those that are looked at: a row that is never scrolled
// to asks nothing, and what is known of a session is known until it changes.
import { get } from "../../core/api.js";
import { store, useStore } from "../../core/store.js";
import { useEffect, useRef } from "../../core/ui.js";

/** By session and last change: `{slices, percent, dead, findings, since}`. */
const known = store({});
const asked = new Set();
/** What is still to be asked: how full the data are of all that are seen, then what was found in them. */
const [strips, findings] = [[], []];
let working = 0;

const keyOf = (session) => `${session.session_id} ${session.updated_at}`;
const tell = (session, of) => known.set((all) => ({ ...all, [keyOf(session)]: { ...all[keyOf(session)], ...of } }));

/** With fewer rows than two a slice, slices between rows would look like gaps. */
const fill = (session) => get("data/coverage-strip", { session_id: session.session_id })
  .then(({ slices, percent, dead_points: dead }) => tell(session, session.total_rows < 2 * slices.length ? { dead } : { slices, percent, dead }));
const find = (session) => get(`sessions/${session.session_id}/findings`, { page_size: 1 })
  .then(({ summary }) => tell(session, { findings: summary.length, since: summary.map((one) => one.first_day).sort()[0] }));

async function next() {
  const [work, session] = strips.length ? [fill, strips[0]] : [find, findings[0]];
  if (working >= 2 || !session) return;
  (work === fill ? strips : findings).shift();
  working += 1;
  // Where there is no answer the row says less.
  await work(session).catch(() => null);
  working -= 1;
  next();
}

/** What is known of a session, and the `ref` of the element that asks for it when it is seen. */
export function useHealth(session) {
  const all = useStore(known);
  const element = useRef(null);
  useEffect(() => {
    const key = keyOf(session);
    if (!session.total_rows || session.deleted_at || asked.has(key)) return undefined;
    const watcher = new IntersectionObserver(([entry]) => {
      if (!entry.isIntersecting) return;
      watcher.disconnect();
      asked.add(key);
      strips.push(session);
      findings.push(session);
      next();
    });
    watcher.observe(element.current);
    return () => watcher.disconnect();
  }, [keyOf(session)]);
  return { health: all[keyOf(session)] ?? {}, element };
}

/** What is wrong in the sessions that were looked at: findings, each one kind of fault of one machine, and dead points. */
export function useWrongs(sessions) {
  const all = useStore(known);
  const sum = (of) => sessions.reduce((total, session) => total + (all[keyOf(session)]?.[of] ?? 0), 0);
  return { faults: sum("findings"), dead: sum("dead") };
}
