// The parts that columns play in a plant: which categories there are, and on which side of the plant they stand.
export const SIDES = [
  ["plant", ["load_cols", "system_level_cols", "environment_cols"]],
  ["chilled", ["chiller_cols", "chw_pump_cols", "scp_pump_cols", "chw_temp_cols", "chw_pressure_cols", "chw_flow_cols"]],
  ["condenser", ["cooling_tower_cols", "cw_pump_cols", "cw_temp_cols", "cw_pressure_cols", "cw_flow_cols"]],
];
export const CATEGORIES = SIDES.flatMap(([, keys]) => keys);

/** Where each column stands: as suggested, with what was moved since. A column that is not used has an empty category. */
export function placed(suggested, moves) {
  const places = new Map([...suggested.columns.map((one) => [one.column, ""]), ...suggested.unmapped.map((column) => [column, ""])]);
  for (const [category, columns] of Object.entries(suggested.mapping)) {
    if (Array.isArray(columns)) for (const column of columns) places.set(column, category);
  }
  for (const [column, category] of moves) if (places.has(column)) places.set(column, category);
  return places;
}

/** Moves in the address: `COLUMN:category,…`. */
export const readMoves = (text) => new Map((text ?? "").split(",").filter(Boolean).map((pair) => {
  const at = pair.lastIndexOf(":");
  return [pair.slice(0, at), pair.slice(at + 1)];
}));
export const writeMoves = (moves) => [...moves].map(([column, category]) => `${column}:${category}`).join(",");

/** A mapping as a training takes it. */
export function mappingOf(places, target) {
  const mapping = { target_col: target };
  for (const [column, category] of places) if (category) (mapping[category] ??= []).push(column);
  return mapping;
}

/** A name that a model may have, from a session's: letters of any script, digits, `_`, `-` and `.`. */
export const nameFrom = (text) => text.normalize("NFC").replace(/[^\p{L}\p{N}_.-]+/gu, "_").replace(/^[_.]+|[_.]+$/g, "").slice(0, 80) || "plant";
