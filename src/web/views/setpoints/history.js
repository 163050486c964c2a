// What was recommended so far: how much by month, what was applied, and what of it was measured.
import { get, useGet } from "../../core/api.js";
import { Bars } from "../../core/paint.js";
import { Answer, Facts, Field, Pager, Table, Tag } from "../../core/parts.js";
import { html, useEffect, useState } from "../../core/ui.js";
import { amend, at } from "../../core/url.js";
import { local, measure, percent, t, value, word } from "../../core/words.js";

const SIZE = 15;

/** What was measured of the runs of a page that were applied: by their ids, as the answers come; null where nothing can be yet. */
function useMeasured(runs) {
  const [known, setKnown] = useState(new Map());
  const applied = runs.filter((run) => run.outcome?.applied).map((run) => run.run_id);
  useEffect(() => {
    const ending = new AbortController();
    const learn = (id, savings) => setKnown((before) => new Map(before).set(id, savings));
    (async () => {
      for (const id of applied) {
        await get(`optimizations/${id}/verify`, {}, { signal: ending.signal }).then((report) => learn(id, report.savings), () => ending.signal.aborted || learn(id, null));
      }
    })();
    return () => ending.abort();
  }, [applied.join()]);
  return known;
}

function changes(run) {
  const moved = run.recommendations.filter((one) => one.current == null || Math.abs(one.value - one.current) > 1e-9);
  if (!run.change || !moved.length) return html`<span class="soft">${t("setpoints.no_change_short")}</span>`;
  return moved.map((one, index) => html`${index > 0 && ", "}<span class="setpoints-change">${word("models.roles", one.parameter)} ${one.current != null
    && `${value(one.current, 3)} → `}<strong>${value(one.value, 3)}</strong> ${one.unit ?? ""}</span>`);
}

function Became({ outcome }) {
  if (!outcome) return html`<span class="soft">${t("setpoints.not_said")}</span>`;
  return html`<${Tag} kind=${outcome.applied ? "good" : "soft"}>${t(outcome.applied ? "setpoints.applied" : "setpoints.not_applied")}<//>`;
}

function Runs({ runs, known, single }) {
  const heads = [{ key: "when", name: t("setpoints.asked_at") }, ...(single ? [] : [{ key: "model", name: t("models.model") }]),
    { key: "changes", name: t("setpoints.set_to") },
    { key: "saves", name: t("setpoints.saves"), number: true }, { key: "became", name: t("setpoints.outcome") },
      { key: "measured", name: t("setpoints.verified_short"), number: true }];
  const cell = (run, key) => {
    const savings = known.get(run.run_id);
    switch (key) {
      case "when": return html`<a class="name" href=${at(["setpoints", "runs", run.run_id])}>${local(run.created_at)}</a>`;
      case "model": return `${run.model_name} ${run.model_version}`;
      case "changes": return changes(run);
      case "saves": return run.change ? `${measure(run.savings_kw, "kW", 3)} (${percent(run.savings_percent)})` : "–";
      case "became": return html`<${Became} outcome=${run.outcome} />`;
      default: return savings
        ? html`<strong class=${savings.significant && savings.avoided_kwh > 0 ? "setpoints-to" : ""}>${measure(savings.avoided_kwh, "kWh",
          3)}</strong> <span class="soft small">± ${value(savings.uncertainty_kwh, 3)}</span>` : savings === null
            ? html`<span class="soft">${t("setpoints.not_yet")}</span>` : "–";
    }
  };
  return html`<${Table} caption=${t("setpoints.tab.history")} heads=${heads} rows=${runs} cell=${cell} rowKey=${(run) => run.run_id} cards />`;
}

function Summary({ of, runs, known, by }) {
  const applied = runs.filter((run) => run.outcome?.applied);
  const measured = [...known.values()].filter(Boolean);
  const sum = measured.reduce((total, one) => total + one.avoided_kwh, 0);
  const spread = Math.hypot(...measured.map((one) => one.uncertainty_kwh));
  const bars = of.periods.slice(-12).map((period) => ({ name: by === "month" ? period.period.slice(0, 7) : period.period,
    value: Math.max(0, period.mean_savings_kw ?? 0), kind: "good",
    text: t("setpoints.period", { power: measure(period.mean_savings_kw, "kW", 3), count: period.runs }) }));
  return html`<section class="panel"><${Facts} of=${[
      [t("setpoints.runs"), value(of.runs)], [t("setpoints.with_change"), value(of.runs_with_change)],
      [t("setpoints.mean"), of.mean_savings_kw == null ? "–" : `${measure(of.mean_savings_kw, "kW", 3)} (${percent(of.mean_savings_percent)})`,
        t("setpoints.mean_about")],
      [t("setpoints.applied"), value(applied.length), t("setpoints.of_this_page")],
      [t("setpoints.verified_short"), measured.length ? `${measure(sum, "kWh", 4)} ± ${value(spread, 3)}` : t("setpoints.none_measured"),
        t("setpoints.of_this_page")]]} />
    ${bars.length > 0 && html`<div class="row spread"><h2>${t("setpoints.mean")}</h2>
      <${Field} label=${t("setpoints.by")} options=${["month", "week", "day"].map((key) => [key, t(`setpoints.by_${key}`)])} value=${by}
        onChange=${(event) => amend({ by: event.target.value === "month" ? null : event.target.value })} /></div>
      <${Bars} of=${bars} description=${bars.map((bar) => `${bar.name}: ${bar.text}`).join("; ")} />`}</section>`;
}

export function History({ query }) {
  const by = query.by ?? "month";
  const page = Number(query.page) || 1;
  const summary = useGet("optimizations/summary", { by, model: query.model });
  const list = useGet("optimizations", { model: query.model, page, page_size: SIZE });
  const known = useMeasured(list.data?.items ?? []);
  return html`<${Answer} of=${list} tall>${({ items, total_pages: pages }) => (items.length ? html`
      ${query.model && html`<p class="row"><span>${t("setpoints.only_of", { model: query.model })}</span>
        <button class="plain" onClick=${() => amend({ model: null, page: null })}>${t("setpoints.of_all")}</button></p>`}
      <${Answer} of=${summary}>${(of) => html`<${Summary} of=${of} runs=${items} known=${known} by=${by} />`}<//>
      <${Runs} runs=${items} known=${known} single=${Boolean(query.model)} />
        <${Pager} page=${page} pages=${pages} go=${(next) => amend({ page: next }, { replace: false })} />`
    : html`<div class="empty"><p>${t("setpoints.no_runs")}</p><a class="button primary" href=${at(["setpoints"], { model: query.model })}>${t("setpoints.ask")}</a>
      </div>`)}<//>`;
}
