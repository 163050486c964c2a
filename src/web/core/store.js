// A value that several parts of the page look at: whoever uses it is drawn again when it changes.
import { useEffect, useState } from "./ui.js";

export function store(value) {
  const watching = new Set();
  return {
    get: () => value,
    set(next) {
      value = typeof next === "function" ? next(value) : next;
      for (const watch of [...watching]) watch(value);
    },
    watch(watch) {
      watching.add(watch);
      return () => watching.delete(watch);
    },
  };
}

export function useStore(shared) {
  const [value, setValue] = useState(shared.get());
  useEffect(() => {
    setValue(() => shared.get());
    return shared.watch((next) => setValue(() => next));
  }, [shared]);
  return value;
}
