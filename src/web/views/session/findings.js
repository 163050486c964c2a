// What is wrong: faults of machines, the dearest first, and what cleaning or the systems themselves say of the readings.
import { html } from "../../core/ui.js";
import { at } from "../../core/url.js";
import { has, t } from "../../core/words.js";
import { Events } from "./findings/events.js";
import { Faults } from "./findings/faults.js";

/** An address may be written by hand: kinds, rules and times that there are not are not asked for. */
function readable(query) {
  const known = (room, name) => (name && has(`${room}${name}`) ? name : undefined);
  const time = (text) => (/^\d{4}-\d\d-\d\d/.test(text ?? "") ? text : undefined);
  return { ...query, kind: known("findings.kind_", query.kind), rule: known("rule.", query.rule), from: time(query.from), to: time(query.to), page: Number(query.page) >= 1 ? Math.floor(Number(query.page)) : undefined };
}

export default function Findings(props) {
  const { session } = props;
  const query = readable(props.query);
  const part = query.part === "events" ? "events" : "faults";
  const there = (name) => at(["sessions", session.session_id, "findings"],
    { version: query.version, from: query.from, to: query.to, part: name === "faults" ? null : name });
  const Part = part === "events" ? Events : Faults;
  return html`<div class="row spread shape-bar"><nav class="shape-parts" aria-label=${t("findings.parts")}>${["faults", "events"].map((name) =>
      html`<a key=${name} href=${there(name)} aria-current=${name === part ? "page" : null}>${t(`findings.part_${name}`)}</a>`)}</nav></div>
    <${Part} ...${props} query=${query} />`;
}
