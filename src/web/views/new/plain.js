// What the server says of a report, without the names that only its API knows: the page has fields for these.

const OF_THE_API = /\b(date_format|timezone|on_conflict|accept_loss|skip_unreadable|header_row|skip_rows|loss_words|decimal|prefix_by|overrides|[A-Z]+_[A-Z_]+)\b|--\w/;

/** The message up to the part that tells a program what to send. */
export function plain(message) {
  const parts = message.split(/(?<=[:;,])\s|\s(?=\()/);
  const first = parts.findIndex((part) => OF_THE_API.test(part));
  if (first < 1) return message;
  return `${parts.slice(0, first).join(" ").replace(/[:;,]$/, "")}.`;
}
