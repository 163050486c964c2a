// The first screen of a server without sessions: what the program does, and one step to begin.
import { send } from "../../core/api.js";
import { Problem, useMay } from "../../core/parts.js";
import { html, useState } from "../../core/ui.js";
import { go } from "../../core/url.js";
import { t } from "../../core/words.js";

const STEPS = ["read", "judge", "clean", "model", "save"];

export function Welcome({ again }) {
  const may = useMay("operator");
  const [busy, setBusy] = useState(false);
  const [failure, setFailure] = useState(null);
  const demo = async () => {
    setBusy(true);
    setFailure(null);
    try {
      const made = await send("POST", "demo");
      again();
      go(["sessions", made.session_id]);
    } catch (wrong) {
      setFailure([404, 405].includes(wrong.problem?.status) ? { problem: { detail: t("home.no_demo") } } : wrong);
    }
    setBusy(false);
  };
  return html`<section class="home-welcome">
    <h1>${t("home.welcome")}</h1>
    <p class="home-lead">${t("home.lead")}</p>
    <ol class="home-steps">${STEPS.map((step, index) => html`<li><span class="home-number" aria-hidden="true">${index + 1}</span>
      <div><strong>${t(`home.step_${step}`)}</strong><span class="soft">${t(`home.step_${step}_text`)}</span></div></li>`)}</ol>
    ${may
      ? html`<div class="row home-begin"><a class="button primary" href="#/new">${t("home.begin")}</a>
          <button onClick=${demo} disabled=${busy}>${t(busy ? "home.demo_busy" : "home.demo")}</button></div>
        <p class="soft small">${t("home.demo_text")}</p>`
      : html`<p class="soft">${t("home.viewer")}</p>`}
    ${failure && html`<${Problem} failure=${failure} />`}
  </section>`;
}
