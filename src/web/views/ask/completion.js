// What may stand where the cursor is: tables behind FROM, columns of the tables, functions and words of SQL.
const WORDS = `SELECT FROM WHERE GROUP BY ORDER BY LIMIT OFFSET HAVING JOIN LEFT JOIN USING ON AS AND OR NOT IN IS NULL BETWEEN LIKE ILIKE CASE WHEN THEN ELSE END DISTINCT WITH UNION ALL
  DESC ASC NULLS LAST OVER PARTITION BY INTERVAL EXPLAIN`.split(/\n/).flatMap((line) => line.trim().match(/GROUP BY|ORDER BY|LEFT JOIN|PARTITION BY|NULLS LAST|IS NULL|\w+/g));
/** Functions with what they take. */
export const FUNCTIONS = [
  ["time_bucket", "(INTERVAL '1 hour', timestamp)"], ["date_trunc", "('day', timestamp)"], ["date_part", "('hour', timestamp)"], ["kw_per_rt", "(kw, rt)"],
    ["rt", "(flow, delta_t, 'L/min')"],
  ["wet_bulb", "(dry_bulb, humidity)"], ["enthalpy", "(dry_bulb, humidity)"], ["locf", "(x) OVER (ORDER BY timestamp)"],
    ["interpolate", "(x, timestamp) OVER (ORDER BY timestamp)"], ["counter_delta", "(x) OVER (ORDER BY timestamp)"],
  ["avg", "(x)"], ["sum", "(x)"], ["min", "(x)"], ["max", "(x)"], ["count", "(*)"], ["median", "(x)"], ["stddev", "(x)"], ["corr", "(x, y)"],
    ["approx_percentile_cont", "(x, 0.9)"], ["lag", "(x) OVER (ORDER BY timestamp)"],
  ["row_number", "() OVER (ORDER BY timestamp)"], ["round", "(x, 2)"], ["abs", "(x)"], ["coalesce", "(x, 0)"], ["nullif", "(x, 0)"], ["greatest", "(a, b)"],
    ["least", "(a, b)"], ["now", "()"],
];
const RESERVED = new Set(WORDS.flatMap((word) => word.toLowerCase().split(" ")));
const MOST = 60;

/** A name as it may stand in a statement. */
export const plain = (name) => (/^[A-Za-z_][A-Za-z0-9_]*$/.test(name) && !RESERVED.has(name.toLowerCase()) ? name : `"${name.replaceAll('"', '""')}"`);

/** The beginning of a name before the cursor, and what stands before it. */
function beginning(text, caret) {
  const found = /(?:"([^"\n]*)|([\p{L}_][\p{L}\p{N}_]*))$/u.exec(text.slice(0, caret));
  const start = found ? caret - found[0].length : caret;
  return { start, prefix: (found?.[1] ?? found?.[2] ?? "").toLowerCase(), before: text.slice(0, start) };
}

/** Whether the cursor stands in a text of the statement or in a remark. */
const inText = (before) => (before.replace(/--[^\n]*\n/g, "").match(/'/g)?.length ?? 0) % 2 === 1 || /--[^\n]*$/.test(before);

/**
 * `known`: `{tables: [name], columns: [{name, table, type}]}`. Answers `{start, end, items: [{insert, name, kind, about}]}`, or null.
 */
export function complete(text, caret, known, { forced = false } = {}) {
  const { start, prefix, before } = beginning(text, caret);
  if (inText(before) || (!forced && prefix.length < 1)) return null;
  const afterFrom = /\b(from|join)\s+$/i.test(before) || /\bfrom\s+[^()]*,\s*$/i.test(before);
  const ofTable = /\.\s*$/.test(before);
  const tables = known.tables.map((name) => ({ insert: name, name, kind: "table" }));
  const columns = [...new Map(known.columns.map((one) => [one.name, { insert: plain(one.name), name: one.name, kind: "column", about: one.about }])).values()];
  const functions = FUNCTIONS.map(([name, takes]) => ({ insert: `${name}(`, name, kind: "function", about: takes }));
  const words = WORDS.map((word) => ({ insert: `${word} `, name: word, kind: "word" }));
  const offered = afterFrom ? tables : ofTable ? [...columns, ...tables] : [...columns, ...functions, ...tables, ...words];
  const rank = ({ name }) => {
    const at = name.toLowerCase().indexOf(prefix);
    return at < 0 ? -1 : at === 0 ? 0 : /[^a-z0-9]/i.test(name[at - 1]) ? 1 : 2;
  };
  const items = offered.map((one) => ({ one, rank: rank(one) })).filter((each) => each.rank >= 0).sort((a, b) => a.rank - b.rank).slice(0, MOST).map((each) => each.one);
  if (items.length === 0 || (items.length === 1 && !forced && items[0].name.toLowerCase() === prefix)) return null;
  return { start, end: caret, items };
}
