// What a ton of cooling costs: kW/RT of the plant against its load, all times as points, with bins and deciles.
import { useGet } from "../../../core/api.js";
import { Answer, Facts, Field, Problem, Table, Tag } from "../../../core/parts.js";
import { html, useMemo, useRef } from "../../../core/ui.js";
import { amend, go } from "../../../core/url.js";
import { clock, count, duration, measure, percent, t, value } from "../../../core/words.js";
import { around } from "./correlation.js";
import { Figure } from "./figure.js";
import { quoted, tableOf, useRows, within } from "./rows.js";
import { Scatter } from "./scatter.js";

const POINTS = 4000;
const KW_PER_RT = 3.5168;
const TONS = { RT: 1, kW: 1 / KW_PER_RT, MW: 1000 / KW_PER_RT };
const KILOWATTS = { kW: 1, W: 0.001, MW: 1000 };
const FLOWS = { "L/s": "L/s", "L/min": "L/min", "m³/h": "m3/h", "m3/h": "m3/h", GPM: "GPM" };

/** What the plant's grades are, of kW/RT of the whole plant. */
export const grade = (kw) => (kw < 0.65 ? "excellent" : kw < 0.85 ? "good" : kw <= 1 ? "fair" : "poor");
const TONE = { excellent: "good", good: "good", fair: "warn", poor: "bad" };

/** Power and load as SQL, of the columns that the answer was made of; null where a unit is not one of these. */
function expressions(roles, columns) {
  const of = Object.fromEntries(roles.map((one) => [one.role, one.columns]));
  const unit = (name) => columns.find((one) => one.column === name)?.unit;
  const sum = (names, factors, usual) => {
    const parts = names?.map((name) => [name, factors[unit(name) ?? usual]]);
    return parts?.length && parts.every(([, factor]) => factor) ? parts.map(([name, factor]) => `${quoted(name)} * ${factor}`).join(" + ") : null;
  };
  const power = sum(of.power, KILOWATTS, "kW");
  const flow = of.flow?.length === 1 && FLOWS[unit(of.flow[0]) ?? "L/min"];
  const load = of.load?.length ? sum(of.load, TONS, "RT") : flow && of.chw_return?.length && of.chw_supply?.length
    ? `rt(${quoted(of.flow[0])}, ${quoted(of.chw_return[0])} - ${quoted(of.chw_supply[0])}, '${flow}')` : null;
  return power && load ? { power, load } : null;
}

function deciles(points, bins) {
  const at = (sorted, share) => sorted[Math.round((sorted.length - 1) * share)];
  const of = bins.filter((bin) => bin.count > 0).map((bin) => {
    const within = points.filter(([load]) => load >= bin.load_from_rt && (bin.load_to_rt == null || load < bin.load_to_rt)).map((point) => point[1]).sort((a, b) => a - b);
    return within.length >= 10 ? [(bin.load_from_rt + (bin.load_to_rt ?? bin.load_from_rt * 1.05)) / 2, at(within, 0.1), at(within, 0.9)] : null;
  }).filter(Boolean);
  return [of.map(([x, low]) => [x, low]), of.map(([x, , high]) => [x, high])];
}

const range = (bin) => (bin.load_to_rt == null ? `≥ ${value(bin.load_from_rt, 3)}` : `${value(bin.load_from_rt, 3)} – ${value(bin.load_to_rt, 3)}`);

function Found({ session, version, query, asked, columns, found }) {
  const drawn = useRef(null);
  const sql = useMemo(() => {
    const [made, table] = [expressions(found.roles, columns), tableOf(version)];
    if (!made || !table) return null;
    const where = ["rt >= 1", `kw > 0 AND rt * ${KW_PER_RT} / kw <= 8`].join(" AND ");
    const rows = within(asked);
    return `SELECT rt, kw / rt AS share, time, kw FROM (SELECT *, row_number() OVER (ORDER BY time) AS n FROM (SELECT ${made.load} AS rt, ${made.power} AS kw, timestamp AS time
      FROM ${table}${rows.length ? ` WHERE ${rows.join(" AND ")}` : ""}) WHERE ${where}) WHERE n % ${Math.max(1, Math.ceil(found.rows.used / POINTS))} = 0 ORDER BY n`;
  }, [found, columns]);
  const points = useRows(sql, session.session_id);
  const filled = found.bins.filter((bin) => bin.count > 0);
  const drawing = useMemo(() => {
    const rows = points.data?.rows ?? [];
    const [low, high] = deciles(rows, filled);
    const middle = (bin) => (bin.load_from_rt + (bin.load_to_rt ?? bin.load_from_rt * 1.05)) / 2;
    const all = [...rows.map((point) => point[1]), ...filled.flatMap((bin) => [bin.p25, bin.p75])].sort((a, b) => a - b);
    const [least, most] = [all[Math.floor(all.length * 0.005)] ?? 0, all[Math.ceil(all.length * 0.995) - 1] ?? 1];
    const nearest = Math.min(...rows.map((point) => point[0]), ...filled.map((bin) => bin.load_from_rt));
    const farthest = Math.max(found.full_load_rt, ...rows.map((point) => point[0]));
    return {
      rows, bands: filled.map((bin) => ({ from: bin.load_from_rt, to: bin.load_to_rt ?? farthest, low: bin.p25, high: bin.p75 })),
      lines: [{ points: low, colour: "--bar-good", dash: [6, 4] }, { points: high, colour: "--bar-bad", dash: [6, 4] },
        { points: filled.map((bin) => [middle(bin), bin.median]), colour: "--line-2", width: 2.5 }],
      xRange: [Math.max(0, nearest - (farthest - nearest) * 0.05), farthest + (farthest - nearest) * 0.04], yRange: [Math.max(0, least - (most - least) * 0.12), most + (most - least) * 0.12],
    };
  }, [points.data, found]);
  const best = filled.reduce((one, bin) => (bin.hours >= 1 && (!one || bin.median < one.median) ? bin : one), null);
  const told = grade(found.kw_rt);
  const { all, used, missing, no_load: idle, impossible } = found.rows;
  const heads = [{ key: "load", name: t("statistics.load_rt") }, { key: "share", name: t("statistics.part_load") },
    { key: "hours", name: t("statistics.hours"), number: true },
    ...["p25", "median", "p75"].map((key) => ({ key, name: t(`statistics.${key}`), number: true }))];
  const cell = (bin, key) => ({ load: range(bin), share: `${percent(bin.part_load_from * 100)}${bin.part_load_to == null ? "+" : ` – ${percent(bin.part_load_to * 100)}`}`, hours: count(Math.round(bin.hours)) })[key] ?? value(bin[key], 3);
  const chart = (point) => go(["sessions", session.session_id, "chart"],
    { version: query.version, columns: [...new Set(found.roles.flatMap((one) => one.columns))].join(","), ...around(point[2]) });
  return html`<section class="panel"><${Facts} of=${[
        [t("statistics.whole_time"), html`${measure(found.kw_rt, "kW/RT", 3)} <${Tag}
          kind=${TONE[told]}>${t(`statistics.grade_${told}`)}<//>`, t("statistics.grades")],
        [t("statistics.cop"), value(found.cop, 3)], [t("statistics.energy"), measure(found.energy_kwh, "kWh", 4)],
          [t("statistics.cooling"), measure(found.cooling_rth, "RTh", 4)],
        [t("statistics.full_load"), measure(found.full_load_rt, "RT", 4)], [t("statistics.looked_at"), duration(found.hours * 3600)],
        best && [t("statistics.best_at"), `${range(best)} RT: ${value(best.median, 3)}`]]} />
      <p class="soft small">${t("statistics.used_rows", { used, all, missing, idle, impossible })}</p></section>
    <div class="shape-figures">
      <${Figure} title=${t("statistics.against_load")} name="kW per RT against load" drawn=${drawn} wide>
        ${points.failure ? html`<${Problem} failure=${points.failure} again=${points.again} />` : html`<${Scatter} points=${drawing.rows} bands=${drawing.bands}
          lines=${drawing.lines} xRange=${drawing.xRange} yRange=${drawing.yRange} height=${440}
          xLabel=${t("statistics.load_axis")} yLabel="kW/RT" innerRef=${drawn} onpress=${chart}
            description=${t("statistics.scatter_of", { kw: value(found.kw_rt, 3), best: best ? range(best) : "–" })}
          say=${(point) => `${clock(point[2])}: ${measure(point[0], "RT", 4)}, ${measure(point[3], "kW", 4)}, ${measure(point[1], "kW/RT", 3)}`} />`}
        <ul class="shape-legend small soft"><li class="median">${t("statistics.median")}</li><li class="band">${t("statistics.middle_half")}</li><li
          class="low">${t("statistics.best_decile")}</li><li class="high">${t("statistics.worst_decile")}</li></ul><//>
      <section class="panel shape-wide"><h2>${t("statistics.by_load")}</h2><${Table} caption=${t("statistics.by_load")} heads=${heads} rows=${filled}
        cell=${cell} rowKey=${(bin) => bin.load_from_rt} /></section>
    </div>`;
}

/** A number of the address where it is one. */
const number = (text, least, most) => (Number(text) >= least && Number(text) <= most ? Number(text) : undefined);

export function Efficiency(props) {
  const { query, asked, columns } = props;
  const values = { ...asked, power: query.power, load: query.load, bins: number(query.bins, 1, 100), full_load_rt: number(query.full, 1e-6, 1e9) };
  const found = useGet("data/efficiency", values);
  const code = found.failure?.problem?.code;
  const used = (role) => query[role] || found.data?.roles.find((one) => one.role === role)?.columns.join(",") || "";
  const numbers = columns.filter((one) => one.kind === "instantaneous" && one.count > 0).map((one) => one.column);
  const options = (role) => [["", t("statistics.suggested")], ...[...new Set([used(role), ...numbers])].filter(Boolean).map((name) => [name, name.replaceAll(",", " + ")])];
  const lacks = ["missing_role", "ambiguous_role", "bad_role", "unknown_unit"].includes(code);
  return html`<div class="fields shape-filters">
      ${["power", "load"].map((role) => html`<${Field} key=${role} label=${t(`statistics.${role}_of_plant`)} options=${options(role)} value=${used(role)}
        onChange=${(event) => amend({ [role]: event.target.value })} />`)}
      <${Field} label=${t("statistics.bins")} type="number" min="2" max="50" value=${query.bins ?? 10} onChange=${(event) => amend({ bins: event.target.value })} />
      <${Field} label=${t("statistics.full_load_rt")} type="number" min="1" step="any" placeholder=${found.data ? value(found.data.full_load_rt, 4) : ""}
        value=${query.full ?? ""} onChange=${(event) => amend({ full: event.target.value })} /></div>
    ${lacks ? html`<div class="empty"><p>${t("statistics.no_efficiency")}</p><p class="small">${t("statistics.no_efficiency_what")}</p></div>`
      : html`<${Answer} of=${found} tall>${(data) => data.rows.used > 0 ? html`<${Found} ...${props} found=${data} />` : html`<p
        class="empty">${t("statistics.no_load_rows", { all: data.rows.all })}</p>`}<//>`}`;
}
