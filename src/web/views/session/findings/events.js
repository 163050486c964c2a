// Quality events: what cleaning hit, or the reports' own systems marked, by rule and point, each with its place on the chart.
import { useGet } from "../../../core/api.js";
import { Answer, Empty, Pager, Table } from "../../../core/parts.js";
import { said } from "../../../core/said.js";
import { html } from "../../../core/ui.js";
import { amend, at } from "../../../core/url.js";
import { clock, count, duration, t, word } from "../../../core/words.js";

const PAGE = 50;

/** A time and some of what is around it, on the site's clock. */
function around({ start_at: start, end_at: end }) {
  const [first, last] = [start, end].map((time) => Date.parse(`${time.slice(0, 19)}Z`));
  const margin = Math.max(3600000, (last - first) / 2);
  const written = (moment) => new Date(moment).toISOString().slice(0, 19);
  return { from: written(first - margin), to: written(last + margin) };
}
const lasting = ({ start_at: start, end_at: end }) => (Date.parse(end) - Date.parse(start)) / 1000;

export function Events({ session, version, versions, query }) {
  const here = version === "latest" ? versions.reduce((newest, one) => (newest && newest.created_at >= one.created_at ? newest : one), null) : versions.find((one) => one.version === version);
  const cleaned = here?.cleaned_from ? here : null;
  const found = useGet("data/events", { session_id: session.session_id, version, rule: query.rule, column: query.column, from: query.from, to: query.to, page: query.page, page_size: PAGE });
  const rules = found.data?.rules ?? [];
  const points = [...new Set([query.column, ...rules.filter(({ rule }) => !query.rule || rule === query.rule).flatMap(({ columns }) => columns)])].filter(Boolean).sort();
  const heads = [{ key: "rule", name: t("clean.rule") }, { key: "column", name: t("statistics.point") },
    { key: "from", name: t("findings.from"), kind: "time" }, { key: "long", name: t("findings.lasted"), number: true },
    { key: "rows", name: t("findings.rows"), number: true }, { key: "detail", name: t("findings.why") }, { key: "chart", name: t("findings.see") }];
  const cell = (one, key) => ({
    rule: html`<span class="name">${word("rule", one.rule)}</span>`, column: html`<span
      class="shape-name">${one.column ?? t("findings.whole_rows")}</span>`, from: clock(one.start_at), long: lasting(one) > 0 ? duration(lasting(one))
      : t("findings.a_moment"), rows: count(one.rows),
    detail: html`<span class="small">${said(one.detail)}</span>`, chart: html`<a href=${at(["sessions", session.session_id, "chart"],
      { version: query.version, columns: one.column, ...around(one) })}>${t("findings.see")}</a>`,
  })[key];
  const filtered = query.rule || query.column || query.from || query.to || query.page;
  return html`${cleaned && html`<div class="row shape-chips" role="group" aria-label=${t("clean.rule")}>${rules.length > 0 && html`<button
    aria-pressed=${String(!query.rule)} onClick=${() => amend({ rule: null, column: null, page: null })}>${t("findings.all_rules")}</button>
      ${rules.map(({ rule, total: n }) => html`<button key=${rule} aria-pressed=${String(query.rule === rule)}
        onClick=${() => amend({ rule: query.rule === rule ? null : rule, column: null, page: null })}>${word("rule", rule)} <b class="number">${count(n)}</b>
        </button>`)}
      <label><span class="visually-hidden">${t("statistics.point")}</span><select
        onChange=${(event) => amend({ column: event.target.value, page: null })}><option value="">${t("findings.all_points")}</option>${points.map((name) =>
        html`<option value=${name} selected=${name === query.column}>${name}</option>`)}</select></label>`}</div>`}
    <${Answer} of=${found} tall>${(data) => (data.items.length > 0 ? html`<p
      class="soft small">${t("findings.events_of", { count: data.total, version: data.version })}</p>
      <${Table} caption=${t("findings.part_events")} heads=${heads} rows=${data.items} cell=${cell} cards kind="shape-events" />
      <${Pager} page=${data.page} pages=${data.total_pages} go=${(page) => amend({ page }, { replace: false })} />`
      : html`<${Empty}>${filtered ? t("findings.no_such_events") : cleaned ? t("findings.no_events", { version: data.version })
        : t("findings.no_events_parsed")} ${filtered ? html`<button class="plain"
        onClick=${() => amend({ rule: null, column: null, from: null, to: null, page: null })}>${t("findings.show_all")}</button>`
        : !cleaned && html`<a href=${at(["sessions", session.session_id, "clean"])}>${t("tab.clean")}</a>`}<//>`)}<//>`;
}
