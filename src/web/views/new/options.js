// What is said of all files: name and site, the zone of their clock, the order of their dates, and which value counts twice.
import { get } from "../../core/api.js";
import { Field } from "../../core/parts.js";
import { html, useEffect, useState } from "../../core/ui.js";
import { amend } from "../../core/url.js";
import { t } from "../../core/words.js";

export const ZONES = Intl.supportedValuesOf?.("timeZone") ?? [];
const HERE = Intl.DateTimeFormat().resolvedOptions().timeZone;
export const ORDERS = ["YMD", "MDY", "DMY"];
/** Whether the server would know the zone; one that is half typed is not asked about. */
export const isZone = (zone) => {
  try {
    return Boolean(zone && new Intl.DateTimeFormat("en", { timeZone: zone }));
  } catch {
    return false;
  }
};

/** An earlier session that has one of these points too: its site and zone are most likely theirs. */
function useLikeness(points, except) {
  const [found, setFound] = useState(null);
  const key = JSON.stringify(points);
  useEffect(() => {
    setFound(null);
    if (!points.length) return undefined;
    const ending = new AbortController();
    const look = async () => {
      for (const point of points) {
        const { items } = await get("sessions", { point, status_at_least: "parsed", page_size: 5 }, { signal: ending.signal });
        const like = items.find((one) => one.site && one.session_id !== except);
        if (like) return setFound(like);
      }
      return undefined;
    };
    // A suggestion that cannot be made is none.
    look().catch(() => null);
    return () => ending.abort();
  }, [key, except]);
  return found;
}

/** Names that tell a site: not those that every site has. */
const telling = (plans) => plans.flatMap((plan) => plan.points.map((point) => point.original_name))
  .filter((name) => name.length <= 200 && !name.includes("*")).sort((a, b) => b.length - a.length).slice(0, 2);

export function Options({ query, session, sites, look, suggested }) {
  const plans = look.answer?.files ?? [];
  const like = useLikeness(query.site || session?.site ? [] : telling(plans), query.session);
  // Whether a zone was ever stated is known to who looks: a session without one answers the server's own.
  const assumed = look.answer?.warnings.some((one) => one.code === "timezone_assumed");
  const zone = query.zone ?? (look.answer && !assumed ? session?.timezone : null) ?? "";
  const [typed, setTyped] = useState(zone);
  useEffect(() => setTyped(zone), [zone]);
  const conflicts = (look.answer?.conflicts ?? 0) > 0 || query.conflict || look.failure?.problem?.code === "conflicting_values";
  const alike = query.prefix || look.answer?.warnings.some((one) => one.message.includes("prefix_by"));
  const text = (name) => (event) => amend({ [name]: event.target.value.trim() });
  return html`<section class="panel" aria-label=${t("new.options")}>
    <div class="fields new-options">
      <${Field} label=${t("session.name")} value=${query.name ?? ""} placeholder=${suggested ?? t("new.name_hint")} maxlength="200" onChange=${text("name")} />
      <${Field} label=${t("session.site")} value=${query.site ?? session?.site ?? ""} placeholder=${t("new.site_hint")} maxlength="200"
        list="new-sites" onChange=${text("site")} />
      <${Field} label=${t("new.zone")} value=${typed} placeholder=${t("new.zone_hint")} list="new-zones" aria-invalid=${typed && !isZone(typed) ? "true" : null}
        onInput=${(event) => setTyped(event.target.value)} onChange=${(event) => (!event.target.value || isZone(event.target.value)) && amend({ zone: event.target.value })} />
      <${Field} label=${t("new.dates")} value=${query.dates} options=${[["", t("new.as_found")], ...ORDERS.map((order) => [order, t(`new.order_${order}`)])]}
        onChange=${(event) => amend({ dates: event.target.value })} />
      ${conflicts && html`<${Field} label=${t("new.conflict")} value=${query.conflict} onChange=${(event) => amend({ conflict: event.target.value })}
        options=${[["", t("new.conflict_none")], ["last", t("new.conflict_last")], ["first", t("new.conflict_first")]]} />`}
      ${alike && html`<${Field} label=${t("new.prefix")} value=${query.prefix} onChange=${(event) => amend({ prefix: event.target.value })}
        options=${[["", t("new.prefix_none")], ...["file", "folder", "sheet"].map((by) => [by, t(`new.prefix_${by}`)])]} />`}
    </div>
    <datalist id="new-sites">${sites.map((site) => html`<option value=${site}></option>`)}</datalist>
    <datalist id="new-zones">${ZONES.map((name) => html`<option value=${name}></option>`)}</datalist>
    <div class="new-hints small">
      ${like && html`<p>${t("new.like", { name: like.name, site: like.site, zone: like.timezone ?? "–" })}
        <button type="button" onClick=${() => amend({ site: like.site, zone: query.zone ?? like.timezone })}>${t("new.take_site", { site: like.site })}</button></p>`}
      ${typed && !isZone(typed) && html`<p class="new-bad">${t("new.no_such_zone", { zone: typed })}</p>`}
      ${assumed && !query.zone && plans.some((plan) => plan.local_time_rows > 0) && html`<p>${t("new.zone_assumed", { zone: zoneOf(look) })}
        ${HERE && html` <button type="button" onClick=${() => amend({ zone: HERE })}>${t("new.zone_here", { zone: HERE })}</button>`}</p>`}
    </div></section>`;
}

/** The zone in which local times are read, as the look says it. */
export function zoneOf(look) {
  const seen = (look.answer?.verdict?.files ?? []).flatMap((file) => file.seen).find(({ what }) => what === "zone");
  return seen?.value ?? "UTC";
}
