// Where a statement is written: lines with numbers, completion by keyboard, the place of a mistake marked.
import { html, useEffect, useLayoutEffect, useRef, useState } from "../../core/ui.js";
import { t } from "../../core/words.js";
import { complete } from "./completion.js";

/** Puts a text where the cursor is, so that it can be undone. */
export function insert(area, text, start = area.selectionStart, end = area.selectionEnd) {
  area.focus();
  area.setSelectionRange(start, end);
  if (!document.execCommand("insertText", false, text)) {
    area.setRangeText(text, start, end, "end");
    area.dispatchEvent(new Event("input", { bubbles: true }));
  }
}

/** Width of a letter and height of a line, as they are drawn. */
function measured(area) {
  const style = getComputedStyle(area);
  const context = document.createElement("canvas").getContext("2d");
  context.font = `${style.fontSize} ${style.fontFamily}`;
  return { letter: (text) => context.measureText(text).width, line: parseFloat(style.lineHeight), left: parseFloat(style.paddingLeft), top: parseFloat(style.paddingTop) };
}

function Offers({ id, offers, chosen, at, take }) {
  const list = useRef(null);
  useEffect(() => list.current?.querySelector("[aria-selected=true]")?.scrollIntoView({ block: "nearest" }), [chosen]);
  return html`<ul class="shape-offers" id=${id} role="listbox" aria-label=${t("ask.offers")} ref=${list}
    style=${{ left: `${at.left}px`, top: `${at.top}px` }}>${offers.items.map((one, index) =>
    html`<li key=${`${one.kind} ${one.name}`} id=${`${id}-${index}`} role="option" aria-selected=${String(index === chosen)} onMouseDown=${(event) => {
      event.preventDefault();
      take(one);
    }}><span class="mono">${one.name}</span><span class="soft small">${one.about ?? t(`ask.kind_${one.kind}`)}</span></li>`)}</ul>`;
}

/** `area` is a reference to the text area; `known` what completion offers; `wrong` is `{line, column}`. */
export function Editor({ area, text, known, wrong, onchange, onrun }) {
  const [offers, setOffers] = useState(null);
  const [chosen, setChosen] = useState(0);
  const [at, setAt] = useState({ left: 0, top: 0 });
  const [scrolled, setScrolled] = useState({ top: 0, left: 0 });
  const lines = text.split("\n").length;
  const look = (forced = false) => {
    const { selectionStart: caret, selectionEnd: end, value } = area.current;
    const found = caret === end ? complete(value, caret, known, { forced }) : null;
    setOffers(found);
    setChosen(0);
    if (!found) return;
    const { letter, line, left, top } = measured(area.current);
    const before = value.slice(0, found.start).split("\n");
    const box = area.current;
    setAt({
      left: Math.max(0, Math.min(box.offsetLeft + left + letter(before.at(-1)) - box.scrollLeft, box.offsetLeft + box.clientWidth - 260)),
      top: box.offsetTop + top + before.length * line - box.scrollTop + 2,
    });
  };
  const close = () => setOffers(null);
  const take = (one) => {
    close();
    insert(area.current, one.insert, offers.start, offers.end);
    close();
  };
  const pressed = (event) => {
    if ((event.ctrlKey || event.metaKey) && event.key === "Enter") {
      event.preventDefault();
      close();
      onrun();
    } else if (event.ctrlKey && event.key === " ") {
      event.preventDefault();
      look(true);
    } else if (!offers) {
      return;
    } else if (event.key === "Escape") {
      event.preventDefault();
      close();
    } else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      setChosen((chosen + (event.key === "ArrowDown" ? 1 : -1) + offers.items.length) % offers.items.length);
    } else if ((event.key === "Enter" || event.key === "Tab") && !event.shiftKey) {
      event.preventDefault();
      take(offers.items[chosen]);
    } else if (["ArrowLeft", "ArrowRight", "Home", "End"].includes(event.key)) {
      close();
    }
  };
  useLayoutEffect(() => {
    if (area.current.value !== text) area.current.value = text;
  }, [text]);
  const mark = wrong && area.current && (() => {
    const { letter, line, left, top } = measured(area.current);
    const written = text.split("\n")[wrong.line - 1] ?? "";
    const word = wrong.length ?? Math.max(1, /^\S+/.exec(written.slice(wrong.column - 1))?.[0].length ?? 1);
    return { left: `${left + letter(written.slice(0, wrong.column - 1)) - scrolled.left}px`, top: `${top + wrong.line * line - 3 - scrolled.top}px`, width: `${Math.max(8, letter(written.slice(wrong.column - 1, wrong.column - 1 + word)))}px` };
  })();
  return html`<div class="shape-editor"><div class="shape-lines" aria-hidden="true"><div
    style=${{ transform: `translateY(${-scrolled.top}px)` }}>${Array.from({ length: lines }, (_, index) =>
      html`<span key=${index} class=${wrong?.line === index + 1 ? "wrong" : null}>${index + 1}</span>`)}</div></div>
    <div class="shape-written"><textarea ref=${area} class="mono" rows=${Math.max(7, Math.min(18, lines + 1))} spellcheck="false" autocapitalize="off"
      autocomplete="off" wrap="off"
      aria-label=${t("ask.statement")} aria-autocomplete="list" aria-controls=${offers ? "offers" : null}
        aria-activedescendant=${offers ? `offers-${chosen}` : null} aria-invalid=${wrong ? "true" : null} aria-describedby="ask-keys"
      placeholder=${t("ask.placeholder")}
      onInput=${(event) => {
        onchange(event.target.value);
        if (document.activeElement === event.target) look();
      }} onKeyDown=${pressed} onBlur=${close} onClick=${close} onScroll=${(event) => {
        setScrolled({ top: event.target.scrollTop, left: event.target.scrollLeft });
        close();
      }}></textarea>${mark && html`<i class="shape-wrong" style=${mark} aria-hidden="true"></i>`}</div>
    ${offers && html`<${Offers} id="offers" offers=${offers} chosen=${chosen} at=${at} take=${take} />`}</div>`;
}
