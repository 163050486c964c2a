// What is wrong: faults of machines, the dearest first, and what cleaning or the systems themselves say of the readings.
import { html } from "../../core/ui.js";
import { at } from "../../core/url.js";
import { t } from "../../core/words.js";
import { Events } from "./findings/events.js";
import { Faults } from "./findings/faults.js";

export default function Findings(props) {
  const { session, query } = props;
  const part = query.part === "events" ? "events" : "faults";
  const there = (name) => at(["sessions", session.session_id, "findings"],
    { version: query.version, from: query.from, to: query.to, part: name === "faults" ? null : name });
  const Part = part === "events" ? Events : Faults;
  return html`<div class="row spread shape-bar"><nav class="shape-parts" aria-label=${t("findings.parts")}>${["faults", "events"].map((name) =>
      html`<a key=${name} href=${there(name)} aria-current=${name === part ? "page" : null}>${t(`findings.part_${name}`)}</a>`)}</nav></div>
    <${Part} ...${props} />`;
}
