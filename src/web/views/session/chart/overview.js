// The whole time in a strip below the chart, and on it the window that is seen: it is dragged, its ends are too.
import { Canvas } from "../../../core/paint.js";
import { lineColour } from "../../../core/theme.js";
import { html, useRef } from "../../../core/ui.js";
import { t } from "../../../core/words.js";

const HEIGHT = 46;

/** `lines` as the chart has them, `colours` an index of each; `onrange(min, max)`. */
export function Overview({ lines, colours, whole, range, onrange }) {
  const strip = useRef(null);
  const held = useRef(null);
  const [start, end] = whole;
  const share = (time) => Math.max(0, Math.min(100, ((time - start) / (end - start)) * 100));
  const timeAt = (event) => {
    const { left, width } = strip.current.getBoundingClientRect();
    return start + ((event.clientX - left) / width) * (end - start);
  };
  const paint = (context, width) => {
    context.globalAlpha = 0.75;
    for (const { column, x, values } of lines) {
      let [low, high] = [Infinity, -Infinity];
      for (const number of values) {
        if (number === null) continue;
        low = Math.min(low, number);
        high = Math.max(high, number);
      }
      context.strokeStyle = lineColour(colours.get(column) ?? 0);
      context.beginPath();
      let pen = false;
      x.forEach((time, index) => {
        const number = values[index];
        if (number === null) {
          pen = false;
          return;
        }
        const at = [((time - start) / (end - start)) * width, HEIGHT - 4 - ((number - low) / (high - low || 1)) * (HEIGHT - 8)];
        if (pen) context.lineTo(...at);
        else context.moveTo(...at);
        pen = true;
      });
      context.stroke();
    }
  };
  const press = (event) => {
    const edge = event.target.dataset.edge;
    const time = timeAt(event);
    const inside = time >= range[0] && time <= range[1];
    const span = range[1] - range[0];
    const from = edge || inside ? range : [time - span / 2, time + span / 2];
    if (!edge && !inside) onrange(...from);
    held.current = { edge, time, from };
    strip.current.setPointerCapture(event.pointerId);
  };
  const move = (event) => {
    if (!held.current) return;
    const { edge, time, from } = held.current;
    const by = timeAt(event) - time;
    if (edge === "from") onrange(Math.min(from[0] + by, from[1] - 60), from[1]);
    else if (edge === "to") onrange(from[0], Math.max(from[1] + by, from[0] + 60));
    else onrange(from[0] + by, from[1] + by);
  };
  const release = () => (held.current = null);
  const [left, right] = [share(range[0]), share(range[1])];
  return html`<div class="chart-strip" ref=${strip} onPointerDown=${press} onPointerMove=${move} onPointerUp=${release} onPointerCancel=${release}>
    <${Canvas} height=${HEIGHT} paint=${paint} deps=${[lines, colours, start, end]} description=${t("chart.overview")} />
    <div class="chart-shut" style=${{ left: 0, width: `${left}%` }}></div><div class="chart-shut" style=${{ left: `${right}%`, right: 0 }}></div>
    <div class="chart-window" style=${{ left: `${left}%`, width: `${Math.max(0.4, right - left)}%` }}>
      <i data-edge="from"></i><i data-edge="to"></i></div></div>`;
}
