// Energy at a glance: energy a day, power against load, and the peak; each day opens on the chart.
import { Canvas } from "../../../core/paint.js";
import { Problem } from "../../../core/parts.js";
import { colour } from "../../../core/theme.js";
import { html, useState } from "../../../core/ui.js";
import { go } from "../../../core/url.js";
import { clock, count, measure, percent, t, value, word } from "../../../core/words.js";
import { Bar } from "./bar.js";
import { after } from "./judge.js";

/** kWh, from ten thousand on MWh, then GWh. */
export function energy(kwh) {
  if (kwh == null) return "–";
  if (kwh < 1e4) return measure(kwh, "kWh", kwh < 100 ? 3 : 4);
  return kwh < 1e7 ? measure(kwh / 1e3, "MWh", 3) : measure(kwh / 1e6, "GWh", 3);
}

const HEIGHT = 132;
/** From which share on a day's energy is that of the day. */
const WHOLE = 0.95;

function Days({ days, open }) {
  const [pointed, setPointed] = useState(null);
  const [width, setWidth] = useState(1);
  const most = Math.max(...days.map(({ kwh }) => kwh ?? 0), 1);
  const ratios = days.map(({ kwRt }) => kwRt).filter((one) => one !== null);
  const top = Math.max(1.2, ...ratios.slice().sort((a, b) => a - b).slice(0, Math.ceil(ratios.length * 0.98))) * 1.05;
  const paint = (context, wide) => {
    setWidth(wide);
    const step = wide / days.length;
    const ground = HEIGHT - 18;
    const [plain, soft, none] = [colour("--bar-plain"), colour("--bar-soft"), colour("--heat-none")];
    days.forEach(({ kwh, share }, index) => {
      const tall = ((kwh ?? 0) / most) * (ground - 8);
      context.fillStyle = kwh === null ? none : share < WHOLE ? soft : plain;
      context.fillRect(index * step, kwh === null ? 8 : ground - tall, Math.max(1, step - (step > 4 ? 1 : 0)), kwh === null ? ground - 8 : tall);
    });
    context.fillStyle = colour("--line-2");
    days.forEach(({ kwRt }, index) => {
      if (kwRt !== null && kwRt < top) context.fillRect((index + 0.5) * step - 2, ground - (kwRt / top) * (ground - 8) - 2, 4, 4);
    });
    context.fillStyle = colour("--soft");
    context.textAlign = "left";
    context.fillText(days[0].day, 0, HEIGHT - 8);
    context.textAlign = "right";
    context.fillText(days.at(-1).day, wide, HEIGHT - 8);
  };
  const at = (x) => days[Math.min(days.length - 1, Math.floor((x / width) * days.length))];
  const say = ({ day, kwh, kwRt, share }) => [
    `${day}: ${energy(kwh)}`, share < WHOLE && kwh !== null && t("verdict.of_the_day", { share: percent(share * 100) }),
    kwRt !== null && `${value(kwRt, 3)} kW/RT`,
  ].filter(Boolean).join(" · ");
  const key = html`<span class="verdict-key"><i class="bar"></i>${t("verdict.energy_a_day")}
    ${days.some(({ share }) => share < WHOLE) && html`<i class="part"></i>${t("verdict.part_of_day")}`}${ratios.length > 0 && html`<i class="dot"></i>kW/RT`}</span>`;
  return html`<${Canvas} height=${HEIGHT} paint=${paint} deps=${[days]} description=${t("verdict.energy_days", { count: days.length, most: energy(most) })}
      onpoint=${(x) => setPointed(x === null ? null : at(x))} onpress=${(x) => open(at(x).day)} />
    <p class="small soft verdict-pointed">${pointed ? say(pointed) : key}</p>`;
}

/** Where there is no power to tell of: which quantities are recorded, each a link to its first columns. */
function Recorded({ columns, chart }) {
  const kinds = new Map();
  for (const one of columns) {
    const name = one.unit ?? (one.kind === "instantaneous" ? t("verdict.no_unit") : word("kind", one.kind));
    kinds.set(name, [...(kinds.get(name) ?? []), one]);
  }
  const list = [...kinds].sort((a, b) => b[1].length - a[1].length).slice(0, 6);
  return html`<h3>${t("verdict.recorded")}</h3><ul class="verdict-bars">${list.map(([name, some]) => {
    const living = some.filter(({ count: samples, kind }) => samples > 0 && kind !== "text").map(({ column }) => column).slice(0, 6);
    return html`<li key=${name}>${living.length ? html`<a href=${chart({ columns: living.join(",") })}>${name}</a>` : html`<span>${name}</span>`}
      <span class="number">${count(some.length)}</span><${Bar} share=${some.length / list[0][1].length} kind="plain" /></li>`;
  })}</ul>`;
}

/** `of` as `useEnergy` has it; `chart(values)` is an address of the chart. */
export function Energy({ of, chart, statistics }) {
  if (of.none) return html`<p class="soft"><a href=${statistics}>${t("verdict.no_power")}</a></p><${Recorded} columns=${of.recorded} chart=${chart} />`;
  if (of.failure) return html`<${Problem} failure=${of.failure} again=${of.again} />`;
  if (!of.figures) return html`<div class="verdict-waiting" role="status"></div>`;
  const { days, kwh, kwRt, peak } = of.figures;
  const columns = [...of.power, ...of.load].join(",");
  const full = days.filter((one) => one.kwh !== null);
  const open = (day) => go(...chart.parts({ columns, from: day, to: after(day, "day") }));
  return html`<dl class="facts verdict-facts">
      <div><dt>${t("verdict.energy")}</dt><dd><a href=${chart({ columns })}>${energy(kwh)}</a></dd></div>
      <div><dt>${t("verdict.a_day")}</dt><dd>${energy(kwh / Math.max(1, full.length))}</dd></div>
      ${kwRt !== null && html`<div><dt>kW/RT</dt><dd><a href=${statistics}>${value(kwRt, 3)}</a></dd></div>`}
      ${peak && html`<div><dt>${t("verdict.peak")}</dt><dd><a title=${clock(peak.at)}
        href=${chart({ columns, from: peak.at.slice(0, 10), to: after(peak.at.slice(0, 10), "day") })}>${measure(peak.value, "kW", 4)}</a></dd></div>`}</dl>
    ${full.length > 1 && html`<${Days} days=${days} open=${open} />`}
    <p class="small soft">${t("verdict.made_of", { columns: columns.replaceAll(",", ", ") })}</p>`;
}
