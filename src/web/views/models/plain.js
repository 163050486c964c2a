// Failures and sentences of the server in words of the page: without the API's names of fields, and with parts of the plant
// as they are called here.
import { has, t } from "../../core/words.js";

const ROLES = ["load_rt", "wet_bulb", "dry_bulb", "humidity", "chw_supply_temp", "chw_pump_hz", "scp_pump_hz", "cw_pump_hz", "ct_fan_hz",
  "chw_return_temp", "chw_flow", "chw_pressure", "cw_supply_temp", "cw_return_temp", "cw_flow"];
const NAMED = new RegExp(`\\b(${ROLES.join("|")})\\b`, "g");
/** Codes whose single errors say more than the page's words for the code. */
const TELLING = ["infeasible", "leakage"];

export const plainText = (text) => (text ?? "").replace(/^[a-z_]+(?:\.[a-z_]+|\[\d+\])*: /, "").replace(/ ?\(allow_leakage[^)]*\)/, "").replace(NAMED,
  (role) => t(`models.roles.${role}`));

/** A failure for a `Problem`. */
export function plainly(failure) {
  const { problem } = failure;
  if (!problem) return failure;
  const silent = has(`problem.${problem.code}`) && !TELLING.includes(problem.code);
  const errors = (silent ? [] : problem.errors ?? []).map(({ message, count }) => ({ message: plainText(message), count }));
  const detail = plainText(problem.detail);
  return { problem: { ...problem, detail, errors: errors.filter((error) => error.message !== detail) } };
}
