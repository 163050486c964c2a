// The embedded page. No framework: `h` builds elements (text is always text, never markup), `api`
// speaks with the server, and each part of the page is a function that fills an element.
import uPlot from "./vendor/uplot-1.6.32/uPlot.esm.js";
import { showModel, showModels, showTraining } from "./models.js";

export { api, count, facts, fill, h, listed, local, pager, problem, query, some, table, value, words };

const $ = (id) => document.getElementById(id);
const API = "api/v1";

/** An element with properties and children; strings become text nodes. */
function h(tag, properties = {}, ...children) {
  const svg = tag === "svg" || tag === "rect";
  const element = svg ? document.createElementNS("http://www.w3.org/2000/svg", tag) : document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value != null) element.setAttribute(name, value);
  }
  element.append(...children.flat().filter((child) => child != null && child !== false));
  return element;
}

/** A failure with the server's problem document (RFC 9457). */
class Failure extends Error {
  constructor(problem) {
    super(problem.detail);
    this.problem = problem;
  }
}

function unreachable() {
  return new Failure({ title: "No answer", detail: "The server does not answer; is it still running?" });
}

/** Who asks; settled before the first change is sent, for a login's have to show its token. */
const asker = fetch(`${API}/account`).then((answer) => (answer.ok ? answer.json() : null), () => null);
const shown = async (method) => (method === "GET" ? {} : { "x-csrf-token": (await asker)?.csrf_token ?? "" });

/** Where the server wants to know who asks: to its login, and back to the same place. */
function identify(status) {
  if (status === 401) location.assign(`login${location.hash}`);
}

async function api(method, path, body) {
  let response;
  try {
    const headers = { ...(body !== undefined && { "content-type": "application/json" }), ...(await shown(method)) };
    response = await fetch(API + path, { method, headers, body: body === undefined ? undefined : JSON.stringify(body) });
  } catch {
    throw unreachable();
  }
  identify(response.status);
  const answer = response.status === 204 ? null : await response.json().catch(() => null);
  if (!response.ok) throw new Failure(answer ?? { title: response.statusText, detail: `The server answered ${response.status}.` });
  return answer;
}

const query = (values) => {
  const pairs = Object.entries(values).filter(([, value]) => value !== "" && value != null && value !== false);
  return pairs.length ? `?${new URLSearchParams(pairs)}` : "";
};

// ---- words and numbers

const whole = new Intl.NumberFormat("en");
const count = (number) => (number == null ? "–" : whole.format(number));
const some = (number, thing) => `${count(number)} ${thing}${number === 1 ? "" : "s"}`;

function value(number) {
  if (number == null) return "–";
  const size = Math.abs(number);
  if (size !== 0 && (size >= 1e12 || size < 1e-3)) return number.toExponential(3);
  return (size >= 1000 ? large : small).format(number);
}
const large = new Intl.NumberFormat("en", { maximumFractionDigits: 1 });
const small = new Intl.NumberFormat("en", { maximumSignificantDigits: 5 });
/** A cell as it is stored. */
const exact = new Intl.NumberFormat("en", { maximumSignificantDigits: 17 });

function bytes(size) {
  const units = ["B", "KB", "MB", "GB", "TB"];
  const step = Math.min(units.length - 1, Math.floor(Math.log10(Math.max(1, size)) / 3));
  return `${(size / 1000 ** step).toFixed(step && size < 10 * 1000 ** step ? 1 : 0)} ${units[step]}`;
}

/** The site's clock: the server sends it with its offset, which is left out. */
const clock = (iso) => (iso ? iso.replace("T", " ").replace(/(:\d\d)(:00)?(\.\d+)?(Z|[+-]\d\d:\d\d)$/, "$1") : "–");
const local = (iso) => (iso ? new Date(iso).toLocaleString("en-GB", { dateStyle: "medium", timeStyle: "short" }) : "–");
const words = (code) => code.replaceAll("_", " ");

function duration(seconds) {
  if (seconds == null) return "–";
  if (seconds >= 172800) return some(Math.round(seconds / 86400), "day");
  if (seconds >= 7200) return some(Math.round(seconds / 3600), "hour");
  return seconds >= 120 ? some(Math.round(seconds / 60), "minute") : some(Math.round(seconds), "second");
}

// ---- parts

const place = ({ file, line, column, field }) =>
  [file, line && `line ${line}`, column && `column ${column}`, !file && field].filter(Boolean).join(", ");

function listed(items) {
  const shown = items.slice(0, 50).map((item) => {
    const where = place(item);
    return h("li", {}, where && h("span", { class: "place" }, `${where}: `), item.message,
      item.count > 1 && h("span", { class: "soft" }, ` (${count(item.count)})`));
  });
  if (items.length > 50) shown.push(h("li", { class: "soft" }, `… and ${count(items.length - 50)} more`));
  return h("ul", {}, shown);
}

function problem(failure) {
  const { title, detail, code, request_id: id, errors = [] } = failure.problem ?? { title: "Error", detail: String(failure) };
  const more = errors.filter((error) => !detail.includes(error.message));
  return h("div", { class: "problem", role: "alert" }, h("strong", {}, `${title}: `), detail,
    more.length > 0 && listed(more), code && h("div", {}, h("code", {}, code, id && ` · request ${id}`)));
}

function warnings(list) {
  if (!list?.length) return null;
  return h("div", { class: "warnings" }, h("strong", {}, some(list.length, "thing"), " to know"), listed(list));
}

function meter(percent) {
  const bar = h("svg", { viewBox: "0 0 100 1", preserveAspectRatio: "none", "aria-hidden": "true" },
    h("rect", { width: Math.max(0, Math.min(100, percent)), height: 1 }));
  const text = percent > 0 && percent < 0.1 ? "< 0.1 %" : `${percent.toFixed(percent === 100 || percent === 0 ? 0 : 1)} %`;
  return h("div", { class: "meter" }, bar, h("span", {}, text));
}

const chips = (counts) => {
  const entries = Object.entries(counts ?? {}).sort((a, b) => b[1] - a[1]);
  return h("div", { class: "chips" }, entries.map(([name, n]) => h("span", { class: "tag" }, `${words(name)} ${count(n)}`)));
};

/** A table; a head that begins with `#` is of a column of numbers. */
function table(caption, heads, rows, kind = "") {
  const cell = (content, index) => {
    const head = heads[index];
    const of = head.startsWith("#") ? "number" : /^\d{4}-\d\d-\d\d /.test(content) ? "time" : null;
    return h("td", { class: of, "data-label": kind === "cards" && index > 0 ? head.replace("#", "") || null : null }, content);
  };
  return h("div", { class: "scroll tall", tabindex: 0, role: "region", "aria-label": caption },
    h("table", { class: kind }, h("caption", { class: "visually-hidden" }, caption),
      h("thead", {}, h("tr", {}, heads.map((head) => h("th", { scope: "col", class: head.startsWith("#") ? "number" : null }, head.replace("#", ""))))),
      h("tbody", {}, rows.map((row) => h("tr", {}, row.map(cell))))));
}

const facts = (pairs) =>
  h("dl", { class: "facts" }, pairs.map(([name, content]) => h("div", {}, h("dt", {}, name), h("dd", {}, content))));

function pager(page, pages, go) {
  if (pages <= 1) return null;
  return h("nav", { class: "pager", "aria-label": "Pages" },
    h("button", { disabled: page <= 1, onclick: () => go(page - 1) }, "Previous"),
    h("span", {}, `page ${count(page)} of ${count(pages)}`),
    h("button", { disabled: page >= pages, onclick: () => go(page + 1) }, "Next"));
}

/** Fills an element with what a promise brings, or with its problem; the last call wins. */
async function fill(element, work) {
  const turn = (element.turn = (element.turn ?? 0) + 1);
  element.setAttribute("aria-busy", "true");
  let content;
  try {
    content = await work();
  } catch (failure) {
    content = problem(failure);
  }
  if (turn !== element.turn) return false;
  element.removeAttribute("aria-busy");
  element.replaceChildren(...[content].flat().filter(Boolean));
  return true;
}

/** Asks in a dialog; answers the form's values, or nothing. */
function ask(title, body, ok, danger = false) {
  const dialog = $("dialog");
  $("dialog-title").textContent = title;
  $("dialog-body").replaceChildren(...body);
  $("dialog-ok").textContent = ok;
  $("dialog-ok").className = danger ? "danger" : "primary";
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      resolve(dialog.returnValue === "ok" ? new FormData(dialog.querySelector("form")) : null);
    }, { once: true });
  });
}

const say = (...content) => $("messages").replaceChildren(...content.filter(Boolean));

// ---- sessions: list, rename, delete, restore

const list = { page: 1 };

function showSessions() {
  const form = new FormData($("search"));
  const [sort, order] = form.get("sort").split(" ");
  const deleted = form.get("deleted") === "on";
  const asked = { q: form.get("q").trim(), status: form.get("status"), sort, order, deleted, page: list.page };
  return fill($("sessions"), async () => {
    const { items, total, page, total_pages: pages } = await api("GET", `/sessions${query(asked)}`);
    if (total === 0) {
      const searched = asked.q || asked.status || deleted;
      $("new-session").open ||= !searched;
      return h("p", { class: "empty" }, searched ? "No session matches." : "No session yet: upload trend reports above.");
    }
    const rows = items.map((session) => {
      const name = h("a", { class: "name", href: `#/sessions/${session.session_id}` }, session.name);
      const data = session.start_at ? `${clock(session.start_at)} – ${clock(session.end_at)}` : "–";
      const actions = h("div", { class: "actions" }, deleted
        ? [action("Restore", session, () => restore(session)), action("Remove for ever", session, () => remove(session, true))]
        : [action("Rename", session, () => rename(session)), action("Delete", session, () => remove(session, false))]);
      const status = h("span", { class: `tag ${session.status}` }, session.status);
      return [name, session.site ?? "–", status, count(session.total_rows), data, local(session.created_at), actions];
    });
    const heads = ["Name", "Site", "Status", "#Rows", "Data", "Made", ""];
    return [table(`${some(total, "session")}`, heads, rows, "cards"), pager(page, pages, (next) => {
      list.page = next;
      showSessions();
    })];
  });
}

const action = (text, session, onclick) =>
  h("button", { class: "plain", "aria-label": `${text} ${session.name}`, onclick }, text);

async function attempt(work, done) {
  try {
    await work();
    say(h("p", { class: "done" }, done));
  } catch (failure) {
    say(problem(failure));
  }
  await route();
}

async function rename(session) {
  const fields = [
    h("label", {}, "Name", h("input", { name: "name", value: session.name, required: true, autofocus: true })),
    h("label", {}, "Site", h("input", { name: "site", value: session.site ?? "" })),
  ];
  const form = await ask("Rename session", fields, "Save");
  if (!form) return;
  const patch = { name: form.get("name"), site: form.get("site") };
  await attempt(() => api("PATCH", `/sessions/${session.session_id}`, patch), `Saved as “${patch.name}”.`);
}

async function remove(session, forEver) {
  const text = forEver
    ? `“${session.name}”, its raw reports and all that was made of them are removed. This cannot be undone.`
    : `“${session.name}” can be restored from the list of deleted ones.`;
  const title = forEver ? "Remove for ever?" : "Delete session?";
  const form = await ask(title, [h("p", {}, text)], forEver ? "Remove for ever" : "Delete", true);
  if (!form) return;
  const done = forEver ? `“${session.name}” is removed.` : `“${session.name}” is deleted.`;
  await attempt(() => api("DELETE", `/sessions/${session.session_id}${forEver ? "?purge=true" : ""}`), done);
}

const restore = (session) =>
  attempt(() => api("POST", `/sessions/${session.session_id}/restore`), `“${session.name}” is back.`);

// ---- new session: upload with progress, then parse

const upload = { files: [], sessionId: null };

function showChosen() {
  upload.sessionId = null;
  $("go").textContent = "Upload and parse";
  $("chosen").replaceChildren(...upload.files.map((file, index) =>
    h("li", {}, h("span", {}, `${file.name} `, h("span", { class: "soft" }, bytes(file.size))),
      h("button", { type: "button", class: "plain", "aria-label": `Leave out ${file.name}`, onclick: () => {
        upload.files.splice(index, 1);
        showChosen();
      } }, "Leave out"))));
}

function choose(files) {
  const known = (file) => upload.files.some((f) => f.name === file.name && f.size === file.size);
  upload.files.push(...[...files].filter((file) => !known(file)));
  showChosen();
}

async function send(form, onprogress) {
  const headers = await shown("POST");
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", `${API}/uploads`);
    request.responseType = "json";
    for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
    request.upload.addEventListener("progress", (event) => event.lengthComputable && onprogress(event.loaded, event.total));
    request.addEventListener("error", () => reject(unreachable()));
    request.addEventListener("load", () => {
      identify(request.status);
      if (request.status < 300) resolve(request.response);
      else reject(new Failure(request.response ?? { title: "Error", detail: `The server answered ${request.status}.` }));
    });
    request.send(form);
  });
}

async function uploadAndParse(event) {
  event.preventDefault();
  const form = new FormData($("upload"));
  const [bar, text] = $("progress").children;
  const progress = (fraction, words) => {
    if (fraction === null) bar.removeAttribute("value");
    else bar.value = fraction;
    text.textContent = words;
  };
  if (!upload.files.length) {
    $("upload-result").replaceChildren(problem({ problem: { title: "No file", detail: "Choose trend reports or a zip first." } }));
    $("files").focus();
    return;
  }
  $("go").disabled = true;
  $("progress").hidden = false;
  await fill($("upload-result"), async () => {
    if (!upload.sessionId) {
      const body = new FormData();
      for (const name of ["name", "site", "timezone"]) if (form.get(name).trim()) body.append(name, form.get(name).trim());
      for (const file of upload.files) body.append("files", file, file.name);
      progress(0, "sending");
      const stored = await send(body, (loaded, total) => progress(loaded / total, `${bytes(loaded)} of ${bytes(total)}`));
      upload.sessionId = stored.session_id;
    }
    progress(null, "parsing");
    try {
      const parsed = await parse(upload.sessionId, form);
      const link = h("a", { href: `#/sessions/${parsed.session_id}` }, "Look at it");
      upload.files = [];
      $("upload").reset();
      showChosen();
      return [h("div", { class: "done" }, `${parsed.message} `, link), warnings(parsed.warnings)];
    } catch (failure) {
      $("go").textContent = "Parse again";
      const kept = "The files are stored. Change what the message asks for (time zone, order of dates) and parse again.";
      return [problem(failure), h("p", { class: "hint" }, kept)];
    }
  });
  $("progress").hidden = true;
  $("go").disabled = false;
  showSessions();
}

function parse(sessionId, form) {
  const request = { session_id: sessionId };
  for (const name of ["name", "site", "timezone", "date_format", "on_conflict"]) {
    const text = form.get(name)?.trim();
    if (text) request[name] = text;
  }
  if (form.get("force")) request.force = true;
  return api("POST", "/parse", request);
}

// ---- one session

const look = { id: null, version: "latest", tab: "plot", chosen: new Set(), from: null, to: null, ownAxes: false, page: 1 };
const cache = new Map();

/** The answer to a data request; asked once while a version is looked at. */
function data(path, values = {}) {
  const url = `/data/${path}${query({ session_id: look.id, version: look.version, ...values })}`;
  if (!cache.has(url)) cache.set(url, api("GET", url).catch((failure) => {
    cache.delete(url);
    throw failure;
  }));
  return cache.get(url);
}

async function showSession(id) {
  if (id !== look.id) Object.assign(look, { id, version: "latest", tab: "plot", chosen: new Set(), from: null, to: null, page: 1 });
  cache.clear();
  const section = $("session");
  await fill(section, async () => {
    const session = await api("GET", `/sessions/${id}`);
    document.title = `${session.name} – HVAC Analytics`;
    return [heading(session), ...(session.versions.length ? views(session) : [unparsed(session)])];
  });
  section.querySelector("[role=tab][aria-selected=true]")?.click();
}

function heading(session) {
  const deleted = session.deleted_at;
  return h("div", {}, h("p", { class: "hint" }, h("a", { href: "#/" }, "Sessions")),
    h("div", { class: "row spread" }, h("h1", {}, session.name), h("div", { class: "row" }, deleted
      ? h("button", { onclick: () => restore(session) }, "Restore")
      : [h("button", { onclick: () => rename(session) }, "Rename"),
        h("button", { onclick: async () => {
          await remove(session, false);
        } }, "Delete")])),
    deleted && h("p", { class: "warnings" }, "This session is deleted; restore it to look at its data."),
    facts([
      ["Status", h("span", { class: `tag ${session.status}` }, session.status)],
      ["Site", session.site ?? "–"], ["Time zone", session.timezone ?? "–"], ["Rows", count(session.total_rows)],
      ["Data", session.start_at ? `${clock(session.start_at)} – ${clock(session.end_at)}` : "–"],
      ["Files", count(session.files_count)],
    ]));
}

function unparsed(session) {
  return h("div", {}, h("p", {}, "The reports are stored, but not parsed yet."), parseForm(session, true), fileTable(session));
}

function parseForm(session, open) {
  const result = h("div", { "aria-live": "polite" });
  const select = (label, name, options) =>
    h("label", {}, label, h("select", { name }, options.map(([key, text]) => h("option", { value: key }, text))));
  const form = h("form", { onsubmit: async (event) => {
    event.preventDefault();
    const fields = new FormData(form);
    const button = form.querySelector("button");
    button.disabled = true;
    let parsed;
    await fill(result, async () => {
      parsed = await parse(session.session_id, fields);
      return [h("p", { class: "done" }, parsed.message), warnings(parsed.warnings)];
    });
    button.disabled = false;
    if (!parsed) return;
    const said = [...result.childNodes];
    look.version = "latest";
    await showSession(session.session_id);
    say(...said);
  } },
  h("div", { class: "fields" },
    h("label", {}, "Time zone", h("input", { name: "timezone", list: "zones", value: session.timezone ?? "", autocomplete: "off" })),
    select("Order of dates", "date_format", [["", "found from the dates"], ["YMD", "year, month, day"], ["MDY", "month, day, year"], ["DMY", "day, month, year"]]),
    select("Where files contradict", "on_conflict", [["last", "the file that reaches further"], ["first", "the file that ends earlier"], ["error", "refuse"]]),
    h("label", { class: "check" }, h("input", { type: "checkbox", name: "force" }), "even if nothing changed")),
  h("button", { class: "primary" }, "Parse"), result);
  return h("details", { class: "panel", open }, h("summary", {}, "Parse the stored reports"), form);
}

const TABS = [
  ["plot", "Plot", showPlot], ["table", "Table", showTable], ["columns", "Columns", showColumns],
  ["quality", "Quality", showQuality], ["cleaning", "Cleaning", showCleaning],
  ["model", "Model", (session) => showTraining(session, look.version)], ["files", "Files and versions", showFiles],
];

function views(session) {
  const panel = h("div", { id: "view", role: "tabpanel", tabindex: -1 });
  const tabs = TABS.map(([key, title, show]) => h("button", {
    role: "tab", id: `tab-${key}`, "aria-controls": "view", "aria-selected": String(key === look.tab), tabindex: key === look.tab ? 0 : -1,
    onclick: () => {
      look.tab = key;
      for (const tab of tabs) {
        const selected = tab.id === `tab-${key}`;
        tab.setAttribute("aria-selected", String(selected));
        tab.tabIndex = selected ? 0 : -1;
      }
      panel.setAttribute("aria-labelledby", `tab-${key}`);
      fill(panel, () => show(session));
    },
  }, title));
  const move = (event) => {
    const at = tabs.indexOf(event.target);
    const next = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: tabs.length - 1 }[event.key];
    if (at < 0 || next === undefined) return;
    event.preventDefault();
    const tab = tabs[(next + tabs.length) % tabs.length];
    tab.focus();
    tab.click();
  };
  const version = h("select", { "aria-label": "Version", onchange: (event) => {
    look.version = event.target.value;
    showSession(session.session_id);
  } }, h("option", { value: "latest" }, "newest version"),
  session.versions.map((v) => h("option", { value: v.version, selected: v.version === look.version }, v.version)));
  const download = (extension, text, more) => h("a", {
    class: "button", href: `${API}/sessions/${session.session_id}/data.${extension}${query({ version: look.version, ...more })}`, download: true,
  }, text);
  return [
    h("div", { class: "row" }, h("span", {}, version), download("parquet", "Parquet"), download("csv", "CSV", { for: "excel" }), download("arrow", "Arrow")),
    h("div", { class: "tabs", role: "tablist", "aria-label": "Views", onkeydown: move }, tabs),
    panel,
  ];
}

// ---- plot

let plot = null;
const dark = matchMedia("(prefers-color-scheme: dark)");
const COLOURS = {
  light: ["#0f6b7a", "#c2571a", "#5b4bb5", "#2f7d32", "#b0306a", "#8a6d00", "#33658a", "#7a4a32"],
  dark: ["#5cc0d0", "#f0975c", "#ab9ff2", "#86cc8a", "#ef86b4", "#dcbc4f", "#8ab8dc", "#cf9f86"],
};
const MOST = COLOURS.light.length;

/** What to plot before anybody chose: a reading that moves and has most values. */
function mostTelling(columns) {
  const readings = columns.filter((c) => c.kind === "instantaneous" && c.std > 0);
  return (readings.length ? readings : columns).reduce((a, b) => (b.count > a.count ? b : a));
}

async function showPlot(session) {
  const stats = await data("stats");
  const plottable = stats.columns.filter((c) => c.kind && c.kind !== "text" && c.count > 0);
  if (!plottable.length) return h("p", { class: "empty" }, "No column has numbers to plot.");
  if (!look.chosen.size) look.chosen.add(mostTelling(plottable).column);
  const figure = h("div", { id: "plot", role: "figure" });
  const note = h("p", { class: "hint", "aria-live": "polite" });
  const draw = () => drawPlot(session, figure, note);
  const boxes = h("div", { class: "picker", role: "group", "aria-label": "Columns to plot" });
  const offer = (text) => {
    const wanted = text.trim().toLowerCase();
    const shown = plottable.filter((c) => look.chosen.has(c.column) || `${c.column} ${c.original_name}`.toLowerCase().includes(wanted));
    boxes.replaceChildren(...shown.slice(0, 400).map((c) => h("label", {}, h("input", {
      type: "checkbox", value: c.column, checked: look.chosen.has(c.column), onchange: (event) => {
        if (!event.target.checked) look.chosen.delete(c.column);
        else if (look.chosen.size < MOST) look.chosen.add(c.column);
        else {
          event.target.checked = false;
          note.textContent = `At most ${MOST} columns at once.`;
          return;
        }
        draw();
      },
    }), c.column, c.unit && h("span", { class: "soft" }, c.unit))));
  };
  offer("");
  const zoom = (factor, shift) => {
    const [low, high] = plot ? [plot.scales.x.min, plot.scales.x.max] : [];
    if (low == null) return;
    const span = high - low, middle = (low + high) / 2 + shift * span;
    setRange(middle - (span * factor) / 2, middle + (span * factor) / 2, draw);
  };
  setTimeout(draw);
  return h("div", { class: "panel plotting" },
    h("div", {}, h("label", {}, "Find a column", h("input", { type: "search", oninput: (event) => offer(event.target.value) })), boxes,
      h("label", { class: "check" }, h("input", { type: "checkbox", checked: look.ownAxes, onchange: (event) => {
        look.ownAxes = event.target.checked;
        draw();
      } }), "a scale for each column")),
    h("div", {}, h("div", { class: "row", role: "group", "aria-label": "Time shown" },
      h("button", { onclick: () => zoom(1, -0.5) }, "Earlier"), h("button", { onclick: () => zoom(1, 0.5) }, "Later"),
      h("button", { onclick: () => zoom(0.5, 0) }, "Zoom in"), h("button", { onclick: () => zoom(2, 0) }, "Zoom out"),
      h("button", { onclick: () => {
        look.from = look.to = null;
        draw();
      } }, "All")), figure, note));
}

function setRange(from, to, draw) {
  if (to - from < 1) return;
  look.from = new Date(from * 1000).toISOString();
  look.to = new Date(to * 1000).toISOString();
  draw();
}

/** Labels of the time axis, by the step between them: step, label, and what is added where year or day change. */
const TIMES = [
  [31536000, "{YYYY}", null, null, null, null, null, null, 1],
  [2419200, "{MMM}", "\n{YYYY}", null, null, null, null, null, 1],
  [86400, "{D} {MMM}", "\n{YYYY}", null, null, null, null, null, 1],
  [60, "{HH}:{mm}", "\n{D} {MMM} {YYYY}", null, "\n{D} {MMM}", null, null, null, 1],
  [1, "{HH}:{mm}:{ss}", "\n{D} {MMM} {YYYY}", null, "\n{D} {MMM}", null, null, null, 1],
];

async function drawPlot(session, figure, note) {
  const turn = (figure.turn = (figure.turn ?? 0) + 1);
  const names = [...look.chosen];
  let answer = null;
  try {
    if (names.length) answer = await data("series", { columns: names.join(","), from: look.from, to: look.to, points: 2000 });
  } catch (failure) {
    if (turn === figure.turn) figure.replaceChildren(problem(failure));
    return;
  }
  if (turn !== figure.turn || !figure.isConnected) return;
  plot?.destroy();
  plot = null;
  figure.replaceChildren();
  const points = answer ? answer.series.reduce((sum, s) => sum + s.timestamps.length, 0) : 0;
  if (!points) {
    note.textContent = names.length ? "No data in this time." : "Choose a column.";
    return;
  }
  const tables = answer.series.map((s) => [s.timestamps.map((t) => Date.parse(t) / 1000), s.values]);
  const style = getComputedStyle(document.documentElement);
  const ink = style.getPropertyValue("--soft").trim(), line = style.getPropertyValue("--line").trim();
  const colours = COLOURS[dark.matches ? "dark" : "light"];
  const scale = (s) => (look.ownAxes ? s.column : s.unit ?? "value");
  const scales = [...new Set(answer.series.map(scale))];
  const axis = { stroke: ink, grid: { stroke: line, width: 1 }, ticks: { stroke: line, width: 1 }, font: "12px system-ui" };
  const zone = session.timezone;
  const options = {
    width: figure.clientWidth, height: Math.max(300, Math.min(460, figure.clientWidth * 0.6)),
    tzDate: (ts) => (zone ? uPlot.tzDate(new Date(ts * 1000), zone) : new Date(ts * 1000)),
    cursor: { drag: { x: true, y: false, setScale: false } },
    scales: look.from ? { x: { min: Date.parse(look.from) / 1000, max: Date.parse(look.to) / 1000, range: (_, low, high) => [low, high] } } : {},
    axes: [{ ...axis, values: TIMES }, ...scales.slice(0, 2).map((key, index) => ({
      ...axis, scale: key, side: index ? 1 : 3, size: (_, labels) => 24 + 7 * Math.max(3, ...(labels ?? []).map((label) => label.length)), grid: { ...axis.grid, show: index === 0 },
      label: key === "value" ? undefined : key, labelSize: 18, labelFont: "12px system-ui", values: (_, ticks) => ticks.map(value),
    }))],
    series: [{ label: "Time", value: "{YYYY}-{MM}-{DD} {HH}:{mm}" }, ...answer.series.map((s, index) => ({
      label: s.unit ? `${s.column} (${s.unit})` : s.column, scale: scale(s), stroke: colours[index % MOST], width: 1.5,
      points: { show: s.timestamps.length < 60 }, value: (_, v) => value(v),
    }))],
    hooks: { setSelect: [(u) => {
      if (u.select.width < 4) return;
      setRange(u.posToVal(u.select.left, "x"), u.posToVal(u.select.left + u.select.width, "x"), () => drawPlot(session, figure, note));
    }] },
  };
  plot = new uPlot(options, uPlot.join(tables), figure);
  const rows = Math.max(...answer.series.map((s) => s.rows));
  const thinned = answer.series.some((s) => s.downsampled);
  const first = answer.series.map((s) => s.timestamps[0]).filter(Boolean).sort()[0];
  const last = answer.series.map((s) => s.timestamps.at(-1)).filter(Boolean).sort().at(-1);
  figure.setAttribute("aria-label", `Plot of ${names.join(", ")} from ${clock(first)} to ${clock(last)}`);
  note.textContent = `${count(rows)} rows, ${clock(first)} – ${clock(last)}${thinned ? "; thinned without losing extremes" : ""}. Drag to zoom.`;
}

const redraw = () => {
  if (look.tab === "plot" && $("plot")) document.querySelector("#tab-plot")?.click();
};
dark.addEventListener("change", redraw);
let width = innerWidth;
addEventListener("resize", () => {
  if (innerWidth === width) return;
  width = innerWidth;
  const figure = $("plot");
  if (plot && figure) plot.setSize({ width: figure.clientWidth, height: plot.height });
});

// ---- table, columns, quality, files

const ROWS = 50, WIDEST = 40;

async function showTable() {
  const { columns } = await data("stats");
  const names = columns.map((c) => c.column).filter((name) => name !== "timestamp");
  const only = look.chosen.size && !look.allColumns;
  const shown = (only ? names.filter((name) => look.chosen.has(name)) : names).slice(0, WIDEST);
  const answer = await data("preview", { rows: ROWS, offset: (look.page - 1) * ROWS, columns: ["timestamp", ...shown].join(",") });
  const again = () => fill($("view"), () => showTable());
  const numeric = new Map(columns.map((c) => [c.column, c.kind && c.kind !== "text"]));
  const rows = answer.preview.map((row) => answer.columns.map((name) => {
    if (name === "timestamp") return clock(row[name]);
    if (row[name] == null) return h("span", { class: "null" }, "null");
    return typeof row[name] === "number" ? exact.format(row[name]) : String(row[name]);
  }));
  const heads = answer.columns.map((name) => (numeric.get(name) ? `#${name}` : name));
  return [
    h("div", { class: "row" },
      h("label", { class: "check" }, h("input", { type: "checkbox", checked: !only, disabled: !look.chosen.size, onchange: (event) => {
        look.allColumns = event.target.checked;
        again();
      } }), "all columns, not only those chosen for the plot"),
      !only && names.length > WIDEST && h("span", { class: "hint" }, `The first ${WIDEST} of ${count(names.length)}; choose columns in the plot, or download all.`)),
    table("Rows", heads, rows, "data"),
    pager(look.page, Math.ceil(answer.total_rows / ROWS), (page) => {
      look.page = page;
      again();
    }),
  ];
}

async function showColumns() {
  const { columns, total_rows: total } = await data("stats");
  const box = h("div");
  const offer = (text) => {
    const wanted = text.trim().toLowerCase();
    const shown = columns.filter((c) => c.column !== "timestamp" && `${c.column} ${c.original_name}`.toLowerCase().includes(wanted));
    const rows = shown.slice(0, 1000).map((c) => [
      h("div", {}, h("span", { class: "name" }, c.column), c.original_name !== c.column && h("div", { class: "hint" }, c.original_name)),
      c.kind ?? "–", c.unit ?? "–", meter(total ? (100 * c.count) / total : 0),
      ...(c.states?.length && c.kind === "text"
        ? [h("span", { class: "soft" }, c.states.slice(0, 4).map((s) => `${s.state} ${count(s.count)}`).join(", ")), "", "", "", ""]
        : [value(c.min), value(c.mean), value(c.median), value(c.max), value(c.std)]),
    ]);
    box.replaceChildren(table("Columns", ["Column", "Kind", "Unit", "Complete", "#Min", "#Mean", "#Median", "#Max", "#Std. dev."], rows));
  };
  offer("");
  return [h("div", { class: "filters" }, h("label", {}, `Find among ${some(columns.length - 1, "column")}`,
    h("input", { type: "search", oninput: (event) => offer(event.target.value) }))), box];
}

async function showQuality() {
  const quality = await data("quality");
  const rows = [...quality.columns].sort((a, b) => a.completeness - b.completeness).map((c) => [
    h("span", { class: "name" }, c.column), meter(c.completeness), chips(c.nulls), count(c.longest_null_run),
    c.frozen_runs.length ? h("details", {}, h("summary", {}, `${c.frozen_runs.length}, longest ${count(c.frozen_runs[0].rows)} rows`),
      h("ul", {}, c.frozen_runs.map((run) => h("li", {}, `${clock(run.start_at)} – ${clock(run.end_at)}: ${value(run.value)}`)))) : "–",
  ]);
  return [
    facts([["Rows", count(quality.total_rows)], ["Interval", duration(quality.interval_s)], ["Gaps in time", count(quality.gap_count)],
      ["Columns", count(quality.columns.length)]]),
    quality.gaps.length > 0 && h("h2", {}, "Gaps in time"),
    quality.gaps.length > 0 && table("Gaps in time", ["After", "Before", "Length"],
      quality.gaps.map((gap) => [clock(gap.after), clock(gap.before), duration(gap.seconds)])),
    h("h2", {}, "Columns, least complete first"),
    table("Quality of columns", ["Column", "Complete", "Why cells are null", "#Longest run of nulls", "Values that stand still"], rows),
  ];
}

// ---- cleaning

const INTERVALS = [["", "as recorded"], ["1m", "1 minute"], ["5m", "5 minutes"], ["10m", "10 minutes"], ["15m", "15 minutes"],
  ["30m", "30 minutes"], ["1h", "1 hour"], ["1d", "1 day"]];
/** Field, label, whether it is on. */
const SWITCHES = [
  ["detect_frozen", "sensors that stand still", true], ["detect_out_of_range", "values that cannot be", true],
  ["detect_spikes", "single values that jump", false], ["apply_steady_state", "rows whose load moves", false],
  ["apply_heat_balance", "rows out of heat balance", false], ["apply_affinity", "pumps off their affinity law", false],
  ["check_equipment", "machines that contradict each other", false], ["filter_invalid", "remove what is found", false],
  ["derive", "add load, COP, wet-bulb, …", false], ["lenient", "leave out rules that lack a column", true],
];

function cleanForm(session) {
  const result = h("div", { "aria-live": "polite" });
  const form = h("form", { onsubmit: async (event) => {
    event.preventDefault();
    const fields = new FormData(form);
    const button = form.querySelector("button");
    button.disabled = true;
    result.replaceChildren(h("p", { class: "hint" }, "Cleaning …"));
    const request = { session_id: session.session_id, resample_interval: fields.get("interval") || null };
    for (const [field] of SWITCHES) request[field] = fields.has(field);
    let cleaned;
    await fill(result, async () => {
      cleaned = await api("POST", "/clean", request);
      return cleaningResult(cleaned);
    });
    button.disabled = false;
    if (!cleaned) return;
    const said = [...result.childNodes];
    look.version = cleaned.version;
    await showSession(session.session_id);
    say(...said);
  } },
  h("div", { class: "fields" },
    h("label", {}, "Interval of the rows", h("select", { name: "interval" },
      INTERVALS.map(([key, text]) => h("option", { value: key, selected: key === "15m" }, text)))),
    SWITCHES.map(([name, text, on]) => h("label", { class: "check" }, h("input", { type: "checkbox", name, checked: on }), text))),
  h("button", { class: "primary" }, "Clean"), result);
  return h("details", { class: "panel", open: true }, h("summary", {}, "Clean the parsed data into a new version"), form);
}

function cleaningResult({ version, message, report }) {
  const taken = (counts, rule) => count(counts[rule]?.first ?? 0);
  const rows = report.rules.map((rule) => [words(rule.rule), rule.ran ? count(rule.columns.length) : "did not run", count(rule.judged),
    count(rule.hits.all), taken(report.cells.nulled, rule.rule), taken(report.rows.dropped, rule.rule)]);
  return [h("p", { class: "done" }, `${version}: ${message}`), warnings(report.warnings),
    rows.length > 0 && table("Rules", ["Rule", "#Columns", "#Judged", "#Hits", "#Cells nulled", "#Rows dropped"], rows)];
}

async function showCleaning(session) {
  const events = h("div", { "aria-live": "polite" });
  const version = session.versions.find((v) => look.version === "latest" || v.version === look.version);
  const go = (page) => fill(events, async () => {
    const found = await data("events", { page, page_size: 50 });
    const rows = found.items.map((event) => [words(event.rule), event.column ?? "rows", clock(event.start_at), clock(event.end_at),
      count(event.rows), event.detail]);
    return [h("h2", {}, `${some(found.total, "quality event")} of ${found.version}`),
      rows.length > 0 && table("Quality events", ["Rule", "Column", "From", "To", "#Rows", "What"], rows), pager(found.page, found.total_pages, go)];
  });
  if (version) go(1);
  return [!session.deleted_at && cleanForm(session), events];
}

async function showFiles(session) {
  const versions = session.versions.map((v) => [h("span", { class: "name" }, v.version), count(v.row_count), count(v.column_count), bytes(v.size_bytes),
    h("span", { class: `tag ${v.integrity}` }, v.integrity), local(v.created_at), h("span", { class: "hash", title: v.sha256 }, v.sha256.slice(0, 12))]);
  return [h("h2", {}, "Versions"), table("Versions", ["Version", "#Rows", "#Columns", "#Size", "File", "Made", "SHA-256"], versions),
    h("h2", {}, "Raw reports"), fileTable(session), !session.deleted_at && parseForm(session, false)];
}

function fileTable(session) {
  const rows = session.files.map((f) => [
    h("div", {}, h("span", { class: "name" }, f.file_name), f.archive_member && h("div", { class: "hint" }, f.archive_member), warnings(f.warnings)),
    words(f.format ?? "–"), count(f.row_count), count(f.point_count), f.first_at ? `${clock(f.first_at)} – ${clock(f.last_at)}` : "–",
    bytes(f.size_bytes), h("span", { class: `tag ${f.integrity}` }, f.integrity)]);
  return table("Raw reports", ["File", "Format", "#Rows", "#Points", "Data", "#Size", "Stored"], rows);
}

// ---- where we are

async function route() {
  const [, kind, id] = location.hash.split("/");
  const session = kind === "sessions" && id;
  const models = kind === "models";
  $("home").hidden = Boolean(session) || models;
  $("session").hidden = !session;
  $("models").hidden = !models;
  if (session) return showSession(decodeURIComponent(id));
  document.title = "HVAC Analytics";
  if (models) return id ? showModel(decodeURIComponent(id)) : showModels();
  return showSessions();
}

let waiting;
$("search").addEventListener("input", () => {
  clearTimeout(waiting);
  waiting = setTimeout(() => {
    list.page = 1;
    showSessions();
  }, 200);
});
$("search").addEventListener("submit", (event) => event.preventDefault());
$("upload").addEventListener("submit", uploadAndParse);
$("files").addEventListener("change", (event) => {
  choose(event.target.files);
  event.target.value = "";
});
for (const kind of ["dragover", "dragleave", "drop"]) {
  $("drop").addEventListener(kind, (event) => {
    event.preventDefault();
    $("drop").classList.toggle("over", kind === "dragover");
    if (kind === "drop") choose(event.dataTransfer.files);
  });
}
$("zones").replaceChildren(...["UTC", ...Intl.supportedValuesOf("timeZone")].map((zone) => h("option", { value: zone })));
addEventListener("hashchange", () => {
  say();
  route().then(() => $("main").focus({ preventScroll: true }));
  scrollTo(0, 0);
});
asker.then((account) => {
  if (account?.via === "login") {
    const leave = () => api("POST", "/logout").then(() => location.reload(), (failure) => say(problem(failure)));
    $("account").replaceChildren(`${account.name} `, h("button", { class: "plain", onclick: leave }, "Log out"));
  } else if (account?.via === "nothing" && account.role !== "admin") {
    $("account").replaceChildren(h("a", { href: "login" }, "Log in"));
  }
});
api("GET", "/health").then(({ version }) => {
  $("footer").textContent = `HVAC Analytics ${version}`;
}, () => {});
route();
