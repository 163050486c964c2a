// One point: how often which values, when in the week, by hour, weekday and month, and for how long above what.
import { useGet } from "../../../core/api.js";
import { HeatMap, Histogram } from "../../../core/paint.js";
import { Answer, Empty, Facts, Tag } from "../../../core/parts.js";
import { Plot } from "../../../core/plot.js";
import { html, useMemo, useRef, useState } from "../../../core/ui.js";
import { amend, at } from "../../../core/url.js";
import { count, duration, language, measure, percent, t, value, word } from "../../../core/words.js";
import { Choice, Figure } from "./figure.js";
import { quoted, tableOf, useRows, within } from "./rows.js";
import { Scatter } from "./scatter.js";

const weekday = (number, style = "short") => new Intl.DateTimeFormat(language.get() ?? "en", { weekday: style, timeZone: "UTC" })
  .format(new Date(Date.UTC(2024, 0, number)));
const month = (number) => new Intl.DateTimeFormat(language.get() ?? "en", { month: "short", timeZone: "UTC" }).format(new Date(Date.UTC(2024, number - 1, 1)));
const hours = Array.from({ length: 24 }, (_, hour) => String(hour).padStart(2, "0"));

function Values({ asked, one, query }) {
  const drawn = useRef(null);
  const [bin, setBin] = useState(null);
  const cut = query.cut && { min: one.quantiles.p01, max: one.quantiles.p99 };
  const found = useGet("data/histogram", { ...asked, column: one.column, ...(cut && cut.max > cut.min && cut) });
  const canCut = one.quantiles.p99 > one.quantiles.p01 && (one.quantiles.p01 > one.min || one.quantiles.p99 < one.max);
  const tools = canCut && html`<${Choice} label=${t("statistics.range")} chosen=${query.cut ? "cut" : "all"}
    onchoose=${(key) => amend({ cut: key === "cut" ? 1 : null })}
    of=${[["all", t("statistics.whole")], ["cut", t("statistics.usual")]]} />`;
  return html`<${Figure} title=${t("statistics.histogram")} name=${`${one.column} histogram`} drawn=${drawn} tools=${tools}><${Answer}
    of=${found}>${({ edges, counts, below, above }) => {
    const bins = counts.map((number, index) => ({ from: edges[index], to: edges[index + 1], count: number }));
    const total = counts.reduce((sum, number) => sum + number, 0) + below + above;
    const most = bins.reduce((best, each) => (each.count > best.count ? each : best), { count: 0 });
    const text = (each) => t("statistics.in_bin", { from: value(each.from, 4), to: measure(each.to, one.unit, 4), count: each.count, share: percent((100 * each.count) / total) });
    return html`<${Histogram} bins=${bins} height=${285} unit=${one.unit ?? ""} innerRef=${drawn} onpoint=${setBin}
      description=${t("statistics.histogram_of", { column: one.column, most: text(most) })} />
      <p class="pointed small soft">${bin ? text(bin) : below + above > 0 ? t("statistics.beyond", { below, above })
        : t("statistics.most_often", { text: text(most) })}</p>`;
  }}<//><//>`;
}

/** A state that is on or off is told as the share of the time that it is on; a reading with its unit. */
const isSwitch = (one) => one.kind === "status" && one.min >= 0 && one.max <= 1;
const shown = (one, number) => (isSwitch(one) ? percent(100 * number) : measure(number, one.unit, 4));

function Week({ session, version, asked, one }) {
  const drawn = useRef(null);
  const name = quoted(one.column);
  const table = tableOf(version);
  const where = [`${name} IS NOT NULL`, ...within(asked)].join(" AND ");
  const found = useRows(table && `SELECT date_part('dow', timestamp) AS d, date_part('hour', timestamp) AS h, avg(${name}) AS mean, count(${name}) AS n
    FROM ${table} WHERE ${where} GROUP BY d, h`, session.session_id);
  const week = useMemo(() => {
    const cells = Array.from({ length: 7 }, () => Array(24).fill(null));
    for (const [d, h, mean, n] of found.data?.rows ?? []) cells[(d + 6) % 7][h] = { mean, n };
    const means = cells.flat().filter(Boolean).map((each) => each.mean);
    return { cells, low: isSwitch(one) ? 0 : Math.min(...means), high: isSwitch(one) ? 1 : Math.max(...means) };
  }, [found.data]);
  const days = [1, 2, 3, 4, 5, 6, 7].map((number) => weekday(number));
  return html`<${Figure} title=${t("statistics.week")} name=${`${one.column} week`} drawn=${drawn}><${Answer} of=${found}>${() => html`
    <${HeatMap} rows=${days} columns=${hours} at=${(row, column) => week.cells[row][column]?.mean ?? null} low=${week.low} high=${week.high} rowHeight=${30}
      labelWidth=${48}
      columnLabel=${(index) => hours[index]} innerRef=${drawn}
        description=${t("statistics.week_of", { column: one.column, low: shown(one, week.low), high: shown(one, week.high) })}
      say=${(row, column) => week.cells[row][column] && t("statistics.week_cell", { day: days[row], hour: `${hours[column]}:00`, mean: shown(one, week.cells[row][column].mean), count: week.cells[row][column].n })} />
    <p class="shape-scale small soft"><span>${shown(one, week.low)}</span><i class="shape-ramp" aria-hidden="true"></i><span>${shown(one, week.high)}</span>
      </p>`}<//><//>`;
}

const BY = ["hour", "weekday", "month"];
function Usual({ asked, one, query }) {
  const drawn = useRef(null);
  const by = BY.includes(query.by) ? query.by : "hour";
  const found = useGet("data/profile", { ...asked, columns: one.column, by });
  const label = (group) => (by === "hour" ? `${hours[group]}:00` : by === "weekday" ? weekday(group, "long") : month(group));
  const shape = useMemo(() => {
    const of = found.data?.columns[0];
    if (!of) return null;
    const groups = found.data.groups.map((group, index) => ({ group, index })).filter(({ index }) => of.median[index] != null);
    const line = (key) => groups.map(({ group, index }) => [group, of[key][index]]);
    const share = (key) => line(key).map(([group, number]) => [group, number * 100]);
    if (isSwitch(one)) return { of, points: share("mean"), areas: [], lines: [{ points: share("mean"), colour: "--line-2", width: 2.5 }] };
    return {
      of, points: groups.map(({ group, index }) => [group, of.median[index], index]), areas: [{ points: groups.map(({ group, index }) => [group, of.p10[index], of.p90[index]]), colour: "--line-1" }],
      lines: [{ points: line("mean"), colour: "--line-1", dash: [2, 4] }, { points: line("median"), colour: "--line-2", width: 2.5 }],
    };
  }, [found.data]);
  const most = (better) => shape.points.reduce((best, point) => (best === null || better(point[1], best[1]) ? point : best), null);
  const unit = isSwitch(one) ? "%" : one.unit;
  const said = ([group, number, index]) => (isSwitch(one) ? `${label(group)}: ${measure(number, unit, 3)}`
    : t("statistics.usual_at", { when: label(group), median: measure(shape.of.median[index], unit, 4), low: value(shape.of.p10[index], 4), high: measure(shape.of.p90[index], unit, 4) }));
  return html`<${Figure} title=${t("statistics.profile")} name=${`${one.column} by ${by}`} drawn=${drawn}
    tools=${html`<${Choice} label=${t("statistics.by")} chosen=${by} of=${BY.map((key) => [key, t(`statistics.by_${key}`)])}
      onchoose=${(key) => amend({ by: key === "hour" ? null : key })} />`}>
    <${Answer} of=${found}>${() => {
      const [high, low] = [most((a, b) => a > b), most((a, b) => a < b)];
      const told = high ? t("statistics.highest_at", { when: label(high[0]), high: measure(high[1], unit, 4), then: label(low[0]), low: measure(low[1], unit, 4) }) : "";
      const asked = found.data.by;
      const ticks = shape.points.map(([group]) => [group, asked === "hour" ? hours[group] : asked === "weekday" ? weekday(group) : month(group)]);
      return html`<${Scatter} points=${shape.points} dots=${false} areas=${shape.areas} lines=${shape.lines} xTicks=${ticks}
        xLabel=${t(`statistics.by_${asked}`)} yLabel=${unit ?? one.column} height=${280}
        say=${said} otherwise=${told} description=${told} innerRef=${drawn} />
        <ul class="shape-legend small soft">${isSwitch(one) ? html`<li class="median">${t("statistics.share_on")}</li>` : html`<li
          class="median">${t("statistics.median")}</li><li class="mean">${t("statistics.mean")}</li><li class="tenths">${t("statistics.tenths")}</li>`}</ul>`;
    }}<//><//>`;
}

function Duration({ asked, one }) {
  const drawn = useRef(null);
  const found = useGet("data/duration", { ...asked, column: one.column, points: 201 });
  const curve = useMemo(() => found.data && {
    x: found.data.shares.map((share) => share * 100), series: [{ label: one.column, unit: one.unit, values: found.data.values, width: 2, points: false }],
  }, [found.data]);
  return html`<${Figure} title=${t("statistics.duration")} hint=${t("statistics.duration_hint")} name=${`${one.column} duration`} drawn=${drawn}><${Answer}
    of=${found}>${({ values, hours: long }) => {
    const tenth = values[Math.round((values.length - 1) * 0.1)];
    const told = values.length > 0 ? t("statistics.duration_told", { high: measure(tenth, one.unit, 4), low: measure(values[Math.round((values.length - 1) * 0.9)], one.unit, 4), long: duration(long * 3600) }) : "";
    return html`<${Plot} x=${curve.x} series=${curve.series} numbers xLabel=${t("statistics.share_of_time")} xUnit="%" height=${260} description=${told}
      onready=${(plot) => (drawn.current = plot.ctx.canvas)} /><p class="pointed small soft">${told}</p>`;
  }}<//><//>`;
}

export function Column({ session, version, query, asked, columns, rows, path }) {
  const index = columns.findIndex((one) => one.column === query.column);
  const one = columns[index];
  const rest = { session, version, query, asked, one };
  const there = (column) => at(path, { ...query, column });
  const back = html`<a class="button plain" href=${at(path, { ...query, column: null, by: null, cut: null })}>${t("statistics.all_points")}</a>`;
  if (!one) return html`${back}<${Empty}>${t("statistics.no_such_point", { column: query.column })}<//>`;
  const lost = Object.entries(one.nulls).sort((a, b) => b[1] - a[1]);
  return html`<div class="row spread shape-head"><div class="row">${back}
      <select aria-label=${t("statistics.point")} onChange=${(event) => amend({ column: event.target.value })}>${columns.map((each) =>
        html`<option value=${each.column} selected=${each === one}>${each.column}</option>`)}</select>
      ${index > 0 && html`<a class="button plain shape-near" href=${there(columns[index - 1].column)}>← ${columns[index - 1].column}</a>`}
      ${index < columns.length - 1 && html`<a class="button plain shape-near" href=${there(columns[index + 1].column)}>${columns[index + 1].column} →</a>`}</div>
      <a class="button" href=${at(["sessions", session.session_id, "chart"],
        { version: query.version, columns: one.column, from: query.from, to: query.to })}>${t("statistics.on_chart")}</a></div>
    <section class="panel"><div class="row spread"><h2 class="shape-name">${one.column} <${Tag} kind="soft">${word("kind", one.kind)}<//></h2>
        ${one.original_name !== one.column && html`<p class="soft small shape-name">${t("statistics.in_report", { name: one.original_name })}</p>`}</div>
      <${Facts} of=${[[t("statistics.complete"), percent(rows ? (100 * one.count) / rows : 0)], [t("statistics.count"), count(one.count)],
        ...["min", "mean", "median", "max", "std"].map((name) => [t(`statistics.${name}`), measure(one[name], name === "std" && one.unit === "°C" ? "K" : one.unit)]),
        [t("statistics.middle_90"), one.quantiles.p05 == null ? "–" : `${value(one.quantiles.p05, 4)} … ${measure(one.quantiles.p95, one.unit, 4)}`]]} />
      ${lost.length > 0 && html`<p class="soft small">${t("statistics.missing")} ${lost.map(([reason, number]) =>
        `${word("reason", reason)} ${count(number)}`).join(" · ")}</p>`}</section>
    ${one.count === 0 ? html`<${Empty}>${t("statistics.nothing_here")}<//>` : one.mean == null ? html`<${Empty}>${t("statistics.texts_only")}<//>`
      : html`<div class="shape-figures"><${Values} ...${rest} /><${Duration} ...${rest} /><${Usual} ...${rest} /><${Week} ...${rest} /></div>`}`;
}
