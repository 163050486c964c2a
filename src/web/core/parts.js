// The parts that views are made of. Each is small and knows no view.
import { account, connected, useGet } from "./api.js";
import { known, part } from "./modules.js";
import { foreign, useRefusal } from "./refusals.js";
import { said } from "./said.js";
import { store, useStore } from "./store.js";
import { html, useEffect, useLayoutEffect, useRef, useState } from "./ui.js";
import { count, percent, t } from "./words.js";

/** Where in a report; the field of a request says nothing to whoever looks at a page. */
const place = ({ file, line, column }) => [file, line && t("part.line", { line }), column && t("part.column", { column })].filter(Boolean).join(", ");

/** Warnings or errors, each with its place. `lang` is that of what the page has no words for. */
export function Listed({ items, most = 50, lang = null }) {
  const words = (message) => {
    const text = said(message);
    return lang && text === message ? html`<span lang=${lang}>${text}</span>` : text;
  };
  return html`<ul class="listed">
    ${items.slice(0, most).map((item) => html`<li>
      ${place(item) && html`<span class="place">${place(item)}: </span>`}${words(item.message)}
      ${item.count > 1 && html`<span class="soft"> (${count(item.count)})</span>`}</li>`)}
    ${items.length > most && html`<li class="soft">${t("part.more", { count: items.length - most })}</li>`}
  </ul>`;
}

/** What went wrong, in words of the page where it has them, and what to do; the number is for whoever looks at the log. */
export function Problem({ failure, again }) {
  const problem = failure?.problem ?? { detail: String(failure?.message ?? failure) };
  const { request_id: id, errors = [] } = problem;
  const { text, told } = useRefusal(problem);
  const more = errors.filter((error) => !(told ?? text ?? "").includes(error.message));
  return html`<div class="problem" role="alert">
    <p>${text}</p>
    ${told && html`<p class="soft small" lang="en">${told}</p>`}
    ${more.length > 0 && html`<${Listed} items=${more} lang=${foreign()} />`}
    ${again && html`<button onClick=${again}>${t("part.again")}</button>`}
    ${id && html`<p class="soft small">${t("part.request", { id })}</p>`}
  </div>`;
}

/** Why the work of the job `id` failed: as the job knows it, or `error` where nothing is known of the job any more. */
export function Failed({ id, error, plainly = (failure) => failure }) {
  const { data: job } = useGet(`jobs/${id}`);
  return html`<${Problem} failure=${plainly({ problem: { code: job?.error_code, detail: error, errors: job?.errors ?? [] } })} />`;
}

export function Warnings({ items, open = false }) {
  if (!items?.length) return null;
  return html`<details class="warnings" open=${open || items.length <= 3}>
    <summary>${t("part.to_know", { count: items.length })}</summary><${Listed} items=${items} /></details>`;
}

/** What a question brought: its problem, a place held for what will come, or `children(data)`. */
export function Answer({ of, tall, children }) {
  if (of.failure) return html`<${Problem} failure=${of.failure} again=${of.again} />`;
  if (!of.data) return html`<div class=${`waiting ${tall ? "tall" : ""}`} role="status"><span class="visually-hidden">${t("part.waiting")}</span></div>`;
  return html`<div aria-busy=${of.busy ? "true" : null}>${children(of.data)}</div>`;
}

export const Empty = ({ children }) => html`<p class="empty">${children}</p>`;
export const Tag = ({ kind, children }) => html`<span class=${`tag ${kind ?? ""}`}>${children}</span>`;

/** Named figures side by side; `[name, content, title?]`. */
export function Facts({ of }) {
  return html`<dl class="facts">${of.filter(Boolean).map(([name, content, title]) =>
    html`<div title=${title}><dt>${name}</dt><dd>${content ?? "–"}</dd></div>`)}</dl>`;
}

/** A share as a bar with its number, 0–100. */
export function Meter({ percent: share, label }) {
  const width = Math.max(0, Math.min(100, share ?? 0));
  return html`<div class="meter" title=${label}>
    <svg viewBox="0 0 100 1" preserveAspectRatio="none" aria-hidden="true"><rect width=${width} height="1" /></svg>
    <span>${percent(share)}</span></div>`;
}

/**
 * A table. `heads`: `{key, name, number?, sort?, title?}`; `rows`: objects by key (or `cell(row, key)`). Columns with
 * `sort` have buttons that call `onsort(key)`; `sorted` is `{key, descending}`. `cards`: on a phone each row is a card.
 */
export function Table({ caption, heads, rows, cell, sorted, onsort, cards, kind = "", rowKey }) {
  const content = (row, key) => (cell ? cell(row, key) : row[key]);
  return html`<div class="scroll" tabindex="0" role="region" aria-label=${caption}>
    <table class=${`${cards ? "cards" : ""} ${kind}`}><caption class="visually-hidden">${caption}</caption>
      <thead><tr>${heads.map((head) => {
        const direction = sorted?.key === head.key ? (sorted.descending ? "descending" : "ascending") : null;
        return html`<th scope="col" class=${head.number ? "number" : null} title=${head.title} aria-sort=${direction}>
          ${head.sort && onsort
            ? html`<button class="plain" onClick=${() => onsort(head.key)}>${head.name}${direction && (sorted.descending ? " ↓" : " ↑")}</button>`
            : head.name}</th>`;
      })}</tr></thead>
      <tbody>${rows.map((row, index) => html`<tr key=${rowKey ? rowKey(row) : index}>
        ${heads.map((head, at) => html`<td class=${head.number ? "number" : head.kind ?? null} data-label=${cards && at > 0 ? head.name || null : null}>${content(row, head.key)}</td>`)}
      </tr>`)}</tbody></table></div>`;
}

export function Pager({ page, pages, go }) {
  if (!(pages > 1)) return null;
  return html`<nav class="pager" aria-label=${t("part.pages")}>
    <button disabled=${page <= 1} onClick=${() => go(page - 1)}>${t("part.previous")}</button>
    <span>${t("part.page_of", { page, pages })}</span>
    <button disabled=${page >= pages} onClick=${() => go(page + 1)}>${t("part.next")}</button></nav>`;
}

/** Tabs that are links, so that each has an address. `tabs`: `[key, name, href]`. */
export function Tabs({ label, tabs, chosen }) {
  const bar = useRef(null);
  useEffect(() => bar.current?.querySelector("[aria-current]")?.scrollIntoView({ block: "nearest", inline: "nearest" }), [chosen]);
  return html`<nav class="tabs" aria-label=${label} ref=${bar}>${tabs.map(([key, name, href]) =>
    html`<a key=${key} href=${href} aria-current=${key === chosen ? "page" : null}>${name}</a>`)}</nav>`;
}

/** What is typed into a field stays while the page is drawn again around it, until the field is given another value. */
function useDraft(value, same = () => false) {
  const [draft, setDraft] = useState(null);
  useEffect(() => setDraft((typed) => (typed !== null && same(typed) ? typed : null)), [value]);
  return [draft ?? value, setDraft];
}

/** A field with its label; further properties are the input's. `options`: `[value, name]`. */
export function Field({ label, hint, options, ...rest }) {
  const kind = rest.type === "checkbox" ? "checked" : "value";
  const [shown, setDraft] = useDraft(rest[kind]);
  if (!options && (kind === "value" || !rest.onChange)) {
    const { onInput } = rest;
    rest = { ...rest, [kind]: shown, onInput: (event) => {
      setDraft(event.target[kind]);
      onInput?.(event);
    } };
  }
  const control = options
    ? html`<select ...${rest}>${options.map(([key, name]) => html`<option value=${key} selected=${String(key) === String(rest.value ?? "")}>${name}</option>`)}</select>`
    : html`<input ...${rest} />`;
  if (rest.type === "checkbox") return html`<label class="check" title=${hint}>${control}<span>${label}</span></label>`;
  return html`<label><span>${label}</span>${control}${hint && html`<small class="hint">${hint}</small>`}</label>`;
}

/** A text field that tells its value when typing pauses. */
export function Search({ label, value, onsearch, placeholder }) {
  const waiting = useRef(0);
  const [shown, setDraft] = useDraft(value ?? "", (typed) => typed.trim() === (value ?? ""));
  return html`<label class="search"><span>${label}</span><input type="search" value=${shown} placeholder=${placeholder}
    onInput=${(event) => {
      clearTimeout(waiting.current);
      const text = event.target.value;
      setDraft(text);
      waiting.current = setTimeout(() => onsearch(text.trim()), 250);
    }} /></label>`;
}

/** A dialog over the page: `onclose()` when it is left. What is in it is a form's content. */
export function Dialog({ title, ok, danger, onok, onclose, children }) {
  const dialog = useRef(null);
  const [failure, setFailure] = useState(null);
  const [busy, setBusy] = useState(false);
  useLayoutEffect(() => dialog.current.showModal(), []);
  const submit = async (event) => {
    event.preventDefault();
    setBusy(true);
    try {
      await onok(Object.fromEntries(new FormData(event.target)));
      onclose();
    } catch (wrong) {
      setFailure(wrong);
      setBusy(false);
    }
  };
  return html`<dialog ref=${dialog} aria-labelledby="dialog-title" onClose=${onclose}>
    <form onSubmit=${submit}><h2 id="dialog-title">${title}</h2><div class="stack">${children}</div>
      ${failure && html`<${Problem} failure=${failure} />`}
      <div class="row end"><button type="button" onClick=${onclose}>${t(ok ? "part.cancel" : "part.close")}</button>
        ${ok && html`<button class=${danger ? "danger" : "primary"} disabled=${busy}>${ok}</button>`}</div></form></dialog>`;
}

const notice = store(null);
/** Says for a while what was done: `action` is `[name, work]`, such as undo. */
export function say(text, action) {
  const told = { text, action };
  notice.set(told);
  setTimeout(() => notice.get() === told && notice.set(null), action ? 12000 : 6000);
}
export function Notice() {
  const told = useStore(notice);
  return html`<div class="notice" role="status" hidden=${!told}>${told && html`<span>${told.text}</span>
    ${told.action && html`<button class="plain" onClick=${() => {
      notice.set(null);
      told.action[1]();
    }}>${told.action[0]}</button>`}
    <button class="plain" aria-label=${t("part.close")} onClick=${() => notice.set(null)}>×</button>`}</div>`;
}

/** While the server is away: what is shown stays, and it is asked again until it answers. */
export function Connection() {
  const here = useStore(connected);
  return html`<div class="connection" role="status" hidden=${here === true}>${here !== true && t(here ? "part.busy" : "part.no_answer")}</div>`;
}

/** Copies the address of what is looked at. */
export function CopyLink() {
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(location.href);
      say(t("part.copied"));
    } catch {
      prompt(t("part.copy_link"), location.href);
    }
  };
  return html`<button class="plain" onClick=${copy}>${t("part.copy_link")}</button>`;
}

/** Saves what a canvas shows as a picture, on the ground of the page. */
export function savePicture(canvas, name) {
  const copy = document.createElement("canvas");
  [copy.width, copy.height] = [canvas.width, canvas.height];
  const context = copy.getContext("2d");
  context.fillStyle = getComputedStyle(document.documentElement).getPropertyValue("--panel");
  context.fillRect(0, 0, copy.width, copy.height);
  context.drawImage(canvas, 0, 0);
  copy.toBlob((blob) => saveFile(blob, `${name}.png`));
}
export function saveFile(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}

/** Whether whoever asks may do that: `viewer` < `operator` < `admin`. */
export function useMay(role) {
  const who = useStore(account);
  const order = ["viewer", "operator", "admin"];
  return !who || order.indexOf(who.role) >= order.indexOf(role);
}

/** Draws the module at `url` with the other properties, as soon as it is read. */
export function Later({ url, ...properties }) {
  const [seen, setSeen] = useState({ url, draw: known(url) });
  useEffect(() => {
    let current = true;
    part(url).then((draw) => current && setSeen({ url, draw }), () => current && setSeen({ url, renewed: true }));
    return () => (current = false);
  }, [url]);
  if (seen.url !== url || !(seen.draw || seen.renewed)) return html`<div class="waiting tall" role="status"></div>`;
  if (seen.renewed) return html`<div class="problem" role="alert"><p>${t("part.renewed")}</p><button onClick=${() => location.reload()}>${t("part.reload")}</button></div>`;
  return html`<${seen.draw} ...${properties} />`;
}
