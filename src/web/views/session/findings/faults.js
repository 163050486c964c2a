// Faults of machines, a machine and kind at a time, the dearest first; and what was looked at without finding any.
import { atSite, send, useGet } from "../../../core/api.js";
import { Answer, Dialog, Field, Table, Tag, say, useMay } from "../../../core/parts.js";
import { said } from "../../../core/said.js";
import { html, useState } from "../../../core/ui.js";
import { amend, at } from "../../../core/url.js";
import { count, day, t } from "../../../core/words.js";
import { Fault } from "./fault.js";
import { Limits, limitsOf } from "./limits.js";
import { Judging, energy, kind, machine, money } from "./words.js";

const byWeight = (a, b) => (b.cost?.amount ?? -1) - (a.cost?.amount ?? -1) || (b.energy_wasted_kwh ?? -1) - (a.energy_wasted_kwh ?? -1) || b.days - a.days;

function Price({ site, price, onclose, ondone }) {
  const save = async ({ currency, per_kwh: text }) => {
    await send("PUT", atSite(site), { energy_price: text === "" ? null : { currency: currency.trim().toUpperCase(), per_kwh: Number(text) } });
    say(t("findings.price_saved", { site }));
    ondone();
  };
  return html`<${Dialog} title=${t("findings.price_of", { site })} ok=${t("part.save")} onok=${save} onclose=${onclose}>
    <p class="hint">${t("findings.price_hint")}</p>
    <${Field} label=${t("findings.per_kwh")} name="per_kwh" type="number" min="0.0001" max="1000000" step="any" value=${price?.per_kwh ?? ""} autofocus />
    <${Field} label=${t("findings.currency")} name="currency" pattern="[A-Za-z]{3}" maxlength="3" required value=${price?.currency ?? "TWD"} /><//>`;
}

/** What the whole list says, in one sentence. */
function Verdict({ summary, coverage, price, session, again }) {
  const [pricing, setPricing] = useState(false);
  const may = useMay("operator");
  const sum = (of) => summary.reduce((total, one) => total + (of(one) ?? 0), 0);
  const wasted = sum((one) => one.energy_wasted_kwh);
  const cost = price && { currency: price.currency, amount: sum((one) => one.cost?.amount) };
  const judged = coverage.filter((one) => one.days_judged > 0);
  const machines = new Set(summary.map((one) => one.machine)).size;
  const tone = summary.length ? "bad" : judged.length ? "good" : "warn";
  const sentence = summary.length ? t(wasted > 0 ? "findings.found_wasted" : "findings.found", { count: summary.length, machines, energy: energy(wasted) })
    : judged.length ? t("findings.healthy", { count: new Set(judged.map((one) => one.machine)).size, days: Math.max(...judged.map((one) => one.days_judged)) })
      : t("findings.not_judged");
  return html`<section class=${`panel shape-verdict ${tone}`}><p class="shape-sentence-big">${sentence}${cost && cost.amount > 0 && html` <b>${money(cost)}</b>`}</p>
    ${session.site && may && summary.length > 0 && html`<p class="small soft">${price
      ? t("findings.priced", { price: `${price.currency}\u00a0${price.per_kwh}` }) : t("findings.no_price", { site: session.site })}
      <button class="plain" onClick=${() => setPricing(true)}>${t("findings.set_price")}</button></p>`}
    ${pricing && html`<${Price} site=${session.site} price=${price} onclose=${() => setPricing(false)} ondone=${again} />`}</section>`;
}

function Looked({ coverage }) {
  const heads = [{ key: "kind", name: t("findings.looked_for") }, { key: "machine", name: t("findings.machine") },
    { key: "days_judged", name: t("findings.days_judged"), number: true }, { key: "found", name: t("findings.days_found"), number: true },
    { key: "note", name: t("findings.note") }];
  const cell = (one, key) => {
    if (key === "kind") return html`<span class="name">${kind(one.kind)}</span>`;
    if (key === "machine") return one.machine ? machine(one.machine) : "–";
    if (key === "found") return one.days_found > 0 ? html`<${Tag} kind="bad">${count(one.days_found)}<//>` : one.days_judged > 0 ? html`<${Tag}
      kind="good">${t("findings.none")}<//>` : html`<${Tag} kind="warn">${t("findings.could_not")}<//>`;
    if (key === "note") return one.note ? html`<span class="soft small">${said(one.note)}</span>` : "";
    return count(one[key]);
  };
  const judged = [...coverage].sort((a, b) => (b.days_found > 0) - (a.days_found > 0) || (b.days_judged > 0) - (a.days_judged > 0));
  return html`<section class="panel"><h2>${t("findings.looked_at")}</h2><p class="hint">${t("findings.looked_hint")}</p><${Table}
    caption=${t("findings.looked_at")} heads=${heads} rows=${judged} cell=${cell} rowKey=${(one) => `${one.kind} ${one.machine}`} cards /></section>`;
}

export function Faults({ session, version, query }) {
  const asked = { version, ...limitsOf(query), from: query.from, to: query.to };
  const path = `sessions/${session.session_id}/findings`;
  const found = useGet(path, { ...asked, kind: query.kind, machine: query.machine, page_size: 1 });
  const filtered = query.kind || query.machine || query.from || query.to;
  return html`${found.busy && !found.data && html`<${Judging} />`}<${Answer}
    of=${found} tall>${({ summary, coverage, energy_price: price }) => {
    const kinds = [...new Set(coverage.map((one) => one.kind))];
    const machines = [...new Set([...coverage.map((one) => one.machine), query.machine])].filter(Boolean).sort();
    const ranked = [...summary].sort(byWeight);
    return html`${!filtered && html`<${Verdict} summary=${summary} coverage=${coverage} price=${price} session=${session} again=${found.again} />`}
      <div class="row shape-filters">
        <label><span>${t("findings.kind")}</span><select onChange=${(event) => amend({ kind: event.target.value })}><option
          value="">${t("statistics.any")}</option>${kinds.map((name) => html`<option value=${name}
          selected=${name === query.kind}>${kind(name)}</option>`)}</select></label>
        <label><span>${t("findings.machine")}</span><select onChange=${(event) => amend({ machine: event.target.value })}><option
          value="">${t("statistics.any")}</option>${machines.map((name) => html`<option value=${name}
          selected=${name === query.machine}>${machine(name)}</option>`)}</select></label>
        <label><span>${t("findings.since")}</span><input type="date" value=${query.from?.slice(0, 10) ?? ""} min=${day(session.start_at)}
          max=${day(session.end_at)} onChange=${(event) => amend({ from: event.target.value })} /></label>
        <label><span>${t("findings.before")}</span><input type="date" value=${query.to?.slice(0, 10) ?? ""} min=${day(session.start_at)}
          onChange=${(event) => amend({ to: event.target.value })} /></label>
        ${filtered && html`<button class="plain" onClick=${() => amend({ kind: null, machine: null, from: null, to: null })}>${t("findings.show_all")}</button>`}</div>
      ${ranked.length === 0 && filtered && html`<p class="empty">${t("findings.none_match")}</p>`}
      <ol class="shape-faults">${ranked.map((one, index) => html`<${Fault} key=${`${one.kind} ${one.machine}`} rank=${index + 1} of=${one} session=${session}
        query=${query} path=${path} asked=${asked} />`)}</ol>
      <${Looked} coverage=${coverage} />
      <section class="panel"><${Limits} query=${query} /><p class="hint">${t("findings.sql_hint")} <a href=${at(["ask"],
        { session: session.session_id, sql: `SELECT * FROM "${session.session_id}".findings ORDER BY energy_wasted_kwh DESC NULLS LAST` })}>${t("findings.ask_sql")}</a></p></section>`;
  }}<//>`;
}
