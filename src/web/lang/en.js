// What the page says, in English. `zh-Hant.js` has the same keys, which a test compares.
export default {
  nav: {
    main: "Main", sessions: "Sessions", models: "Models", setpoints: "Set-points", ask: "Ask", system: "System", api: "API", skip: "Skip to the content",
    language: "Language", dark: "Dark", light: "Light", log_out: "Log out",
  },
  part: {
    line: "line {line}", column: "column {column}", more: { one: "… and one more", other: "… and {count} more" }, again: "Try again", request: "Number in the log: {id}",
    to_know: { one: "One thing to know", other: "{count} things to know" }, waiting: "One moment", pages: "Pages", previous: "Previous", next: "Next", page_of: "page {page} of {pages}",
    cancel: "Cancel", close: "Close", save: "Save", no_answer: "The server does not answer. What you see stays; it is asked again until it does.",
    copied: "The link is copied.", copy_link: "Copy link", save_picture: "Save picture", no_such_page: "There is no such page.",
    renewed: "The program was renewed since this page was opened. Read it again to go on; nothing is lost.", reload: "Read the page again",
  },
  status: { uploaded: "uploaded", parsed: "parsed", cleaned: "cleaned", failed: "failed", queued: "waiting", running: "running", completed: "done", cancelled: "cancelled" },
  tab: { verdict: "Overview", chart: "Chart", table: "Table", statistics: "Statistics", clean: "Clean", model: "Model", findings: "Findings", files: "Files" },
  session: {
    describe: "Name, site, tags and notes", name: "Name", site: "Site", tags: "Tags", tags_hint: "separated by commas", notes: "Notes", saved: "“{name}” is saved.",
    deleted: "“{name}” is deleted.", undo: "Undo", restored: "“{name}” is back.", restore: "Restore", edit: "Edit", delete: "Delete", version: "Version", newest: "newest version",
    is_deleted: "This session is deleted; restore it to look at its data.", rows: { one: "one row", other: "{count} rows" }, files_count: { one: "one file", other: "{count} files" },
    changed: "changed {when}", tabs: "Views of the session",
  },
  reason: {
    not_covered: "no report covers the time", missing_cell: "row without this point", empty: "empty cell", no_data: "“No Data” in the report", data_loss: "“Data Loss” in the report",
    time_error: "time error in the report", unknown_marker: "mark of the report’s own", spreadsheet_error: "error of a spreadsheet", not_finite: "no finite number", unreadable: "unreadable",
    unit_mismatch: "another unit than the point’s", no_sample: "no sample in the interval", as_parsed: "without a value as parsed", out_of_range: "taken out: cannot be", spike: "taken out: spike",
    frozen: "taken out: stood still", not_derivable: "could not be computed", bad_status: "its system calls it no reading",
  },
  rule: {
    out_of_range: "Cannot be", spike: "Spike", frozen: "Stands still", counter: "Register jumps", steady_state: "Not steady", heat_balance: "Heat balance broken", affinity: "Pump or fan law broken",
    equipment: "Machines contradict each other", drift: "Sensor drifts", offset: "Sensor off by a constant", swap: "Sensors exchanged", wrong_unit: "Wrong unit", time_shift: "Clock shifted",
    overridden: "Overridden", alarm: "In alarm", doubtful: "Doubtful", bad_status: "No reading", fault: "Fault of a machine",
  },
  kind: { instantaneous: "reading", counter: "register", interval_total: "amount", status: "state", text: "text" },
  problem: {
    no_answer: "The server did not answer, so nothing was changed. Try again in a moment.",
  },
};
