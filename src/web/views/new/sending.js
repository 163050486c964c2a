// Files on their way to the server, in the order in which they were chosen. They are sent in batches; what was sent is kept
// under a session's id, so that a page that is closed loses nothing that was acknowledged.
import { get, send, silent, upload } from "../../core/api.js";
import { store } from "../../core/store.js";
import { amend, read } from "../../core/url.js";

/** `{name, size, file?, state, sent, failure}`; states: `waiting`, `sending`, `stored`, `same` (as another), `failed`. */
export const chosen = store([]);
/** How often what is stored has changed: whoever looks at it looks again. */
export const stored = store(0);

const BATCH_BYTES = 64e6;
const BATCH_FILES = 20;
/** How often files are sent again by themselves while the server comes and goes. */
const TRIES = 5;
let ending = null;
/** The session that the chosen files are sent to. */
let session = null;

const change = (files, changes) => chosen.set((all) => all.map((one) => (files.includes(one.key) ? { ...one, ...changes } : one)));
const hidden = (name) => /(^|\/)(\.|__MACOSX|Thumbs\.db$|desktop\.ini$)/.test(name);

/** The file or all files of a folder that were dropped: `[{name, file}]`, names with their folders. */
export async function dropped(items) {
  const entries = [...items].filter((item) => item.kind === "file")
    .map((item) => ({ entry: item.webkitGetAsEntry?.(), file: item.getAsFile() }));
  const found = [];
  const walk = async (entry, path) => {
    if (entry.isFile) {
      const file = await new Promise((resolve, reject) => entry.file(resolve, reject));
      found.push({ name: `${path}${file.name}`, file });
      return;
    }
    const reader = entry.createReader();
    for (;;) {
      const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
      if (!some.length) return;
      for (const one of some) await walk(one, `${path}${entry.name}/`);
    }
  };
  for (const { entry, file } of entries) {
    if (entry) await walk(entry, "");
    else if (file) found.push({ name: file.name, file });
  }
  return found;
}

/** The files of a field that chooses files or a folder. */
export const picked = (files) => [...files].map((file) => ({ name: file.webkitRelativePath || file.name, file }));

/** The session that files were sent to, and whether some are still on their way. */
export const sentTo = () => session;
export const isSending = () => ending !== null;

/** Takes the files of a session that was begun before, unless they are those of this page; an archive is one of them. */
export function takeUp(id, files) {
  if (session === id) return;
  session = id;
  const named = new Map(files.map(({ file_name: name, size_bytes: size }) => [name, { key: `${name}:${size}`, name, size, state: "stored", sent: size }]));
  chosen.set([...named.values()]);
  stored.set((n) => n + 1);
}

/** A name that no other file has: `log.csv`, `log (2).csv`. */
function unlike(name, names) {
  let fresh = name;
  for (let n = 2; names.has(fresh); n += 1) fresh = name.replace(/(\.[^./]*)?$/, ` (${n})$1`);
  names.add(fresh);
  return fresh;
}

/** Takes files to send; one that was chosen before counts once. */
export function add(files) {
  const known = new Set(chosen.get().map((one) => one.key));
  const names = new Set(chosen.get().map((one) => one.name));
  const fresh = files.filter(({ name }) => !hidden(name))
    .map(({ name, file }) => ({ key: `${name}:${file.size}`, name, size: file.size, file, state: "waiting", sent: 0 }))
    .filter(({ key }) => !known.has(key) && known.add(key))
    .map((one) => ({ ...one, name: unlike(one.name, names) }));
  chosen.set((all) => [...all, ...fresh]);
  pump();
}

export function again() {
  chosen.set((all) => all.map((one) => (one.state === "failed" ? { ...one, state: "waiting", failure: null, tries: 0 } : one)));
  pump();
}

function nextBatch() {
  const batch = [];
  let size = 0;
  for (const one of chosen.get()) {
    if (one.state !== "waiting") continue;
    if (batch.length && (one.alone || batch.length >= BATCH_FILES || size + one.size > BATCH_BYTES)) break;
    batch.push(one);
    size += one.size;
    if (one.alone) break;
  }
  return batch;
}

async function sendBatch(batch, signal) {
  const form = new FormData();
  const { site, zone, name } = read().query;
  if (!session) {
    if (name) form.append("name", name);
    if (site) form.append("site", site);
    if (zone) form.append("timezone", zone);
  }
  for (const { file, name: called } of batch) form.append("files", file, called);
  const progress = (loaded) => {
    let left = loaded;
    for (const { key, size } of batch) {
      change([key], { sent: Math.max(0, Math.min(size, left)) });
      left -= size;
    }
  };
  const answer = await upload(session ? `uploads?session_id=${session}` : "uploads", form, progress, signal);
  const same = new Set(answer.warnings.filter(({ code }) => code === "duplicate_file").map(({ file }) => file));
  for (const { key, name: called, size } of batch) change([key], { state: same.has(called) ? "same" : "stored", sent: size });
  session = answer.session_id;
  if (read().path[0] === "new") amend({ session });
  stored.set((n) => n + 1);
}

async function pump() {
  if (ending) return;
  const stop = new AbortController();
  ending = stop;
  for (let batch = nextBatch(); batch.length && !stop.signal.aborted; batch = nextBatch()) {
    const keys = batch.map((one) => one.key);
    change(keys, { state: "sending", sent: 0 });
    try {
      await sendBatch(batch, stop.signal);
    } catch (failure) {
      if (stop.signal.aborted) break;
      if (!failure.problem?.code || failure.problem.code === "no_answer") {
        // Whoever stands between answers for a server that is away. It is waited for; the same bytes twice count once.
        const tries = (batch[0].tries ?? 0) + 1;
        change(keys, { state: tries > TRIES ? "failed" : "waiting", sent: 0, tries, failure: silent() });
        await get("account", {}, { signal: stop.signal }).catch(() => null);
        continue;
      }
      // What is refused is one of them: each is sent by itself, and the others are taken.
      change(keys, keys.length === 1 ? { state: "failed", failure } : { state: "waiting", alone: true });
    }
  }
  if (ending === stop) ending = null;
}

/** Stops sending; what was not acknowledged is forgotten. */
export function stop() {
  ending?.abort();
  ending = null;
  chosen.set((all) => all.filter((one) => !["waiting", "sending", "failed"].includes(one.state)));
}

/** Whether a file can be taken away again: only while this page still has all others. */
export const canRemove = () => chosen.get().every((one) => one.file);

/**
 * Takes files away. What the server has of a session can only grow, so that one that was sent already is sent anew without
 * them.
 */
export async function removeFiles(keys) {
  const gone = chosen.get().filter((one) => keys.includes(one.key));
  const wereSent = gone.some((one) => ["stored", "same"].includes(one.state));
  const onTheirWay = gone.some((one) => one.state === "sending");
  chosen.set((all) => all.filter((one) => !keys.includes(one.key)));
  if (!wereSent && !onTheirWay) return;
  ending?.abort();
  ending = null;
  if (!wereSent) {
    // What breaks off leaves nothing.
    chosen.set((all) => all.map((one) => (one.state === "sending" ? { ...one, state: "waiting", sent: 0 } : one)));
    pump();
    return;
  }
  const before = session;
  session = null;
  chosen.set((all) => all.map((one) => ({ ...one, state: "waiting", sent: 0, failure: null })));
  amend({ session: null });
  stored.set((n) => n + 1);
  if (before) await send("DELETE", `sessions/${before}`, undefined, { values: { purge: true } }).catch(() => null);
  pump();
}

/** Forgets all that was chosen; the server keeps what it has. */
export function forget() {
  ending?.abort();
  ending = null;
  session = null;
  chosen.set([]);
  stored.set((n) => n + 1);
}
