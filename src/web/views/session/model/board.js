// The board of a mapping: each part of the plant with the points that play it. A point is dragged elsewhere, or moved with
// the list beside its name.
import { said } from "../../../core/said.js";
import { html, useState } from "../../../core/ui.js";
import { count, percent, t, word } from "../../../core/words.js";
import { CATEGORIES, SIDES } from "../../models/mapping.js";

const DRAGGED = "text/x-point";

function Point({ name, told, category, suggested, target, frozen, onmove }) {
  const others = told?.alternatives ?? [];
  const moved = category !== suggested;
  const drag = (event) => {
    event.dataTransfer.setData(DRAGGED, name);
    event.dataTransfer.effectAllowed = "move";
  };
  const move = (event) => {
    onmove(name, event.target.value);
    // It is drawn anew in another place: whoever works by keyboard goes on there.
    setTimeout(() => document.getElementById(`point-${name}`)?.focus(), 0);
  };
  const choices = ["", ...others.filter((key) => CATEGORIES.includes(key)), ...CATEGORIES.filter((key) => !others.includes(key))];
  const sure = told && category === told.category;
  return html`<li class=${`model-point ${moved ? "moved" : ""} ${target ? "model-target" : ""}`} draggable=${!frozen} onDragStart=${drag}>
    <span class="model-point-name" title=${name}>${name}</span>
    ${sure && html`<span class=${`model-sure ${told.confidence < 0.7 ? "unsure" : ""}`}
      title=${t("model.confidence", { percent: percent(100 * told.confidence) })}>${percent(100 * told.confidence)}</span>`}
    ${!frozen && html`<select id=${`point-${name}`} aria-label=${t("model.move", { name })} title=${t("model.move", { name })} value=${category} onChange=${move}>
      ${choices.map((key) => html`<option value=${key} selected=${key === category}>${key ? word("model.part", key) : t("model.not_used")}</option>`)}</select>`}
    ${(moved || sure || target) && html`<span class="model-why">${target ? t("model.is_target") : moved ? t("model.moved") : said(told.evidence)}</span>`}
  </li>`;
}

function Place({ category, children, size, frozen, onmove, title, quiet }) {
  const [over, setOver] = useState(false);
  const allow = (event) => {
    if (frozen || !event.dataTransfer.types.includes(DRAGGED)) return;
    event.preventDefault();
    setOver(true);
  };
  const drop = (event) => {
    event.preventDefault();
    setOver(false);
    onmove(event.dataTransfer.getData(DRAGGED), category);
  };
  return html`<section class=${`model-place ${size ? "" : "vacant"} ${over ? "over" : ""} ${quiet ? "quiet" : ""}`} aria-label=${title}
    onDragOver=${allow} onDragLeave=${() => setOver(false)} onDrop=${drop}>
    <h4>${title} ${size > 0 && html`<span class="soft">${count(size)}</span>`}</h4>${children}</section>`;
}

/** `places`: category by column; `told`: what the server says of each column; `target`: the column that is predicted; `onmove(column, category)`. */
export function Board({ places, told, suggested, target, frozen, onmove }) {
  const [all, setAll] = useState(false);
  const by = new Map([...CATEGORIES, ""].map((key) => [key, []]));
  for (const [column, category] of places) (by.get(category) ?? by.set(category, []).get(category)).push(column);
  const list = (columns, category) => columns.length > 0 && html`<ul>${columns.map((name) => html`<${Point} key=${name} name=${name} told=${told.get(name)}
    category=${category} suggested=${suggested.get(name)} target=${name === target} frozen=${frozen} onmove=${onmove} />`)}</ul>`;
  const own = [...by.keys()].filter((key) => key && !CATEGORIES.includes(key));
  const idle = by.get("");
  const shown = all ? idle : idle.slice(0, 24);
  return html`<div class="model-board">
    ${[...SIDES, ...(own.length ? [["own", own]] : [])].map(([side, keys]) => html`<div class="model-side"><h3>${t(`model.side.${side}`)}</h3>
      ${[...keys].sort((one, other) => (by.get(other).length > 0) - (by.get(one).length > 0)).map((key) => html`<${Place} key=${key} category=${key}
        title=${word("model.part", key)} size=${by.get(key).length} frozen=${frozen} onmove=${onmove}>${list(by.get(key), key)}<//>`)}</div>`)}
  </div>
  <div class="model-side idle"><h3>${t("model.not_used")}</h3>
      <${Place} category="" title=${t("model.not_used_hint")} size=${idle.length} frozen=${frozen} onmove=${onmove} quiet>${list(shown, "")}
        ${idle.length > shown.length && html`<button class="plain" onClick=${() => setAll(true)}>${t("model.all", { count: idle.length })}</button>`}<//></div>`;
}
