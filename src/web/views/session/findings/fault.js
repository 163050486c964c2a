// One machine's fault over all its days: the worst day in words and numbers, when it was, and every day in a list.
import { useGet } from "../../../core/api.js";
import { Answer, Facts, Table, Tag } from "../../../core/parts.js";
import { said } from "../../../core/said.js";
import { html } from "../../../core/ui.js";
import { amend, at } from "../../../core/url.js";
import { count, day, percent, t } from "../../../core/words.js";
import { energy, evidence, kind, machine, money, sentenceOf } from "./words.js";

const A_DAY = 86400000;
const SPEAKS = { fouling: "rise", low_delta_t: "drop", short_cycling: "short_cycles", simultaneous_heating_cooling: "hours_both_open", out_of_schedule: "hours_out_of_schedule" };
const size = (one) => one.energy_wasted_kwh ?? one.evidence.find((each) => each.name === SPEAKS[one.kind])?.value ?? 0;
const worse = (a, b) => size(b) - size(a) || b.confidence - a.confidence;

const date = (text, days = 0) => new Date(Date.parse(`${text.slice(0, 10)}T00:00:00Z`) + days * A_DAY).toISOString().slice(0, 10);
/** Where the evidence is seen: its points, the day with a little before and after. */
const chart = (session, query, one) => at(["sessions", session.session_id, "chart"],
  { version: query.version, columns: one.columns.slice(0, 8).join(","), from: date(one.day), to: date(one.day, 1) });

/** The days of the session on which it was found. */
function Days({ session, items }) {
  const [start, end] = [session.start_at, session.end_at].map((time) => Date.parse(`${day(time)}T00:00:00Z`));
  const all = Math.max(1, Math.round((end - start) / A_DAY) + 1);
  const most = Math.max(...items.map(size), 1e-9);
  return html`<svg class="shape-when" viewBox=${`0 0 ${all} 20`} preserveAspectRatio="none" role="img"
    aria-label=${t("findings.on_days", { count: items.length })}>${items.map((one) => {
    const tall = Math.max(3, (20 * size(one)) / most);
    return html`<rect key=${one.day} x=${Math.round((Date.parse(`${one.day}T00:00:00Z`) - start) / A_DAY)} y=${20 - tall} width="0.85"
      height=${tall}><title>${one.day}</title></rect>`;
  })}</svg>`;
}

export function Fault({ rank, of, session, query, path, asked }) {
  const found = useGet(path, { ...asked, kind: of.kind, machine: of.machine, page_size: 100 });
  const key = `${of.kind} ${of.machine}`;
  const open = query.open === key;
  const heads = [{ key: "day", name: t("findings.day"), kind: "time" }, { key: "said", name: t("findings.what") },
    { key: "energy", name: t("findings.energy"), number: true }, { key: "sure", name: t("findings.sure"), number: true }, { key: "chart", name: t("findings.see") }];
  return html`<li class="panel shape-fault"><div class="row spread"><h2><span class="shape-rank"
    aria-hidden="true">${rank}</span> ${machine(of.machine)} <${Tag} kind="bad">${kind(of.kind)}<//></h2>
      <p class="shape-cost">${of.cost ? html`<b>${money(of.cost)}</b>` : ""} ${energy(of.energy_wasted_kwh) ? html`<span
        class=${of.cost ? "soft" : "name"}>${energy(of.energy_wasted_kwh)}</span>` : html`<span class="soft small">${t("findings.no_energy")}</span>`}</p></div>
    <${Answer} of=${found}>${({ items }) => {
      if (items.length === 0) return "";
      const worst = [...items].sort(worse)[0];
      const listed = [...items].sort((a, b) => (a.day < b.day ? 1 : -1));
      const cell = (one, name) => ({ day: one.day, said: sentenceOf(one), energy: energy(one.energy_wasted_kwh) ?? "–", sure: percent(one.confidence * 100), chart: html`<a href=${chart(session, query, one)}>${t("findings.see")}</a>` })[name];
      return html`<p>${t("findings.worst_day", { day: worst.day })} ${sentenceOf(worst)}</p>
        <p class="soft small">${t(`findings.like_${of.kind}`, { otherwise: "" })}</p>
        <${Days} session=${session} items=${items} />
        <p class="shape-ends small soft"><span>${day(session.start_at)}</span>
          <span>${t("findings.span", { count: of.days, first: of.first_day, last: of.last_day })}</span><span>${day(session.end_at)}</span></p>
        <div class="row spread"><div class="row"><a class="button primary" href=${chart(session, query, worst)}>${t("findings.see_evidence")}</a>
          <button aria-expanded=${String(open)} onClick=${() => amend({ open: open ? null : key })}>${t(open ? "findings.hide_days" : "findings.show_days", { count: of.days })}</button></div>
          <span class="soft small">${t("findings.sureness", { sure: percent(Math.max(...items.map((one) => one.confidence)) * 100) })}</span></div>
        ${open && html`<div class="shape-days-list"><h3>${t("findings.numbers", { day: worst.day })}</h3><${Facts} of=${worst.evidence.map(evidence)} /><p
          class="hint">${t("findings.basis")} ${said(worst.energy_basis)}</p>
          <${Table} caption=${t("findings.show_days", { count: of.days })} heads=${heads} rows=${listed} cell=${cell} rowKey=${(one) => one.day} cards />
          ${of.days > items.length && html`<p class="soft small">${t("findings.first_days", { count: items.length, all: count(of.days) })}</p>`}</div>`}`;
    }}<//></li>`;
}
