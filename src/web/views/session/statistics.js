// How the points of a version behave: each by itself, each beside the others, and the plant's efficiency against its load.
import { Answer } from "../../core/parts.js";
import { useGet } from "../../core/api.js";
import { html } from "../../core/ui.js";
import { amend, at } from "../../core/url.js";
import { t } from "../../core/words.js";
import { Column } from "./statistics/column.js";
import { Columns } from "./statistics/columns.js";
import { Correlation } from "./statistics/correlation.js";
import { Efficiency } from "./statistics/efficiency.js";

const PARTS = { columns: Columns, correlation: Correlation, efficiency: Efficiency };

const A_DAY = 86400000;
const moved = (day, days) => (day ? new Date(Date.parse(`${day}T00:00:00Z`) + days * A_DAY).toISOString().slice(0, 10) : null);
/** The last day that is asked for; what stands in the address is the time before which the rows are. */
const lastDay = (to) => (to?.length > 10 && !to.includes("T00:00") ? to.slice(0, 10) : moved(to?.slice(0, 10), -1));

function Days({ session, query }) {
  const [first, last] = [session.start_at?.slice(0, 10), session.end_at?.slice(0, 10)];
  const chosen = query.from || query.to;
  return html`<div class="row shape-days">
    <label><span>${t("statistics.from")}</span><input type="date" min=${first} max=${last} value=${query.from?.slice(0, 10) ?? ""}
      onChange=${(event) => amend({ from: event.target.value || null })} /></label>
    <label><span>${t("statistics.to")}</span><input type="date" min=${first} max=${last} value=${lastDay(query.to) ?? ""}
      onChange=${(event) => amend({ to: moved(event.target.value, 1) })} /></label>
    ${chosen && html`<button class="plain" onClick=${() => amend({ from: null, to: null })}>${t("statistics.all_days")}</button>`}
  </div>`;
}

/** An address may be written by hand: what is no time is not asked for. */
const time = (text) => (/^\d{4}-\d\d-\d\d/.test(text ?? "") && !Number.isNaN(Date.parse(text.slice(0, 10))) ? text : undefined);

export default function Statistics({ session, version, versions, query: written }) {
  const query = { ...written, from: time(written.from), to: time(written.to) };
  const part = query.part in PARTS ? query.part : "columns";
  const asked = { session_id: session.session_id, version, from: query.from, to: query.to };
  const stats = useGet("data/stats", asked);
  const path = ["sessions", session.session_id, "statistics"];
  const kept = { version: query.version, from: query.from, to: query.to };
  const Part = PARTS[part];
  return html`<div class="row spread shape-bar">
      <nav class="shape-parts" aria-label=${t("statistics.parts")}>${Object.keys(PARTS).map((name) =>
        html`<a key=${name} href=${at(path, { ...kept, part: name === "columns" ? null : name })}
          aria-current=${name === part ? "page" : null}>${t(`statistics.part_${name}`)}</a>`)}</nav>
      <${Days} session=${session} query=${query} />
    </div>
    <${Answer} of=${stats} tall>${(found) => {
      const columns = found.columns.filter((one) => one.kind !== null);
      const rest = { session, version, versions, query, asked, columns, rows: found.total_rows, path };
      if (part === "columns" && query.column) return html`<${Column} key=${query.column} ...${rest} />`;
      return html`<${Part} ...${rest} />`;
    }}<//>`;
}
