// The coverage map: points × days, how much of each is there. A press, or Enter, opens the chart of that point on that day.
import { Canvas, ramp } from "../../../core/paint.js";
import { Search } from "../../../core/parts.js";
import { colour } from "../../../core/theme.js";
import { html, useMemo, useRef, useState } from "../../../core/ui.js";
import { amend, at, go } from "../../../core/url.js";
import { count, percent, t } from "../../../core/words.js";
import { fits } from "../chart/columns.js";
import { after } from "./judge.js";

const ROW = 18;
const MOST = 120;
const STEPS = 32;

const shortened = (context, text, width) => {
  if (context.measureText(text).width <= width) return text;
  let short = text;
  while (short.length > 1 && context.measureText(`${short}…`).width > width) short = short.slice(0, -1);
  return `${short}…`;
};

const total = ({ dead, share }) => (dead ? t("verdict.never") : percent(share === null ? null : share * 100));

function Map({ points, periods, by, open }) {
  const [pointed, setPointed] = useState(null);
  const [width, setWidth] = useState(0);
  const box = useRef(null);
  const left = Math.min(190, width * 0.34);
  const cell = (width - left) / periods.length;
  const hit = (x, y) => {
    const [row, column] = [Math.floor(y / ROW), Math.floor((x - left) / cell)];
    return x !== null && points[row] ? [row, Math.min(column, periods.length - 1)] : null;
  };
  const days = (context, wide) => {
    const offset = Math.min(190, wide * 0.34);
    const step = (wide - offset) / periods.length;
    setWidth(wide);
    context.fillStyle = colour("--soft");
    let free = 0;
    let year = "";
    periods.forEach((day, index) => {
      const x = offset + index * step;
      const label = day.slice(0, 4) === year ? day.slice(5) : day;
      if (x < free || x + context.measureText(label).width > wide) return;
      context.fillRect(x, 18, 1, 4);
      context.fillText(label, x, 9);
      year = day.slice(0, 4);
      free = x + context.measureText(label).width + 14;
    });
  };
  const cells = (context, wide) => {
    const offset = Math.min(190, wide * 0.34);
    const step = (wide - offset) / periods.length;
    const mix = ramp(["--heat-0", "--heat-1"]);
    const shades = Array.from({ length: STEPS + 1 }, (_, index) => mix(index / STEPS));
    const [ink, bad, none] = [colour("--ink"), colour("--bad"), colour("--heat-none")];
    points.forEach((point, row) => {
      const y = row * ROW;
      context.fillStyle = point.dead ? bad : ink;
      context.fillText(shortened(context, point.column, offset - 10), 0, y + ROW / 2);
      point.shares.forEach((share, column) => {
        context.fillStyle = share === null ? none : shades[Math.round(Math.min(1, share) * STEPS)];
        context.fillRect(offset + column * step, y + 1, Math.max(1, step - (step > 6 ? 1 : 0)) + (step > 6 ? 0 : 0.4), ROW - 2);
      });
    });
  };
  const say = ([row, column]) => {
    const point = points[row];
    if (column < 0) return `${point.column}: ${total(point)}`;
    const share = point.shares[column];
    const last = by === "day" ? "" : ` – ${after(periods[column], by)}`;
    return `${point.column}, ${periods[column]}${last}: ${share === null ? t("verdict.no_report") : percent(share * 100)}`;
  };
  const keys = (event) => {
    const moves = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key];
    if (event.key === "Enter" && pointed) open(points[pointed[0]].column, pointed[1] < 0 ? null : periods[pointed[1]]);
    if (!moves) return;
    event.preventDefault();
    const [row, column] = pointed ? [pointed[0] + moves[0], pointed[1] + moves[1]] : [0, 0];
    const next = [Math.max(0, Math.min(points.length - 1, row)), Math.max(0, Math.min(periods.length - 1, column))];
    setPointed(next);
    const top = next[0] * ROW;
    const seen = box.current;
    if (top < seen.scrollTop) seen.scrollTop = top;
    else if (top + ROW + 26 > seen.scrollTop + seen.clientHeight) seen.scrollTop = top + ROW + 26 - seen.clientHeight;
  };
  const [row, column] = pointed ?? [0, 0];
  const mark = { top: `${row * ROW}px`, left: `${column < 0 ? 0 : left + column * cell}px`, width: `${column < 0 ? left - 6 : Math.max(3, cell)}px`, height: `${ROW}px` };
  return html`<div class="verdict-map" ref=${box} tabindex="0" role="application" aria-label=${t("verdict.map_keys")}
      aria-describedby="verdict-pointed" onKeyDown=${keys}>
      <div class="verdict-days"><${Canvas} height=${24} paint=${days} deps=${[periods]}
        description=${t("verdict.days", { from: periods[0], to: periods.at(-1) })} /></div>
      <div class="verdict-cells"><${Canvas} height=${points.length * ROW} paint=${cells} deps=${[points, periods]}
        description=${t("verdict.map", { count: points.length, days: periods.length })}
        onpoint=${(x, y) => setPointed(x === null ? null : hit(x, y))} onpress=${(x, y) => {
          const found = hit(x, y);
          if (found) open(points[found[0]].column, found[1] < 0 ? null : periods[found[1]]);
        }} />
        ${pointed && html`<div class="verdict-cell" style=${mark}></div>`}</div></div>
    <p class="verdict-pointed small" id="verdict-pointed" role="status">${pointed ? say(pointed) : t("verdict.map_hint")}</p>`;
}

/** `points` of `pointsOf`, `coverage` as it was answered, `chart.parts(values)` the place of a chart. */
export function Coverage({ query, points, coverage, chart }) {
  const { by, periods } = coverage;
  const where = (column, day) => ({ columns: column, from: day, to: day && after(day, by) });
  const open = (column, day) => go(...chart.parts(where(column, day)));
  const worst = query.order !== "file";
  const found = useMemo(() => {
    const kept = points.filter(fits(query.q));
    return worst ? kept.slice().sort((a, b) => a.dead - b.dead || (a.share ?? 2) - (b.share ?? 2)) : kept;
  }, [points, query.q, worst]);
  const shown = useMemo(() => (query.rows === "all" ? found : found.slice(0, MOST)), [found, query.rows]);
  return html`<div class="row spread verdict-tools"><${Search} label=${t("verdict.search")} value=${query.q} onsearch=${(q) => amend({ q })} />
      <div class="row" role="group" aria-label=${t("verdict.order")}>
        <button aria-pressed=${worst} onClick=${() => amend({ order: null })}>${t("verdict.worst_first")}</button>
        <button aria-pressed=${!worst} onClick=${() => amend({ order: "file" })}>${t("verdict.as_in_file")}</button></div></div>
    ${shown.length ? html`<${Map} points=${shown} periods=${periods} by=${by} open=${open} />` : html`<p class="empty">${t("verdict.none_found")}</p>`}
    <div class="row spread small soft"><span class="verdict-scale"><span>0 %</span><i class="low"></i><i class="middle"></i><i class="high"></i><span>100 %</span>
        <i class="none"></i><span>${t("verdict.no_report")}</span></span>
      ${shown.length < found.length
        && html`<button class="plain" onClick=${() => amend({ rows: "all" })}>${t("verdict.show_all", { count: found.length })}</button>`}</div>
    <details class="verdict-list"><summary>${t("verdict.as_list")}</summary><ul>${shown.map((point) => html`<li key=${point.column}>
      <a href=${at(...chart.parts(where(point.column, null)))}>${point.column}</a>
      <span class="soft number">${total(point)} · ${count(point.samples)}</span></li>`)}</ul></details>`;
}
