// Everything a version can be taken out as, and the lines with which other programs read it.
import { address } from "../../../core/api.js";
import { Field, say } from "../../../core/parts.js";
import { html, useState } from "../../../core/ui.js";
import { amend, read } from "../../../core/url.js";
import { bytes, t } from "../../../core/words.js";

const TOOLS = ["pandas", "polars", "duckdb", "excel", "curl"];

function lineOf(tool, url, csv) {
  if (tool === "pandas") return `import pandas as pd\ndf = pd.read_parquet("${url}")`;
  if (tool === "polars") return `import polars as pl\ndf = pl.read_parquet("${url}")`;
  if (tool === "duckdb") return `SELECT * FROM read_parquet('${url}') LIMIT 10;`;
  if (tool === "excel") return csv;
  return `curl -o data.parquet "${url}"`;
}

export async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    say(t("files.copied"));
  } catch {
    prompt(t("files.copy"), text);
  }
}

export function Downloads({ session, version, versions }) {
  const { session_id: id } = session;
  const chosen = versions.find((one) => one.version === version) ?? versions[0];
  const tool = TOOLS.includes(read().query.tool) ? read().query.tool : TOOLS[0];
  const [every, setEvery] = useState("");
  const of = (kind, values = {}) => String(address(`sessions/${id}/${kind}`, values));
  const part = { version: chosen.version, every };
  const line = lineOf(tool, of("data.parquet", { version: chosen.version }), of("data.csv", { version: chosen.version, for: "excel" }));
  return html`<section class="panel"><h2>${t("files.take_out", { version: chosen.version })}</h2>
    <div class="files-out">
      <div class="row">
        <a class="button" download href=${of("data.parquet", part)}>Parquet ${!every && html`<span class="soft small">${bytes(chosen.size_bytes)}</span>`}</a>
        <a class="button" download href=${of("data.csv", { ...part, for: "excel" })}>CSV</a>
        <a class="button" download href=${of("data.arrow", part)}>Arrow</a>
        ${chosen.events_count > 0 && html`<a class="button" download href=${of("events.parquet", { version: chosen.version })}>${t("files.events_file")}</a>`}</div>
      <${Field} label=${t("files.every")} value=${every} onChange=${(event) => setEvery(event.target.value)}
        options=${[["", t("files.every_stored")], ["15m", t("files.every_15m")], ["1h", t("files.every_1h")], ["1d", t("files.every_1d")]]} />
      <div><a class="button" download href=${of("bundle.zip")}>${t("files.bundle")}</a><p class="soft small">${t("files.bundle_text")}</p></div></div>
    <h3>${t("files.elsewhere")}</h3>
    <div class="row">${TOOLS.map((name) => html`<button type="button" aria-pressed=${name === tool ? "true" : "false"}
      onClick=${() => amend({ tool: name })}>${t(`files.tool_${name}`)}</button>`)}</div>
    <div class="files-line"><pre tabindex="0">${line}</pre><button type="button" onClick=${() => copy(line)}>${t("files.copy")}</button></div></section>`;
}
