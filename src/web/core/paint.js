// Heat maps and bars on a canvas of our own: sharp at any density, painted again for another theme or width.
import { useStore } from "./store.js";
import { colour, theme } from "./theme.js";
import { html, useEffect, useRef, useState } from "./ui.js";
import { language, value } from "./words.js";

/** A canvas as wide as its place. `paint(context, width, height)` in CSS pixels; `onpoint(x, y, event)` under the pointer. */
export function Canvas({ height, paint, deps = [], onpoint, onpress, description, innerRef }) {
  const canvas = useRef(null);
  const [width, setWidth] = useState(0);
  const seen = useStore(theme);
  const spoken = useStore(language);
  useEffect(() => {
    const watcher = new ResizeObserver(([entry]) => setWidth(Math.round(entry.contentRect.width)));
    watcher.observe(canvas.current.parentElement);
    return () => watcher.disconnect();
  }, []);
  useEffect(() => {
    if (innerRef) innerRef.current = canvas.current;
    if (!width) return;
    const density = devicePixelRatio || 1;
    [canvas.current.width, canvas.current.height] = [width * density, height * density];
    const context = canvas.current.getContext("2d");
    context.scale(density, density);
    context.font = "12px system-ui";
    context.textBaseline = "middle";
    paint(context, width, height);
  }, [width, height, seen, spoken, ...deps]);
  const pointed = (work) => work && ((event) => work(event.offsetX, event.offsetY, event));
  return html`<div class="canvas" style=${{ height: `${height}px` }}><canvas ref=${canvas} role="img" aria-label=${description}
    style=${{ width: `${width}px`, height: `${height}px` }}
    onPointerMove=${pointed(onpoint)} onPointerLeave=${onpoint && ((event) => onpoint(null, null, event))} onClick=${pointed(onpress)}></canvas></div>`;
}

/** Between two colours of the style sheet, or more of them, evenly: 0…1. */
export function ramp(names) {
  const stops = names.map((name) => {
    const probe = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
    probe.fillStyle = colour(name);
    probe.fillRect(0, 0, 1, 1);
    return probe.getImageData(0, 0, 1, 1).data;
  });
  return (share) => {
    const at = Math.max(0, Math.min(1, share)) * (stops.length - 1);
    const low = Math.min(stops.length - 2, Math.floor(at));
    const mixed = [0, 1, 2].map((index) => Math.round(stops[low][index] + (at - low) * (stops[low + 1][index] - stops[low][index])));
    return `rgb(${mixed})`;
  };
}

const shortened = (context, text, width) => {
  if (context.measureText(text).width <= width) return text;
  let short = text;
  while (short.length > 1 && context.measureText(`${short}…`).width > width) short = short.slice(0, -1);
  return `${short}…`;
};

/**
 * A heat map: `rows` and `columns` are names, `at(row, column)` a number or null, `colours` names of the style sheet from low to
 * high over `[low, high]`. `onpress(row, column)`; `say(row, column)` is the text under the pointer. `columnLabel(index)` may be null.
 */
export function HeatMap({ rows, columns, at, low = 0, high = 1, colours = ["--heat-0", "--heat-1"], rowHeight = 18, labelWidth, columnLabel, onpress, say, description, innerRef }) {
  const [pointed, setPointed] = useState(null);
  const place = useRef({ left: 0, top: 0, cell: 1 });
  const bottom = columnLabel ? 20 : 4;
  const hit = (x, y) => {
    if (x === null) return null;
    const { left, cell } = place.current;
    const [row, column] = [Math.floor(y / rowHeight), Math.floor((x - left) / cell)];
    return row >= 0 && row < rows.length && column >= 0 && column < columns.length ? [row, column] : null;
  };
  const paint = (context, width) => {
    const left = labelWidth ?? Math.min(width * 0.32, 8 + Math.max(0, ...rows.map((name) => context.measureText(name).width)));
    const cell = (width - left) / columns.length;
    place.current = { left, cell };
    const shade = ramp(colours);
    const none = colour("--heat-none");
    rows.forEach((name, row) => {
      const y = row * rowHeight;
      context.fillStyle = colour("--soft");
      context.textAlign = "left";
      context.fillText(shortened(context, name, left - 8), 0, y + rowHeight / 2);
      columns.forEach((_, column) => {
        const number = at(row, column);
        context.fillStyle = number == null ? none : shade((number - low) / (high - low || 1));
        const gap = cell > 6 ? 1 : 0;
        context.fillRect(left + column * cell, y + 1, Math.max(1, cell - gap), rowHeight - 2);
      });
    });
    if (!columnLabel) return;
    context.fillStyle = colour("--soft");
    let free = 0;
    columns.forEach((_, column) => {
      const label = columnLabel(column);
      const x = left + column * cell;
      const wide = label ? context.measureText(label).width : 0;
      if (!label || x < free || x + wide > width) return;
      context.fillText(label, x, rows.length * rowHeight + 11);
      free = x + wide + 10;
    });
  };
  return html`<div class="heat-map"><${Canvas} height=${rows.length * rowHeight + bottom} paint=${paint} deps=${[rows, columns, at, low, high]} description=${description} innerRef=${innerRef}
    onpoint=${(x, y) => setPointed(hit(x, y))} onpress=${onpress && ((x, y) => {
      const cell = hit(x, y);
      if (cell) onpress(...cell);
    })} /><p class="pointed small soft">${(pointed && say?.(...pointed)) || "\u00a0"}</p></div>`;
}

/** Bars from the left, the longest fills the width: `{name, value, text?, low?, high?, kind?}`; `low`…`high` is drawn as a whisker. */
export function Bars({ of, unit = "", rowHeight = 26, description, innerRef, onpress }) {
  const paint = (context, width) => {
    const left = Math.min(width * 0.4, 10 + Math.max(0, ...of.map((bar) => context.measureText(bar.name).width)));
    const told = of.map((bar) => bar.text ?? `${value(bar.value)} ${unit}`);
    const right = 10 + Math.max(0, ...told.map((text) => context.measureText(text).width));
    const most = Math.max(...of.map((bar) => Math.max(bar.value ?? 0, bar.high ?? 0)), 0) || 1;
    const scale = Math.max(0, width - left - right) / most;
    of.forEach((bar, index) => {
      const [y, long] = [index * rowHeight, Math.max(1, (bar.value ?? 0) * scale)];
      context.fillStyle = colour("--ink");
      context.textAlign = "left";
      context.fillText(shortened(context, bar.name, left - 10), 0, y + rowHeight / 2);
      context.fillStyle = colour(`--bar-${bar.kind ?? "plain"}`);
      context.fillRect(left, y + 5, long, rowHeight - 10);
      if (bar.high != null) {
        context.fillStyle = colour("--ink");
        context.fillRect(left + Math.max(0, bar.low) * scale, y + rowHeight / 2 - 0.5, Math.max(1, (bar.high - Math.max(0, bar.low)) * scale), 1);
        for (const end of [Math.max(0, bar.low), bar.high]) context.fillRect(left + end * scale, y + rowHeight / 2 - 4, 1, 8);
      }
      context.fillStyle = colour("--soft");
      context.fillText(told[index], left + Math.max(long, (bar.high ?? 0) * scale) + 6, y + rowHeight / 2);
    });
  };
  return html`<${Canvas} height=${of.length * rowHeight} paint=${paint} deps=${[of]} description=${description} innerRef=${innerRef}
    onpress=${onpress && ((_, y) => of[Math.floor(y / rowHeight)] && onpress(of[Math.floor(y / rowHeight)]))} />`;
}

/** A strip of shares 0…1 (null: nothing), as over the time of a session. */
export function Strip({ of, height = 10, description }) {
  const paint = (context, width) => {
    const shade = ramp(["--heat-0", "--heat-1"]);
    of.forEach((share, index) => {
      context.fillStyle = share == null ? colour("--heat-none") : shade(share);
      context.fillRect((index * width) / of.length, 0, width / of.length + 0.5, height);
    });
  };
  return html`<${Canvas} height=${height} paint=${paint} deps=${[of]} description=${description} />`;
}

/** Standing bars: how often which values occur. `bins`: `{from, to, count}`. */
export function Histogram({ bins, height = 140, unit = "", description, onpoint, innerRef }) {
  const paint = (context, width) => {
    const most = Math.max(1, ...bins.map((bin) => bin.count));
    const wide = width / bins.length;
    context.fillStyle = colour("--bar-plain");
    bins.forEach((bin, index) => {
      const tall = bin.count ? Math.max(1, (bin.count / most) * (height - 20)) : 0;
      context.fillRect(index * wide, height - 18 - tall, Math.max(1, wide - 1), tall);
    });
    context.fillStyle = colour("--soft");
    const [first, last] = [bins.at(0)?.from, bins.at(-1)?.to];
    context.textAlign = "left";
    context.fillText(`${value(first)}`, 0, height - 8);
    context.textAlign = "right";
    context.fillText(`${value(last)} ${unit}`, width, height - 8);
  };
  return html`<${Canvas} height=${height} paint=${paint} deps=${[bins]} description=${description} innerRef=${innerRef}
    onpoint=${onpoint && ((x, _, event) => onpoint(x === null ? null : bins[Math.floor((x / event.target.clientWidth) * bins.length)]))} />`;
}
