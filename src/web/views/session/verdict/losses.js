// What is missing: dead points, the five worst of those that live, and why cells have no value.
import { Strip } from "../../../core/paint.js";
import { html } from "../../../core/ui.js";
import { count, percent, t, value, word } from "../../../core/words.js";
import { Bar } from "./bar.js";
import { after, lossesOf } from "./judge.js";

const SHOWN = 12;

/** A share of what should be there, 0–100, never rounded up to all. */
export const there = (share) => (share == null ? "–" : share < 90 || share > 99.9 ? percent(share) : `${value(Math.floor(share * 10) / 10)}\u00a0%`);

/** Why most of a point's cells have no value; that no report covers them only where nothing else is said. */
const reasonOf = ({ reasons }) => (reasons.find(([name]) => name !== "not_covered") ?? reasons[0])?.[0];

/** Each with the reason that most of its cells have; reasons alike are said once. */
export function Dead({ points, chart }) {
  const dead = points.filter((point) => point.dead);
  if (!dead.length) return html`<p class="soft">${t("verdict.none_dead")}</p>`;
  const reasons = new Map();
  for (const point of dead) {
    const reason = reasonOf(point) ?? "empty";
    reasons.set(reason, [...(reasons.get(reason) ?? []), point]);
  }
  const chips = (some) => html`<ul class="verdict-chips">${some.map(({ column }) =>
    html`<li key=${column}><a href=${chart({ columns: column })}>${column}</a></li>`)}</ul>`;
  return [...reasons].map(([reason, some]) => html`<p class="small soft verdict-why">${word("reason", reason)} · ${count(some.length)}</p>
    ${chips(some.slice(0, SHOWN))}
    ${some.length > SHOWN && html`<details><summary class="small">${t("part.more", { count: some.length - SHOWN })}</summary>${chips(some.slice(SHOWN))}</details>`}`);
}

/** The five living points of which least is there, those that lack the same once; each opens on its worst day. */
export function Worst({ points, coverage, chart }) {
  const alike = new Map();
  for (const point of points.filter(({ dead, share }) => !dead && share !== null && share < 0.9995).sort((a, b) => a.share - b.share)) {
    const key = point.shares.join();
    alike.set(key, [...(alike.get(key) ?? []), point]);
  }
  const worst = [...alike.values()].slice(0, 5);
  if (!worst.length) return html`<p class="soft">${t("verdict.none_worst")}</p>`;
  return html`<ul class="verdict-worst">${worst.map(([point, ...others]) => {
    const known = point.shares.map((share, index) => [share ?? 2, index]).sort((a, b) => a[0] - b[0])[0];
    const day = coverage.periods[known?.[1] ?? 0];
    const reason = reasonOf(point);
    const columns = [point, ...others].slice(0, 6).map(({ column }) => column).join(",");
    return html`<li key=${point.column}><a href=${chart({ columns, from: day, to: after(day, coverage.by) })}
      title=${[point, ...others].slice(0, 20).map(({ column }) => column).join("\n")}>${point.column}${others.length > 0 && ` ${t("verdict.and_alike", { count: others.length })}`}</a>
      <span class="number">${there(point.share * 100)}</span>
      <${Strip} of=${point.shares} height=${10} description=${t("verdict.strip", { column: point.column, share: there(point.share * 100) })} />
      <span class="small soft">${reason ? word("reason", reason) : t("verdict.no_rows")} · ${t("verdict.worst_day", { day })}</span></li>`;
  })}</ul>`;
}

/** Bars in words: which share of all cells has no value, by reason. */
export function Losses({ quality, chart }) {
  const losses = lossesOf(quality);
  if (!losses.length) return html`<p class="soft">${t("verdict.no_losses")}</p>`;
  const cells = Math.max(1, quality.total_rows * quality.columns.length);
  const most = losses[0].cells;
  return html`<ul class="verdict-bars">${losses.map(({ reason, cells: lost, column }) => html`<li key=${reason}>
    <a href=${chart({ columns: column })} title=${t("verdict.mostly", { column })}>${word("reason", reason)}</a>
    <span class="number">${percent((100 * lost) / cells)} <span class="soft">${count(lost)}</span></span>
    <${Bar} share=${lost / most} kind=${reason === "not_covered" || reason === "missing_cell" ? "soft" : null} /></li>`)}</ul>`;
}
