// Which rows a model was judged on, as a picture of its time: learnt from, chosen by, held out.
import { Canvas } from "../../core/paint.js";
import { colour } from "../../core/theme.js";
import { html } from "../../core/ui.js";
import { count, t } from "../../core/words.js";

/** The days of a clock that is the site's. */
export function dayOf(milliseconds, zone) {
  return new Intl.DateTimeFormat("sv-SE", { timeZone: zone, dateStyle: "short" }).format(milliseconds);
}

/** Day and time on that clock, as a field for both takes it: `2024-07-01T08:00`. */
export function clockOf(iso, zone) {
  return new Intl.DateTimeFormat("sv-SE", { timeZone: zone, dateStyle: "short", timeStyle: "short" }).format(new Date(iso)).replace(" ", "T");
}

/** Stretches of time: `[from, to, part]` in milliseconds. Where each month is divided, its last share is held out. */
export function stretches({ lineage, metrics }) {
  const { holdout, candidates } = metrics;
  const [start, end] = [lineage.start_ms, lineage.end_ms];
  if (holdout.rule !== "end") {
    const parts = [];
    for (let from = start; from < end;) {
      const next = new Date(from);
      next.setUTCMonth(next.getUTCMonth() + 1, 1);
      next.setUTCHours(0, 0, 0, 0);
      const to = Math.min(end, next.getTime());
      const cut = to - (to - from) * holdout.share;
      parts.push([from, cut, "train"], [cut, to, "test"]);
      from = to;
    }
    return parts;
  }
  const chosen = Math.max(0, ...(candidates ?? []).map((one) => one.validation?.rows ?? 0));
  const cut = holdout.from_ms - (holdout.from_ms - start) * (chosen / Math.max(1, holdout.train_rows));
  return [[start, cut, "train"], ...(chosen ? [[cut, holdout.from_ms, "validation"]] : []), [holdout.from_ms, end, "test"]];
}

const KINDS = { train: "--bar-plain", validation: "--bar-warn", test: "--bar-good" };

export function Splits({ model }) {
  const { metrics, lineage } = model;
  const { holdout } = metrics;
  const parts = stretches(model);
  const validation = Math.max(0, ...(metrics.candidates ?? []).map((one) => one.validation?.rows ?? 0));
  const [from, to] = [holdout.from_ms, holdout.to_ms].map((time) => dayOf(time, lineage.timezone));
  const text = holdout.rule === "end" ? t("models.splits_text", { train: holdout.train_rows - validation, validation, test: holdout.test_rows, from, to })
    : t("models.splits_monthly", { train: holdout.train_rows, test: holdout.test_rows });
  const paint = (context, width, height) => {
    const scale = width / (lineage.end_ms - lineage.start_ms || 1);
    for (const [start, end, part] of parts) {
      const [x, wide] = [(start - lineage.start_ms) * scale, Math.max(1, (end - start) * scale - 1)];
      context.fillStyle = colour(KINDS[part]);
      context.fillRect(x, 0, wide, height - 20);
    }
    context.fillStyle = colour("--soft");
    context.textAlign = "left";
    context.fillText(dayOf(lineage.start_ms, lineage.timezone), 0, height - 8);
    context.textAlign = "right";
    context.fillText(dayOf(lineage.end_ms, lineage.timezone), width, height - 8);
  };
  return html`<${Canvas} height=${44} paint=${paint} deps=${[model.id]} description=${text} />
    <p class="models-key">${Object.entries(KINDS).filter(([part]) => parts.some((one) => one[2] === part)).map(([part, name]) =>
      html`<span><i class=${`models-swatch ${name.slice(2)}`}></i>${t(`models.split.${part}`)} ${count(part === "test" ? holdout.test_rows : part === "validation"
        ? validation : holdout.train_rows - validation)}</span>`)}</p>
    <p class="small soft">${text} ${t("models.splits_refit")}</p>`;
}
