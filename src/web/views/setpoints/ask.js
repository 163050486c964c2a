// The conditions to find set-points for: as they were in the latest steady data, until somebody moves a slider.
import { send, useGet } from "../../core/api.js";
import { Answer, Problem, useMay } from "../../core/parts.js";
import { html, useMemo, useRef, useState } from "../../core/ui.js";
import { amend } from "../../core/url.js";
import { t, value, word } from "../../core/words.js";
import { plainly } from "../models/plain.js";
import { Scale } from "../models/predict.js";
import { Kept, sourceOf } from "./answer.js";
import { endsOf, inputsOf, limitedOf, readLimits, readNumbers, requestOf, stepOf, writeLimits, writeNumbers } from "./asked.js";

/** A slider with its number: as the latest data have it, unless somebody has `given` another. */
function Input({ input, given, onchange, children }) {
  const { range, unit, name, role, columns } = input;
  const number = given ?? input.value ?? range.median;
  const beyond = number < range.min || number > range.max;
  const rare = !beyond && (number < range.p01 || number > range.p99);
  const ends = endsOf(input, number);
  const told = { low: value(Math.max(range.p01, ends[0]), 4), high: value(Math.min(range.p99, ends[1]), 4) };
  const step = role === "running" ? 1 : stepOf(range, unit);
  const said = columns.length > 1 ? t("setpoints.machines", { name: word("models.roles", role), count: columns.length }) : word("models.roles", role);
  const set = (text) => text !== "" && Number.isFinite(Number(text)) && onchange(Number(text));
  if (role === "running" && columns.length === 1 && range.min >= 0 && range.max <= 1) return html`<div class="setpoints-input"><label class="check"><input type="checkbox"
    checked=${number >= 0.5} onChange=${(event) => onchange(event.target.checked ? 1 : 0)} /><span class="setpoints-columns">${columns[0]}</span>
      <span class="soft">${said}</span></label></div>`;
  const shown = Number(number.toPrecision(5));
  const label = `${said} ${role === name ? "" : name}`;
  return html`<div class=${`setpoints-input ${beyond ? "beyond" : ""}`}>
    <div class="setpoints-head"><span><strong class="capital">${said}</strong> ${columns[0] !== role
      && html`<span class="soft small setpoints-columns" title=${columns.join(", ")}>${columns.join(", ")}</span>`}</span>
      <span class="setpoints-number"><input type="number" step="any" inputmode="decimal" aria-label=${label} value=${shown}
        onChange=${(event) => set(event.target.value)} /> <span class="soft">${unit ?? ""}</span></span></div>
    <input type="range" aria-label=${label} min=${ends[0]} max=${ends[1]} step=${step} value=${number} onInput=${(event) => set(event.target.value)} />
    <${Scale} range=${range} number=${number} ends=${ends} />
    <div class="row spread small">
      <span class="soft">${beyond ? html`<strong class="setpoints-warn">${t("setpoints.beyond", { low: value(range.min, 4), high: value(range.max, 4) })}</strong>`
      : rare ? html`<strong>${t("setpoints.unusual", told)}</strong>` : t("setpoints.usual", told)}</span>
      ${given != null ? html`<button type="button" class="plain" onClick=${() => onchange(null)}>${t("setpoints.as_it_is")}</button>` : children}</div></div>`;
}

function Limits({ limited, query }) {
  const limits = readLimits(query.limits);
  const [name, setName] = useState(limited[0]?.name ?? "");
  const [way, setWay] = useState("<");
  const [text, setText] = useState("");
  const set = (next) => amend({ limits: writeLimits(next) });
  const input = limited.find((one) => one.name === name);
  const add = () => {
    set([...limits, { name, way, number: Number(text) }]);
    setText("");
  };
  return html`<details class="setpoints-limits" open=${limits.length > 0}><summary>${t("setpoints.limits")}</summary>
    <ul class="setpoints-list">${limits.map((limit, index) => html`<li>${word("models.roles", limit.name)} ${limit.way === "<" ? "≤"
      : "≥"} ${value(limit.number)} ${limited.find((one) => one.name === limit.name)?.unit ?? ""}
      <button type="button" class="plain" aria-label=${t("setpoints.limit_away", { name: word("models.roles", limit.name) })}
        onClick=${() => set(limits.filter((_, at) => at !== index))}>×</button></li>`)}</ul>
    <div class="row"><select aria-label=${t("setpoints.limits")}
      onChange=${(event) => setName(event.target.value)}>${limited.map((one) => html`<option value=${one.name} selected=${one.name === name}>${word("models.roles",
        one.name)}</option>`)}</select>
      <select aria-label=${t("setpoints.way")} onChange=${(event) => setWay(event.target.value)}>
        <option value="<" selected=${way === "<"}>${t("setpoints.at_most")}</option>
          <option value=">" selected=${way === ">"}>${t("setpoints.at_least")}</option></select>
      <input class="setpoints-short" type="number" step="any" aria-label=${t("setpoints.value")} placeholder=${input ? value(input.median, 4) : ""} value=${text}
        onInput=${(event) => setText(event.target.value)} /> <span class="soft">${input?.unit ?? ""}</span>
      <button type="button" disabled=${text === ""} onClick=${add}>${t("setpoints.add")}</button></div></details>`;
}

/** From which session the latest rows are taken: the model's own, or another that has the same points. */
function Data({ model, query }) {
  const asked = useGet("sessions", { page_size: 100 });
  const sessions = (asked.data?.sessions ?? asked.data?.items ?? []).filter((one) => one.total_rows != null && one.session_id !== model.session_id);
  if (!sessions.length) return null;
  return html`<label class="setpoints-data"><span>${t("setpoints.data")}</span><select onChange=${(event) => amend({ data: event.target.value })}>
    <option value="">${t("setpoints.data_own")}</option>
    ${sessions.map((one) => html`<option value=${one.session_id} selected=${one.session_id === query.data}>${one.name}</option>`)}</select></label>`;
}

function Form({ model, conditions, query }) {
  const inputs = useMemo(() => inputsOf(conditions), [conditions]);
  const limited = useMemo(() => limitedOf(model), [model.id]);
  const kept = useGet(query.run ? `optimizations/${encodeURIComponent(query.run)}` : null);
  const [failure, setFailure] = useState(null);
  const [busy, setBusy] = useState(false);
  const answered = useRef(null);
  const may = useMay("operator");
  const given = { set: readNumbers(query.set), now: readNumbers(query.now) };
  const fixed = (query.fixed ?? "").split(",").filter(Boolean);
  const put = (group, name) => (number) => {
    const next = new Map(given[group]);
    if (number == null) next.delete(name);
    else next.set(name, number);
    amend({ [group]: writeNumbers(next) });
  };
  const let_go = (name, loose) => amend({ fixed: (loose ? fixed.filter((one) => one !== name) : [...fixed, name]).join(",") });
  const ask = async (event) => {
    event.preventDefault();
    setBusy(true);
    setFailure(null);
    try {
      const answer = await send("POST", "optimize", requestOf(model, inputs.controls, query));
      amend({ run: answer.run_id }, { replace: false });
    } catch (wrong) {
      setFailure(wrong);
    }
    setBusy(false);
    // On a phone the answer stands above all sliders, once it is drawn.
    setTimeout(() => answered.current?.scrollIntoView({ block: "nearest" }), 60);
  };
  const free = inputs.controls.filter((one) => !fixed.includes(one.name)).length;
  return html`<form class="setpoints-ask" onSubmit=${ask}>
    <section class="panel"><h2>${t("setpoints.conditions")}</h2><p class="small soft">${sourceOf(conditions.source)}</p><${Data} model=${model} query=${query} />
      ${inputs.conditions.map((input) => html`<${Input} key=${input.name} input=${input} given=${given.set.get(input.name)} onchange=${put("set", input.name)}
        />`)}</section>
    <section class="panel"><h2>${t("setpoints.present")}</h2><p class="small soft">${t("setpoints.present_hint")}</p>
      ${inputs.controls.map((input) => html`<${Input} key=${input.name} input=${input} given=${given.now.get(input.name)} onchange=${put("now", input.name)} />
        <label class="check setpoints-may"><input type="checkbox" checked=${!fixed.includes(input.name)}
          onChange=${(event) => let_go(input.name, event.target.checked)} /><span>${t("setpoints.may_change")}</span></label>`)}
      <div class="row setpoints-most"><label><span>${t("setpoints.most")}</span>
        <select onChange=${(event) => amend({ most: event.target.value })}>${["", "1", "2", "5", "10"].map((most) =>
        html`<option value=${most} selected=${most === (query.most ?? "")}>${most ? t("setpoints.most_by", { count: Number(most) })
          : t("setpoints.most_free")}</option>`)}</select></label></div>
      <${Limits} limited=${limited} query=${query} />
</section>
    <section class=${`panel setpoints-answer ${query.run || failure ? "asked" : ""}`} aria-live="polite" ref=${answered}><h2>${t("setpoints.recommended")}</h2>
      ${may ? html`<button class="primary setpoints-go" disabled=${busy || !free}>${t(busy ? "setpoints.searching" : "setpoints.ask")}</button>`
        : html`<p class="soft">${t("setpoints.may_not")}</p>`}
      ${!free && html`<p class="warnings">${t("setpoints.none_free")}</p>`}
      ${failure && html`<${Problem} failure=${plainly(failure)} />`}
      ${query.run ? html`<${Kept} of=${kept} model=${model} />` : !failure && html`<p class="empty">${t("setpoints.nothing_asked")}</p>`}</section></form>`;
}

export function Ask({ model, query }) {
  const conditions = useGet("optimize/conditions", { model: model.id, session_id: query.data });
  return html`<${Answer} of=${conditions} tall>${(of) => html`<${Form} model=${model} conditions=${of} query=${query} />`}<//>`;
}
