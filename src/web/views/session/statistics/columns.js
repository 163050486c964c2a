// All points of a version in one table: how complete they are, their figures, and how often which values occur.
import { get } from "../../../core/api.js";
import { Empty, Meter, Pager, Search, Table, Tag } from "../../../core/parts.js";
import { html, useEffect, useRef, useState } from "../../../core/ui.js";
import { amend, at } from "../../../core/url.js";
import { count, t, value, word } from "../../../core/words.js";

const AT_ONCE = 3;
const PAGE = 60;
const known = new Map();
const waiting = [];
let running = 0;

/** Asks for small histograms a few at a time: a table shows dozens of them. */
function asked(values) {
  const key = JSON.stringify(values);
  if (!known.has(key)) {
    known.set(key, new Promise((resolve) => waiting.push(() => get("data/histogram", values).then(resolve, () => {
      known.delete(key);
      resolve(null);
    }))));
    next();
  }
  return known.get(key);
}
function next() {
  while (running < AT_ONCE && waiting.length) {
    running += 1;
    waiting.shift()().finally(() => {
      running -= 1;
      next();
    });
  }
}

function Small({ values }) {
  const place = useRef(null);
  const [counts, setCounts] = useState(null);
  useEffect(() => {
    let current = true;
    const watcher = new IntersectionObserver(([entry]) => {
      if (!entry.isIntersecting) return;
      watcher.disconnect();
      asked(values).then((found) => current && setCounts(found?.counts ?? []));
    }, { rootMargin: "120px" });
    watcher.observe(place.current);
    return () => {
      current = false;
      watcher.disconnect();
    };
  }, [JSON.stringify(values)]);
  const most = Math.max(1, ...(counts ?? []));
  return html`<svg class="shape-small" ref=${place} viewBox="0 0 96 24" preserveAspectRatio="none" aria-hidden="true">
    ${(counts ?? []).map((number, index) => {
      const tall = number ? Math.max(1, (number / most) * 24) : 0;
      return html`<rect x=${(index * 96) / counts.length} y=${24 - tall} width=${Math.max(0.5, 96 / counts.length - 0.6)} height=${tall} />`;
    })}</svg>`;
}

const FIGURES = ["min", "mean", "median", "max", "std"];
const sortable = { column: (one) => one.column.toLowerCase(), complete: (one) => one.count, kind: (one) => one.kind ?? "", unit: (one) => one.unit ?? "" };
for (const name of FIGURES) sortable[name] = (one) => one[name];

/** Those without a figure stand last, whichever way the others do. */
function ordered(columns, key, descending) {
  const of = sortable[key];
  if (!of) return columns;
  const way = descending ? -1 : 1;
  return [...columns].sort((a, b) => {
    const [x, y] = [of(a), of(b)];
    if (x == null || y == null) return (x == null) - (y == null);
    return (x < y ? -1 : x > y ? 1 : 0) * way;
  });
}

export function Columns({ query, asked: range, columns, rows, path }) {
  const kinds = [...new Set(columns.map((one) => one.kind))].sort();
  const wanted = (query.q ?? "").toLowerCase();
  const matching = columns.filter((one) => (!query.kind || one.kind === query.kind) && (!query.filled || one.count > 0)
    && (!wanted || [one.column, one.original_name, one.unit].some((text) => text?.toLowerCase().includes(wanted))));
  const sorted = ordered(matching, query.sort, query.descending);
  const pages = Math.ceil(sorted.length / PAGE);
  const page = Math.min(pages, Math.max(1, Number(query.page) || 1));
  const empty = columns.filter((one) => one.count === 0).length;
  const heads = [
    { key: "column", name: t("statistics.point"), sort: true }, { key: "complete", name: t("statistics.complete"), sort: true },
    { key: "shape", name: t("statistics.shape") }, { key: "unit", name: t("statistics.unit"), sort: true },
    ...FIGURES.map((name) => ({ key: name, name: t(`statistics.${name}`), number: true, sort: true })),
    { key: "count", name: t("statistics.count"), number: true }, { key: "kind", name: t("statistics.kind"), sort: true },
  ];
  const cell = (one, key) => {
    if (key === "column") return html`<a class="name" href=${at(path, { ...query, column: one.column })} title=${one.original_name}>${one.column}</a>`;
    if (key === "complete") return html`<${Meter} percent=${rows ? (100 * one.count) / rows : 0} label=${t("statistics.of_rows", { count: one.count, rows })} />`;
    if (key === "shape") return one.count > 0 && one.kind !== "text" && one.std > 0 ? html`<${Small} values=${{ ...range, column: one.column, bins: 24 }} />`
      : html`<span class="soft small">${
      one.count === 0 ? t("statistics.no_values") : one.std === 0 ? t("statistics.constant") : "–"}</span>`;
    if (key === "unit") return one.unit ?? html`<span class="soft">–</span>`;
    if (key === "kind") return html`<${Tag} kind="soft">${word("kind", one.kind)}<//>`;
    return key === "count" ? count(one.count) : value(one[key], 4);
  };
  const sort = (key) => amend({ sort: key, descending: query.sort === key && !query.descending ? 1 : null, page: null });
  return html`<div class="row shape-filters">
      <${Search} label=${t("statistics.search")} value=${query.q} onsearch=${(q) => amend({ q, page: null })} />
      <label><span>${t("statistics.kind")}</span><select onChange=${(event) => amend({ kind: event.target.value, page: null })}><option
        value="">${t("statistics.any")}</option>
        ${kinds.map((kind) => html`<option value=${kind} selected=${kind === query.kind}>${word("kind", kind)}</option>`)}</select></label>
      <label class="check"><input type="checkbox" checked=${!!query.filled} onChange=${(event) => amend({ filled: event.target.checked ? 1 : null, page: null })} />
        <span>${t("statistics.hide_empty", { count: empty })}</span></label>
      <p class="soft small shape-told">${t("statistics.shown", { count: matching.length, all: columns.length, rows })}</p>
    </div>
    ${sorted.length === 0 ? html`<${Empty}>${t("statistics.none_match")}<//>`
      : html`<${Table} caption=${t("statistics.part_columns")} heads=${heads} rows=${sorted.slice((page - 1) * PAGE, page * PAGE)} cell=${cell}
        rowKey=${(one) => one.column}
        sorted=${{ key: query.sort, descending: !!query.descending }} onsort=${sort} kind="shape-columns" cards />`}
    <${Pager} page=${page} pages=${pages} go=${(number) => amend({ page: number }, { replace: false })} />`;
}
