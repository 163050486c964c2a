// The lines of a chart: the whole time coarsely, and around what is seen as finely as its pixels, drawn as one.
import { get, useGet } from "../../../core/api.js";
import { useEffect, useMemo, useRef, useState } from "../../../core/ui.js";
import { iso } from "./time.js";

const parsed = new WeakMap();
/** An answer of `/data/series` with its times as seconds: `[{column, unit, rows, downsampled, x, values}]`. */
function linesOf(answer) {
  if (!parsed.has(answer)) {
    parsed.set(answer, answer.series.map(({ timestamps, ...line }) => ({ ...line, x: timestamps.map((time) => Date.parse(time) / 1000) })));
  }
  return parsed.get(answer);
}

const between = ({ x, values }, from, to) => {
  const kept = { x: [], values: [] };
  for (let index = 0; index < x.length; index += 1) {
    if (x[index] < from || x[index] >= to || values[index] === null) continue;
    kept.x.push(x[index]);
    kept.values.push(values[index]);
  }
  return kept;
};

/** How long a line may be without a value before it breaks; each piece of it is as dense as it was asked for. */
function patience({ rows, x, values, downsampled }, interval) {
  if (interval === null) return 86400;
  const steps = [];
  for (let index = 1, last = -1; index < x.length; index += 1) {
    if (values[index] === null) continue;
    if (last >= 0) steps.push(x[index] - x[last]);
    last = index;
  }
  const usual = interval ?? steps.sort((a, b) => a - b)[Math.floor(steps.length / 2)] ?? 0;
  const bucket = downsampled ? (rows / Math.max(1, x.length / 2)) * Math.min(usual, (x.at(-1) - x[0]) / Math.max(1, rows - 1)) : 0;
  return Math.max(1.5 * usual, 2.5 * bucket) + 1;
}

/** Breaks a line where values are missing for longer than that. */
function broken({ x, values }, longest) {
  const line = { x: [], values: [] };
  for (let index = 0; index < x.length; index += 1) {
    const gap = index && x[index] - x[index - 1];
    if (gap > longest) {
      line.x.push(x[index - 1] + gap / 2);
      line.values.push(null);
    }
    line.x.push(x[index]);
    line.values.push(values[index]);
  }
  return line;
}

function piece(line, from, to, interval) {
  return broken(between(line, from, to), patience(line, interval));
}

/** The coarse line with the fine one in its place: `near` is `{from, to, lines}` or null. */
function joined(line, near, interval) {
  const fine = near?.lines.find(({ column }) => column === line.column);
  if (!fine || !line.downsampled) return piece(line, -Infinity, Infinity, interval);
  const parts = [piece(line, -Infinity, near.from, interval), piece(fine, near.from, near.to, interval), piece(line, near.to, Infinity, interval)];
  return { x: parts.flatMap((part) => part.x), values: parts.flatMap((part) => part.values) };
}

/**
 * The lines of `columns`: `{lines: [{column, unit, x, values}], rough, failure, again}`; null values are gaps. What was drawn stays until
 * there is something finer; what is fine enough is not asked for again. `whole` and `range` in seconds, `width` in pixels,
 * `intervals` how often each column is recorded (null: on change).
 */
export function useLines({ id, version, columns, whole, range, width, intervals }) {
  const names = columns.join(",");
  const points = width < 700 ? 1400 : width < 1500 ? 3000 : 5000;
  const base = useGet(version && names ? "data/series" : null, { session_id: id, version, columns: names, points });
  const [near, setNear] = useState(null);
  const held = useRef(null);
  held.current = near;
  const data = base.data;
  const [from, to] = range;
  const reach = whole[1] - whole[0];
  useEffect(() => {
    if (!data || !base.current || !data.series.some((line) => line.downsampled)) return undefined;
    const span = to - from;
    if (span > reach * 0.75) return undefined;
    const step = span / (2 * width);
    const kept = held.current;
    if (kept?.of === data && kept.from <= from && kept.to >= to && (kept.exact || kept.step <= step * 1.4)) return undefined;
    const ending = new AbortController();
    const timer = setTimeout(() => {
      const [start, end] = [Math.floor(from - span / 2), Math.ceil(to + span / 2)];
      const values = { session_id: id, version, columns: names, from: iso(start), to: iso(end), points: Math.min(20000, Math.ceil((end - start) / step)) };
      get("data/series", values, { signal: ending.signal }).then((answer) => {
        const lines = linesOf(answer);
        setNear({ of: data, from: start, to: end, step, exact: lines.every((line) => !line.downsampled), lines });
      }, (failure) => ending.signal.aborted || console.warn(failure));
    }, 120);
    return () => {
      clearTimeout(timer);
      ending.abort();
    };
  }, [data, base.current, from, to, width, reach]);
  const lines = useMemo(() => {
    if (!data) return [];
    return linesOf(data).map((line) => ({ column: line.column, unit: line.unit, ...joined(line, near?.of === data ? near : null, intervals?.[line.column]) }));
  }, [data, near, intervals]);
  return { lines, drawn: !!data, busy: base.busy, failure: base.failure, again: base.again };
}

/** The place of the first time that is not before `time`. */
export function first(x, time) {
  let [low, high] = [0, x.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (x[middle] < time) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The value that a line has at a time, or last had before it; null in a gap. */
export function valueAt({ x, values }, time) {
  if (!x.length || time < x[0] || time > x.at(-1) + (x.at(-1) - x[0]) * 0.01) return null;
  const next = first(x, time);
  const last = Math.max(0, next - 1);
  return next < x.length && x[next] - time < time - x[last] && values[next] !== null ? values[next] : values[last];
}
