// What the first screen needs is asked for before the page's modules are there: this one waits for no other. It names the
// modules of the view that the address means, of the language, and asks the view's first questions.
export const base = new URL("api/v1/", document.baseURI);

export function address(path, values = {}) {
  const url = new URL(path, base);
  for (const [name, value] of Object.entries(values)) {
    if (value !== "" && value != null && value !== false) url.searchParams.set(name, Array.isArray(value) ? value.join(",") : value);
  }
  return url;
}

/** Whoever only asks says so: the page's questions count less than others'. */
export const ASKS = { accept: "application/json", "x-hvac-page": "1" };

/** The responses to what is asked for here, by address. */
export const begun = new Map();

const ahead = (path) => {
  const link = document.createElement("link");
  link.rel = "modulepreload";
  link.href = new URL(`../${path}`, import.meta.url).href;
  document.head.append(link);
};

const inside = (folder, names) => names.split(" ").map((name) => `views/${folder}${name}.js`);
const HOME = [...inside("", "home session"), ...inside("home/", "empty health list"), "core/paint.js"];
const VERDICT = [...inside("session/", "verdict chart/columns chart/time findings/words"), ...inside("session/verdict/", "bar coverage energy faults judge losses"), "core/paint.js"];

/** The first questions of the list, and of a session's first screen: as their views ask them. */
const LIST = [["sessions", { sort: "updated_at", order: "desc", page_size: 100 }], ["status"]];
function ofSession(id, version, tab) {
  const values = { session_id: id, version };
  return [[`sessions/${id}`], ...(tab === "verdict" ? [["data/quality", values], [`sessions/${id}/findings`, { version, page_size: 1 }],
    ["data/events", { ...values, page_size: 1 }], ["feature-mapping/suggest", values]] : [])];
}

/** What the language is, as `words.js` keeps it. */
export function language() {
  let kept = null;
  try {
    kept = localStorage.getItem("language");
  } catch {
    // A browser that keeps nothing has one of its own.
  }
  return (kept ?? navigator.language ?? "en").toLowerCase().startsWith("zh") ? "zh-Hant" : "en";
}

const [path, search = ""] = location.hash.replace(/^#\/?/, "").split("?");
const [view = "", id, tab = "verdict"] = path.split("/");
const inSession = view === "sessions" && id;
ahead(`lang/${language()}.js`);
for (const module of view === "" ? HOME : inSession ? ["views/session.js", ...(tab === "verdict" ? VERDICT : [`views/session/${tab}.js`])] : [`views/${view}.js`]) ahead(module);
const version = new URLSearchParams(search).get("version") || "latest";
for (const [asked, values] of [["account"], ...(view === "" ? LIST : inSession ? ofSession(id, version, tab) : [])]) {
  const url = address(asked, values);
  const response = fetch(url, { headers: ASKS });
  response.catch(() => null);
  begun.set(String(url), response);
}
