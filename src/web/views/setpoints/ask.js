// The conditions to find set-points for: as they were in the latest steady data, until somebody moves a slider.
import { send, useGet } from "../../core/api.js";
import { Problem, useMay } from "../../core/parts.js";
import { html, useMemo, useState } from "../../core/ui.js";
import { amend } from "../../core/url.js";
import { clock, t, value, word } from "../../core/words.js";
import { Scale } from "../models/predict.js";
import { Kept } from "./answer.js";
import { endsOf, inputsOf, readLimits, readNumbers, requestOf, stepOf, writeLimits, writeNumbers } from "./asked.js";

/** A slider with its number. `known` is what the latest data say; `given` what somebody chose instead. */
function Input({ input, known, given, onchange, children }) {
  const { range, unit, name, role, columns } = input;
  const number = given ?? known ?? range.median;
  const beyond = number < range.min || number > range.max;
  const rare = !beyond && (number < range.p01 || number > range.p99);
  const ends = endsOf(range, number);
  const told = { low: value(range.p01, 4), high: value(range.p99, 4) };
  const step = role === "running" ? 1 : stepOf(range, unit);
  const said = columns.length > 1 ? t("setpoints.machines", { name: word("models.roles", role), count: columns.length }) : word("models.roles", role);
  const set = (text) => text !== "" && Number.isFinite(Number(text)) && onchange(Number(text));
  const shown = Number(number.toPrecision(5));
  const label = `${said} ${role === name ? "" : name}`;
  return html`<div class=${`setpoints-input ${beyond ? "beyond" : ""}`}>
    <div class="row spread"><span><strong class="capital">${said}</strong> <span class="soft small">${columns.join(", ")}</span></span>
      <span class="setpoints-number"><input type="number" step="any" inputmode="decimal" aria-label=${label} value=${shown} onChange=${(event) => set(event.target.value)} /> <span class="soft">${unit ?? ""}</span></span></div>
    <input type="range" aria-label=${label} min=${ends[0]} max=${ends[1]} step=${step} value=${number} onInput=${(event) => set(event.target.value)} />
    <${Scale} range=${range} number=${number} ends=${ends} />
    <div class="row spread small"><span class="soft">${beyond ? html`<strong class="setpoints-warn">${t("setpoints.beyond", { low: value(range.min, 4), high: value(range.max, 4) })}</strong>`
      : rare ? html`<strong>${t("setpoints.unusual", told)}</strong>` : t("setpoints.usual", told)}</span>
      ${given != null ? html`<button type="button" class="plain" onClick=${() => onchange(null)}>${t("setpoints.as_it_is")}</button>` : children}</div></div>`;
}

function Limits({ inputs, query }) {
  const limits = readLimits(query.limits);
  const [name, setName] = useState(inputs.limited[0]?.name ?? "");
  const [way, setWay] = useState("<");
  const [text, setText] = useState("");
  const set = (next) => amend({ limits: writeLimits(next) });
  const input = inputs.limited.find((one) => one.name === name);
  const add = () => {
    set([...limits, { name, way, number: Number(text) }]);
    setText("");
  };
  return html`<details class="setpoints-limits" open=${limits.length > 0}><summary>${t("setpoints.limits")}</summary>
    <ul class="setpoints-list">${limits.map((limit, index) => html`<li>${word("models.roles", limit.name)} ${limit.way === "<" ? "≤" : "≥"} ${value(limit.number)} ${inputs.limited.find((one) => one.name === limit.name)?.unit ?? ""}
      <button type="button" class="plain" aria-label=${t("setpoints.limit_away", { name: word("models.roles", limit.name) })} onClick=${() => set(limits.filter((_, at) => at !== index))}>×</button></li>`)}</ul>
    <div class="row"><select aria-label=${t("setpoints.limits")} onChange=${(event) => setName(event.target.value)}>${inputs.limited.map((one) => html`<option value=${one.name} selected=${one.name === name}>${word("models.roles", one.role)}</option>`)}</select>
      <select aria-label=${t("setpoints.way")} onChange=${(event) => setWay(event.target.value)}><option value="<" selected=${way === "<"}>${t("setpoints.at_most")}</option><option value=">" selected=${way === ">"}>${t("setpoints.at_least")}</option></select>
      <input class="setpoints-short" type="number" step="any" aria-label=${t("setpoints.value")} placeholder=${input ? value(input.range.median, 4) : ""} value=${text} onInput=${(event) => setText(event.target.value)} /> <span class="soft">${input?.unit ?? ""}</span>
      <button type="button" disabled=${text === ""} onClick=${add}>${t("setpoints.add")}</button></div></details>`;
}

/** What the latest data say, of each column and role: as the server tells it, else as the run that is looked at took it. */
function latest(answer, run) {
  const known = new Map((run?.assumptions ?? []).map((one) => [one.name, one.value]));
  for (const one of answer?.inputs ?? []) for (const key of [one.name, one.column]) if (key && one.value != null) known.set(key, one.value);
  return known;
}

export function Ask({ model, query }) {
  const inputs = useMemo(() => inputsOf(model), [model.id]);
  const conditions = useGet("optimize/conditions", { model: model.id });
  const [failure, setFailure] = useState(null);
  const [busy, setBusy] = useState(false);
  const may = useMay("operator");
  const kept = useGet(query.run ? `optimizations/${encodeURIComponent(query.run)}` : null);
  const known = latest(conditions.data, query.run ? kept.data : null);
  const given = { set: readNumbers(query.set), now: readNumbers(query.now) };
  const fixed = (query.fixed ?? "").split(",").filter(Boolean);
  const put = (group, name) => (number) => {
    const next = new Map(given[group]);
    if (number == null) next.delete(name);
    else next.set(name, number);
    amend({ [group]: writeNumbers(next) });
  };
  const free_up = (name, loose) => amend({ fixed: (loose ? fixed.filter((one) => one !== name) : [...fixed, name]).join(",") });
  const ask = async (event) => {
    event.preventDefault();
    setBusy(true);
    setFailure(null);
    try {
      const answer = await send("POST", "optimize", requestOf(model, query));
      amend({ run: answer.run_id }, { replace: false });
    } catch (wrong) {
      setFailure(wrong);
    }
    setBusy(false);
  };
  const free = inputs.controls.filter((one) => !fixed.includes(one.name)).length;
  const steady = conditions.data?.from;
  return html`<form class="setpoints-ask" onSubmit=${ask}>
    <section class="panel"><h2>${t("setpoints.conditions")}</h2>
      <p class="small soft">${steady ? t("setpoints.steady", { from: clock(steady), to: clock(conditions.data.to) }) : t(known.size ? "setpoints.steady_run" : "setpoints.steady_hint")}</p>
      ${inputs.conditions.map((input) => html`<${Input} key=${input.name} input=${input} known=${known.get(input.name)} given=${given.set.get(input.name)} onchange=${put("set", input.name)} />`)}</section>
    <section class="panel"><h2>${t("setpoints.present")}</h2><p class="small soft">${t("setpoints.present_hint")}</p>
      ${inputs.controls.map((input) => html`<${Input} key=${input.name} input=${input} known=${known.get(input.name) ?? known.get(input.columns[0])} given=${given.now.get(input.name)} onchange=${put("now", input.name)} />
        <label class="check setpoints-may"><input type="checkbox" checked=${!fixed.includes(input.name)} onChange=${(event) => free_up(input.name, event.target.checked)} /><span>${t("setpoints.may_change")}</span></label>`)}
      <div class="row setpoints-most"><label><span>${t("setpoints.most")}</span><select onChange=${(event) => amend({ most: event.target.value })}>${["", "1", "2", "5", "10"].map((most) =>
        html`<option value=${most} selected=${most === (query.most ?? "")}>${most ? t("setpoints.most_by", { count: Number(most) }) : t("setpoints.most_free")}</option>`)}</select></label></div>
      <${Limits} inputs=${inputs} query=${query} />
      ${may ? html`<button class="primary setpoints-go" disabled=${busy || !free}>${t(busy ? "setpoints.searching" : "setpoints.ask")}</button>` : html`<p class="soft">${t("setpoints.may_not")}</p>`}
      ${!free && html`<p class="warnings">${t("setpoints.none_free")}</p>`}</section>
    <section class="panel setpoints-answer" aria-live="polite"><h2>${t("setpoints.recommended")}</h2>
      ${failure && html`<${Problem} failure=${failure} />`}
      ${query.run ? html`<${Kept} of=${kept} model=${model} />` : !failure && html`<p class="empty">${t("setpoints.nothing_asked")}</p>`}</section></form>`;
}
