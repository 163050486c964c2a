// Sentences of the server about leaks, targets and set-points, said in the page's language. One that is not known stays as it is.
import { has, t, word } from "../../core/words.js";
import { plainText } from "./plain.js";

const MACHINES = { "chilled-water pumps": "chw_pumps", "secondary pumps": "scp_pumps", "condenser pumps": "cw_pumps", fans: "fans",
  "chilled water": "chilled_water", chillers: "chillers" };
const ANY = `(?<machine>${Object.keys(MACHINES).filter((name) => name !== "chillers").join("|")})`;

/** Forms of sentences: their named groups are the values of the text `sentence.KEY`. */
const FORMS = [
  [/^its name says a ratio of power and cooling/, "ratio_name"], [/^its unit is kW\/RT/, "ratio_unit"],
  [/^its unit is (?<unit>\S+): electric power/, "power_unit"], [/^its unit is (?<unit>\S+): electric energy/, "energy_unit"],
    [/^its unit is (?<unit>\S+): a machine's current/, "current_unit"],
  [/^its name says electric current/, "current_name"], [/^its name says percent/, "percent_name"], [/^its name says electric energy/, "energy_name"],
    [/^its name says electric power/, "power_name"],
  [/^it follows '(?<target>.+)' closer than .*correlation (?<level>[\d.]+)/, "follows"],
  [/^it is the only electric power$/, "only_power"], [/^its name says the plant's total power: (?<evidence>.*)$/, "total_name"],
  [/^no name says the plant's total power; of (?<number>\d+) powers it is the largest(?: \((?<mean>.*) kW on average\))?$/, "largest"],
  [/^(?<number>\d+) names say a total power; it is the largest/, "largest_total"],
  [/^the surest gain of the settings .*?: (?<gain>\S+) kW, (?<cautious>\S+) kW by the more cautious of two models, with an error of (?<error>\S+) kW/, "surest"],
  [/^the present set-points break a limit; the best that keep all cost (?<more>\S+) kW more/, "costs_more"],
  [/^no change: no other setting is sure to gain more than (?<worth>\S+) kW/, "not_sure"],
    [/^no change: nothing that history has shown keeps all limits/, "no_limits_kept"],
  [/^no change: of the settings that keep all limits .* none gains more than the model's error/, "none_gains"],
  [/^no change: the model has never seen such (?<names>[^;]+); the powers/, "never_seen"], [/^no change: without a load/, "stands_still"],
  [/^(?<share>[\d.]+ %) of the measured hours after lay outside the conditions before; they are left out/, "outside"],
  [new RegExp(`^${ANY} stays? at (?<value>[^,]+), for what history seems to say of it contradicts physics`), "stays_physics"],
  [new RegExp(`^${ANY} stays? at (?<value>[^,]+), for history speaks against .*? (?<rows>\\d+) rows`), "stays_history"],
  [new RegExp(`^${ANY} stays? at (?<value>[^,]+)$`), "stays"],
  [new RegExp(`^${ANY} (?<from>\\S+) → (?<to>\\S+ ?\\S*): to keep the limits`), "keeps_limits"],
];
const CHANGE = new RegExp(`^${ANY} (?<from>\\S+) → (?<to>[^:]+): (?<parts>.*?)(?: at (?<air>\\S+) (?<unit>\\S+) (?<what>wet-bulb|outside))?(?<needed>; without it history .*)?$`);
const PART = /^(?<power>[+−]?[\d.]+) kW of (?<machine>.*)$/;

const machine = (name) => t(`sentence.machine.${MACHINES[name]}`);

/** `fans 47 → 42 Hz: −6.1 kW of fans against +1.9 kW of chillers at 25.6 °C wet-bulb`, in words of the page. */
function change(text) {
  const found = CHANGE.exec(text)?.groups;
  const parts = found?.parts.split(/ against | and /).map((part) => PART.exec(part)?.groups);
  if (!parts?.every(Boolean)) return null;
  const powers = parts.map((part) => t("sentence.power", { power: part.power, machine: machine(part.machine) })).join(t("sentence.and"));
  return [powers, found.air && t(`sentence.at_${found.what === "outside" ? "outside" : "wet_bulb"}`, { air: `${found.air} ${found.unit}` }), found.needed
    && t("sentence.needed")].filter(Boolean).join(t("sentence.comma"));
}

/** What a sentence says, in the page's language: `[text, whether it is the page's own]`. */
export function sentence(text) {
  for (const [form, key] of FORMS) {
    const found = form.exec(text ?? "");
    if (found && has(`sentence.${key}`)) return [t(`sentence.${key}`, { ...found.groups, ...(found.groups?.machine
      && { machine: machine(found.groups.machine) }) }), true];
  }
  const changed = change(text ?? "");
  return changed ? [changed, true] : [plainText(text), false];
}

const STAGES = [
  [/^trying (\w+)/, "trying"], [/^seeing how far off/, "interval"], [/^measuring what/, "importance"], [/^judging rows/, "random"],
  [/^cross-validating/, "blocks"], [/^fitting all/, "fitting"], [/^collecting what/, "history"],
];
/** What a training is doing, in words of the page; another message is left out. */
export function stage(message) {
  for (const [form, key] of STAGES) {
    const found = form.exec(message ?? "");
    if (found) return t(`model.stage.${key}`, { algorithm: found[1] && word("models.algorithm", found[1]) });
  }
  return t("model.stage.reading");
}

/** What came of a training, as its job says it, in words of the page. */
export function trained(message) {
  const found = /^(?<model>.+): (?<algorithm>\w+), (?<error>.+) off on held-out rows in time order$/.exec(message ?? "")?.groups;
  return found ? t("model.trained", { ...found, algorithm: word("models.algorithm", found.algorithm) }) : message;
}
