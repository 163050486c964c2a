// The page: what stands around every view, and which view an address means. A view is read when it is first looked at.
import { account, firstAnswers, send, whoAsks } from "./core/api.js";
import { part } from "./core/modules.js";
import { Connection, Later, Notice, Problem } from "./core/parts.js";
import { setTheme, theme } from "./core/theme.js";
import { html, render, useEffect, useErrorBoundary } from "./core/ui.js";
import { useStore } from "./core/store.js";
import { read, useRoute } from "./core/url.js";
import { LANGUAGES, speak, t, useLanguage } from "./core/words.js";

/** The first part of an address, and the module whose default export draws it: `({path, query})`. */
const VIEWS = {
  "": "home", new: "new", sessions: "session", models: "models", setpoints: "setpoints", ask: "ask", records: "records", system: "system",
};
const MAIN = [["", "sessions"], ["models", "models"], ["setpoints", "setpoints"], ["ask", "ask"], ["records", "records"], ["system", "system"]];

const view = (route) => {
  const name = VIEWS[route.path[0] ?? ""];
  return name && new URL(`./views/${name}.js`, import.meta.url).href;
};

function View({ route }) {
  const [failure, reset] = useErrorBoundary((wrong) => console.error(wrong));
  useEffect(() => reset(), [location.hash]);
  if (failure) return html`<${Problem} failure=${failure} again=${reset} />`;
  const url = view(route);
  if (!url) return html`<p class="empty">${t("part.no_such_page")} <a href="#/">${t("nav.sessions")}</a></p>`;
  return html`<${Later} url=${url} ...${route} />`;
}

function Account() {
  const who = useStore(account);
  if (!who?.csrf_token) return null;
  const leave = async () => {
    await send("POST", "logout");
    location.assign(new URL("login", document.baseURI));
  };
  return html`<span class="who">${who.name}</span><button class="plain" onClick=${leave}>${t("nav.log_out")}</button>`;
}

function Page() {
  const route = useRoute();
  const spoken = useLanguage();
  const seen = useStore(theme);
  const here = route.path[0] ?? "";
  const section = here === "new" ? "" : here === "sessions" ? "" : here;
  useEffect(() => {
    document.title = `${t(`nav.${MAIN.find(([key]) => key === section)?.[1] ?? "sessions"}`)} – HVAC Analytics`;
  }, [section, spoken]);
  return html`
    <a class="skip" href="#main" onClick=${(event) => {
      event.preventDefault();
      document.getElementById("main").focus();
    }}>${t("nav.skip")}</a>
    <header class="top">
      <a class="brand" href="#/"><img src=${new URL("icon.svg", import.meta.url)} alt="" width="26" height="26" /><span>HVAC Analytics</span></a>
      <nav class="main" aria-label=${t("nav.main")}>${MAIN.map(([key, name]) =>
        html`<a href=${`#/${key}`} aria-current=${key === section ? "page" : null}>${t(`nav.${name}`)}</a>`)}<a href="docs/">${t("nav.api")}</a></nav>
      <div class="own">
        <select aria-label=${t("nav.language")} onChange=${(event) => speak(event.target.value)}>${LANGUAGES.map(([key, name]) =>
          html`<option value=${key} selected=${key === spoken} lang=${key}>${name}</option>`)}</select>
        <button class="plain" aria-label=${t(`nav.${seen === "dark" ? "light" : "dark"}`)} title=${t(`nav.${seen === "dark" ? "light" : "dark"}`)}
          onClick=${() => setTheme(seen === "dark" ? "light" : "dark")}>${seen === "dark" ? "☀" : "☾"}</button>
        <${Account} />
      </div>
    </header>
    <${Connection} />
    <main id="main" tabindex="-1"><${View} key=${here === "sessions" || here === "models" ? `${here}/${route.path[1] ?? ""}` : here} route=${route} /></main>
    <${Notice} />`;
}

/** What an account prefers holds on every device. */
whoAsks().then((who) => {
  const { language: spoken, theme: seen } = who?.preferences ?? {};
  if (["light", "dark"].includes(seen)) setTheme(seen);
  if (LANGUAGES.some(([key]) => key === spoken)) speak(spoken);
});
/** What is drawn at once is drawn once: how long the first drawing waits for its view and for what that shows, ms. */
const PATIENCE = 150;
const first = Promise.all([part(view(read()) ?? view({ path: [] })).catch(() => null), firstAnswers]);
await Promise.all([speak(), Promise.race([first, new Promise((resolve) => setTimeout(resolve, PATIENCE))])]);
render(html`<${Page} />`, document.getElementById("app"));
