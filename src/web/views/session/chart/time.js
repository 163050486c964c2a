// Instants and the site's clock: the address says times as the site's clock shows them, plots count seconds since 1970.

const clocks = new Map();
function partsOf(seconds, zone) {
  if (!clocks.has(zone)) {
    clocks.set(zone, new Intl.DateTimeFormat("en-CA", {
      timeZone: zone, hourCycle: "h23", year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", second: "2-digit",
    }));
  }
  return Object.fromEntries(clocks.get(zone).formatToParts(new Date(seconds * 1000)).map(({ type, value }) => [type, value]));
}

/** The site's clock at an instant, `2024-07-01T08:30`, with seconds where there are some. */
export function stamp(seconds, zone = "UTC") {
  const { year, month, day, hour, minute, second } = partsOf(seconds, zone);
  return `${year}-${month}-${day}T${hour}:${minute}${second === "00" ? "" : `:${second}`}`;
}

/** How far the site's clock is ahead of UTC, in seconds. */
const ahead = (seconds, zone) => Date.parse(`${stamp(Math.floor(seconds), zone)}Z`) / 1000 - Math.floor(seconds);

/** Seconds since 1970 of an ISO text; without an offset it is the site's clock's. Null for what is no time. */
export function instant(text, zone = "UTC") {
  if (!text) return null;
  const iso = text.replace(/^(\d{4}-\d\d-\d\d)[ T]?/, "$1T").replace(/ (\d\d:\d\d)$/, "+$1").replace(/T$/, "T00:00");
  if (/T.*(Z|[+-]\d\d:?\d\d)$/.test(iso)) return Number.isNaN(Date.parse(iso)) ? null : Date.parse(iso) / 1000;
  const wall = Date.parse(`${iso}Z`) / 1000;
  if (Number.isNaN(wall)) return null;
  return wall - ahead(wall - ahead(wall, zone), zone);
}

/** The instant as the API takes it. */
export const iso = (seconds) => new Date(seconds * 1000).toISOString();
