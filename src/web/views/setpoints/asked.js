// What is asked of a model: its conditions and set-points, where each lay in training, and how they stand in the address.
export const CONDITIONS = ["load_rt", "wet_bulb", "dry_bulb", "humidity", "running"];
export const CONTROLS = ["chw_supply_temp", "chw_pump_hz", "scp_pump_hz", "cw_pump_hz", "ct_fan_hz"];
const RESPONSES = ["chw_return_temp", "chw_flow", "chw_pressure", "cw_supply_temp", "cw_return_temp", "cw_flow"];

/** `name:number,…` in the address. */
export const readNumbers = (text) => new Map((text ?? "").split(",").filter(Boolean).map((pair) => {
  const cut = pair.lastIndexOf(":");
  return [pair.slice(0, cut), Number(pair.slice(cut + 1))];
}).filter(([name, number]) => name && Number.isFinite(number)));
export const writeNumbers = (numbers) => [...numbers].map(([name, number]) => `${name}:${number}`).join(",");

const joined = (features) => {
  const least = (key) => Math.min(...features.map((feature) => feature.range[key]));
  const most = (key) => Math.max(...features.map((feature) => feature.range[key]));
  return { min: least("min"), p01: least("p01"), median: features[0].range.median, p99: most("p99"), max: most("max") };
};

/** Conditions, each a column; and set-points, each a role that all its machines share: `{name, role, unit, range, columns}`. */
export function inputsOf(model) {
  const columns = (model.features ?? []).filter((feature) => feature.from === "column");
  const conditions = CONDITIONS.flatMap((role) => columns.filter((feature) => feature.role === role)
    .map((feature) => ({ name: feature.name, role, unit: feature.unit, range: feature.range, columns: [feature.name] })));
  const roles = (keys) => keys.flatMap((role) => {
    const own = columns.filter((feature) => feature.role === role);
    return own.length ? [{ name: role, role, unit: own[0].unit, range: joined(own), columns: own.map((feature) => feature.name) }] : [];
  });
  return { conditions, controls: roles(CONTROLS), limited: roles([...RESPONSES, ...CONTROLS]) };
}

/** Limits in the address: `chw_return_temp<14,chw_pump_hz>40`. */
export const readLimits = (text) => (text ?? "").split(",").flatMap((limit) => {
  const found = /^(\w+)([<>])(-?[\d.]+)$/.exec(limit);
  return found ? [{ name: found[1], way: found[2], number: Number(found[3]) }] : [];
});
export const writeLimits = (limits) => limits.map(({ name, way, number }) => `${name}${way}${number}`).join(",");

/** A request for set-points, of what the address says. What nobody gave is left to the server: it takes the latest steady rows. */
export function requestOf(model, query) {
  const { controls } = inputsOf(model);
  const fixed = (query.fixed ?? "").split(",");
  const most = Number(query.most) || null;
  return {
    model: model.id, conditions: Object.fromEntries(readNumbers(query.set)), current: Object.fromEntries(readNumbers(query.now)),
    variables: controls.filter((one) => !fixed.includes(one.name)).map((one) => (most ? { name: one.name, max_change: most } : { name: one.name })),
    constraints: readLimits(query.limits).map(({ name, way, number }) => (way === "<" ? { name, max: number } : { name, min: number })),
  };
}

/** Where a slider ends: a little beyond what is usual, never beyond what was seen, and always around where it stands. */
export function endsOf({ min, p01, p99, max }, number) {
  const room = 0.2 * (p99 - p01) || 0.5 * (max - min);
  return [Math.min(number, Math.max(min, p01 - room)), Math.max(number, Math.min(max, p99 + room))];
}

/** A step that moves a slider some hundred times along its range. */
export function stepOf({ min, max }, unit) {
  if (unit === "Hz" || /^°/.test(unit ?? "")) return 0.1;
  const raw = (max - min) / 200;
  return raw > 0 ? 10 ** Math.max(-3, Math.round(Math.log10(raw))) : 1;
}
