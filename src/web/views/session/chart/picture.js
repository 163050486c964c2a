// Saves a chart as a picture.
import { savePicture } from "../../../core/parts.js";
import { colour, lineColour } from "../../../core/theme.js";

/** The plot with its legend above it, as a picture. */
export function picture(plot, entries, name) {
  const from = plot.ctx.canvas;
  const density = devicePixelRatio || 1;
  const line = 20 * density;
  const copy = document.createElement("canvas");
  [copy.width, copy.height] = [from.width, from.height + line * (entries.length + 1)];
  const context = copy.getContext("2d");
  context.font = `${13 * density}px system-ui`;
  context.textBaseline = "middle";
  entries.forEach(({ label, index, dash }, row) => {
    const y = line * (row + 0.8);
    context.strokeStyle = lineColour(index);
    context.lineWidth = 2.5 * density;
    context.setLineDash((dash ?? []).map((length) => length * density));
    context.beginPath();
    context.moveTo(12 * density, y);
    context.lineTo(36 * density, y);
    context.stroke();
    context.fillStyle = colour("--ink");
    context.fillText(label, 44 * density, y);
  });
  context.drawImage(from, 0, line * (entries.length + 1));
  savePicture(copy, name);
}
