// What was cleaned, newest first, with what was asked for; and the report of one cleaning.
import { useGet } from "../../../core/api.js";
import { Answer, Empty, Facts, Failed, Table, Tag, Warnings } from "../../../core/parts.js";
import { html } from "../../../core/ui.js";
import { amend, at } from "../../../core/url.js";
import { count, local, percent, t, value, word } from "../../../core/words.js";
import { differing, warned } from "./settings.js";

const MOST = 8;

/** A rate to a tenth: of what is kept the last per cent is what matters. */
const exactly = (rate) => (rate == null ? "–" : `${value(Math.floor(rate * 10) / 10, 4)}\u00a0%`);

/** Points that a cleaning changed, those first of which most was hit. */
const changed = (report) => report.columns.map((one) => {
  const sum = (of, key) => Object.values(of).reduce((total, hits) => total + hits[key], 0);
  return { ...one, hits: sum(one.flagged, "all"), gone: sum(one.nulled, "first") };
}).filter((one) => one.hits > 0).sort((a, b) => b.gone - a.gone || b.hits - a.hits);

function Report({ session, versions, job, offered }) {
  const { report } = job;
  const before = versions.find((one) => one.id === job.dataset_id)?.version;
  const hit = changed(report);
  const chart = (columns, more = {}) => at(["sessions", session.session_id, "chart"],
    { version: job.version, with: before, columns: columns.join(","), ...more });
  const rules = report.rules.map((one) => ({ ...one, rows: report.rows.flagged[one.rule], dropped: report.rows.dropped[one.rule], nulled: report.cells.nulled[one.rule] }));
  const heads = [{ key: "rule", name: t("clean.rule") }, { key: "judged", name: t("clean.judged"), number: true },
    { key: "hits", name: t("clean.hit"), number: true }, { key: "gone", name: t("clean.gone"), number: true }, { key: "limits", name: t("clean.limits_head") }];
  const cell = (one, key) => {
    if (key === "rule") return html`<span class="name">${word("rule", one.rule)}</span>`;
    if (key === "hits") return one.hits.all > 0 ? html`<a href=${at(["sessions", session.session_id, "findings"],
      { version: job.version, part: "events", rule: one.rule })}>${count(one.hits.all)}</a>` : one.ran ? "0" : html`<${Tag}
      kind="warn">${t("clean.not_judged")}<//>`;
    if (key === "gone") return count((one.nulled?.first ?? 0) + (one.dropped?.first ?? 0));
    return key === "limits" ? html`<span class="soft small">${one.limits}</span>` : count(one.judged);
  };
  const columnHeads = [{ key: "column", name: t("statistics.point") }, { key: "what", name: t("clean.what") },
    { key: "before", name: t("clean.values_before"), number: true }, { key: "after", name: t("clean.values_after"), number: true },
    { key: "range", name: t("clean.range_now"), number: true }];
  const columnCell = (one, key) => ({
    column: html`<a class="shape-name" href=${chart([one.column])}>${one.column}</a>`, what: Object.entries(one.flagged).map(([rule, hits]) => `${word("rule", rule)} ${count(hits.all)}`).join(", "),
    before: count(one.before?.count), after: count(one.after.count), range: one.after.min == null ? "–" : `${value(one.after.min, 4)} … ${value(one.after.max, 4)}`,
  })[key];
  const gone = job.parameters.filter_invalid;
  return html`<section class="panel"><div class="row spread"><h2>${t("clean.report_of", { version: job.version })}</h2><div class="row">
      ${hit.length > 0 && html`<a class="button primary" href=${chart(hit.slice(0, 4).map((one) => one.column))}>${t("clean.before_after")}</a>`}
      <a class="button" href=${at(["sessions", session.session_id, "clean"],
        { part: "compare", a: before, b: job.version })}>${t("clean.compare_with", { version: before })}</a></div></div>
    <${Facts} of=${[[t("clean.values_kept"), exactly(report.cell_retention_rate)], [t("clean.rows_kept"), exactly(report.retention_rate)],
      [t("clean.values_hit"), count(Object.values(report.cells.flagged).reduce((sum, hits) => sum + hits.all, 0))],
      [t("clean.taken"), t(gone ? "clean.yes_taken" : "clean.only_told")], [t("clean.rows"), `${count(report.rows.parsed)} → ${count(report.rows.cleaned)}`],
        [t("clean.events"), count(job.events_count)]]} />
    <${Warnings} items=${warned(report.warnings)} />
    <h3>${t("clean.by_rule")}</h3><${Table} caption=${t("clean.by_rule")} heads=${heads} rows=${rules} cell=${cell} rowKey=${(one) => one.rule} cards />
    ${hit.length > 0 && html`<h3>${t("clean.by_point")}</h3><${Table} caption=${t("clean.by_point")} heads=${columnHeads} rows=${hit.slice(0, 60)}
      cell=${columnCell} rowKey=${(one) => one.column} cards />`}
    ${["heat_balance", "plant_balance"].filter((key) => report[key]?.rows > 0).map((key) => html`<p class="small"
      key=${key}>${t(`clean.told_${key}`, { rows: report[key].rows, share: percent(100 * report[key].share), limit: percent(100 * report[key].limit), mean: percent(100 * report[key].mean_error) })}</p>`)}
    ${report.affinity.length > 0 && html`<p class="small soft">${t("clean.affinity_judged", { count: report.affinity.length })}</p>`}
    ${offered && html`<details class="shape-more"><summary>${t("clean.asked_for")}</summary><ul
      class="listed small">${differing(job.parameters, offered).map((text) => html`<li>${text}</li>`)}</ul></details>`}
  </section>`;
}

function Chosen({ version, ...rest }) {
  const job = useGet(`cleaning-jobs/${version.id}`);
  return html`<${Answer} of=${job} tall>${(data) => (data.report ? html`<${Report} ...${rest} job=${data} />`
    : data.error ? html`<${Failed} id=${version.id} error=${data.error} />` : html`<${Empty}>${word("status", data.status)}<//>`)}<//>`;
}

export function History({ session, versions, query, offered }) {
  const cleanings = versions.filter((one) => one.cleaned_from);
  if (cleanings.length === 0) return html`<${Empty}>${t("clean.never")} <a href=${at(["sessions", session.session_id, "clean"])}>${t("clean.part_rules")}</a><//>`;
  const chosen = cleanings.find((one) => one.version === query.of) ?? cleanings[0];
  const heads = [{ key: "version", name: t("session.version") }, { key: "from", name: t("clean.of") }, { key: "when", name: t("clean.when"), kind: "time" },
    { key: "rows", name: t("clean.rows"), number: true },
    { key: "kept", name: t("clean.rows_kept"), number: true }, { key: "events", name: t("clean.events"), number: true },
      { key: "asked", name: t("clean.asked_for") }];
  const cell = (one, key) => ({
    version: html`<button class="plain" aria-pressed=${String(one === chosen)} onClick=${() => amend({ of: one.version },
      { replace: false })}>${one.version}</button>`,
    from: versions.find((each) => each.id === one.cleaned_from)?.version ?? "–", when: local(one.created_at), rows: count(one.row_count), kept: exactly(one.retention_rate), events: count(one.events_count),
    asked: html`<span class="small">${[t(one.parameters?.filter_invalid ? "clean.taken_out" : "clean.only_told"), one.parameters?.resample_interval && t(`clean.every_${one.parameters.resample_interval}`, { otherwise: one.parameters.resample_interval }),
      ...(offered && one.parameters ? differing(one.parameters, offered).slice(0, MOST) : [])].filter(Boolean).join(" · ")}</span>`,
  })[key];
  return html`<${Table} caption=${t("clean.part_history", { count: cleanings.length })} heads=${heads} rows=${cleanings} cell=${cell}
    rowKey=${(one) => one.id} cards kind="shape-history" />
    <div class="shape-gap"></div><${Chosen} key=${chosen.id} version=${chosen} session=${session} versions=${versions} offered=${offered} />`;
}
