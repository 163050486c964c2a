// What is stored and kept in memory: bytes by kind, free space, how often the cache answered, and memory that is promised.
import { useGet } from "../../core/api.js";
import { Bars } from "../../core/paint.js";
import { Answer, Facts, Meter, useMay } from "../../core/parts.js";
import { html } from "../../core/ui.js";
import { bytes, count, percent, t, word } from "../../core/words.js";
import { figuresOf, share, useAgain } from "./figures.js";

const KINDS = ["raw", "parsed", "cleaned", "models"];
const BUDGETS = ["answers", "parses", "requests"];

function Stored({ status }) {
  const bars = KINDS.filter((kind) => status.stored?.[kind] != null).map((kind) => ({ name: word("system.stored_kind", kind), value: status.stored[kind],
    text: bytes(status.stored[kind]) }));
  const { stored_bytes: stored, free_bytes: free } = status;
  return html`<section class="panel"><h2>${t("system.on_disk")}</h2>
    <${Facts} of=${[[t("system.stored"), bytes(stored)], [t("system.free"), bytes(free)], free != null
      && [t("system.used"), percent(share(stored, stored + free))]]} />
    ${bars.length > 0 && html`<${Bars} of=${bars} description=${bars.map((bar) => `${bar.name} ${bar.text}`).join(", ")} />`}</section>`;
}

function Cached({ figures }) {
  const level = (name) => ({ name, hits: figures("hvac_cache_hits_total", { level: name }) ?? 0, misses: figures("hvac_cache_misses_total", { level: name }) ?? 0,
    errors: figures("hvac_cache_errors_total", { level: name }) ?? 0, up: figures("hvac_cache_up", { level: name }) });
  const levels = ["memory", "redis"].map(level).filter((one) => one.up || one.hits + one.misses > 0);
  return html`<section class="panel"><h2>${t("system.cache")}</h2>
    ${levels.map((one) => html`<div class="system-level"><strong>${word("system.level", one.name)}</strong> <${Meter}
      percent=${share(one.hits, one.hits + one.misses)} label=${t("system.hit_rate_about")} />
      <p class="small soft">${t("system.hits", { hits: one.hits, misses: one.misses })}${one.errors > 0
        && ` · ${t("system.errors", { count: one.errors })}`}</p></div>`)}
    <${Facts} of=${[[t("system.entries"), count(figures("hvac_cache_entries"))], [t("system.kept"), bytes(figures("hvac_cache_bytes"))]]} /></section>`;
}

function Memory({ figures }) {
  return html`<section class="panel"><h2>${t("system.memory")}</h2>
    <${Facts} of=${[[t("system.resident"), bytes(figures("process_resident_memory_bytes"))], [t("system.files_open"), count(figures("process_open_fds"))],
      [t("system.connections"), count(figures("hvac_connections_open"))]]} />
    ${BUDGETS.map((budget) => {
      const [all, held, waiters] = ["bytes", "held_bytes", "waiters"].map((key) => figures(`hvac_memory_budget_${key}`, { budget }));
      return all && html`<div class="system-level"><strong>${word("system.budget", budget)}</strong> <${Meter} percent=${share(held, all)}
        label=${t("system.budget_about")} />
        <p class="small soft">${t("system.held_of", { held: bytes(held), all: bytes(all) })}${waiters > 0
          && ` · ${t("system.waiting", { count: waiters })}`}</p></div>`;
    })}</section>`;
}

export function Storage() {
  const admin = useMay("admin");
  const status = useGet("status");
  const asked = useGet(admin ? "system/metrics" : null);
  useAgain(status, 10);
  useAgain(asked, 10);
  const figures = figuresOf(asked.data);
  return html`<div class="system-quiet"><div class="grid"><${Answer} of=${status}>${(of) => html`<${Stored} status=${of} />`}<//>
      ${admin && html`<${Answer} of=${asked}>${() => html`<${Cached} figures=${figures} />`}<//>
        <${Answer} of=${asked}>${() => html`<${Memory} figures=${figures} />`}<//>`}</div>
    ${admin && html`<p class="small soft">${t("system.figures_for")} <a href="metrics">metrics</a></p>`}</div>`;
}
