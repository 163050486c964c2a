// A whole session from another server: a zip whose comment is the checksum of all that is in it. It is brought in as it is,
// not read.
import { send } from "../../core/api.js";
import { say } from "../../core/parts.js";
import { go } from "../../core/url.js";
import { t } from "../../core/words.js";

const COMMENT = 71;

export const isBundle = async ({ name, file }) =>
  /\.zip$/i.test(name) && file.size > COMMENT && /^sha256:[0-9a-f]{64}$/.test(await file.slice(-COMMENT).text());

/** Brings bundles in, and goes to the last of them where nothing else was chosen. */
export async function bringIn(bundles, alone) {
  let last = null;
  for (const { file } of bundles) last = await send("POST", "sessions/import", file);
  say(t(last.imported ? "new.imported" : "new.known", { name: last.name }), alone ? undefined : [t("new.look_at_it"), () => go(["sessions", last.session_id])]);
  if (alone) go(["sessions", last.session_id]);
}
