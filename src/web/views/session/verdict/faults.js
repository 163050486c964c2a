// The three findings that cost most, in words; and events by rule.
import { Problem } from "../../../core/parts.js";
import { html } from "../../../core/ui.js";
import { at } from "../../../core/url.js";
import { clock, count, duration, t, word } from "../../../core/words.js";
import { stamp } from "../chart/time.js";
import { Judging } from "../findings/words.js";
import { Bar } from "./bar.js";
import { energy } from "./energy.js";
import { lasts } from "./judge.js";

/** A finding in a sentence: who does what, and since when. */
export function told({ kind, machine, first_day: from, last_day: to, ...rest }, end) {
  const what = t(`verdict.fault.${kind}`, { machine, otherwise: `${machine}: ${kind.replaceAll("_", " ")}` });
  if (from === to) return t("verdict.fault_on", { what, from });
  return lasts({ last_day: to, ...rest }, end) ? t("verdict.fault_since", { what, from }) : t("verdict.fault_from_to", { what, from, to });
}

/** The chart of what a finding was read from, around its last day. */
function OnChart({ finding, chart }) {
  const from = new Date(Date.parse(`${finding.last_day}T00:00Z`) - 2 * 86400000).toISOString().slice(0, 10);
  const to = new Date(Date.parse(`${finding.last_day}T00:00Z`) + 86400000).toISOString().slice(0, 10);
  return html`<a class="small" href=${chart({ columns: finding.columns.slice(0, 8).join(","), from, to })}>${t("verdict.on_chart")}</a>`;
}

export function Faults({ findings, ranking, end, session, query, chart }) {
  if (findings.failure) return html`<${Problem} failure=${findings.failure} again=${findings.again} />`;
  if (!findings.data) return html`<div class="verdict-waiting"><${Judging} /></div>`;
  const all = at(["sessions", session.session_id, "findings"], { version: query.version });
  const judged = findings.data.coverage.filter(({ days_judged: days }) => days > 0);
  const kinds = [...new Set(judged.map(({ kind }) => word("verdict.kind_of_fault", kind)))];
  if (!ranking.length) {
    return judged.length
      ? html`<p><strong class="verdict-good">${t("verdict.no_faults")}</strong></p>
        <p class="soft small">${t("verdict.judged", { kinds: kinds.join(t("verdict.comma")) })}</p><p><a href=${all}>${t("verdict.what_judged")}</a></p>`
      : html`<p class="soft">${t("verdict.nothing_judged")}</p><p><a href=${all}>${t("verdict.why_not")}</a></p>`;
  }
  return html`<ol class="verdict-faults">${ranking.slice(0, 3).map((one) => html`<li key=${one.kind + one.machine}>
      <a href=${at(["sessions", session.session_id, "findings"], { version: query.version, machine: one.machine, kind: one.kind })}>${told(one, end)}</a>
      <span class="small soft number">${[
        t("verdict.on_days", { count: one.days }),
        one.energy_wasted_kwh != null && t("verdict.wasted", { energy: energy(one.energy_wasted_kwh) }),
        one.cost && `${one.cost.currency} ${count(Math.round(one.cost.amount))}`,
      ].filter(Boolean).join(" · ")} <${OnChart} finding=${one} chart=${chart} /></span></li>`)}</ol>
    ${ranking.length > 3 && html`<p><a href=${all}>${t("verdict.more_faults", { count: ranking.length - 3 })}</a></p>`}`;
}

/** Events by rule as bars in words; each opens on the chart where it was longest. */
export function Hits({ hits, chart, clean, cleaned, zone }) {
  if (hits.failure) return html`<${Problem} failure=${hits.failure} again=${hits.again} />`;
  if (!hits.rules) return html`<div class="verdict-waiting" role="status"></div>`;
  if (!hits.rules.length) {
    return html`<p class="soft">${t(cleaned ? "verdict.no_hits" : "verdict.not_cleaned")}</p>
      <p><a href=${clean}>${t(cleaned ? "verdict.to_clean" : "verdict.clean_it")}</a></p>`;
  }
  const most = hits.rules[0].total;
  return html`<ul class="verdict-bars">${hits.rules.map(({ rule, total, columns, ...longest }) => {
    const ends = [longest.start_at, longest.end_at].map((time) => Date.parse(time) / 1000);
    const margin = Math.max(3 * 3600, (ends[1] - ends[0]) * 0.3);
    const range = { from: stamp(Math.floor((ends[0] - margin) / 60) * 60, zone), to: stamp(Math.ceil((ends[1] + margin) / 60) * 60, zone) };
    return html`<li key=${rule}><a href=${chart({ columns: columns.slice(0, 4).join(","), ...range })}>${word("rule", rule)}</a>
      <span class="number">${count(total)}</span><${Bar} share=${total / most} kind="warn" />
      <span class="small soft verdict-where">${columns.slice(0, 3).join(t("verdict.comma"))}${columns.length > 3 ? ` +${columns.length - 3}` : ""}
        ${ends[1] > ends[0] && html` · ${t("verdict.longest", { from: clock(longest.start_at), to: clock(longest.end_at).slice(longest.start_at.slice(0, 10) === longest.end_at.slice(0, 10) ? 11 : 0), length: duration(ends[1] - ends[0]) })}`}</span></li>`;
  })}</ul>`;
}
