// Any columns over any time: lines with their gaps, quality events behind them, and another version laid over.
import { address, atSite, useGet } from "../../core/api.js";
import { Answer, Empty, Field, Problem, useMay } from "../../core/parts.js";
import { Plot, together } from "../../core/plot.js";
import { useStore } from "../../core/store.js";
import { lineColour, theme } from "../../core/theme.js";
import { html, useEffect, useLayoutEffect, useMemo, useRef, useState } from "../../core/ui.js";
import { amend, split } from "../../core/url.js";
import { t } from "../../core/words.js";
import { scalesOf, useColumns, versionOf, wholeOf } from "./chart/columns.js";
import { EventList, shadesOf, useEvents } from "./chart/events.js";
import { first, useLines } from "./chart/lines.js";
import { lane, layLanes, STATES } from "./chart/lanes.js";
import { Overview } from "./chart/overview.js";
import { Picker } from "./chart/picker.js";
import { picture } from "./chart/picture.js";
import { useRange } from "./chart/range.js";
import { Readout, follow } from "./chart/readout.js";
import { iso, stamp } from "./chart/time.js";
import { Times } from "./chart/times.js";
import { UnitDialog } from "./chart/unit.js";

/** What is drawn until somebody chooses: power and load of the plant, else the first two points with values. */
function usual(columns, suggested) {
  const drawable = columns.filter(({ kind, count }) => kind !== "text" && count > 0).map(({ column }) => column);
  const parts = ["power", "load"].flatMap((name) => suggested?.roles.find(({ role }) => role === name)?.columns ?? []);
  const known = [...new Set([...parts, suggested?.target_col])].filter((name) => drawable.includes(name));
  return known.length ? known.slice(0, 3) : drawable.slice(0, 2);
}

/** What keys do with the time that is seen: its ends are moved by so many of its length. */
const KEYS = {
  ArrowLeft: [-0.2, -0.2], ArrowRight: [0.2, 0.2], ArrowUp: [0.2, -0.2], "+": [0.2, -0.2], "=": [0.2, -0.2], ArrowDown: [-0.3, 0.3], "-": [-0.3, 0.3], "−": [-0.3, 0.3],
};

/** The size of an element's inside, as it changes. */
function useWidth(element) {
  const [width, setWidth] = useState(0);
  useEffect(() => {
    const watcher = new ResizeObserver(([entry]) => setWidth(Math.round(entry.contentRect.width)));
    watcher.observe(element.current);
    return () => watcher.disconnect();
  }, []);
  return width;
}

function Drawing({ session, version, versions, query, columns, chosen, change, whole }) {
  const id = session.session_id;
  const zone = session.timezone;
  const box = useRef(null);
  const plot = useRef(null);
  const width = useWidth(box);
  const { range, zoom, all } = useRange({ query, whole, zone });
  const coverage = useGet(chosen.length ? "data/coverage" : null, { session_id: id, version, columns: chosen, by: "month" });
  const intervals = useMemo(() => coverage.data && Object.fromEntries(coverage.data.points.map((point) => [point.column, point.interval_s])), [coverage.data]);
  const asked = { id, columns: chosen, whole, range, width: width || 1000, intervals };
  const lines = useLines({ ...asked, version: width ? version : null });
  const other = useLines({ ...asked, version: width && query.with ? query.with : null });
  const events = useEvents({ id, version, columns: chosen, from: range[0], to: range[1] });
  const [event, setEvent] = useState(null);
  const seen = useStore(theme);
  const [measured, setMeasured] = useState(null);
  const may = useMay("operator");
  const stated = useGet(session.site ? atSite(session.site, "/overrides") : null);
  const statedOf = (one) => stated.data?.columns.find(({ column }) => column === one?.original_name);
  const own = query.scales === "own";
  const colours = useMemo(() => new Map(chosen.map((name, index) => [name, index])), [chosen.join()]);
  const kinds = useMemo(() => new Map(columns.map((one) => [one.column, one.kind])), [columns]);
  const scales = useMemo(() => scalesOf(columns.filter(({ column }) => chosen.includes(column))), [columns, chosen.join()]);
  const main = version === "latest" ? versionOf(versions, version).version : version;
  const drawn = useMemo(() => {
    const some = lines.lines.filter(({ column }) => colours.has(column));
    const over = query.with ? other.lines.filter(({ column }) => some.some((line) => line.column === column)) : [];
    const states = own ? [] : some.filter(({ column }) => kinds.get(column) === "status").map(({ column }) => column);
    const shown = [...some, ...over].map((line) => (states.includes(line.column) ? lane(line, states.indexOf(line.column)) : line));
    const { x, values } = some.length ? together(shown) : { x: [], values: [] };
    const series = [...some, ...over].map((line, index) => {
      const measured = line.unit ?? some.find(({ column }) => column === line.column).unit;
      const known = [line.column, measured].filter(Boolean).join(", ");
      const unit = own ? known : states.includes(line.column) ? STATES : measured ?? scales.get(line.column);
      return {
        label: index < some.length ? line.column : `${line.column} · ${query.with}`, known, unit, column: line.column, values: values[index],
        index: colours.get(line.column), dash: index < some.length ? undefined : [6, 4], step: kinds.get(line.column) === "status",
      };
    });
    return { x, series, states: states.length };
  }, [lines.lines, other.lines, query.with, own, colours, kinds, scales]);
  const series = useMemo(() => drawn.series.map((one) => ({ ...one, colour: lineColour(one.index) })), [drawn, seen]);
  // A canvas without a graphics card draws dense lines of more than one pixel thirty times as slowly.
  const thin = () => plot.current?.series.slice(1).forEach((one, index) => {
    const { x } = lines.lines.find(({ column }) => column === series[index]?.column) ?? { x: [] };
    one.width = first(x, range[1]) - first(x, range[0]) > width / 3 ? 1 : 1.7;
  });
  useLayoutEffect(thin, [series, range, width]);
  // What lasts as long as all that is seen tells nothing as a shade; the list has it.
  const shades = useMemo(() => (query.shades === "off" ? [] : shadesOf(events.groups).filter(({ from, to }) => from > range[0] || to < range[1])),
    [events.groups, query.shades, range]);
  const entries = chosen.map((column, index) => ({
    column, index, known: columns.find((one) => one.column === column), next: statedOf(columns.find((one) => one.column === column))?.unit,
    line: lines.lines.find((line) => line.column === column), other: query.with && other.lines.find((line) => line.column === column),
  }));
  const choose = (item) => {
    setEvent(item.key);
    const margin = Math.max((item.to - item.from) * 0.5, 3 * 3600);
    zoom(item.from - margin, item.to + margin, { step: true });
  };
  const keys = (pressed) => {
    const span = range[1] - range[0];
    const by = KEYS[pressed.key];
    if (pressed.key === "0") all();
    else if (by) zoom(range[0] + by[0] * span, range[1] + by[1] * span);
    else return;
    pressed.preventDefault();
  };
  const save = () => picture(plot.current, series.map((one) => ({ ...one, label: one.dash ? `${one.known} · ${query.with}` : one.known })),
    `${session.name} ${stamp(range[0], zone).slice(0, 10)}`);
  const height = width < 600 ? 300 : width < 1500 ? 420 : 560;
  const csv = address(`sessions/${id}/data.csv`, { version, for: "excel", columns: chosen, from: iso(Math.floor(range[0])), to: iso(Math.ceil(range[1]) + 1) });
  return html`<div class="panel chart-panel">
    <${Times} range=${range} zone=${zone} zoom=${zoom} all=${all} />
    <${Readout} entries=${entries} zone=${zone} versions=${[main, query.with]} onremove=${change} onunit=${may && setMeasured} />
    ${measured && html`<${UnitDialog} session=${session} of=${measured} stated=${statedOf(measured)} ondone=${stated.again}
      onclose=${() => setMeasured(null)} />`}
    ${lines.failure && html`<${Problem} failure=${lines.failure} again=${lines.again} />`}
    ${query.with && other.failure && html`<p class="soft small" role="status">${t("chart.other_missing", { version: query.with })}</p>`}
    <div class="chart-box" ref=${box} tabindex="0" role="group" aria-label=${t("chart.keys")} onKeyDown=${keys} style=${{ minHeight: `${height}px` }}>
      ${width > 0 && lines.drawn && series.length > 0 && html`<${Plot} x=${drawn.x} series=${series} zone=${zone}
        range=${range} onrange=${zoom} height=${height} legend=${false} shades=${shades} onshade=${({ item }) => choose(item)}
        description=${t("chart.description", { columns: chosen.join(", ") })}
        onready=${(made) => {
          plot.current = made;
          thin();
          layLanes(made, drawn.states);
          follow(made);
        }} />`}</div>
    ${chosen.length > 0 && html`<${Overview} lines=${lines.lines} colours=${colours} whole=${whole} range=${range} onrange=${zoom} />`}
    <div class="row spread chart-tools"><div class="row">
      <${Field} type="checkbox" label=${t("chart.own_scales")} checked=${own} onChange=${() => amend({ scales: own ? null : "own" })} />
      <${Field} type="checkbox" label=${t("chart.shades")} checked=${query.shades !== "off"}
        onChange=${() => amend({ shades: query.shades === "off" ? null : "off" })} />
      ${versions.length > 1 && html`<${Field} label=${t("chart.with")} value=${query.with ?? ""} onChange=${({ target }) => amend({ with: target.value || null })}
        options=${[["", t("chart.with_none")], ...versions.map((one) => one.version).filter((name) => name !== main).map((name) => [name, name])]} />`}</div>
      <div class="row"><button disabled=${!series.length} onClick=${save}>${t("part.save_picture")}</button>
        <a class="button" href=${csv} download>${t("chart.csv")}</a></div></div>
    <p class="soft small">${t("chart.hint", { zone })}</p></div>
    <div class="panel chart-beside"><${EventList} events=${events} chosen=${event} onchoose=${choose} onadd=${change} /></div>`;
}

export default function Chart({ session, version, versions, query }) {
  const columns = useColumns(session, version);
  const suggested = useGet(query.columns ? null : "feature-mapping/suggest", { session_id: session.session_id, version });
  const wished = split(query.columns);
  const whole = useMemo(() => wholeOf(session, versions, version), [session, versions, version]);
  if (!whole) return html`<${Empty}>${t("chart.no_times")}<//>`;
  return html`<${Answer} of=${columns} tall>${(known) => {
    const names = new Set(known.filter(({ kind }) => kind !== "text").map(({ column }) => column));
    const waiting = query.columns === undefined && !suggested.data && !suggested.failure;
    const chosen = wished.length ? wished.filter((name) => names.has(name)) : waiting ? [] : usual(known, suggested.data);
    const missing = wished.filter((name) => !names.has(name));
    const change = (column) => {
      const next = chosen.includes(column) ? chosen.filter((name) => name !== column) : [...chosen, column];
      amend({ columns: next.join(",") || "none" });
    };
    return html`<div class="chart">
      <${Picker} columns=${known} chosen=${chosen} onchange=${change} onclear=${() => amend({ columns: "none" })} />
      <div class="chart-main">
        ${missing.some((name) => name !== "none") && html`<p class="warnings">${t("chart.missing", { columns: missing.join(", ") })}</p>`}
        ${chosen.length || waiting
          ? html`<${Drawing} ...${{ session, version, versions, query, chosen, change, whole }} columns=${known} />`
          : html`<div class="panel chart-none"><${Empty}>${t("chart.choose")}<//></div>`}
      </div></div>`;
  }}<//>`;
}
