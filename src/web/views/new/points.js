// Every point as it would be stored: name, kind, unit, how many values and what course they take.
import { Search, Table } from "../../core/parts.js";
import { html, useState } from "../../core/ui.js";
import { amend } from "../../core/url.js";
import { count, t, value, word } from "../../core/words.js";

const MOST = 200;

export function Points({ of, open }) {
  const [wanted, setWanted] = useState("");
  const found = of.filter((point) => `${point.name} ${point.original_name}`.toLowerCase().includes(wanted.toLowerCase()));
  const empty = of.filter((point) => point.count === 0).length;
  const heads = [
    { key: "name", name: t("new.point") }, { key: "kind", name: t("new.kind") }, { key: "unit", name: t("new.unit") },
    { key: "count", name: t("new.values"), number: true }, { key: "range", name: t("new.range") }, { key: "sparkline", name: t("new.course") },
  ];
  const cell = (point, key) => {
    if (key === "name") return html`<span class="name">${point.name}</span>
      ${point.original_name !== point.name && html` <span class="soft small">${point.original_name}</span>`}`;
    if (key === "kind") return word("kind", point.kind);
    if (key === "count") return count(point.count);
    if (key === "range") {
      const states = Object.entries(point.states ?? {});
      return states.length ? states.map(([state, number]) => `${state} ${count(number)}`).join(", ") : point.min == null ? "–" : `${value(point.min)} – ${value(point.max)}`;
    }
    if (key === "sparkline") return html`<span class="new-course" aria-hidden="true">${point.sparkline ?? ""}</span>`;
    return point[key] ?? "–";
  };
  return html`<details class="panel new-points" open=${Boolean(open)}
    onToggle=${(event) => event.target.open !== Boolean(open) && amend({ points: event.target.open ? "1" : null })}>
    <summary>${t("new.points", { count: of.length })}${empty > 0 && html` <span class="soft">· ${t("new.points_empty", { count: empty })}</span>`}</summary>
    ${open && html`<${Search} label=${t("new.find_point")} value=${wanted} onsearch=${setWanted} />
      <${Table} caption=${t("new.points", { count: of.length })} heads=${heads} rows=${found.slice(0, MOST)} cell=${cell} cards rowKey=${(point) => point.name} />
      ${found.length > MOST && html`<p class="soft small">${t("part.more", { count: found.length - MOST })}</p>`}`}</details>`;
}
