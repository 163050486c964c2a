// Which columns are drawn: chosen ones first, then all by machine, searched by name, unit and kind.
import { Search } from "../../../core/parts.js";
import { html, useEffect, useMemo, useState } from "../../../core/ui.js";
import { t, word } from "../../../core/words.js";
import { fits, grouped, otherName } from "./columns.js";

export const MOST = 16;

function Choice({ of, chosen, full, onchange }) {
  const { column, unit, kind, count } = of;
  const cannot = kind === "text" ? t("chart.text_column") : !chosen && full ? t("chart.full", { count: MOST }) : null;
  const other = otherName(of);
  return html`<label class="chart-choice" title=${cannot ?? other ?? column}>
    <input type="checkbox" checked=${chosen} disabled=${!!cannot} onChange=${() => onchange(column)} />
    <span class=${count ? null : "soft"}>${column}${other && html`<small class="soft">${other}</small>`}</span>
    <small class="soft">${[unit, kind !== "instantaneous" && word("kind", kind), !count && t("chart.dead")].filter(Boolean).join(" · ")}</small></label>`;
}

/** `onchange(column)` puts a column in or takes it out. */
export function Picker({ columns, chosen, onchange, onclear }) {
  const [text, setText] = useState("");
  const [open, setOpen] = useState(() => matchMedia("(min-width: 46rem)").matches);
  const [unfolded, setUnfolded] = useState(null);
  const full = chosen.length >= MOST;
  const known = useMemo(() => grouped(columns), [columns]);
  const found = useMemo(() => {
    const wanted = fits(text);
    return known.map(([name, some]) => [name, some.filter((one) => wanted(one) || wanted({ column: name }))]).filter(([, some]) => some.length);
  }, [known, text]);
  const few = columns.length <= 24;
  useEffect(() => setUnfolded(null), [text]);
  const isOpen = (name, some) => unfolded?.[name] ?? (few || !!text || some.some(({ column }) => chosen.includes(column)));
  const draw = (one) => html`<${Choice} key=${one.column} of=${one} chosen=${chosen.includes(one.column)} full=${full} onchange=${onchange} />`;
  const first = chosen.map((name) => columns.find(({ column }) => column === name)).filter(Boolean);
  return html`<details class="panel chart-picker" open=${open} onToggle=${(event) => setOpen(event.target.open)}>
    <summary>${t("chart.columns")} <span class="soft">${chosen.length} / ${columns.length}</span></summary>
    <${Search} label=${t("chart.search")} value=${text} onsearch=${setText} />
    <div class="chart-choices" tabindex="0" role="group" aria-label=${t("chart.columns")}>
      ${!text && first.length > 0 && html`<div class="chart-chosen">${first.map(draw)}
        <button class="plain small" onClick=${onclear}>${t("chart.clear")}</button></div>`}
      ${found.map(([name, some]) => html`<details key=${name} open=${isOpen(name, some)}>
        <summary onClick=${(event) => {
          event.preventDefault();
          setUnfolded({ ...unfolded, [name]: !isOpen(name, some) });
        }}>${name || t("chart.alone")} <span class="soft">${some.length}</span></summary>${isOpen(name, some) && some.map(draw)}</details>`)}
      ${found.length === 0 && html`<p class="soft">${t("chart.none_found")}</p>`}
    </div></details>`;
}
