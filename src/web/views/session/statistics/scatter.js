// Points of two readings against each other on a canvas, with what is drawn over them: areas, bands, lines, axes.
import { Canvas } from "../../../core/paint.js";
import { colour } from "../../../core/theme.js";
import { html, useRef, useState } from "../../../core/ui.js";
import { value } from "../../../core/words.js";

/** Round numbers between two, about `wanted` of them. */
export function ticks(low, high, wanted) {
  const rough = (high - low) / Math.max(1, wanted);
  if (!(rough > 0)) return [low];
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * [1, 2, 5, 10].find((factor) => factor * power >= rough);
  const found = [];
  for (let at = Math.ceil(low / step) * step; at <= high + step * 1e-9; at += step) found.push(Number(at.toPrecision(12)));
  return found;
}

const padded = ([low, high]) => {
  const by = (high - low) * 0.04 || Math.abs(high) * 0.04 || 1;
  return [low - by, high + by];
};
const edges = (numbers) => numbers.reduce(([low, high], number) => (Number.isFinite(number) ? [Math.min(low, number), Math.max(high, number)] : [low, high]), [Infinity, -Infinity]);
const LEFT = 56;
const BOTTOM = 40;
const TOP = 8;

/**
 * `points`: `[x, y, …]` each. `bands`: `{from, to, low, high}` as boxes; `lines`: `{points, colour, width?, dash?}` by names of colours.
 * `areas`: `{points: [x, low, high] each, colour}`; `xTicks`: `[x, label]` each, where x is no number for people.
 * `say(point)` is the text under the pointer, `otherwise` without one; `onpress(point)` when it is clicked.
 */
export function Scatter({ points, bands = [], lines = [], areas = [], dots = true, xTicks, xLabel, yLabel, xRange, yRange, height = 380, say, otherwise, onpress, description, innerRef }) {
  const [pointed, setPointed] = useState(null);
  const place = useRef(null);
  const paint = (context, width) => {
    const others = [...lines.flatMap((line) => line.points), ...areas.flatMap((area) => area.points.flatMap(([x, low, high]) => [[x, low], [x, high]]))];
    const [x0, x1] = xRange ?? padded(edges([...points, ...others].map((point) => point[0])));
    const [y0, y1] = yRange ?? padded(edges([...points, ...others].map((point) => point[1])));
    const [wide, tall] = [width - LEFT - 10, height - BOTTOM - TOP];
    const toX = (x) => LEFT + ((x - x0) / (x1 - x0)) * wide;
    const toY = (y) => TOP + tall - ((y - y0) / (y1 - y0)) * tall;
    place.current = { toX, toY };
    context.lineWidth = 1;
    context.strokeStyle = colour("--rule");
    context.fillStyle = colour("--soft");
    context.textAlign = "center";
    let free = 0;
    for (const [tick, label] of xTicks ?? ticks(x0, x1, wide / 60).map((at) => [at, value(at, 4)])) {
      const half = context.measureText(label).width / 2;
      if (toX(tick) - half < free) continue;
      free = toX(tick) + half + 8;
      context.strokeRect(toX(tick), TOP, 0, tall);
      context.fillText(label, toX(tick), TOP + tall + 12);
    }
    context.textAlign = "right";
    for (const tick of ticks(y0, y1, tall / 50)) {
      context.strokeRect(LEFT, toY(tick), wide, 0);
      context.fillText(value(tick, 4), LEFT - 6, toY(tick));
    }
    context.textAlign = "center";
    context.fillText(xLabel, LEFT + wide / 2, height - 9, wide);
    context.save();
    context.translate(8, TOP + tall / 2);
    context.rotate(-Math.PI / 2);
    context.fillText(yLabel, 0, 0, tall);
    context.restore();
    context.save();
    context.beginPath();
    context.rect(LEFT, TOP, wide, tall);
    context.clip();
    context.fillStyle = colour("--bar-plain");
    context.globalAlpha = points.length > 1500 ? 0.3 : 0.5;
    if (dots) for (const [x, y] of points) context.fillRect(toX(x) - 1.5, toY(y) - 1.5, 3, 3);
    context.globalAlpha = 0.22;
    for (const area of areas) {
      context.fillStyle = colour(area.colour);
      context.beginPath();
      area.points.forEach(([x, low], index) => context[index ? "lineTo" : "moveTo"](toX(x), toY(low)));
      [...area.points].reverse().forEach(([x, , high]) => context.lineTo(toX(x), toY(high)));
      context.fill();
    }
    context.globalAlpha = 0.28;
    context.fillStyle = colour("--line-2");
    for (const band of bands) context.fillRect(toX(band.from) + 1, toY(band.high), toX(band.to) - toX(band.from) - 2, Math.max(1, toY(band.low) - toY(band.high)));
    context.globalAlpha = 1;
    for (const line of lines) {
      context.strokeStyle = colour(line.colour);
      context.lineWidth = line.width ?? 1.5;
      context.setLineDash(line.dash ?? []);
      context.beginPath();
      line.points.forEach(([x, y], index) => context[index ? "lineTo" : "moveTo"](toX(x), toY(y)));
      context.stroke();
    }
    context.restore();
  };
  const nearest = (x, y) => {
    if (x === null || !place.current) return null;
    const { toX, toY } = place.current;
    let best = null;
    let least = dots ? 14 ** 2 : Infinity;
    for (const point of points) {
      const away = (toX(point[0]) - x) ** 2 + (dots ? (toY(point[1]) - y) ** 2 : 0);
      if (away < least) [best, least] = [point, away];
    }
    return best;
  };
  return html`<${Canvas} height=${height} paint=${paint} deps=${[points, bands, lines, areas, xLabel, yLabel]} description=${description} innerRef=${innerRef}
    onpoint=${say && ((x, y) => setPointed(nearest(x, y)))} onpress=${onpress && ((x, y) => {
      const point = nearest(x, y);
      if (point) onpress(point);
    })} /><p class="pointed small soft">${(pointed && say(pointed)) || otherwise || "\u00a0"}</p>`;
}
