// Where files come from: dropped, chosen, a whole folder, or what lies on the server.
import { useGet } from "../../core/api.js";
import { Problem } from "../../core/parts.js";
import { html, useEffect, useRef, useState } from "../../core/ui.js";
import { amend } from "../../core/url.js";
import { count, t } from "../../core/words.js";
import { bringIn, isBundle } from "./bundle.js";
import { add, dropped, picked } from "./sending.js";

/** A button that opens the browser's own choice of files, or of a folder. */
function Choose({ folder, kind = "", take, children }) {
  const field = useRef(null);
  useEffect(() => {
    if (folder) field.current.webkitdirectory = true;
  }, []);
  return html`<button type="button" class=${kind} onClick=${() => field.current.click()}>${children}</button>
    <input class="visually-hidden" type="file" multiple tabindex="-1" aria-hidden="true" ref=${field} onChange=${(event) => {
      take(picked(event.target.files));
      event.target.value = "";
    }} />`;
}

/** Folders of the server, and the reports of one that are to be read. */
function OfServer({ query, names, inside, picks }) {
  const folders = useGet("files");
  const choose = (name, wanted) => {
    const next = wanted ? [...picks, name] : picks.filter((one) => one !== name);
    amend({ pick: next.length === names.length ? null : JSON.stringify(next) });
  };
  const counts = folders.data?.folder_counts ?? {};
  const listed = folders.data?.folders ?? [];
  return html`<div class="new-server">
    ${folders.failure && html`<${Problem} failure=${folders.failure} again=${folders.again} />`}
    ${folders.data && listed.length === 0 && html`<p class="soft">${t("new.no_folders")}</p>`}
    ${listed.length > 0 && html`<label class="narrow"><span>${t("new.folder")}</span>
      <select onChange=${(event) => amend({ folder: event.target.value || null, pick: null })}>
        <option value="" selected=${!query.folder}>${t("new.choose_folder")}</option>
        ${listed.map((name) => html`<option value=${name} selected=${name === query.folder}>${name} (${count(counts[name] ?? 0)})</option>`)}</select></label>`}
    ${query.folder && names.length > 0 && html`<fieldset class="new-picks">
      <legend class="visually-hidden">${t("new.folder_files", { folder: query.folder })}</legend>
      ${names.map((name) => html`<label class="check" key=${name}><input type="checkbox" checked=${picks.includes(name)}
        disabled=${picks.length === 1 && picks.includes(name)} onChange=${(event) => choose(name, event.target.checked)} /><span>${name}</span>
          </label>`)}</fieldset>`}
    ${query.folder && inside.data && names.length === 0 && html`<p class="soft">${t("new.folder_empty")}</p>`}</div>`;
}

export function Chooser({ query, small, ...listed }) {
  const [over, setOver] = useState(false);
  const [none, setNone] = useState(false);
  const [failure, setFailure] = useState(null);
  const server = Boolean(query.server || query.folder);
  const hover = (is) => (event) => {
    event.preventDefault();
    setOver(is);
  };
  const take = async (found) => {
    setNone(found.length === 0);
    setFailure(null);
    const are = await Promise.all(found.map(isBundle));
    const [bundles, reports] = [found.filter((_, index) => are[index]), found.filter((_, index) => !are[index])];
    add(reports);
    if (bundles.length) await bringIn(bundles, !small && !reports.length).catch(setFailure);
  };
  const drop = async (event) => {
    event.preventDefault();
    setOver(false);
    take(await dropped(event.dataTransfer.items));
  };
  // A file that misses the field would otherwise be opened by the browser in place of the page.
  useEffect(() => {
    const keep = (event) => event.preventDefault();
    addEventListener("dragover", keep);
    addEventListener("drop", keep);
    return () => {
      removeEventListener("dragover", keep);
      removeEventListener("drop", keep);
    };
  }, []);
  return html`<section class=${`new-drop ${small ? "small-drop" : ""} ${over ? "over" : ""}`} onDragOver=${hover(true)} onDragLeave=${hover(false)} onDrop=${drop}>
    <div><p class="new-drop-title">${t(small ? "new.drop_more" : "new.drop")}</p>
      ${!small && html`<p class="soft small">${t("new.drop_what")}</p>`}
      ${none && html`<p class="small" role="alert">${t("new.drop_none")}</p>`}</div>
    <div class="row">
      <${Choose} take=${take} kind=${small ? "" : "primary"}>${t("new.choose_files")}<//>
      <${Choose} take=${take} folder>${t("new.choose_whole")}<//>
      <button type="button" aria-pressed=${server ? "true" : "false"}
        onClick=${() => amend({ server: server ? null : "1", folder: null, pick: null })}>${t("new.from_server")}</button></div>
    ${failure && html`<div class="new-server"><${Problem} failure=${failure} /></div>`}
    ${server && html`<${OfServer} query=${query} ...${listed} />`}</section>`;
}
