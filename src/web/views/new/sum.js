// What the files become together, in a sentence, and what keeps them from it.
import { Refusal } from "../../core/refusals.js";
import { html } from "../../core/ui.js";
import { amend } from "../../core/url.js";
import { count, day, t, word } from "../../core/words.js";
import { plain } from "./plain.js";

/** From the first to the last time of all files. */
function period(plans) {
  const first = plans.filter((plan) => plan.first_at).reduce((least, plan) => (!least || plan.first_at_ms < least.first_at_ms ? plan : least), null);
  const last = plans.filter((plan) => plan.last_at).reduce((most, plan) => (!most || plan.last_at_ms > most.last_at_ms ? plan : most), null);
  return first ? `${day(first.first_at)} – ${day(last.last_at)}` : null;
}

export function Sum({ look, rows, good, bad, sending, query }) {
  const { answer } = look;
  const verdict = answer?.verdict;
  const lost = Object.entries(verdict?.lost ?? {}).filter(([, number]) => number > 0);
  const sent = rows.filter((row) => !["waiting", "sending"].includes(row.file?.state)).length;
  if (sending) return html`<p class="new-sum" role="status">${t("new.sending_all", { done: count(sent), count: rows.length })}</p>`;
  if (!answer) {
    const none = !look.busy && bad.length > 0 && bad.length === rows.length;
    return html`<p class=${`new-sum ${none ? "new-bad" : ""}`} role="status">${look.busy ? t("new.looking") : none ? t("new.none_read", { count: bad.length }) : "\u00a0"}</p>`;
  }
  const becomes = {
    files: t("session.files_count", { count: good.length }), rows: t("home.rows", { count: answer.row_count }), points: t("home.points", { count: answer.column_count - 1 }),
  };
  return html`<div class="new-sum" role="status">
    <p><strong>${t("new.becomes", becomes)}</strong>
      ${[period(answer.files), verdict && t("new.readings", { count: verdict.readings })].filter(Boolean).map((text) => ` · ${text}`)}
      ${bad.length > 0 && html` · <span class="new-bad">${t("new.bad_ones", { count: bad.length })}</span>`}</p>
    ${verdict && !verdict.accepted && html`<p class="new-bad">${lost.length ? t("new.loses", { count: lost.reduce((sum, [, number]) => sum + number, 0), all: verdict.readings })
      : verdict.refusal ? html`<${Refusal} code="would_lose_readings" detail=${plain(verdict.refusal)} />` : t("new.not_accepted")}</p>`}
    ${lost.length > 0 && html`<p class="small">${t("new.lost")} ${lost.map(([reason, number]) => `${word("new.dropped", reason)} ${count(number)}`).join(", ")}</p>`}
    ${((verdict && !verdict.accepted) || query.loss) && html`<label class="check"><input type="checkbox" checked=${Boolean(query.loss)}
      onChange=${(event) => amend({ loss: event.target.checked ? "1" : null })} /><span>${t("new.accept_loss")}</span></label>`}</div>`;
}
