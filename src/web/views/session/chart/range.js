// The time that is seen: moved at once, and written to the address when it rests.
import { useEffect, useRef, useState } from "../../../core/ui.js";
import { amend } from "../../../core/url.js";
import { instant, stamp } from "./time.js";

const LEAST = 60;

/** Keeps a range within the whole time, a fiftieth of it beyond at most. */
function within([from, to], whole) {
  const reach = whole[1] - whole[0];
  const span = Math.min(Math.max(to - from, LEAST), reach);
  const middle = (from + to) / 2;
  const [first, last] = [whole[0], whole[1] - span];
  const start = Math.min(Math.max(middle - span / 2, first), last);
  return [start, start + span];
}

/** `{range, zoom(min, max), whole()}`; a `zoom` with `{step: true}` is one that the back button takes back. */
export function useRange({ query, whole, zone }) {
  const addressed = () => within([instant(query.from, zone) ?? whole[0], instant(query.to, zone) ?? whole[1]], whole);
  const [range, setRange] = useState(addressed);
  const written = useRef(`${query.from}|${query.to}`);
  const waiting = useRef(0);
  const before = useRef(whole);
  const key = `${query.from}|${query.to}`;
  useEffect(() => {
    if (key === written.current && before.current === whole) return;
    before.current = whole;
    written.current = key;
    clearTimeout(waiting.current);
    setRange(addressed());
  }, [key, whole]);
  useEffect(() => () => clearTimeout(waiting.current), []);
  const zoom = (min, max, { step = false } = {}) => {
    if (!(max > min)) return;
    const next = within([min, max], whole);
    setRange(next);
    clearTimeout(waiting.current);
    const write = () => {
      const all = next[1] - next[0] >= (whole[1] - whole[0]) * 0.999;
      const rounded = next[1] - next[0] > 1800 ? next.map((time) => Math.round(time / 60) * 60) : next.map(Math.round);
      const [from, to] = all ? [null, null] : rounded.map((time) => stamp(time, zone));
      written.current = `${from ?? undefined}|${to ?? undefined}`;
      amend({ from, to }, { replace: !step });
    };
    if (step) write();
    else waiting.current = setTimeout(write, 300);
  };
  return { range, zoom, all: () => zoom(...whole) };
}
