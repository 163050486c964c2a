// Which points move together: a map of their correlations, those that stand out as a list, and two of them against each other.
import { useGet } from "../../../core/api.js";
import { HeatMap } from "../../../core/paint.js";
import { Answer, Empty } from "../../../core/parts.js";
import { html, useEffect, useMemo, useRef, useState } from "../../../core/ui.js";
import { amend, at, go, split } from "../../../core/url.js";
import { clock, count, t, value } from "../../../core/words.js";
import { Choice, Figure } from "./figure.js";
import { quoted, tableOf, useRows, within } from "./rows.js";
import { Scatter } from "./scatter.js";

const MOST = 50;
const AT_FIRST = 24;
const POINTS = 3000;

const moves = (one) => one.count > 1 && one.std > 0 && one.kind !== "counter" && one.kind !== "text";
/** Those that say most: complete, moving, and no counters, whose values only rise. */
function telling(columns) {
  const most = Math.max(1, ...columns.map((one) => one.count));
  const weight = (one) => one.count / most + (one.unit ? 0.3 : 0) + (one.kind === "status" ? -0.4 : 0);
  const best = columns.filter(moves).map((one, index) => ({ one, index, weight: weight(one) })).sort((a, b) => b.weight - a.weight || a.index - b.index).slice(0, AT_FIRST);
  return best.sort((a, b) => a.index - b.index).map(({ one }) => one.column);
}

/** An order in which those that move together stand beside each other. */
function together(matrix) {
  const size = (number) => Math.abs(number ?? 0);
  const left = new Set(matrix.keys());
  const order = [];
  let last = [...left].reduce((best, row) => (matrix[row].reduce((sum, each) => sum + size(each), 0) > matrix[best].reduce((sum, each) => sum + size(each), 0) ? row : best), 0);
  while (left.size) {
    order.push(last);
    left.delete(last);
    const before = last;
    last = [...left].reduce((best, row) => (best === null || size(matrix[before][row]) > size(matrix[before][best]) ? row : best), null);
  }
  return order;
}

function Choose({ columns, chosen }) {
  const [wanted, setWanted] = useState("");
  const set = new Set(chosen);
  const usable = columns.filter((one) => moves(one) || one.kind === "counter");
  const shown = usable.filter((one) => one.column.toLowerCase().includes(wanted.toLowerCase()));
  const toggle = (name) => {
    const next = set.has(name) ? chosen.filter((each) => each !== name) : [...chosen, name];
    if (next.length >= 2 && next.length <= MOST) amend({ columns: next.join(",") });
  };
  return html`<details class="shape-choose"><summary>${t("statistics.chosen", { count: chosen.length, all: usable.length })}</summary>
    <div class="row"><input type="search" aria-label=${t("statistics.search")} placeholder=${t("statistics.search")} value=${wanted}
      onInput=${(event) => setWanted(event.target.value)} />
      <button onClick=${() => amend({ columns: null })}>${t("statistics.telling")}</button></div>
    <div class="shape-checks">${shown.map((one) => html`<label class="check" key=${one.column}><input type="checkbox" checked=${set.has(one.column)}
      disabled=${!set.has(one.column) && set.size >= MOST} onChange=${() => toggle(one.column)} /><span>${one.column}</span></label>`)}</div></details>`;
}

function Pair({ session, version, query, asked, columns, x, y, r, pairs, pressed }) {
  const drawn = useRef(null);
  const place = useRef(null);
  useEffect(() => {
    if (pressed.current) place.current.scrollIntoView({ block: "nearest" });
    pressed.current = false;
  }, []);
  const table = tableOf(version);
  const [a, b] = [quoted(x), quoted(y)];
  const unit = (name) => columns.find((one) => one.column === name)?.unit;
  const where = [`${a} IS NOT NULL`, `${b} IS NOT NULL`, ...within(asked)].join(" AND ");
  const step = Math.max(1, Math.ceil((pairs ?? POINTS) / POINTS));
  const found = useRows(table && `SELECT x, y, time FROM (SELECT ${a} AS x, ${b} AS y, timestamp AS time, row_number() OVER (ORDER BY timestamp) AS n FROM ${table} WHERE ${where})
    WHERE n % ${step} = 0 ORDER BY n`, session.session_id);
  const label = (name) => (unit(name) ? `${name} (${unit(name)})` : name);
  const chart = (time) => go(["sessions", session.session_id, "chart"],
    { version: query.version, columns: `${x},${y}`, ...(time ? around(time) : { from: query.from, to: query.to }) });
  return html`<div class="shape-wide shape-pair-of" ref=${place}><${Figure} title=${`${y} / ${x}`} name=${`${y} against ${x}`} drawn=${drawn}
    hint=${t("statistics.pair_hint", { r: value(r, 3), count: pairs })}
    tools=${html`<button onClick=${() => chart(null)}>${t("statistics.both_on_chart")}</button>`}>
    <${Answer} of=${found}>${({ rows }) => html`<${Scatter} points=${rows} xLabel=${label(x)} yLabel=${label(y)} innerRef=${drawn}
      onpress=${(point) => chart(point[2])}
      say=${(point) => `${clock(point[2])}: ${value(point[0], 4)} ${unit(x) ?? ""}, ${value(point[1], 4)} ${unit(y) ?? ""}`}
      description=${t("statistics.pair_of", { x, y, count: rows.length })} />`}<//><//></div>`;
}

/** Half a day before and after a time, without its offset: the site's clock. */
export function around(time) {
  const middle = Date.parse(`${time.slice(0, 19)}Z`);
  const written = (moment) => new Date(moment).toISOString().slice(0, 19);
  return { from: written(middle - 43200000), to: written(middle + 43200000) };
}

export function Correlation({ session, version, query, asked, columns, path }) {
  const drawn = useRef(null);
  const method = query.method === "spearman" ? "spearman" : "pearson";
  const there = new Set(columns.map((one) => one.column));
  const named = split(query.columns).filter((name) => there.has(name)).slice(0, MOST);
  const chosen = named.length >= 2 ? named : telling(columns);
  const found = useGet(chosen.length >= 2 ? "data/correlation" : null, { ...asked, columns: chosen.join(","), method });
  const map = useMemo(() => {
    if (!found.data) return null;
    const { columns: names, matrix, pairs } = found.data;
    const order = together(matrix);
    const list = [];
    order.forEach((row, index) => order.slice(index + 1).forEach((column) => matrix[row][column] != null
      && list.push({ x: names[row], y: names[column], r: matrix[row][column], pairs: pairs[row][column] })));
    list.sort((a, b) => Math.abs(b.r) - Math.abs(a.r));
    return { names: order.map((index) => names[index]), at: (row, column) => matrix[order[row]][order[column]], list };
  }, [found.data]);
  const pressed = useRef(false);
  if (chosen.length < 2) return html`<${Empty}>${t("statistics.none_move")}<//>`;
  const press = (x, y) => {
    pressed.current = x !== y;
    if (x !== y) amend({ x, y });
  };
  const pair = query.x && query.y && map?.list.find(({ x, y }) => (x === query.x && y === query.y) || (x === query.y && y === query.x));
  return html`<div class="row spread shape-filters"><${Choose} columns=${columns} chosen=${chosen} />
      <${Choice} label=${t("statistics.method")} chosen=${method} of=${[["pearson", t("statistics.pearson")], ["spearman", t("statistics.spearman")]]}
        onchoose=${(key) => amend({ method: key === "pearson" ? null : key })} /></div>
    <${Answer} of=${found} tall>${() => html`<div class="shape-figures">
      <${Figure} title=${t("statistics.together")} hint=${t(`statistics.${method}_hint`)} name="correlation" drawn=${drawn}>
        <${HeatMap} rows=${map.names.map((name, index) => `${index + 1} ${name}`)} columns=${map.names} at=${map.at} low=${-1} high=${1}
          colours=${["--heat-low", "--heat-middle", "--heat-high"]}
          rowHeight=${Math.max(16, Math.min(34, Math.round(560 / map.names.length)))} columnLabel=${(index) => String(index + 1)} innerRef=${drawn}
          onpress=${(row, column) => press(map.names[column], map.names[row])} description=${t("statistics.map_of", { count: map.names.length })}
          say=${(row, column) => `${map.names[row]} / ${map.names[column]}: ${value(map.at(row, column), 3)}`} />
        <p class="shape-scale small soft"><span>−1</span><i class="shape-ramp both" aria-hidden="true"></i><span>+1</span></p><//>
      <section class="panel"><h2>${t("statistics.strongest")}</h2>
        ${map.list.length === 0 ? html`<${Empty}>${t("statistics.no_pairs")}<//>` : html`<ol
          class="shape-pairs">${map.list.slice(0, 14).map(({ x, y, r, pairs }) => html`<li key=${`${x},${y}`}>
          <a href=${at(path, { ...query, x, y })} onClick=${() => (pressed.current = true)}
            aria-current=${pair && pair.x === x && pair.y === y ? "true" : null}><span class="shape-name">${x} / ${y}</span>
            <span class="number">${value(r, 3)}</span></a><span class="soft small">${t("statistics.pairs", { count: pairs })}</span></li>`)}</ol>`}</section>
      ${pair && html`<${Pair} key=${`${query.x},${query.y}`} session=${session} version=${version} query=${query} asked=${asked} columns=${columns} x=${query.x}
        y=${query.y} r=${pair.r} pairs=${pair.pairs} pressed=${pressed} />`}
    </div>`}<//>`;
}
