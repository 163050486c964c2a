// What was made of what, from left to right: reports, versions, models. Each box leads to what it stands for.
import { Answer } from "../../../core/parts.js";
import { html } from "../../../core/ui.js";
import { at } from "../../../core/url.js";
import { local, t, word } from "../../../core/words.js";

const KINDS = ["source_file", "parsed_dataset", "cleaned_dataset", "model"];
const [WIDE, TALL, ACROSS, DOWN] = [250, 46, 310, 60];
/** More reports than this that were read together are one box. */
const MOST = 6;

/** The boxes to draw: `{id, kind, label, from, sub}`. */
function boxesOf(nodes) {
  const sources = nodes.filter((node) => node.kind === "source_file");
  if (sources.length <= MOST) return nodes.map((node) => ({ ...node, from: node.made_from }));
  const ids = new Set(sources.map((node) => node.id));
  const together = { id: "sources", kind: "source_file", label: t("session.files_count", { count: sources.length }), created_at: sources.at(-1).created_at, from: [] };
  const rest = nodes.filter((node) => !ids.has(node.id))
    .map((node) => ({ ...node, from: [...new Set(node.made_from.map((id) => (ids.has(id) ? "sources" : id)))] }));
  return [together, ...rest];
}

function placed(boxes) {
  const used = KINDS.filter((kind) => boxes.some((box) => box.kind === kind));
  const counts = new Map();
  return boxes.map((box) => {
    const row = counts.get(box.kind) ?? 0;
    counts.set(box.kind, row + 1);
    return { ...box, x: 8 + used.indexOf(box.kind) * ACROSS, y: 8 + row * DOWN };
  });
}

const shortened = (text) => (text.length > 28 ? `${text.slice(0, 13)}…${text.slice(-13)}` : text);

function target(box, id) {
  if (box.kind === "model") return at(["models", box.id]);
  return box.kind === "source_file" ? null : at(["sessions", id, "verdict"], { version: box.label });
}

export function Lineage({ of, id }) {
  return html`<${Answer} of=${of}>${({ nodes }) => {
    const boxes = placed(boxesOf(nodes));
    const known = new Map(boxes.map((box) => [box.id, box]));
    const width = Math.max(...boxes.map((box) => box.x)) + WIDE + 8;
    const height = Math.max(...boxes.map((box) => box.y)) + TALL + 8;
    const lines = boxes.flatMap((box) => box.from.filter((from) => known.has(from)).map((from) => [known.get(from), box]));
    return html`<div class="files-lineage" tabindex="0" role="region" aria-label=${t("files.lineage")}>
      <svg width=${width} height=${height} viewBox=${`0 0 ${width} ${height}`} role="group" aria-label=${t("files.lineage_text", { count: boxes.length })}>
        ${lines.map(([from, to]) => {
          const [x, y, end, low] = [from.x + WIDE, from.y + TALL / 2, to.x, to.y + TALL / 2];
          const middle = (x + end) / 2;
          return html`<path d=${x < end ? `M${x} ${y} C${middle} ${y} ${middle} ${low} ${end} ${low}` : `M${from.x + 8} ${from.y + TALL} L${to.x + 8} ${to.y}`} />`;
        })}
        ${boxes.map((box) => {
          const drawn = html`<g class=${box.kind}><title>${`${box.label} ${box.sha256 ?? ""}`}</title>
            <rect x=${box.x} y=${box.y} width=${WIDE} height=${TALL} rx="6" />
            <text x=${box.x + 10} y=${box.y + 19}>${shortened(box.label)}</text>
              <text class="under" x=${box.x + 10} y=${box.y + 36}>${word("files.kind", box.kind)} · ${local(box.created_at)}</text></g>`;
          const href = target(box, id);
          return href ? html`<a href=${href}>${drawn}</a>` : drawn;
        })}
      </svg></div>`;
  }}<//>`;
}
