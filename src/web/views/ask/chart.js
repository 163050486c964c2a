// Rows as a picture: lines over time, bars of names, points of two numbers; which columns is chosen, or what fits is taken.
import { Bars } from "../../core/paint.js";
import { Empty, Field, savePicture } from "../../core/parts.js";
import { Plot } from "../../core/plot.js";
import { html, useMemo, useRef } from "../../core/ui.js";
import { amend, split } from "../../core/url.js";
import { count, t, value } from "../../core/words.js";
import { Scatter } from "../session/statistics/scatter.js";

export const isNumber = (type) => /int|double|float|decimal|numeric|real/.test(type);
export const isTime = (type) => /timestamp|date/.test(type);

const SERIES = 8;
const BARS = 60;

/** What is drawn over what: as the address says, else what the columns are. */
function plan(columns, query) {
  const index = (name) => columns.findIndex((one) => one.name === name);
  const time = columns.findIndex((one) => isTime(one.type));
  const text = columns.findIndex((one) => !isTime(one.type) && !isNumber(one.type));
  const x = index(query.x) >= 0 ? index(query.x) : time >= 0 ? time : text >= 0 ? text : 0;
  const numbers = columns.map((one, at) => ({ ...one, at })).filter((one) => isNumber(one.type) && one.at !== x);
  const named = split(query.y).map(index).filter((at) => at >= 0 && at !== x);
  const type = columns[x].type;
  const natural = isTime(type) ? "line" : isNumber(type) ? (numbers.length === 1 && columns.length <= 3 ? "line" : "points") : "bars";
  const kinds = isTime(type) || isNumber(type) ? ["line", "points", "bars"] : ["bars"];
  const by = index(query.by) >= 0 && index(query.by) !== x ? index(query.by) : null;
  return { x, y: named.length ? named : numbers.map((one) => one.at).slice(0, by === null ? SERIES : 1), numbers, kind: kinds.includes(query.kind) ? query.kind : natural, kinds, by };
}

const at = (cell, type) => (isTime(type) ? Date.parse(/T/.test(cell) ? cell : `${cell}T00:00:00Z`) / 1000 : cell);
/** Several rows of one time cannot be one line: the last counts, as a name each tells them apart. */
function lines(answer, { x, y, by }) {
  const type = answer.columns[x].type;
  const groups = new Map();
  for (const row of answer.rows) {
    if (row[x] === null) continue;
    for (const each of y) {
      const label = by === null ? answer.columns[each].name : `${row[by] ?? "null"}${y.length > 1 ? ` ${answer.columns[each].name}` : ""}`;
      if (!groups.has(label)) groups.set(label, new Map());
      groups.get(label).set(at(row[x], type), row[each]);
    }
  }
  const chosen = [...groups].slice(0, SERIES);
  const xs = [...new Set(chosen.flatMap(([, values]) => [...values.keys()]))].sort((a, b) => a - b);
  return { xs, series: chosen.map(([label, values]) => ({ label, values: xs.map((each) => values.get(each) ?? null), width: 2 })), left: groups.size - chosen.length };
}

function Lines({ answer, how, zone, drawn, points }) {
  const type = answer.columns[how.x].type;
  const { xs, series, left } = useMemo(() => {
    const made = lines(answer, how);
    return { ...made, series: made.series.map((one) => ({ ...one, scatter: points })) };
  }, [answer, how.x, how.y.join(), how.by, points]);
  if (xs.length === 0) return html`<${Empty}>${t("ask.nothing_to_draw")}<//>`;
  return html`<${Plot} x=${xs} series=${series} numbers=${!isTime(type)} xLabel=${answer.columns[how.x].name} zone=${type.startsWith("date") ? "UTC" : zone}
    height=${420} onready=${(plot) => (drawn.current = plot.ctx.canvas)}
    description=${t("ask.chart_of", { y: series.map((one) => one.label).join(", "), x: answer.columns[how.x].name, count: xs.length })} />
    ${left > 0 && html`<p class="soft small">${t("ask.more_lines", { count: left })}</p>`}`;
}

function Picture({ answer, how, zone, drawn }) {
  const [x, y] = [how.x, how.y[0]];
  const bars = useMemo(() => how.y.map((each) => ({ at: each, name: answer.columns[each].name, of: answer.rows.filter((row) => typeof row[each] === "number").slice(0, BARS).map((row) => ({ name: String(row[x] ?? "null"), value: row[each] })) })), [answer, x, how.y.join()]);
  const points = useMemo(() => (isNumber(answer.columns[x].type) ? answer.rows.filter((row) => row[x] !== null && row[y] !== null).map((row) => [row[x], row[y]]) : []), [answer, x, y]);
  if (how.kind === "line" || (how.kind === "points" && !points.length)) return html`<${Lines} answer=${answer} how=${how} zone=${zone} drawn=${drawn}
    points=${how.kind === "points"} />`;
  const names = { x: answer.columns[x].name, y: answer.columns[y].name };
  if (how.kind === "points") {
    return html`<${Scatter} points=${points} xLabel=${names.x} yLabel=${names.y} height=${420} innerRef=${drawn}
      say=${(point) => `${names.x} ${value(point[0])}, ${names.y} ${value(point[1])}`} description=${t("ask.chart_of", { ...names, count: points.length })} />`;
  }
  return html`${bars.map(({ at: each, name, of }) => html`<div key=${each}><h3>${name}</h3><${Bars} of=${of} innerRef=${each === y ? drawn : null}
    description=${t("ask.chart_of", { x: names.x, y: name, count: of.length })} /></div>`)}${answer.rows.length > BARS && html`<p
    class="soft small">${t("ask.first_bars", { count: BARS, all: count(answer.rows.length) })}</p>`}`;
}

export function Chart({ answer, query, zone }) {
  const drawn = useRef(null);
  const how = plan(answer.columns, query);
  const names = answer.columns.map((one) => one.name);
  const chosen = new Set(how.y);
  const toggle = (index) => {
    const next = chosen.has(index) ? how.y.filter((each) => each !== index) : [...how.y, index].slice(-SERIES);
    if (next.length) amend({ y: next.map((each) => names[each]).join(",") });
  };
  const groups = answer.columns.filter((one, index) => index !== how.x && !isNumber(one.type) && !isTime(one.type));
  return html`<div class="row shape-filters"><${Field} label=${t("ask.over")} options=${names.map((name) => [name, name])} value=${names[how.x]}
    onChange=${(event) => amend({ x: event.target.value, y: null })} />
      <${Field} label=${t("ask.as")} options=${how.kinds.map((kind) => [kind, t(`ask.as_${kind}`)])} value=${how.kind}
        onChange=${(event) => amend({ kind: event.target.value })} />
      ${groups.length > 0 && how.kind === "line" && html`<${Field} label=${t("ask.by")} options=${[["", "–"], ...groups.map((one) => [one.name, one.name])]}
        value=${how.by === null ? "" : names[how.by]} onChange=${(event) => amend({ by: event.target.value })} />`}
      ${how.numbers.length > 1 && html`<fieldset class="shape-y"><legend>${t("ask.values")}</legend>${how.numbers.slice(0, 24).map((one) => html`<label
        class="check" key=${one.at}><input type="checkbox" checked=${chosen.has(one.at)} onChange=${() => toggle(one.at)} /><span>${one.name}</span>
        </label>`)}</fieldset>`}
      <button class="plain" onClick=${() => drawn.current && savePicture(drawn.current, "answer")}>${t("part.save_picture")}</button></div>
    ${how.y.length === 0 ? html`<${Empty}>${t("ask.no_numbers")}<//>` : html`<${Picture} key=${`${how.kind} ${how.x}`} answer=${answer} how=${how} zone=${zone}
      drawn=${drawn} />`}`;
}
