// A picture with its title, what can be set of it, and a button that saves it.
import { savePicture } from "../../../core/parts.js";
import { html } from "../../../core/ui.js";
import { t } from "../../../core/words.js";

/** `drawn` is a reference to the canvas; `name` is the file's. */
export function Figure({ title, hint, name, drawn, tools, wide, children }) {
  return html`<section class=${`panel shape-figure ${wide ? "shape-wide" : ""}`}>
    <div class="row spread"><h2>${title}</h2><div class="row">${tools}
      <button class="plain" onClick=${() => drawn.current && savePicture(drawn.current, name)}>${t("part.save_picture")}</button></div></div>
    ${hint && html`<p class="hint">${hint}</p>`}${children}</section>`;
}

/** Buttons of which one is pressed: `[value, name]`. */
export function Choice({ label, of, chosen, onchoose }) {
  return html`<div class="shape-choice" role="group" aria-label=${label}>${of.map(([key, name]) =>
    html`<button key=${key} aria-pressed=${String(key === chosen)} onClick=${() => onchoose(key)}>${name}</button>`)}</div>`;
}
