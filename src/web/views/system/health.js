// How the system is, in one look: whether it answers and can write, how long it has run, and what waits.
import { useGet } from "../../core/api.js";
import { Answer, Facts } from "../../core/parts.js";
import { html } from "../../core/ui.js";
import { at } from "../../core/url.js";
import { bytes, count, duration, local, percent, t } from "../../core/words.js";
import { Check, share, useAgain } from "./figures.js";

const RUNS = { ok: "good", read_only: "warn" };

function Checks({ health }) {
  const { writer, cache, queries } = health.checks;
  const asked = cache.hits_memory + cache.hits_redis + cache.misses;
  return html`<section class="panel"><h2>${t("system.parts")}</h2><ul class="system-checks">
    <li><span>${t("system.database")}</span><${Check} state=${health.checks.database} />
      <span class="soft small">${t("system.commits", { count: writer.commits })}${writer.failures > 0
        && ` · ${t("system.failures", { count: writer.failures })}`}</span></li>
    <li><span>${t("system.storage")}</span><${Check} state=${health.checks.storage} /><span class="soft small"></span></li>
    <li><span>${t("system.cache")}</span><${Check} state="ok" /><span class="soft small">${asked > 0
      ? t("system.hit_rate", { percent: percent(share(asked - cache.misses, asked)) }) : t("system.not_asked")} · ${bytes(cache.bytes)}</span></li>
    ${cache.redis_up != null && html`<li><span>Redis</span><${Check} state=${cache.redis_up ? "ok" : "failed"} />
      <span class="soft small">${cache.redis_up ? "" : t("system.redis_down")}</span></li>`}
    <li><span>${t("system.queries")}</span><${Check} state="ok" /><span class="soft small">${t("system.running_now",
      { count: queries.running })}${queries.held_bytes > 0 && ` · ${bytes(queries.held_bytes)}`}</span></li></ul></section>`;
}

export function Health() {
  const status = useGet("status");
  const health = useGet("health");
  useAgain(status, 5);
  useAgain(health, 5);
  return html`<div class="system-quiet"><${Answer} of=${status}>${(of) => html`<section class=${`panel system-state ${RUNS[of.status] ?? "bad"}`}>
      <p class="system-verdict">${t(`system.state.${of.status}`, { otherwise: of.status })}</p>
      <${Facts} of=${[[t("system.version"), of.version], [t("system.up_for"), duration(of.uptime_s), local(of.started_at)], [t("system.instance"), of.instance],
        [t("system.sessions"), html`<a href="#/">${count(of.sessions)}</a>`],
          [t("system.jobs_now"), html`<a href=${at(["system", "jobs"])}>${t("system.jobs_text", { running: of.jobs_running, queued: of.jobs_queued })}</a>`],
        [t("system.stored"), bytes(of.stored_bytes)], of.free_bytes != null && [t("system.free"), bytes(of.free_bytes)]]} /></section>`}<//>
    <${Answer} of=${health}>${(of) => html`<${Checks} health=${of} />`}<//></div>`;
}
