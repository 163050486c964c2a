// Rows as they are stored: exact values, why a cell has none, what rules hit; sorted by any column, and from any time on.
import { address } from "../../core/api.js";
import { Answer, Empty, Field, Pager, Search, Table, saveFile } from "../../core/parts.js";
import { said } from "../../core/said.js";
import { html, useMemo } from "../../core/ui.js";
import { amend, at, split } from "../../core/url.js";
import { clock, count, exact, t, word } from "../../core/words.js";
import { fits, otherName, useColumns, versionOf, wholeOf } from "./chart/columns.js";
import { useEvents } from "./chart/events.js";
import { instant, stamp } from "./chart/time.js";
import { ROWS, csvOf, reasonsOf, useRows } from "./table/rows.js";

const WIDE = 24;
const BINS = ["1m", "5m", "15m", "30m", "1h", "1d"];

const saying = (item) => `${word("rule", item.rule)}: ${said(item.detail)}`;

/** The mark of a row that rules hit: it opens the chart of what they hit. */
function Mark({ hits, names, chart }) {
  const columns = [...new Set(hits.flatMap(({ column, columns: some }) => some ?? [column]).filter(Boolean))];
  const rules = [...new Set(hits.map(({ rule }) => word("rule", rule)))].join(t("verdict.comma"));
  return html`<a class="table-mark" title=${hits.map(saying).join("\n")} aria-label=${t("table.hit_here", { rules })}
    href=${chart(columns.length ? columns : names.slice(0, 2))}>●</a>`;
}

/** Letters for the reasons that occur on a page, so that each empty cell says its own. */
function lettersOf(rows, shown, reasons) {
  const letters = new Map();
  rows.forEach((row, index) => shown.forEach((column) => {
    if (row[column] != null) return;
    for (const reason of reasons(index, column)) if (!letters.has(reason)) letters.set(reason, String.fromCharCode(97 + letters.size));
  }));
  return letters;
}

function Tools({ query, known, found, first, zone, whole }) {
  const jump = (event) => {
    event.preventDefault();
    const time = instant(new FormData(event.target).get("at").trim(), zone);
    if (time !== null) amend({ at: stamp(time, zone), offset: null, sort: null, desc: null }, { replace: false });
  };
  return html`<div class="row table-tools">
    <${Search} label=${t("table.search")} value=${query.q} onsearch=${(q) => amend({ q, first: null })} />
    <form class="row table-jump" onSubmit=${jump}><${Field} key=${query.at} label=${t("table.jump")} name="at" size="16"
        placeholder=${whole ? stamp(whole[0], zone).slice(0, 16).replace("T", " ") : ""} value=${(query.at ?? "").replace("T", " ")} />
      <button>${t("table.go")}</button></form>
    <${Field} label=${t("table.every")} value=${query.every ?? ""}
      onChange=${({ target }) => amend({ every: target.value || null, offset: null, sort: null, desc: null })}
      options=${[["", t("table.as_recorded")], ...BINS.map((bin) => [bin, t(`table.bin.${bin}`)])]} />
    ${found > WIDE && html`<div class="row table-across" role="group" aria-label=${t("table.across")}>
      <button disabled=${first === 0} aria-label=${t("table.left")} onClick=${() => amend({ first: Math.max(0, first - WIDE) || null })}>‹</button>
      <span class="small soft number">${t("table.columns_of", { from: first + 1, to: Math.min(found, first + WIDE), count: found })}</span>
      <button disabled=${first + WIDE >= found} aria-label=${t("table.right")} onClick=${() => amend({ first: first + WIDE })}>›</button></div>`}
    ${found <= WIDE && found < known && html`<span class="small soft">${t("table.columns_of", { from: 1, to: found, count: known })}</span>`}</div>`;
}

function Chooser({ columns, chosen }) {
  const change = (name) => {
    const next = chosen.includes(name) ? chosen.filter((one) => one !== name) : [...chosen, name];
    amend({ columns: next.join(","), first: null });
  };
  return html`<details class="table-chooser"><summary>${chosen.length ? t("table.chosen", { count: chosen.length }) : t("table.choose")}</summary>
    <div class="table-choices" role="group" aria-label=${t("table.choose")}>${columns.map(({ column }) =>
      html`<${Field} key=${column} type="checkbox" label=${column} checked=${chosen.includes(column)} onChange=${() => change(column)} />`)}</div>
    ${chosen.length > 0 && html`<button class="plain" onClick=${() => amend({ columns: null, first: null })}>${t("table.all_columns")}</button>`}</details>`;
}

export default function Rows({ session, version, versions, query }) {
  const columns = useColumns(session, version);
  const id = session.session_id;
  const zone = session.timezone;
  const wished = split(query.columns);
  const found = useMemo(() => {
    const known = columns.data ?? [];
    const some = wished.length ? wished.map((name) => known.find(({ column }) => column === name)).filter(Boolean) : known;
    return some.filter(fits(query.q));
  }, [columns.data, query.columns, query.q]);
  const first = Math.max(0, Number(query.first) || 0);
  const shown = found.slice(first, first + WIDE).map(({ column }) => column);
  const total = versionOf(versions, version)?.row_count ?? session.total_rows;
  const sort = shown.includes(query.sort) || query.sort === "timestamp" ? query.sort : null;
  const descending = query.desc === "1";
  const whole = wholeOf(session, versions, version);
  const offset = Math.max(0, Number(query.offset) || 0);
  const asked = useRows({ id, version, columns: shown, offset, at: sort ? null : query.at, every: query.every, sort, descending, total });
  const rows = asked.data?.preview ?? [];
  const times = rows.map((row) => Date.parse(row.timestamp) / 1000);
  const [from, to] = times.length ? [Math.min(...times), Math.max(...times)] : [0, 1];
  const events = useEvents({ id, version, columns: shown, from, to, faults: false });
  const sorting = (key) => {
    const next = (sort ?? "timestamp") !== key ? (key === "timestamp" ? [] : [key]) : descending ? [] : [key, "1"];
    amend({ sort: next[0] ?? null, desc: next[1] ?? null, offset: null, at: null });
  };
  const table = (data) => {
    const names = data.columns.filter((name) => name !== "timestamp");
    const reasons = reasonsOf(data, columns.data);
    const letters = query.every ? new Map() : lettersOf(rows, names, reasons);
    // What lasts for all of the page is said once, below the rows.
    const lasting = events.groups.filter((item) => rows.length > 1 && item.from <= from && item.to >= to);
    const hits = events.items.filter((item) => !(item.from <= from && item.to >= to) || rows.length < 2);
    const byRow = rows.map((_, index) => hits.filter((item) => times[index] >= item.from && times[index] <= item.to));
    const chart = (drawn, time) => at(["sessions", id, "chart"],
      { version: query.version, columns: drawn.slice(0, 4).join(","), from: stamp(time - 43200, zone), to: stamp(time + 43200, zone) });
    const cell = (row, key) => {
      const index = row.index;
      if (key === "timestamp") {
        return html`<span class="table-time">${clock(row.timestamp)} ${byRow[index].length > 0 && html`<${Mark} hits=${byRow[index]} names=${names}
          chart=${(drawn) => chart(drawn, times[index])} />`}</span>`;
      }
      const value = row[key];
      const hit = byRow[index].find((item) => item.column === key);
      if (value == null) {
        const why = query.every ? [] : reasons(index, key);
        const said = why.map((reason) => word("reason", reason)).join(t("table.or"));
        const signs = why.map((reason) => letters.get(reason)).join("/");
        return html`<span class=${`null ${hit ? "table-hit" : ""}`} title=${[said, hit && saying(hit)].filter(Boolean).join("\n") || null}>–${signs && html`<sup>${signs}</sup>`}</span>`;
      }
      const text = typeof value === "number" ? exact(value) : String(value);
      return hit ? html`<span class="table-hit" title=${saying(hit)}>${text}</span>` : text;
    };
    const heads = [{ key: "timestamp", name: t("table.time"), sort: !query.every, kind: "time" }, ...names.map((name) => {
      const one = columns.data.find(({ column }) => column === name) ?? {};
      return { key: name, number: one.kind !== "text", sort: !query.every, title: otherName(one) ?? undefined,
        name: html`<span class="table-name">${name}</span>${one.unit && html` <small>${one.unit}</small>`}` };
    })];
    const page = Math.floor(data.offset / ROWS) + 1;
    const save = () => saveFile(csvOf(["timestamp", ...names], rows), `${session.name}.csv`);
    const turn = (next) => amend({ offset: Math.max(0, data.offset + (next - page) * ROWS) || null, at: null }, { replace: false });
    return html`<p class="small soft number">${rows.length
        ? t("table.rows_of", { from: data.offset + 1, to: data.offset + rows.length, count: data.total_rows }) : t("table.no_rows")}</p>
      <${Table} kind="table-data" caption=${t("table.caption", { name: session.name })} heads=${heads} cell=${cell}
        rows=${rows.map((row, index) => ({ ...row, index }))} sorted=${{ key: sort ?? "timestamp", descending }} onsort=${sorting} rowKey=${(row) => row.index} />
      <div class="table-legend small soft">${[...letters].map(([reason, letter]) =>
        html`<span key=${reason}><b>–<sup>${letter}</sup></b> ${word("reason", reason)}</span>`)}
        ${lasting.map((item) => html`<span key=${item.key}><${Mark} hits=${[item]} names=${names}
          chart=${(drawn) => chart(drawn, from)} />
          ${item.columns.join(t("verdict.comma"))} – ${saying(item)}</span>`)}
        ${byRow.some((some) => some.length) && html`<span><span class="table-hit">1.23</span> <span class="table-mark">●</span> ${t("table.hit")}</span>`}</div>
      <${Pager} page=${page} pages=${Math.max(page, Math.ceil(data.total_rows / ROWS))} go=${turn} />
      <div class="row"><button disabled=${!rows.length} onClick=${save}>${t("table.save_page")}</button>
        <a class="button" download href=${address(`sessions/${id}/data.csv`, { version, columns: names, every: query.every, for: "excel" })}>${t("table.save_all")}</a></div>`;
  };
  return html`<${Answer} of=${columns} tall>${(known) => html`<div class="panel table">
    <${Tools} query=${query} known=${known.length} found=${found.length} first=${first} zone=${zone} whole=${whole} />
    <${Chooser} columns=${known} chosen=${wished} />
    ${shown.length === 0 ? html`<${Empty}>${t("table.none_found")}<//>` : html`<${Answer} of=${asked} tall>${table}<//>`}</div>`}<//>`;
}
