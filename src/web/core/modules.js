// A module of the page that is read when it is first needed: a view, a tab, a language.
import { reach } from "./api.js";

const modules = new Map();

/**
 * The default export of the module at `url`, read once. While the server is away it is waited for; what is no longer
 * there belongs to a program that was renewed meanwhile, and is a failure. What the page can do without (`spare`) is neither
 * waited for nor worth a reload.
 */
export async function part(url, { spare = false } = {}) {
  if (!modules.has(url)) {
    const module = await import(url).catch(async (failure) => {
      if (spare || !(failure instanceof TypeError)) throw failure;
      const { ok, status } = await reach(url);
      if (!ok) throw new Error(`${url}: ${status}`);
      // Some browsers remember that it could not be read, then or further in: the page's address holds all its state.
      return import(url).catch(() => new Promise(() => location.reload()));
    });
    modules.set(url, module.default);
  }
  return modules.get(url);
}

/** The module at `url` where it was read already. */
export const known = (url) => modules.get(url);
