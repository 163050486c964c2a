// Two versions of a session side by side: rows, values by point and rule, and what was asked for otherwise.
import { useGet } from "../../../core/api.js";
import { Answer, Empty, Facts, Field, Table } from "../../../core/parts.js";
import { html } from "../../../core/ui.js";
import { amend, at } from "../../../core/url.js";
import { count, percent, t, value, word } from "../../../core/words.js";

const CHARTED = 4;

const written = (one) => {
  if (one === null || one === undefined) return "–";
  if (typeof one === "boolean") return t(one ? "clean.on" : "clean.off");
  return typeof one === "number" ? value(one) : typeof one === "string" ? one : JSON.stringify(one);
};
/** A parameter's field in words: `thresholds.spike_z`. */
function named(field) {
  const parts = field.split(".");
  const edge = { min: t("clean.least"), max: t("clean.most") }[parts.at(-1)];
  const key = parts[0] === "thresholds" ? `clean.threshold_${parts[1]}` : parts[0] === "columns" ? `clean.role_${parts[1]}` : parts[0] === "resample_interval" ? "clean.interval" : `clean.title_${parts[0]}`;
  return t(key, { otherwise: parts.join(" ").replaceAll("_", " ") }) + (edge ? ` (${edge})` : "");
}

function Compared({ session, of }) {
  const { a, b, rows, dropped, cells, columns, parameters } = of;
  const chart = (names) => at(["sessions", session.session_id, "chart"], { version: b.version, with: a.version, columns: names.join(",") });
  const points = columns.map((one) => ({ ...one, by: (one.b ?? 0) - (one.a ?? 0) })).sort((x, y) => Math.abs(y.by) - Math.abs(x.by));
  const pair = [{ key: "a", name: a.version, number: true }, { key: "b", name: b.version, number: true }];
  const both = a.version.startsWith("cleaned") && b.version.startsWith("cleaned");
  const hit = cells.filter((one) => one.a.flagged + one.b.flagged > 0).sort((x, y) => y.a.flagged + y.b.flagged - x.a.flagged - x.b.flagged);
  const out = dropped.filter((one) => one.a + one.b > 0);
  const same = points.length + hit.length + out.length + rows.only_a + rows.only_b === 0;
  return html`<section class="panel"><div class="row spread"><h2>${a.version} / ${b.version}</h2>
      ${points.length > 0 && html`<a class="button primary"
        href=${chart(points.filter((one) => one.a != null && one.b != null).slice(0, CHARTED).map((one) => one.column))}>${t("clean.before_after")}</a>`}</div>
    <${Facts} of=${[[a.version, t("session.rows", { count: a.row_count })], [b.version, t("session.rows", { count: b.row_count })],
      [t("clean.times_both"), count(rows.both)],
      [t("clean.times_only", { version: a.version }), count(rows.only_a)], [t("clean.times_only", { version: b.version }), count(rows.only_b)],
        [t("clean.points_differ"), count(points.length)]]} />
    ${same && html`<p class="done">${t("clean.same")}</p>`}</section>
    <div class="shape-figures">
      ${points.length > 0 && html`<section class="panel"><h2>${t("clean.values_by_point")}</h2><${Table} caption=${t("clean.values_by_point")}
        rowKey=${(one) => one.column} rows=${points.slice(0, 100)}
        heads=${[{ key: "column", name: t("statistics.point") }, ...pair, { key: "by", name: t("clean.difference"), number: true }]}
        cell=${(one, key) => (key === "column" ? html`<a class="shape-name"
          href=${chart([one.column])}>${one.column}</a>` : key === "by" ? `${one.by > 0 ? "+" : ""}${count(one.by)}${one.a ? ` (${percent(Math.abs((100 * one.by) / one.a))})` : ""}` : count(one[key]))} /></section>`}
      ${hit.length > 0 && html`<section class="panel"><h2>${t("clean.hits_by_rule")}</h2><${Table} caption=${t("clean.hits_by_rule")}
        rowKey=${(one) => `${one.rule} ${one.column}`} rows=${hit.slice(0, 100)}
        heads=${[{ key: "rule", name: t("clean.rule") }, { key: "column", name: t("statistics.point") }, ...pair]}
        cell=${(one, key) => (key === "rule" ? word("rule", one.rule) : key === "column" ? html`<span
          class="shape-name">${one.column}</span>` : `${count(one[key].flagged)}${one[key].nulled ? ` (${t("clean.out", { count: one[key].nulled })})` : ""}`)} /></section>`}
      ${out.length > 0 && html`<section class="panel"><h2>${t("clean.dropped")}</h2><${Table} caption=${t("clean.dropped")} rowKey=${(one) => one.rule}
        rows=${out} heads=${[{ key: "rule", name: t("clean.rule") }, ...pair]}
        cell=${(one, key) => (key === "rule" ? word("rule", one.rule) : count(one[key]))} /></section>`}
      ${both && html`<section class="panel"><h2>${t("clean.asked_differ")}</h2>${parameters.length === 0 ? html`<p class="soft">${t("clean.asked_same")}</p>`
        : html`<${Table} caption=${t("clean.asked_differ")} rowKey=${(one) => one.field} rows=${parameters}
        heads=${[{ key: "field", name: t("clean.setting") }, ...pair]}
          cell=${(one, key) => (key === "field" ? named(one.field) : written(one[key]))} />`}</section>`}
    </div>`;
}

export function Compare({ session, versions, query }) {
  const there = (name) => versions.some((one) => one.version === name);
  const b = there(query.b) ? query.b : versions[0]?.version;
  const origin = versions.find((one) => one.id === versions.find((each) => each.version === b)?.cleaned_from)?.version;
  const a = there(query.a) ? query.a : (origin ?? versions.find((one) => one.version !== b)?.version);
  const found = useGet(a && b && a !== b ? `sessions/${session.session_id}/compare` : null, { a, b });
  if (versions.length < 2) return html`<${Empty}>${t("clean.one_version")} <a
    href=${at(["sessions", session.session_id, "clean"])}>${t("clean.part_rules")}</a><//>`;
  const options = versions.map((one) => [one.version, one.version]);
  return html`<div class="row shape-filters"><${Field} label=${t("clean.first")} options=${options} value=${a}
    onChange=${(event) => amend({ a: event.target.value, b })} />
      <${Field} label=${t("clean.second")} options=${options} value=${b} onChange=${(event) => amend({ b: event.target.value, a })} /></div>
    ${a === b ? html`<${Empty}>${t("clean.choose_two")}<//>` : html`<${Answer} of=${found} tall>${(data) => html`<${Compared} session=${session}
      of=${data} />`}<//>`}`;
}
