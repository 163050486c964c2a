// The server's API, as its document says it. What asks waits while the server is away, and is answered when it is back;
// what changes something is sent once, and says when it was not.
import { ASKS, address, base, begun } from "./begin.js";
import { store } from "./store.js";
import { useEffect, useState } from "./ui.js";

export { address, base };

/** A failure with the server's problem document (RFC 9457). */
export class Failure extends Error {
  constructor(problem) {
    super(problem.detail);
    this.problem = problem;
  }
}

/** What sentences of answers say, as the latest answers have told: a code and values, by the sentence. */
export const sayings = new Map();
const MOST_SAYINGS = 5000;
function learn(answer) {
  for (const [sentence, meaning] of Object.entries(answer?.said ?? {})) {
    // The last that was told is the last to be forgotten.
    sayings.delete(sentence);
    sayings.set(sentence, meaning);
  }
  for (const sentence of sayings.keys()) {
    if (sayings.size <= MOST_SAYINGS) break;
    sayings.delete(sentence);
  }
  return answer;
}

/** Whether the server answers: `false` while it is asked again and again, `"busy"` while it is given time. */
export const connected = store(true);

/** Who asks: null until known. Settled before the first change is sent, for a login's have to show its token. */
export const account = store(null);
let asked = null;
export function whoAsks() {
  asked ??= get("account").then((who) => {
    account.set(who);
    return who;
  }, () => null);
  return asked;
}

const AWAY = [502, 503, 504];
const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** Waits for a time that grows, or until the system tells that there is a network again. */
function beforeNextTry(turn) {
  return new Promise((resolve) => {
    const done = () => {
      removeEventListener("online", done);
      resolve();
    };
    addEventListener("online", done);
    pause(Math.min(8000, 400 * 1.6 ** turn)).then(done);
  });
}

function identify(status) {
  if (status === 401) location.assign(new URL(`login${location.hash}`, document.baseURI));
}

export const silent = () => new Failure({ code: "no_answer", title: "No answer", detail: "The server does not answer." });

async function answerOf(response) {
  identify(response.status);
  const json = response.status === 204 ? null : await response.json().catch(() => null);
  if (response.ok) return learn(json);
  throw new Failure(json ?? { title: response.statusText, detail: `The server answered ${response.status}.` });
}

/** A site's address: its name may have a slash, which a proxy would take for one of the path, so it stands in the query. */
export const atSite = (site, behind = "") => `sites/-${behind}?site=${encodeURIComponent(site)}`;

/** How many questions are held back at present, because they were too many at once. */
let held = 0;

/** How long somebody is asked to wait who asks for more at once than the server answers, in milliseconds; 0: he is not. */
function toWait(response) {
  if (response?.status !== 429) return 0;
  return 1000 * Math.min(60, Math.max(1, Number(response.headers.get("retry-after")) || 1));
}

/** The answer of whatever is at `url`, whose `first` one may be on its way: asked until there is one; ends with the signal. */
export async function reach(url, options = {}, first = null) {
  const { signal } = options;
  const given = () => {
    if (signal?.aborted) throw new DOMException("", "AbortError");
  };
  for (let turn = 0; ; turn += 1) {
    const response = await ((turn === 0 && first) || fetch(url, options)).catch(given);
    const wait = toWait(response);
    if (wait) {
      held += 1;
      connected.set("busy");
      await pause(wait);
      held -= 1;
      given();
      continue;
    }
    const away = !response || (AWAY.includes(response.status) && !response.headers.get("content-type")?.includes("problem+json"));
    if (!away) {
      connected.set(held > 0 ? "busy" : true);
      return response;
    }
    connected.set(false);
    await beforeNextTry(turn);
    given();
  }
}

/** What was asked for ahead, by address: answers on their way, each for whoever asks first, and those that came. */
const [ahead, early] = [new Map(), new Map()];
/** How long they count, ms. */
const KEPT = 5000;
/** Settled when all that was asked for ahead has come. */
export const firstAnswers = Promise.allSettled([...begun].map(([url, response]) => {
  const answer = reach(new URL(url), { headers: ASKS }, response).then(answerOf);
  ahead.set(url, answer);
  return answer.then((data) => ahead.has(url) && early.set(url, data));
}));
setTimeout(() => {
  ahead.clear();
  early.clear();
}, KEPT);

/** Asks the API a question until it is answered; ends with the signal. */
export async function get(path, values = {}, { signal } = {}) {
  const url = address(path, values);
  const coming = ahead.get(String(url));
  ahead.delete(String(url));
  early.delete(String(url));
  return coming ?? answerOf(await reach(url, { signal, headers: ASKS }));
}

/** The response to what is asked by a body and changes nothing: asked until there is one; ends with the signal. */
export async function reachBy(path, body, accept, signal) {
  const who = await whoAsks();
  const headers = { ...ASKS, "content-type": "application/json", accept, ...(who?.csrf_token && { "x-csrf-token": who.csrf_token }) };
  const response = await reach(address(path), { method: "POST", headers, body: JSON.stringify(body), signal });
  identify(response.status);
  return response;
}
export const question = async (path, body, signal) => answerOf(await reachBy(path, body, "application/json", signal));

/** Changes something. It is sent once: whoever asked decides whether to send it again. */
export async function send(method, path, body, { values = {}, signal, headers = {} } = {}) {
  const who = await whoAsks();
  const all = { ...headers, ...(who?.csrf_token && { "x-csrf-token": who.csrf_token }) };
  const raw = body === undefined || body instanceof Blob;
  if (!raw) all["content-type"] = "application/json";
  let response;
  try {
    response = await fetch(address(path, values), { method, headers: all, body: raw ? body : JSON.stringify(body), signal });
  } catch (failure) {
    if (signal?.aborted) throw failure;
    throw silent();
  }
  return answerOf(response);
}

/** Sends a form with files and tells how far it is: `onprogress(sent, total)` in bytes. */
export async function upload(path, form, onprogress, signal) {
  const who = await whoAsks();
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", address(path));
    request.responseType = "json";
    if (who?.csrf_token) request.setRequestHeader("x-csrf-token", who.csrf_token);
    request.upload.addEventListener("progress", (event) => event.lengthComputable && onprogress(event.loaded, event.total));
    request.addEventListener("error", () => reject(silent()));
    request.addEventListener("abort", () => reject(new DOMException("", "AbortError")));
    request.addEventListener("load", () => {
      identify(request.status);
      if (request.status < 300) resolve(learn(request.response));
      else reject(new Failure(request.response ?? { title: "Error", detail: `The server answered ${request.status}.` }));
    });
    signal?.addEventListener("abort", () => request.abort());
    request.send(form);
  });
}

/**
 * The answer to a question, drawn when it comes: `{data, failure, busy, again}`. While another question's answer is
 * awaited `data` stays what it was, so that nothing moves. A `path` of null asks nothing. What came before it is first
 * drawn is drawn at once.
 */
export function useGet(path, values = {}) {
  const url = path && String(address(path, values));
  const [state, setState] = useState(() => {
    const data = early.get(url) ?? null;
    return { data, failure: null, busy: !data, url: data && url };
  });
  const [turn, setTurn] = useState(0);
  useEffect(() => {
    if (!path) return undefined;
    const ending = new AbortController();
    if (!early.has(url)) setState((before) => ({ ...before, busy: true }));
    get(path, values, { signal: ending.signal }).then(
      (data) => {
        if (ending.signal.aborted) return;
        setState({ data, failure: null, busy: false, url });
      },
      (failure) => ending.signal.aborted || setState((before) => ({ data: null, failure, busy: false, url: before.url })),
    );
    return () => ending.abort();
  }, [url, turn]);
  return { ...state, current: state.url === url, again: () => setTurn((n) => n + 1) };
}

const ENDED = ["completed", "failed", "cancelled"];

/**
 * Follows a job by its events: `onchange({status, progress, message})`, then answers the job as it ended. A stream that is
 * cut goes on by itself; where it cannot, the job is asked for.
 */
export function followJob(id, onchange, signal) {
  return new Promise((resolve, reject) => {
    const events = new EventSource(address(`jobs/${id}/events`));
    const end = async () => {
      events.close();
      try {
        const job = await get(`jobs/${id}`, {}, { signal });
        if (ENDED.includes(job.status)) return resolve(job);
        // The stream was cut while the server was away, and the job goes on.
        onchange(job);
        await pause(500);
        if (!signal?.aborted) followJob(id, onchange, signal).then(resolve, reject);
      } catch (failure) {
        reject(failure);
      }
      return undefined;
    };
    const told = ({ data }) => {
      const event = learn(JSON.parse(data));
      onchange(event);
      if (ENDED.includes(event.status)) end();
    };
    events.addEventListener("status", told);
    events.addEventListener("progress", told);
    events.addEventListener("error", () => events.readyState === EventSource.CLOSED && end());
    signal?.addEventListener("abort", () => events.close());
  });
}
