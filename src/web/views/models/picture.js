// A panel with a picture on a canvas that can be saved.
import { savePicture } from "../../core/parts.js";
import { html, useRef } from "../../core/ui.js";
import { t } from "../../core/words.js";

export function Picture({ name, title, text, tag, children }) {
  const box = useRef(null);
  return html`<section class="panel" ref=${box}><div class="row spread"><h2>${title} ${tag}</h2>
    <button class="plain" onClick=${() => savePicture(box.current.querySelector("canvas"), name)}>${t("part.save_picture")}</button></div>
    ${text && html`<p class="small soft">${text}</p>`}${children}</section>`;
}
