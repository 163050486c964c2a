// What can be asked: the tables of the chosen session, with its points, and those about everything.
import { html, useEffect, useState } from "../../core/ui.js";
import { t, word } from "../../core/words.js";
import { plain } from "./completion.js";
import { ask } from "./run.js";

export const COMMON = ["sessions", "datasets", "columns", "cleaning_jobs", "models", "optimization_runs", "findings", "all_readings"];
const EVENTS = ["rule", "column", "start_at", "end_at", "rows", "detail"].map((name) => ({ name }));

/** Tables of a session by its versions. */
export function tablesOf(session) {
  const versions = session?.versions ?? [];
  const cleaned = versions.filter((one) => one.cleaned_from);
  return versions.length === 0 ? [] : ["latest", "parsed", ...(cleaned.length ? ["cleaned", "events"] : []), "findings", ...versions.map((one) => one.version.replace("-", "_")), ...cleaned.map((one) => `events_v${one.version_number}`)];
}

function Branch({ name, columns, load, wanted, put, open: first }) {
  const [open, setOpen] = useState(first);
  const shown = (columns ?? []).filter((one) => !wanted || one.name.toLowerCase().includes(wanted) || name.includes(wanted));
  const visible = open || (wanted && shown.length > 0 && !name.includes(wanted));
  return html`<li><div class="shape-branch"><button class="plain" aria-expanded=${String(!!visible)} aria-label=${t("ask.columns_of", { name })} onClick=${() => {
      if (!columns) load?.();
      setOpen(!open);
    }}>${visible ? "▾" : "▸"}</button><button class="plain mono" title=${t("ask.insert", { name })} onClick=${() => put(name)}>${name}</button>${columns
      && html`<span class="soft small">${columns.length}</span>`}</div>
    ${visible && html`<ul>${shown.map((one) => html`<li key=${one.name}><button class="plain mono shape-leaf" title=${t("ask.insert", { name: one.name })}
      onClick=${() => put(plain(one.name))}><span>${one.name}</span><span class="soft">${one.about ?? ""}</span></button></li>`)}
      ${columns && shown.length === 0 && html`<li class="soft small">${t("ask.no_column")}</li>`}</ul>`}</li>`;
}

/** `points` are the session's columns; `known(columns)` tells what was learnt of other tables. */
export function Tables({ session, points, put, learn }) {
  const [wanted, setWanted] = useState("");
  const [others, setOthers] = useState({});
  useEffect(() => learn(others), [others]);
  const load = (name) => ask({ sql: `SELECT * FROM ${name} LIMIT 0` }).then(({ columns }) => setOthers((before) => ({ ...before, [name]: columns.map((one) => ({ name: one.name, about: one.type })) })), () => null);
  const own = tablesOf(session);
  const rows = [{ name: "timestamp", about: t("ask.type_time") }, ...points.map((one) => ({ name: one.column, about: one.unit ?? word("kind", one.kind) }))];
  const search = wanted.toLowerCase().trim();
  const columnsOf = (name) => (name.startsWith("events") ? EVENTS : name === "findings" ? others.findings : rows);
  const fits = (name, columns) => !search || name.includes(search) || (columns ?? []).some((one) => one.name.toLowerCase().includes(search));
  return html`<input type="search" aria-label=${t("ask.search")} placeholder=${t("ask.search")} value=${wanted}
    onInput=${(event) => setWanted(event.target.value)} />
    <div class="shape-tree">${own.length > 0 && html`<h3 class="shape-name">${session.name}</h3>
      <ul>${own.slice(0, search ? 1 : own.length).filter((name) => fits(name, columnsOf(name))).map((name, index) =>
        html`<${Branch} key=${`${session.session_id} ${name}`} name=${name} columns=${columnsOf(name)} load=${() => load("findings")} wanted=${search}
          put=${put} open=${index === 0} />`)}</ul>`}
      <h3>${t("ask.about_all")}</h3><ul>${COMMON.filter((name) => fits(name, others[name])).map((name) => html`<${Branch} key=${name} name=${name}
        columns=${others[name]} load=${() => load(name)} wanted=${search} put=${put} />`)}</ul></div>`;
}
