// Energy models on the embedded page: train one from a session, look at how good it is, ask it for set-points.
import { api, count, facts, fill, h, listed, local, pager, problem, query, some, table, value, words } from "./app.js";

const hundredths = new Intl.NumberFormat("en", { maximumFractionDigits: 2, signDisplay: "negative" });
const thousandths = new Intl.NumberFormat("en", { maximumFractionDigits: 3, signDisplay: "negative" });
const share = (number) => (number == null ? "–" : thousandths.format(number));
const percent = (number) => (number == null ? "–" : `${hundredths.format(number)} %`);
const rounded = (number) => (number == null ? "–" : hundredths.format(number));
const ALGORITHMS = [["auto", "the best by time-ordered validation"], ["gbdt", "boosted trees"], ["physics", "physics"], ["hybrid", "trees on physics"]];
const WIDTHS = [["", "as stored"], ["10m", "10 minutes"], ["15m", "15 minutes"], ["30m", "30 minutes"], ["1h", "1 hour"]];
/** Categories of a mapping: key, words. */
const PARTS = [
  ["load_cols", "cooling load"], ["chiller_cols", "chiller"], ["chw_pump_cols", "chilled-water pump"], ["scp_pump_cols", "secondary pump"],
  ["chw_temp_cols", "chilled-water temperature"], ["chw_pressure_cols", "chilled-water pressure"], ["chw_flow_cols", "chilled-water flow"],
  ["cw_pump_cols", "condenser-water pump"], ["cw_temp_cols", "condenser-water temperature"], ["cw_pressure_cols", "condenser-water pressure"],
  ["cw_flow_cols", "condenser-water flow"], ["cooling_tower_cols", "cooling tower"], ["environment_cols", "outside air"],
  ["system_level_cols", "total or ratio (never a feature)"],
];
/** What an operator decides, and what nobody does. */
const CONTROLS = [["chw_supply_temp", "Chilled-water supply"], ["chw_pump_hz", "Chilled-water pumps"], ["scp_pump_hz", "Secondary pumps"],
  ["cw_pump_hz", "Condenser-water pumps"], ["ct_fan_hz", "Tower fans"]];
const CONDITIONS = [["load_rt", "Cooling load"], ["wet_bulb", "Outside wet-bulb"], ["dry_bulb", "Outside dry-bulb"], ["humidity", "Outside humidity"]];

const interval = (calibrated) => (calibrated == null ? "–" : calibrated ? "calibrated" : h("span", { class: "tag failed" }, "not calibrated"));
const select = (label, name, options, chosen, required = false) =>
  h("label", {}, label, h("select", { name, required }, options.map(([key, text]) => h("option", { value: key, selected: key === chosen }, text))));

// ---- lists

const link = (model) => h("a", { class: "name", href: `#/models/${model.id}` }, `${model.name} ${model.version}`);

function modelTable(models) {
  const rows = models.map((m) => [link(m), h("span", { class: `tag ${m.status === "completed" ? m.integrity : m.status}` }, m.status),
    words(m.algorithm), percent(m.mape), percent(m.cv_rmse), share(m.r2), interval(m.calibrated), m.leaks.length ? `${m.target_col} (told the answer)` : m.target_col, local(m.created_at)]);
  return table("Models", ["Model", "Status", "Algorithm", "#MAPE", "#CV(RMSE)", "#R²", "Interval", "Predicts", "Made"], rows, "cards");
}

const HINT = "Errors are of rows that the model had not seen, in order of time.";

/** All models, what they recommended, and what that saves. */
export function showModels(page = 1) {
  return fill(document.getElementById("models"), async () => {
    const [list, runs, savings] = await Promise.all([api("GET", `/models${query({ page, page_size: 20 })}`),
      api("GET", "/optimizations?page_size=10"), api("GET", "/optimizations/summary?by=month")]);
    const models = list.models.length ? [h("p", { class: "hint" }, HINT), modelTable(list.models), pager(list.page, list.total_pages, showModels)]
      : [h("p", { class: "empty" }, "No model yet: open a session and train one under “Model”.")];
    const asked = runs.items.map((run) => [local(run.created_at), h("a", { class: "name", href: `#/models/${run.model_id}` }, `${run.model_name} ${run.model_version}`),
      rounded(run.baseline_power), rounded(run.predicted_power), run.change ? rounded(run.savings_kw) : "no change", percent(run.savings_percent)]);
    return [h("h1", {}, "Models"), ...models,
      runs.total > 0 && h("h2", {}, "Recommended savings"),
      runs.total > 0 && facts([["Recommendations", count(savings.runs)], ["With a change", count(savings.runs_with_change)],
        ["Mean savings", `${rounded(savings.mean_savings_kw)} kW, ${percent(savings.mean_savings_percent)}`]]),
      runs.total > 0 && table("Recommendations", ["Asked", "Model", "#Now kW", "#Then kW", "#Saves kW", "#Saves"], asked, "cards")];
  });
}

// ---- training

/** The view of a session: train, and its models. */
export async function showTraining(session, version) {
  const models = h("div", { "aria-live": "polite" });
  const list = () => fill(models, async () => {
    const found = await api("GET", `/models${query({ session_id: session.session_id })}`);
    return found.models.length > 0 && [h("h2", {}, "Models of this session"), h("p", { class: "hint" }, HINT), modelTable(found.models)];
  });
  list();
  return [!session.deleted_at && await trainForm(session, version, list), models];
}

async function trainForm(session, version, done) {
  const suggested = await api("GET", `/feature-mapping/suggest${query({ session_id: session.session_id, version })}`);
  const part = new Map(suggested.columns.map((column) => [column.column, column]));
  const names = [...part.keys(), ...suggested.unmapped];
  const mapped = new Map(Object.entries(suggested.mapping).flatMap(([key, columns]) => columns.map((column) => [column, key])));
  // Nobody but a person may choose where nothing says what the plant's power is.
  const targets = [...(suggested.target_col ? [] : [["", "choose a column"]]), ...names.map((name) => [name, name])];
  const parts = names.map((name) => {
    const found = part.get(name);
    return [h("span", { class: "name" }, name), h("select", { "aria-label": `Part of ${name}`, "data-column": name },
      [["", "not used"], ...PARTS].map(([key, text]) => h("option", { value: key, selected: key === (mapped.get(name) ?? "") }, text))),
    h("span", { class: "soft" }, found?.evidence ?? "")];
  });
  const result = h("div", { "aria-live": "polite" });
  const form = h("form", { onsubmit: async (event) => {
    event.preventDefault();
    const fields = new FormData(form);
    const mapping = { target_col: fields.get("target") };
    for (const choice of form.querySelectorAll("select[data-column]")) {
      if (choice.value) (mapping[choice.value] ??= []).push(choice.dataset.column);
    }
    const button = form.querySelector("button");
    button.disabled = true;
    await fill(result, async () => {
      const asked = await api("POST", "/models/train", { model_name: fields.get("name").trim(), session_id: session.session_id, version,
        feature_mapping: mapping, algorithm: fields.get("algorithm"), interval: fields.get("interval") || null });
      return followed(asked, done);
    });
    button.disabled = false;
  } },
  h("div", { class: "fields" },
    h("label", {}, "Name", h("input", { name: "name", required: true, value: session.name.replace(/[^\p{L}\p{N}_.-]+/gu, "_"), autocomplete: "off" })),
    select("Predicts", "target", targets, suggested.target_col ?? "", true),
    select("Algorithm", "algorithm", ALGORITHMS, "auto"), select("Rows", "interval", WIDTHS, "")),
  suggested.target_evidence && h("p", { class: "hint" }, `${suggested.target_col}: ${suggested.target_evidence}.`),
  h("p", { class: "hint" }, "Columns that tell the answer, such as a chiller's own kW, are left out when it is trained, and named."),
  h("details", {}, h("summary", {}, `Which columns play which part (${count(mapped.size)} of ${count(names.length)} suggested by name)`),
    table("Parts of columns", ["Column", "Part", "Why"], parts, "cards")),
  h("p", {}, h("button", { class: "primary" }, "Train")), result);
  return h("details", { class: "panel", open: true }, h("summary", {}, "Train a model of the plant's power"), form);
}

/** A training's progress, until it has ended. */
function followed(asked, done) {
  const bar = h("progress", { max: 1, value: 0, "aria-label": "Training" });
  const text = h("span", {}, asked.message);
  const box = h("div", {}, h("p", { class: "progress" }, bar, text));
  const look = async () => {
    let job;
    try {
      job = await api("GET", `/jobs/${asked.job_id}`);
    } catch (failure) {
      box.replaceChildren(problem(failure));
      return;
    }
    bar.value = job.progress;
    text.textContent = job.message ?? words(job.status);
    if (["queued", "running"].includes(job.status)) {
      setTimeout(look, 700);
      return;
    }
    const made = h("a", { href: `#/models/${asked.model_id}` }, "Look at it");
    box.replaceChildren(job.status === "completed" ? h("p", { class: "done" }, `${asked.model_name} ${asked.version} is trained. `, made)
      : problem({ problem: { title: "Not trained", detail: job.error?.message ?? job.error ?? words(job.status) } }));
    done();
  };
  look();
  return [box, asked.warnings?.length > 0 && h("div", { class: "warnings" }, listed(asked.warnings.map((message) => ({ message }))))];
}

// ---- one model

/** How good a model is, and a form to ask it. */
export function showModel(id) {
  return fill(document.getElementById("models"), async () => {
    const model = await api("GET", `/models/${id}`);
    document.title = `${model.name} ${model.version} – HVAC Analytics`;
    const { metrics, lineage } = model;
    const scores = metrics?.time_ordered;
    const made = lineage && `${count(lineage.rows)} rows of ${lineage.dataset_version}`;
    const head = [h("p", { class: "hint" }, h("a", { href: "#/models" }, "Models")), h("h1", {}, `${model.name} ${model.version}`),
      model.error && problem({ problem: { title: "Not trained", detail: model.error } }),
      facts([["Status", h("span", { class: `tag ${model.status}` }, model.status)], ["Algorithm", words(model.algorithm)], ["Predicts", model.target_col],
        ["Made from", made ? h("a", { href: `#/sessions/${model.session_id}` }, made) : "–"], ["Made", local(model.created_at)]])];
    if (!scores) return head;
    const rules = metrics.baselines.map((rule) => [`rule: ${words(rule.rule)}`, percent(rule.scores.mape), percent(rule.scores.cv_rmse), percent(rule.scores.nmbe), share(rule.scores.r2), count(rule.scores.rows)]);
    const row = (name, of) => [name, percent(of.mape), percent(of.cv_rmse), percent(of.nmbe), share(of.r2), count(of.rows)];
    return [...head, h("p", {}, metrics.verdict),
      model.can_optimize ? optimizeForm(model) : h("p", { class: "hint" }, "It has no controls to search over, so it cannot recommend set-points."),
      h("h2", {}, "How good it is"),
      table("Errors", ["Judged on", "#MAPE", "#CV(RMSE)", "#NMBE", "#R²", "#Rows"], [row("later rows, in order of time", scores), ...rules,
        row("rows drawn by chance (flatters)", metrics.random_split)], "cards"),
      metrics.interval.coverage != null && facts([["90 % interval", `±${rounded(metrics.interval.half_width)} ${model.target_unit ?? ""}`],
        ["Held-out rows in it", `${percent(100 * metrics.interval.coverage)}${metrics.interval.widened ? `, before it was made ${rounded(metrics.interval.widened)} times as wide` : ""}`],
        ["Its claim", interval(metrics.interval.calibrated)]]),
      metrics.interval.reason && h("p", { class: "warnings" }, `The interval is not calibrated: ${metrics.interval.reason}.`),
      metrics.leaks.length > 0 && h("div", { class: "warnings" }, h("strong", {}, "Told the answer by"), listed(metrics.leaks.map((leak) => ({ message: `${leak.column}: ${leak.reason}` })))),
      metrics.left_out.length > 0 && h("details", {}, h("summary", {}, `${some(metrics.left_out.length, "column")} left out`), h("ul", {}, metrics.left_out.map((why) => h("li", {}, why)))),
      metrics.notes.length > 0 && h("ul", {}, metrics.notes.map((note) => h("li", {}, note))),
      metrics.importance.length > 0 && h("h2", {}, "What it goes by"),
      metrics.importance.length > 0 && table("Importance", ["Feature", "#Error grows by, without it"], metrics.importance.slice(0, 12).map((one) => [one.feature, rounded(one.rmse_increase)]))];
  });
}

/** Inputs for a part of the plant: one for all features that play it, or (of conditions) one for each. */
function inputs(model, roles, single) {
  return roles.flatMap(([role, text]) => {
    const features = model.features.filter((feature) => feature.role === role);
    if (!features.length) return [];
    const one = ([name, label, { range, unit }]) => ({ name, label: unit ? `${label}, ${unit}` : label, unit,
      placeholder: `usually ${rounded(range.p01)} to ${rounded(range.p99)}` });
    if (single || features.length === 1) return [one([role, `${text}${features.length > 1 ? ` (${features.length})` : ""}`, features[0]])];
    return features.map((feature) => one([feature.name, feature.name, feature]));
  });
}

function optimizeForm(model) {
  const field = ({ name, label, placeholder }, group) =>
    h("label", {}, label, h("input", { name: `${group}.${name}`, inputmode: "decimal", autocomplete: "off", placeholder }));
  const conditions = inputs(model, CONDITIONS, false), controls = inputs(model, CONTROLS, true);
  const result = h("div", { "aria-live": "polite" });
  const form = h("form", { onsubmit: async (event) => {
    event.preventDefault();
    const fields = new FormData(form);
    const request = { model: model.id, conditions: {}, current: {}, variables: fields.getAll("vary"),
      constraints: fields.get("limits").split(",").map((limit) => limit.trim()).filter(Boolean) };
    for (const [name, text] of fields) {
      const [group, key] = [name.slice(0, name.indexOf(".")), name.slice(name.indexOf(".") + 1)];
      if (group in request && text.trim()) request[group][key] = text.trim();
    }
    if (!request.variables.length) {
      result.replaceChildren(problem({ problem: { title: "Nothing to change", detail: "Say of at least one set-point that it may be changed." } }));
      return;
    }
    const button = form.querySelector("button");
    button.disabled = true;
    await fill(result, async () => recommended(await api("POST", "/optimize", request)));
    button.disabled = false;
  } },
  h("p", { class: "hint" }, "What is left empty is taken from the latest steady rows of the model's session if what is given fits them, else from rows of history like it, and named in the answer."),
  h("div", { class: "fields" }, conditions.map((one) => field(one, "conditions"))),
  h("div", { class: "fields" }, controls.map((one) => h("div", {}, field(one, "current"),
    h("label", { class: "check" }, h("input", { type: "checkbox", name: "vary", value: one.name, checked: true }), "may be changed")))),
  h("div", { class: "fields" }, h("label", {}, "Limits to keep", h("input", { name: "limits", autocomplete: "off", placeholder: "such as chw_return_temp<=14, chw_pump_hz>=40" }))),
  h("button", { class: "primary" }, "Recommend set-points"), result);
  return h("details", { class: "panel", open: true }, h("summary", {}, "Set-points that save power"), form);
}

function recommended(run) {
  const unit = run.unit ?? "kW";
  const rows = run.recommendations.map((one) => [h("span", { class: "name" }, new Map(CONTROLS).get(one.parameter) ?? one.parameter), one.current == null ? "–" : value(one.current),
    one.current === one.value ? "stays" : h("strong", {}, value(one.value)), one.unit ?? "", rounded(one.savings), one.reason]);
  const assumed = run.assumptions.map((one) => h("li", {}, `${one.name} = ${value(one.value)}: `, h("span", { class: "soft" }, one.source)));
  return [h("p", { class: "done" }, run.change ? `Saves ${rounded(run.savings_kw)} ${unit} (${percent(run.savings_percent)}). ` : "No change. ", run.message),
    facts([["Now", `${rounded(run.baseline_power)} ${unit}`], ["Then", `${rounded(run.predicted_power)} ${unit}`],
      ["Likely between", run.lower == null ? "not known" : `${rounded(run.lower)} and ${rounded(run.upper)}`], ["Confidence", percent(100 * run.confidence)]]),
    table("Set-points", ["Set-point", "#Now", "#Set to", "Unit", "#Saves kW", "Why"], rows, "cards"),
    run.constraint_violations.length > 0 && h("div", { class: "warnings" }, h("strong", {}, "Not kept at present"), listed(run.constraint_violations.map((message) => ({ message })))),
    run.extrapolating.length > 0 && h("p", { class: "warnings" }, `Beyond everything the model has seen: ${run.extrapolating.join(", ")}.`),
    assumed.length > 0 && h("details", {}, h("summary", {}, `${some(assumed.length, "input")} taken from elsewhere`), h("ul", {}, assumed))];
}
