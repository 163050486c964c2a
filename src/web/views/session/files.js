// The files of a session: what came in and what it was read as, the versions made of it and where each came from, and every
// way to take them out.
import { account, address, useGet } from "../../core/api.js";
import { useStore } from "../../core/store.js";
import { Listed, Table, Tag, Warnings, useMay } from "../../core/parts.js";
import { html } from "../../core/ui.js";
import { at } from "../../core/url.js";
import { bytes, count, day, local, percent, t, word } from "../../core/words.js";
import { Downloads } from "./files/downloads.js";
import { Lineage } from "./files/lineage.js";
import { Links, Sharing } from "./files/links.js";

export const nameOf = (file) => (file.archive_member ? `${file.file_name}/${file.archive_member}` : file.file_name);

function Raw({ session }) {
  const { session_id: id, files } = session;
  const heads = [
    { key: "name", name: t("files.file") }, { key: "size", name: t("files.size"), number: true }, { key: "format", name: t("files.read_as") },
    { key: "rows", name: t("files.rows"), number: true }, { key: "points", name: t("files.points"), number: true },
    { key: "period", name: t("files.period"), kind: "time" }, { key: "state", name: t("files.state") },
  ];
  const cell = (file, key) => {
    const unread = file.warnings.some((one) => one.code === "unreadable_file");
    if (key === "name") {
      return html`<a class="name" download href=${address(`sessions/${id}/raw/${file.sha256}`)}>${nameOf(file)}</a>
        ${file.warnings.length > 0 && html`<details class="small files-warned">
          <summary>${t("part.to_know", { count: file.warnings.length })}</summary>
          <${Listed} items=${file.warnings.map((one) => ({ ...one, file: null }))} /></details>`}`;
    }
    if (key === "size") return `${file.archive_member ? "zip " : ""}${bytes(file.size_bytes)}`;
    if (key === "format") return file.format ? html`${word("new.format", file.format)} <span
      class="soft small">${file.encoding}</span>` : t(unread ? "files.left_out" : "files.not_read");
    if (key === "rows") return count(file.row_count);
    if (key === "points") return count(file.point_count);
    if (key === "period") return file.first_at ? `${day(file.first_at)} – ${day(file.last_at)}` : "–";
    return file.integrity === "ok" ? html`<span class="soft small mono"
      title=${file.sha256}>${file.sha256.slice(0, 10)}</span>` : html`<${Tag} kind=${file.integrity}>${word("files.integrity", file.integrity)}<//>`;
  };
  return html`<section class="panel"><h2>${t("files.raw", { count: files.length })}</h2>
    <${Table} caption=${t("files.raw", { count: files.length })} heads=${heads} rows=${files} cell=${cell} cards rowKey=${(file) => file.id} /></section>`;
}

function Versions({ session, version }) {
  const { session_id: id, versions } = session;
  const labels = new Map(versions.map((one) => [one.id, one.version]));
  const heads = [
    { key: "version", name: t("session.version") }, { key: "made", name: t("files.made") }, { key: "rows", name: t("files.rows"), number: true },
    { key: "points", name: t("files.points"), number: true },
    { key: "size", name: t("files.size"), number: true }, { key: "of", name: t("files.of") }, { key: "state", name: t("files.state") },
  ];
  const cell = (one, key) => {
    const cleaned = one.cleaned_from != null;
    if (key === "version") {
      return html`<a class="name" href=${at(["sessions", id, "verdict"], { version: one.version })}>${one.version}</a>
        ${(one.version === version || one === versions[0] && version === "latest") && html` <${Tag}>${t("files.shown")}<//>`}`;
    }
    if (key === "made") return local(one.created_at);
    if (key === "rows") return count(one.row_count);
    if (key === "points") return count(one.column_count - 1);
    if (key === "size") return bytes(one.size_bytes);
    if (key === "of") {
      return cleaned
        ? html`${labels.get(one.cleaned_from) ?? "–"}${one.events_count != null && html`, <a
          href=${at(["sessions", id, "clean"], { version: one.version })}>${t("files.events", { count: one.events_count })}</a>`}
          ${one.retention_rate != null && html`, ${t("files.kept", { percent: percent(one.retention_rate) })}`}`
        : t("files.of_raw");
    }
    const bad = [one.integrity, one.events_integrity].find((state) => state && state !== "ok");
    return bad ? html`<${Tag} kind=${bad}>${word("files.integrity", bad)}<//>` : html`<span class="soft small mono"
      title=${one.sha256}>${one.sha256.slice(0, 10)}</span>`;
  };
  return html`<section class="panel"><h2>${t("files.versions")}</h2>
    <${Table} caption=${t("files.versions")} heads=${heads} rows=${versions} cell=${cell} cards rowKey=${(one) => one.id} /></section>`;
}

/** What leads from reports that are only stored to data. */
function Unread({ session }) {
  const may = useMay("operator");
  const failed = session.status === "failed";
  return html`<div class=${failed ? "problem" : "warnings"}><p>${t(failed ? "files.failed" : "files.unread")}</p>
    ${may && html`<a class="button primary" href=${at(["new"], { session: session.session_id })}>${t(failed ? "files.mend" : "files.read")}</a>`}</div>`;
}

/** The address that reads the reports again as the newest version was read. */
function againAt(session, lineage) {
  const { options = {} } = lineage?.nodes.filter((node) => node.kind === "parsed_dataset").at(-1)?.made_by ?? {};
  return at(["new"], {
    session: session.session_id, dates: options.date_format, prefix: options.prefix_by, conflict: options.on_conflict === "last" ? null : options.on_conflict,
    of: Object.keys(options.overrides ?? {}).length ? JSON.stringify(options.overrides) : null,
  });
}

export default function Files({ session, version, versions }) {
  const may = useMay("operator");
  const who = useStore(account);
  const gone = Boolean(session.deleted_at);
  const lineage = useGet(versions.length ? `sessions/${session.session_id}/lineage` : null);
  const unread = session.files.flatMap((file) => file.warnings.filter((one) => one.code === "unreadable_file").map((one) => ({ ...one, file: nameOf(file) })));
  return html`
    ${!versions.length && !gone && html`<${Unread} session=${session} />`}
    <${Warnings} items=${unread} open />
    <${Raw} session=${session} />
    ${may && !gone && versions.length > 0 && html`<p class="row"><a class="button" href=${againAt(session, lineage.data)}>${t("files.again")}</a>
      <span class="soft small">${t("files.again_text")}</span></p>`}
    ${versions.length > 0 && html`<${Versions} session=${session} version=${version} />
      <section class="panel"><h2>${t("files.lineage")}</h2><${Lineage} of=${lineage} id=${session.session_id} /></section>
      <${Downloads} session=${session} version=${version} versions=${versions} />`}
    ${who?.kind && !gone && html`<div class="grid">${may && html`<${Links} session=${session} versions=${versions} />`}<${Sharing} session=${session} who=${who} /></div>`}`;
}
