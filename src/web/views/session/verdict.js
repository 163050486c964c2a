// The first screen of a session: one sentence that says whether all is well, made of links, and below what it is made of.
import { useGet } from "../../core/api.js";
import { Answer, Empty } from "../../core/parts.js";
import { html, useEffect, useMemo, useRef } from "../../core/ui.js";
import { at } from "../../core/url.js";
import { t, value } from "../../core/words.js";
import { versionOf, wholeOf } from "./chart/columns.js";
import { Coverage } from "./verdict/coverage.js";
import { Energy, energy as energyText } from "./verdict/energy.js";
import { Faults, Hits, told } from "./verdict/faults.js";
import { levelOf, periodOf, pointsOf, ranked, shareOf, useEnergy, useHits } from "./verdict/judge.js";
import { Dead, Losses, Worst, there } from "./verdict/losses.js";

/** What is said, in the order of its weight: `[text, href]`. */
function Sentence({ level, cause, parts, waiting }) {
  return html`<section class=${`panel verdict-sentence ${waiting ? "" : level}`} aria-label=${t("verdict.sentence")} aria-busy=${waiting ? "true" : null}>
    <p class="verdict-level">${waiting ? t("verdict.looking") : t(`verdict.${level}_${cause}`)}</p>
    <p class="verdict-words">${parts.map(([text, href], index) =>
      html`${index > 0 && t("verdict.semicolon")}<a key=${href} href=${href}>${text}</a>`)}${parts.length > 0 && t("verdict.stop")}</p></section>`;
}

export default function Verdict({ session, version, versions, query }) {
  const id = session.session_id;
  const whole = useMemo(() => wholeOf(session, versions, version), [session, versions, version]);
  const by = periodOf(whole ? (whole[1] - whole[0]) / 86400 : 1);
  const coverage = useGet("data/coverage", { session_id: id, version, by });
  const quality = useGet("data/quality", { session_id: id, version });
  const findings = useGet(`sessions/${id}/findings`, { version, page_size: 1 });
  const hits = useHits(id, version);
  const energy = useEnergy(session, version);
  const points = useMemo(() => (whole && coverage.data && quality.data ? pointsOf(coverage.data, quality.data, whole, session.timezone) : null),
    [coverage.data, quality.data, whole]);
  const ranking = useMemo(() => ranked(findings.data?.summary ?? []), [findings.data]);
  const page = useRef(null);
  const settled = (of) => of.data || of.failure;
  const waiting = !points || !settled(findings) || !(hits.rules || hits.failure) || !energy.settled;
  useEffect(() => {
    if (query.part && !waiting) page.current?.querySelector(`#verdict-${CSS.escape(query.part)}`)?.scrollIntoView({ block: "start" });
  }, [query.part, waiting]);
  if (!whole) return html`<${Empty}>${t("verdict.no_rows_at_all")}<//>`;

  const parts = ["sessions", id, "chart"];
  const chart = (values) => at(parts, { version: query.version, ...values });
  chart.parts = (values) => [parts, { version: query.version, ...values }];
  const here = (part) => at(["sessions", id, "verdict"], { ...query, part });
  const other = (tab, values) => at(["sessions", id, tab], { version: query.version, ...values });
  const dead = points?.filter((point) => point.dead).length ?? 0;
  const share = points && shareOf(points);
  const end = whole[1];
  const figures = energy.figures;
  const cleaned = !!versionOf(versions, version)?.cleaned_from;
  const columns = [...energy.power, ...energy.load].join(",");
  const said = points ? [
    share !== null && [t("verdict.there", { share: there(share) }), here("coverage")],
    dead > 0 && [t("verdict.dead", { count: dead }), here("dead")],
    ...ranking.slice(0, 2).map((one) => [told(one, end), other("findings", { machine: one.machine, kind: one.kind })]),
    ranking.length > 2 && [t("verdict.faults_more", { count: ranking.length - 2 }), other("findings")],
    !cleaned && [t("verdict.uncleaned"), other("clean")],
    hits.doubtful.length > 0 && [hits.doubtful.length === 1 ? t("verdict.doubtful_one", { column: hits.doubtful[0] })
      : t("verdict.doubtful", { count: hits.doubtful.length }), here("events")],
    figures && [energyText(figures.kwh), chart({ columns })],
    figures?.kwRt != null && [`${value(figures.kwRt, 3)} kW/RT`, other("statistics")],
  ].filter(Boolean) : [];
  const judged = findings.data?.coverage.some(({ days_judged: days }) => days > 0);
  const weighed = { share, dead, points: points?.length, faults: ranking, end, doubtful: hits.doubtful.length, kwRt: figures?.kwRt ?? 0, judged, cleaned };
  const [level, cause] = points ? levelOf(weighed) : [];
  const panel = (name, title, content) => html`<section class=${`panel verdict-of-${name}`} id=${`verdict-${name}`} aria-labelledby=${`verdict-title-${name}`}>
    <h2 id=${`verdict-title-${name}`}>${title}</h2>${content}</section>`;
  const failed = coverage.failure ? coverage : quality;
  const both = { data: points, failure: failed.failure, busy: coverage.busy || quality.busy, again: failed.again };
  const same = { session, version, query, chart };
  return html`<div class="verdict" ref=${page}>
    <${Sentence} level=${level} cause=${cause} parts=${said} waiting=${waiting} />
    <div class="verdict-top">
      ${panel("findings", t("verdict.findings"), html`<${Faults} ...${same} findings=${findings} ranking=${ranking} end=${end} />`)}
      ${panel("energy", t("verdict.energy_glance"), html`<${Energy} of=${energy} chart=${chart} statistics=${other("statistics")} />`)}
      ${panel("events", t("verdict.events"), html`<${Hits} hits=${hits} chart=${chart} zone=${session.timezone}
        clean=${other("clean")} cleaned=${cleaned} />`)}
    </div>
    <div class="verdict-two">
      ${panel("coverage", t("verdict.coverage"), html`<${Answer} of=${both} tall>${(known) =>
        html`<${Coverage} ...${same} points=${known} coverage=${coverage.data} />`}<//>`)}
      <div class="verdict-side">
        ${panel("dead", t("verdict.dead_points"), html`<${Answer} of=${both}>${(known) => html`<${Dead} points=${known} chart=${chart} />`}<//>`)}
        ${panel("worst", t("verdict.worst_five"), html`<${Answer} of=${both}>${(known) =>
          html`<${Worst} points=${known} coverage=${coverage.data} chart=${chart} />`}<//>`)}
        ${panel("losses", t("verdict.losses"), html`<${Answer} of=${both}>${() => html`<${Losses} quality=${quality.data} chart=${chart} />`}<//>`)}
      </div></div></div>`;
}
