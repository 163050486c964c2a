// A plot over time or over any number: uPlot with this page's colours, axes by unit, drag, wheel and touch.
import uPlot from "../vendor/uplot-1.6.32/uPlot.esm.js";
import { useStore } from "./store.js";
import { colour, lineColour, theme } from "./theme.js";
import { html, useEffect, useLayoutEffect, useRef } from "./ui.js";
import { language, value } from "./words.js";

const sheet = document.createElement("link");
sheet.rel = "stylesheet";
sheet.href = new URL("../vendor/uplot-1.6.32/uPlot.min.css", import.meta.url);
document.head.append(sheet);

/** Labels of the time axis by the step between them: step, label, and what is added where year or day change. */
const TIMES = [
  [31536000, "{YYYY}", null, null, null, null, null, null, 1],
  [2419200, "{YYYY}-{MM}", null, null, null, null, null, null, 1],
  [86400, "{MM}-{DD}", "\n{YYYY}", null, null, null, null, null, 1],
  [60, "{HH}:{mm}", "\n{YYYY}-{MM}-{DD}", null, "\n{MM}-{DD}", null, null, null, 1],
  [1, "{HH}:{mm}:{ss}", "\n{YYYY}-{MM}-{DD}", null, "\n{MM}-{DD}", null, null, null, 1],
];

/** Wheel and pinch zoom around where the pointer is, two fingers or shift-drag move: `onrange(min, max)`. */
function gestures(onrange) {
  const limits = (u) => [u.scales.x.min, u.scales.x.max];
  return { hooks: { ready: (u) => {
    const over = u.over;
    over.addEventListener("wheel", (event) => {
      event.preventDefault();
      const [min, max] = limits(u);
      const { left, width } = over.getBoundingClientRect();
      const share = (event.clientX - left) / width;
      if (Math.abs(event.deltaX) > Math.abs(event.deltaY) || event.shiftKey) {
        const by = (((event.deltaX || event.deltaY) / width) * (max - min));
        onrange(min + by, max + by);
        return;
      }
      const factor = event.deltaY < 0 ? 0.8 : 1.25;
      const middle = min + share * (max - min);
      onrange(middle - share * (max - min) * factor, middle + (1 - share) * (max - min) * factor);
    }, { passive: false });
    const fingers = new Map();
    let began = null;
    const spread = () => {
      const xs = [...fingers.values()];
      return { middle: (Math.min(...xs) + Math.max(...xs)) / 2, width: Math.max(20, Math.max(...xs) - Math.min(...xs)) };
    };
    over.addEventListener("touchstart", (event) => {
      for (const touch of event.changedTouches) fingers.set(touch.identifier, touch.clientX);
      began = { ...spread(), range: limits(u), count: fingers.size };
    }, { passive: true });
    over.addEventListener("touchmove", (event) => {
      for (const touch of event.changedTouches) fingers.set(touch.identifier, touch.clientX);
      if (!began) return;
      const now = spread();
      const { left, width } = over.getBoundingClientRect();
      const [min, max] = began.range;
      const factor = began.count > 1 ? began.width / now.width : 1;
      const held = min + ((began.middle - left) / width) * (max - min);
      const share = (now.middle - left) / width;
      const span = (max - min) * factor;
      if (began.count === 1 && Math.abs(now.middle - began.middle) < 8) return;
      event.preventDefault();
      onrange(held - share * span, held + (1 - share) * span);
    }, { passive: false });
    for (const ended of ["touchend", "touchcancel"]) {
      over.addEventListener(ended, (event) => {
        for (const touch of event.changedTouches) fingers.delete(touch.identifier);
        began = fingers.size ? { ...spread(), range: limits(u), count: fingers.size } : null;
      });
    }
  } } };
}

/**
 * `x`: seconds since 1970 (or numbers, with `numbers`); `series`: `{label, unit, values, colour?, dash?, width?, points?, step?, fill?}`,
 * each as long as `x`, null for a gap; `step` holds a value until the next one. Each unit has an axis, left and right in turn, two
 * on a narrow plot and four on a wide one; `ownScales` one a series. Other data of the same series, or another range, are drawn into
 * the plot that is there, so that a finger on it keeps hold.
 * `range` is `[min, max]` of x; `onrange(min, max)` is asked for when somebody zooms. `shades`: `{from, to, kind?, title?}` behind
 * the lines, kinds are `--shade-…` of the style sheet; `onshade(shade)` when one is clicked. `marks`: `{x, label}`. `onready(plot)` gets the uPlot. `description` is
 * for whoever does not see it.
 */
export function Plot({ x, series, numbers, xLabel, xUnit, zone, range, onrange, ownScales, shades = [], onshade, marks = [], height = 360, scatter, legend = true, description, onready }) {
  const box = useRef(null);
  const plot = useRef(null);
  const seen = useStore(theme);
  useStore(language);
  const live = useRef({});
  live.current = { shades, marks, onrange, onshade, range };
  const drawn = useRef(null);
  const shape = JSON.stringify(series.map(({ values, ...rest }) => rest));
  useLayoutEffect(() => {
    const [ink, line] = [colour("--soft"), colour("--rule")];
    const scaleOf = (one) => (ownScales ? one.label : one.unit || "value");
    const scales = [...new Set(series.map(scaleOf))];
    const axis = { stroke: ink, grid: { stroke: line, width: 1 }, ticks: { stroke: line, width: 1 }, font: "12px system-ui" };
    const widest = (_, labels) => 26 + 7 * Math.max(3, ...(labels ?? []).map((label) => label.length));
    const shade = (u) => {
      const { left, top, width, height: tall } = u.bbox;
      for (const { from, to, kind } of live.current.shades) {
        const [start, end] = [u.valToPos(from, "x", true), u.valToPos(to, "x", true)];
        if (end < left || start > left + width) continue;
        const [low, high] = [Math.max(left, start), Math.min(left + width, Math.max(end, start + 2))];
        u.ctx.fillStyle = colour(`--shade-${kind ?? "event"}`);
        u.ctx.fillRect(low, top, high - low, tall);
      }
      for (const mark of live.current.marks) {
        const at = u.valToPos(mark.x, "x", true);
        u.ctx.fillStyle = colour("--accent");
        u.ctx.fillRect(at - 1, top, 2, tall);
        u.ctx.textAlign = "left";
        if (mark.label) u.ctx.fillText(mark.label, at + 4, top + 12);
      }
    };
    const ask = (...asked) => live.current.onrange?.(...asked);
    const options = {
      width: box.current.clientWidth, height, legend: { show: legend },
      tzDate: (seconds) => (zone ? uPlot.tzDate(new Date(seconds * 1000), zone) : new Date(seconds * 1000)),
      cursor: { drag: { x: !!onrange, y: false, setScale: false }, points: { size: 7 } },
      scales: { x: { time: !numbers, range: (_, min, max) => live.current.range ?? [min, max] } },
      axes: [
        { ...axis, ...(numbers ? { values: (_, ticks) => ticks.map((tick) => value(tick)), label: xLabel, labelSize: 18, labelFont: "12px system-ui" } : { values: TIMES }) },
        ...scales.slice(0, box.current.clientWidth < 700 ? 2 : 4).map((key, index) => ({
          ...axis, scale: key, side: index % 2 ? 1 : 3, size: widest, grid: { ...axis.grid, show: index === 0 },
          label: key === "value" ? undefined : key, labelSize: 18, labelFont: "12px system-ui", values: (_, ticks) => ticks.map((tick) => value(tick)),
        })),
      ],
      series: [
        { label: xLabel ?? "", value: numbers ? (_, v) => (v == null ? "–" : `${value(v)} ${xUnit ?? ""}`) : "{YYYY}-{MM}-{DD} {HH}:{mm}" },
        ...series.map((one, index) => ({
          label: one.unit ? `${one.label} (${one.unit})` : one.label, scale: scaleOf(one), stroke: one.colour ?? lineColour(index), dash: one.dash, fill: one.fill,
          width: one.width ?? (x.length > 1500 ? 1 : 1.5), paths: scatter || one.scatter ? () => null : one.step ? uPlot.paths.stepped({ align: 1 }) : undefined, spanGaps: false,
          points: { show: scatter || one.scatter || one.points || ((_, index, first, last) => last - first < 60), size: scatter || one.scatter ? 3 : 5 },
          value: (_, v) => value(v),
        })),
      ],
      plugins: onrange ? [gestures(ask)] : [],
      hooks: {
        drawClear: [shade],
        setSelect: [(u) => {
          if (u.select.width < 4) return;
          ask(u.posToVal(u.select.left, "x"), u.posToVal(u.select.left + u.select.width, "x"));
          setTimeout(() => u.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false));
        }],
        ready: [(u) => u.over.addEventListener("click", (event) => {
          if (!live.current.onshade || u.select.width >= 4) return;
          const at = u.posToVal(event.offsetX, "x");
          const slack = (u.scales.x.max - u.scales.x.min) / u.over.clientWidth * 3;
          const hit = live.current.shades.find(({ from, to }) => at >= from - slack && at <= to + slack);
          if (hit) live.current.onshade(hit);
        })],
      },
    };
    plot.current = new uPlot(options, [x, ...series.map((one) => one.values)], box.current);
    drawn.current = [x, series];
    onready?.(plot.current);
    return () => plot.current.destroy();
  }, [shape, seen, language.get(), ownScales, height, zone, numbers, scatter, !!onrange]);
  useLayoutEffect(() => {
    if (drawn.current[0] === x && drawn.current[1] === series) return;
    drawn.current = [x, series];
    plot.current.setData([x, ...series.map((one) => one.values)]);
  }, [x, series]);
  useLayoutEffect(() => {
    const [min, max] = range ?? [x[0], x.at(-1)];
    if (min < max && (plot.current.scales.x.min !== min || plot.current.scales.x.max !== max)) plot.current.setScale("x", { min, max });
  }, [range?.[0], range?.[1]]);
  useEffect(() => plot.current?.redraw(false), [shades, marks]);
  useEffect(() => {
    const watcher = new ResizeObserver(() => {
      const width = box.current?.clientWidth;
      if (width && plot.current && width !== plot.current.width) plot.current.setSize({ width, height });
    });
    watcher.observe(box.current);
    return () => watcher.disconnect();
  }, [height]);
  return html`<div class="plot" role="figure" aria-label=${description} ref=${box} style=${{ minHeight: `${height + (legend ? 34 : 0)}px` }}></div>`;
}

/**
 * Several series, each with its own times, on one axis: `[{x, values}]` → `{x, values: […]}`. A null breaks its line from the
 * value before to the value after it (uPlot's mode 2), however many times of others lie between.
 */
export function together(tables) {
  const [x, ...values] = uPlot.join(tables.map((one) => [one.x, one.values]), tables.map(() => [1, 2]));
  return { x, values };
}
