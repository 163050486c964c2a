// All that is looked at stands in the address, behind the #: `#/sessions/ID/chart?columns=a,b&from=…`. A reload, a link
// and the back button bring it back; nothing else remembers it.
import { useEffect, useState } from "./ui.js";

/** The path's parts and the values behind the `?`; everything is text. */
export function read(hash = location.hash) {
  const [path, search = ""] = hash.replace(/^#\/?/, "").split("?");
  const decode = (part) => {
    try {
      return decodeURIComponent(part);
    } catch {
      return part;
    }
  };
  return { path: path.split("/").filter(Boolean).map(decode), query: Object.fromEntries(new URLSearchParams(search)) };
}

/** An address within the page; values that are empty are left out. */
export function at(path, query = {}) {
  const pairs = Object.entries(query).filter(([, value]) => value != null && value !== "" && value !== false);
  const search = new URLSearchParams(pairs).toString().replaceAll("%2C", ",").replaceAll("%3A", ":");
  return `#/${path.map(encodeURIComponent).join("/")}${search && `?${search}`}`;
}

/** Goes there. `replace`: the back button skips where one was. */
export function go(path, query = {}, { replace = false } = {}) {
  const hash = at(path, query);
  if (hash === location.hash) return;
  if (!replace) {
    location.hash = hash;
    return;
  }
  history.replaceState(null, "", hash);
  dispatchEvent(new HashChangeEvent("hashchange"));
}

/** Changes some of the values behind the `?`; null takes one away. */
export function amend(changes, { replace = true } = {}) {
  const { path, query } = read();
  go(path, { ...query, ...changes }, { replace });
}

/** Where one is; drawn again when that changes. */
export function useRoute() {
  const [route, setRoute] = useState(read());
  useEffect(() => {
    const changed = () => setRoute(read());
    addEventListener("hashchange", changed);
    changed();
    return () => removeEventListener("hashchange", changed);
  }, []);
  return route;
}

/** A list in one value of the address. Commas do not occur in names of columns. */
export const split = (text) => (text ? text.split(",").filter(Boolean) : []);
