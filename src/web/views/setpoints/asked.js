// What is asked of a model: its conditions and set-points, where each lay in training, and how they stand in the address.
const CONDITIONS = ["load_rt", "wet_bulb", "dry_bulb", "humidity", "running"];
const CONTROLS = ["chw_supply_temp", "chw_pump_hz", "scp_pump_hz", "cw_pump_hz", "ct_fan_hz"];
const RESPONSES = ["chw_return_temp", "chw_flow", "chw_pressure", "cw_supply_temp", "cw_return_temp", "cw_flow"];

/** `name:number,…` in the address. */
export const readNumbers = (text) => new Map((text ?? "").split(",").filter(Boolean).map((pair) => {
  const cut = pair.lastIndexOf(":");
  return [pair.slice(0, cut), Number(pair.slice(cut + 1))];
}).filter(([name, number]) => name && Number.isFinite(number)));
export const writeNumbers = (numbers) => [...numbers].map(([name, number]) => `${name}:${number}`).join(",");

const joined = (of) => {
  const least = (key) => Math.min(...of.map((one) => one.seen[key]));
  const most = (key) => Math.max(...of.map((one) => one.seen[key]));
  return { min: least("min"), p01: least("p01"), median: of[0].seen.median, p99: most("p99"), max: most("max") };
};

/**
 * What there is to state, of the latest conditions: each condition by itself, and set-points by role, which all machines of
 * one role share: `{name, role, unit, value, range, ends, columns}`. `ends` are those of the search, where it has some.
 */
export function inputsOf({ inputs }) {
  const conditions = inputs.filter((one) => !one.is_control).sort((one, other) => CONDITIONS.indexOf(one.role) - CONDITIONS.indexOf(other.role))
    .map((one) => ({ name: one.name, role: one.role, unit: one.unit, value: one.value, range: one.seen, columns: [one.name] }));
  const controls = CONTROLS.flatMap((role) => {
    const own = inputs.filter((one) => one.is_control && one.role === role);
    if (!own.length) return [];
    const ends = own[0].min != null && own[0].max != null ? [own[0].min, own[0].max] : null;
    return [{ name: role, role, unit: own[0].unit, value: own.find((one) => one.value != null)?.value ?? null, range: joined(own), ends,
      columns: own.map((one) => one.name) }];
  });
  return { conditions, controls };
}

/** What a limit may be set on: what the plant answers with, and its set-points. */
export function limitedOf(model) {
  return [...RESPONSES, ...CONTROLS].flatMap((role) => {
    const own = (model.features ?? []).find((feature) => feature.role === role && feature.from === "column");
    return own ? [{ name: role, unit: own.unit, median: own.range.median }] : [];
  });
}

/** Limits in the address: `chw_return_temp<14,chw_pump_hz>40`. */
export const readLimits = (text) => (text ?? "").split(",").flatMap((limit) => {
  const found = /^(\w+)([<>])(-?[\d.]+)$/.exec(limit);
  return found ? [{ name: found[1], way: found[2], number: Number(found[3]) }] : [];
});
export const writeLimits = (limits) => limits.map(({ name, way, number }) => `${name}${way}${number}`).join(",");

/** A request for set-points, of what the address says. What nobody gave is left to the server: it takes the latest steady rows. */
export function requestOf(model, controls, query) {
  const fixed = (query.fixed ?? "").split(",");
  const most = Number(query.most) || null;
  return {
    model: model.id, session_id: query.data || null, conditions: Object.fromEntries(readNumbers(query.set)), current: Object.fromEntries(readNumbers(query.now)),
    variables: controls.filter((one) => !fixed.includes(one.name)).map((one) => (most ? { name: one.name, max_change: most } : { name: one.name })),
    constraints: readLimits(query.limits).map(({ name, way, number }) => (way === "<" ? { name, max: number } : { name, min: number })),
  };
}

/** Where a slider ends: as the search does, else a little beyond what is usual, never beyond what was seen, and always around where it stands. */
export function endsOf({ range: { min, p01, p99, max }, ends }, number) {
  if (ends) return [Math.min(number, ends[0]), Math.max(number, ends[1])];
  const room = 0.2 * (p99 - p01) || 0.5 * (max - min);
  return [Math.min(number, Math.max(min, p01 - room)), Math.max(number, Math.min(max, p99 + room))];
}

/** A step that moves a slider some hundred times along its range. */
export function stepOf({ min, max }, unit) {
  if (unit === "Hz" || /^°/.test(unit ?? "")) return 0.1;
  const raw = (max - min) / 200;
  return raw > 0 ? 10 ** Math.max(-3, Math.round(Math.log10(raw))) : 1;
}
