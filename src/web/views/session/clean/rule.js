// One rule: what it looks for in a sentence, whether it is asked, its limits and points, and what it would find.
import { Tag } from "../../../core/parts.js";
import { html } from "../../../core/ui.js";
import { amend, at } from "../../../core/url.js";
import { count, percent, t, word } from "../../../core/words.js";
import { ROLES, isOn, role, setting, switched, told } from "./settings.js";
import { Threshold } from "./threshold.js";

const MOST = 6;

/** The points that a rule hits most. */
function worst(report, rules) {
  return (report?.columns ?? []).map((one) => ({ column: one.column, hits: rules.reduce((sum, rule) => sum + (one.flagged[rule]?.all ?? 0), 0), of: one.before?.count ?? 0 }))
    .filter((one) => one.hits > 0).sort((a, b) => b.hits - a.hits);
}

function Count({ rule, on, forecast }) {
  if (!on) return html`<${Tag} kind="soft">${t("clean.off")}<//>`;
  const found = forecast.data?.forecast?.rules.filter((one) => rule.rules.includes(one.rule));
  if (!found) return html`<${Tag} kind="soft">…<//>`;
  if (rule.acts_on === "columns") {
    const added = forecast.data.report.columns.filter((one) => !one.before).length;
    return html`<${Tag} kind=${added ? "good" : "soft"}>${t("clean.added", { count: added })}<//>`;
  }
  if (found.length && found.every((one) => !one.ran)) return html`<${Tag} kind="warn">${t("clean.not_judged")}<//>`;
  const sum = (key) => found.reduce((total, one) => total + one[key], 0);
  const [key, text] = { rows: ["rows_flagged", "clean.found_rows"], sensors: ["events", "clean.found_events"] }[rule.acts_on] ?? ["cells_flagged", "clean.found_cells"];
  const number = found.reduce((total, one) => total + one[key], 0);
  if (number === 0) return html`<${Tag} kind="good">${t("clean.nothing_found")}<//>`;
  return html`<${Tag} kind="warn">${t(text, { count: number })}<//>`;
}

function Roles({ rule, query, suggested, columns, forecast }) {
  const roles = ROLES[rule.switch] ?? [];
  if (roles.length === 0) return null;
  const numbers = columns.filter((one) => one.kind === "instantaneous" && one.count > 0).map((one) => one.column);
  const lacking = forecast.data?.report.rules.some((one) => rule.rules.includes(one.rule) && !one.ran);
  return html`<details class="shape-more" open=${lacking}><summary>${t("clean.points_needed", { count: roles.length })}</summary><div
    class="fields">${roles.map((name) => {
    const fits = suggested?.roles.find((one) => one.role === name);
    const used = forecast.data?.report.roles.find((one) => one.role === name);
    const set = role(query, name);
    const first = fits?.columns.length === 1 ? t("clean.suggested", { column: fits.columns[0] }) : fits?.columns.length > 1
      ? t("clean.several", { count: fits.columns.length }) : t("clean.none_fits");
    const likely = fits?.columns ?? [];
    const units = used?.units.map((one) => one.unit).filter(Boolean).join(", ");
    return html`<label key=${name}><span>${t(`clean.role_${name}`, { otherwise: name })}${units && ` (${units})`}</span>
      <select title=${used?.evidence ?? fits?.evidence} onChange=${(event) => amend({ [`as_${name}`]: event.target.value })}><option value="">${first}</option>
        ${[...new Set([...likely, ...numbers])].map((column) => html`<option value=${column} selected=${column === set}>${column}</option>`)}</select></label>`;
  })}</div></details>`;
}

/** Points that it could not judge, by reason. */
function LeftOut({ used, query, columns }) {
  const reasons = new Map();
  for (const { column, reason } of used.flatMap((one) => one.left_out)) reasons.set(reason, [...(reasons.get(reason) ?? []), column]);
  if (reasons.size === 0) return null;
  const all = new Set(used.flatMap((one) => one.left_out.map((left) => left.column)));
  const lacking = [...reasons].filter(([reason]) => /state it in units|unit is not known/.test(reason)).flatMap(([, names]) => names).filter((name) => columns.some((one) => one.column === name));
  const state = (column, unit) => {
    const pairs = (query.units ?? "").split(",").filter((pair) => pair && !pair.startsWith(`${column}~`));
    amend({ units: [...pairs, unit && `${column}~${unit}`].filter(Boolean).join(",") });
  };
  return html`<details class="shape-more"><summary>${t("clean.left_out", { count: all.size })}</summary>
    <ul class="listed small">${[...reasons].sort((a, b) => b[1].length - a[1].length).slice(0, 12).map(([reason, names]) =>
      html`<li><span class="shape-name">${names.slice(0, 4).join(", ")}${names.length > 4 ? ` ${t("part.more", { count: names.length - 4 })}` : ""}</span>: <span class="soft">${t(`clean.because.${reason}`, { otherwise: reason.replace(": state it in units", "") })}</span></li>`)}</ul>
    ${lacking.length > 0 && html`<p class="small">${t("clean.state_units")}</p><div
      class="fields">${[...new Set(lacking)].slice(0, 24).map((column) => html`<label key=${column}><span class="shape-name">${column}</span>
      <select onChange=${(event) => state(column, event.target.value)}><option
        value="">–</option>${["°C", "°F", "%", "Hz", "kW", "RT", "L/min", "L/s", "m³/h", "GPM", "kPa", "bar"].map((unit) =>
        html`<option value=${unit} selected=${(query.units ?? "").split(",").includes(`${column}~${unit}`)}>${unit}</option>`)}</select></label>`)}</div>`}</details>`;
}

export function Rule({ rule, session, query, offered, forecast, suggested, columns, parsed }) {
  const on = isOn(query, rule);
  const thresholds = rule.thresholds.map((name) => offered.thresholds.find((one) => one.name === name)).filter(Boolean);
  const values = Object.fromEntries(thresholds.map((one) => [one.name, told(one, setting(query, one))]));
  const title = t(`clean.title_${rule.switch}`, { otherwise: word("rule", rule.rules[0]) });
  const report = on ? forecast.data?.report : null;
  const used = report?.rules.filter((one) => rule.rules.includes(one.rule)) ?? [];
  const hit = worst(report, rule.rules);
  const spared = query.filter_invalid === "1" && rule.acts_on === "cells" && forecast.data?.forecast ? forecast.data.forecast.rules.filter((one) => rule.rules.includes(one.rule)).reduce((sum, one) => sum + one.cells_flagged - one.cells_nulled, 0) : 0;
  const changed = thresholds.some((one) => query[one.name] !== undefined);
  const chart = (column) => at(["sessions", session.session_id, "chart"], { version: parsed, columns: column });
  return html`<section class=${`panel shape-rule ${on ? "on" : ""}`} aria-busy=${on && forecast.busy ? "true" : null}>
    <div class="row spread"><label class="check shape-switch"><input type="checkbox" role="switch" checked=${on}
      onChange=${(event) => amend(switched(rule, event.target.checked))} /><span class="name">${title}</span></label>
      <${Count} rule=${rule} on=${on} forecast=${forecast} /></div>
    <p class="shape-sentence">${t(`clean.sentence_${rule.switch}`, { ...values, otherwise: rule.sentence })}</p>
    ${on && html`${hit.length > 0 && html`<p class="small shape-worst">${hit.slice(0, MOST).map(({ column, hits, of }) => html`<a key=${column}
      href=${chart(column)} title=${of ? t("clean.share_of", { share: percent((100 * hits) / of) }) : null}><span
      class="shape-name">${column}</span> <b>${count(hits)}</b></a>`)}
        ${hit.length > MOST && html`<span class="soft">${t("part.more", { count: hit.length - MOST })}</span>`}</p>`}
      ${used.length > 0 && used.every((one) => !one.ran) && html`<p
        class="small shape-lacks">${t(`clean.needs_${rule.switch}`, { otherwise: t("clean.needs") })}</p>`}
      ${spared > 0 && html`<p class="small soft shape-lacks">${t("clean.spared", { count: spared })}</p>`}
      <details class="shape-more" open=${thresholds.length <= 3 || changed}><summary>${t("clean.limits", { count: thresholds.length })}</summary>
        ${thresholds.map((one) => html`<${Threshold} key=${one.name} threshold=${one} query=${query} />`)}</details>
      <${Roles} rule=${rule} query=${query} suggested=${suggested} columns=${columns} forecast=${forecast} />
      <${LeftOut} used=${used} query=${query} columns=${columns} />`}
  </section>`;
}
