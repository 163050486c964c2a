// Quality events and faults on the time that is seen: shades behind the lines, and a list beside that says the same in words.
import { get } from "../../../core/api.js";
import { said } from "../../../core/said.js";
import { html, useEffect, useMemo, useState } from "../../../core/ui.js";
import { clock, count, t, word } from "../../../core/words.js";
import { instant, iso } from "./time.js";

/** Which shade an event has: doubt about values, about a sensor or a plant that is not steady, or a machine's fault. */
const KINDS = { fault: "bad", alarm: "bad", steady_state: "off", drift: "off", offset: "off", swap: "off", wrong_unit: "off", time_shift: "off" };
export const shadeKind = (rule) => KINDS[rule] ?? "event";
const MOST = 300;

async function pages(values, signal) {
  const items = [];
  for (let page = 1; ; page += 1) {
    const answer = await get("data/events", { ...values, page, page_size: 100 }, { signal });
    items.push(...answer.items);
    if (page >= answer.total_pages || items.length >= MOST) return { items, total: answer.total };
  }
}

/** Events of columns (or of rows, which have none) between two instants: `{items, left}`; asked for when the range rests. */
export function useEvents({ id, version, columns, from, to, faults = true }) {
  const [known, setKnown] = useState({ items: [], left: 0, waiting: true });
  const [start, end] = [Math.floor(from), Math.ceil(to)];
  useEffect(() => {
    if (!(end > 1)) return undefined;
    const ending = new AbortController();
    const values = { session_id: id, version, from: iso(start), to: iso(end) };
    const timer = setTimeout(async () => {
      // Faults are judged when they are first asked for, which takes its time: hits of rules do not wait for them.
      const found = [];
      const take = async (more) => {
        const { items, total } = await pages({ ...values, ...more }, ending.signal);
        found.push(...items.map((item) => ({ ...item, from: instant(item.start_at), to: instant(item.end_at) })));
        left += total - items.length;
        setKnown({ items: found.slice(), left, waiting: !more.rule });
      };
      let left = 0;
      try {
        await take({});
        if (faults) await take({ rule: "fault" });
      } catch (failure) {
        if (!ending.signal.aborted) setKnown({ items: found, left, failure });
      }
    }, 200);
    return () => {
      clearTimeout(timer);
      ending.abort();
    };
  }, [id, version, start, end]);
  return useMemo(() => {
    const chosen = new Set(columns);
    const concerns = (machine) => columns.some((column) => column.startsWith(`${machine}_`));
    const ours = known.items.filter((item) => (item.column ? chosen.has(item.column) : item.rule !== "fault" || concerns(item.machine)));
    const groups = new Map();
    for (const item of ours) {
      const key = `${item.rule} ${item.start_at} ${item.end_at}`;
      if (!groups.has(key)) groups.set(key, { ...item, key, columns: [] });
      if (item.column) groups.get(key).columns.push(item.column);
    }
    return { ...known, items: ours, groups: [...groups.values()], others: known.items.length - ours.length,
      elsewhere: [...new Set(known.items.filter((item) => item.column && !chosen.has(item.column)).map(({ column }) => column))] };
  }, [known, columns.join()]);
}

/** Shades for a plot, of groups; the shortest first, so that a click means what is smallest. */
export function shadesOf(groups) {
  return groups.map((item) => ({ from: item.from, to: item.to, kind: shadeKind(item.rule), item })).sort((a, b) => a.to - a.from - (b.to - b.from));
}

/** The list beside the plot; `onchoose(event)` brings it into view, `onadd(column)` draws one that is not drawn yet. */
export function EventList({ events, chosen, onchoose, onadd }) {
  const shown = events.groups.slice().sort((a, b) => a.from - b.from).slice(0, 100);
  const more = events.left + events.groups.length - shown.length;
  return html`<section class="chart-events" aria-labelledby="chart-events" aria-busy=${events.waiting ? "true" : null}>
    <h2 id="chart-events">${t("chart.events")} <span class="soft small">${shown.length > 0 && count(events.groups.length)}</span></h2>
    ${shown.length === 0 && html`<p class="soft">${t(events.waiting ? "chart.looking" : "chart.no_events")}</p>`}
    <ul>${shown.map((item) => html`<li key=${item.key}><button class=${`chart-event ${shadeKind(item.rule)}`} aria-pressed=${chosen === item.key}
        onClick=${() => onchoose(item)}>
        <span><strong>${word("rule", item.rule)}</strong> <span class="soft">${item.columns.join(t("verdict.comma"))}</span></span>
        <span class="soft small number">${clock(item.start_at)} – ${clock(item.end_at)}</span>
        <span class="small">${said(item.detail)}</span></button></li>`)}</ul>
    ${more > 0 && html`<p class="soft small">${t("chart.more_events", { count: more })}</p>`}
    ${events.others > 0 && html`<p class="soft small">${t("chart.other_events", { count: events.others })}
      ${events.elsewhere.slice(0, 8).map((column) => html` <button class="plain" key=${column} aria-label=${t("chart.draw", { column })} onClick=${() => onadd(column)}>+ ${column}</button>`)}</p>`}
  </section>`;
}
