//! Every error code with its kind, what it means and the way out: the one table.
//!
//! `docs/ERRORS.md` is made from it, and a test keeps every code in use. The crates that only compute name theirs by
//! its text, which [`named`] finds here.

use std::sync::LazyLock;

use serde::{Serialize, Serializer};

use super::ErrorKind;

/// One line of the table.
#[derive(Debug, PartialEq, Eq)]
pub struct Code {
    /// Stable and `snake_case`: what goes over the wire.
    pub name: &'static str,
    /// What a caller may branch on.
    pub kind: ErrorKind,
    /// What is wrong, one sentence.
    pub meaning: &'static str,
    /// What to do about it, one sentence.
    pub way_out: &'static str,
}

/// Its name.
impl Serialize for Code {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name)
    }
}

/// The code of that name.
#[must_use]
pub fn named(name: &str) -> Option<&'static Code> {
    ALL.iter().copied().find(|code| code.name == name)
}

macro_rules! table {
    ($($kind:ident { $($code:ident $name:literal $meaning:literal $way_out:literal;)* })*) => {
        $($(
            #[doc = $meaning]
            pub const $code: &Code =
                &Code { name: $name, kind: ErrorKind::$kind, meaning: $meaning, way_out: $way_out };
            const _: () = assert!(stringify!($code).eq_ignore_ascii_case($name));
        )*)*
        /// This part of the table.
        pub(super) const PART: &[&Code] = &[$($($code,)*)*];
    };
}

mod accounts;
mod door;
mod events;
mod records;
mod service;

pub use self::{accounts::*, door::*, events::*, records::*, service::*};

/// The whole table.
pub static ALL: LazyLock<Vec<&'static Code>> =
    LazyLock::new(|| [PART, accounts::PART, door::PART, events::PART, records::PART, service::PART].concat());

table! {
    Malformed {
        BODY_BROKE_OFF "body_broke_off" "The connection ended within the request's body; nothing was stored."
            "Send the request again.";
        BROKEN_JSON "broken_json" "The body is no JSON."
            "Mend it where `detail` says; quotes, commas and braces are the usual causes.";
        BROKEN_MULTIPART "broken_multipart" "The multipart form cannot be read to its end; nothing was stored."
            "Let a library write the form, or use `curl -F`.";
        BROKEN_PATH "broken_path" "The path is no UTF-8 text once its %-escapes are resolved."
            "Escape the path's UTF-8 bytes.";
        BROKEN_QUERY "broken_query" "The query string cannot be read."
            "Write it as name=value&name=value, with special characters %-escaped.";
        BROKEN_UPLOAD "broken_upload" "An upload broke off within a file; nothing was stored."
            "Send it again.";
    }
    NotFound {
        DELETED_SESSION "deleted_session" "The session whose data are asked for is deleted."
            "Bring it back with `POST /api/sessions/{id}/restore`.";
        EMPTY_FOLDER "empty_folder" "The folder holds no report."
            "Name a folder with .csv, .tsv, .txt, .dat, .xlsx, .xlsm, .xls, .parquet, .arrow, .feather, .zip or .csv.gz files.";
        NO_EVENTS "no_events" "The version was made before its quality events were kept."
            "Parse or clean again with `force`.";
        NO_SESSION "no_session" "No session has been parsed over HTTP yet, so there is none to take by default."
            "Parse reports with `POST /api/parse`, or name a `session_id`.";
        NOT_PARSED "not_parsed" "The session has no data yet."
            "Parse it with `POST /api/parse`.";
        UNKNOWN_CLEANING_JOB "unknown_cleaning_job" "There is no cleaning of this id."
            "`GET /api/sessions/{id}` lists a session's cleaned versions.";
        UNKNOWN_FILE "unknown_file" "There is no file of this name."
            "`GET /api/files` lists those of the data folder; on the command line, see to the path.";
        UNKNOWN_FOLDER "unknown_folder" "There is no such folder in the data folder."
            "`GET /api/files` lists them.";
        UNKNOWN_JOB "unknown_job" "There is no job of this id."
            "`GET /api/jobs` lists them.";
        UNKNOWN_MODEL "unknown_model" "There is no model of this name or id."
            "`GET /api/models` lists them.";
        UNKNOWN_MODEL_VERSION "unknown_model_version" "The model has no such version or alias."
            "Take one of those that `detail` or `GET /api/models/by-name/{name}` names.";
        UNKNOWN_OPTIMIZATION "unknown_optimization" "There is no recommendation of this id."
            "`GET /api/optimizations` lists them.";
        UNKNOWN_OVERRIDE "unknown_override" "Nothing of that is remembered of the site."
            "`GET /api/sites/{site}/overrides` lists what is.";
        UNKNOWN_QUERY "unknown_query" "There is no saved query of this name."
            "`GET /api/queries` lists them.";
        UNKNOWN_SESSION "unknown_session" "There is no session of this id."
            "`GET /api/sessions` lists them.";
        UNKNOWN_VERSION "unknown_version" "The session has no such version, or it is gone."
            "`GET /api/sessions/{id}` lists its versions.";
        UNREADABLE_FOLDER "unreadable_folder" "The folder cannot be read."
            "See that it exists and that this user may read it.";
    }
    Conflict {
        ALIAS_TAKEN "alias_taken" "The alias stands for a model that belongs to somebody else."
            "Choose another word.";
        ALREADY_PUBLISHED "already_published" "A file of that name is stored already; it was left as it is."
            "Ask again; where databases share MODELS_PATH, give each a folder of its own.";
        AMBIGUOUS_FILE "ambiguous_file" "Several raw files of the session have this name."
            "Ask for one by its sha256, which `errors` tells.";
        AMBIGUOUS_MODEL "ambiguous_model" "The name may mean several models."
            "Name one by an id that `errors` tells.";
        AMBIGUOUS_SESSION "ambiguous_session" "The text may mean several sessions, or a session and a file."
            "Name the session by its whole id, a file by its path (`./name`).";
        FILE_CHANGING "file_changing" "A stored file is being changed from outside."
            "Stop whatever does that, then run `hvac-analytics doctor`.";
        FILE_DAMAGED "file_damaged" "A stored file is not what was published."
            "Run `hvac-analytics doctor`, which says more; put it back from a backup, or make it again with `force`.";
        FILE_EXISTS "file_exists" "The file to be written is there already."
            "Name it with `-o` to replace it.";
        FILE_MISSING "file_missing" "A stored file is gone."
            "Run `hvac-analytics doctor`, which says more; put it back from a backup, or make it again with `force`.";
        FILES_DAMAGED "files_damaged" "`doctor` found stored files that are not what was published."
            "Put the files that its report names back from a backup, or make them again.";
        JOB_CANCELLED "job_cancelled" "The job was cancelled; nothing was stored."
            "Ask again to do it after all.";
        JOB_ENDED "job_ended" "The job has ended already."
            "There is nothing to cancel; ask for new work where its result is missed.";
        JOB_FAILED "job_failed" "The job failed, for a reason whose code this version of the program does not know."
            "Do what `detail` says, or ask again for the same.";
        LEASE_LOST "lease_lost" "The work stood still for over a minute and lost its version number."
            "Ask for it again; see why the machine stood still.";
        MODEL_IN_USE "model_in_use" "Aliases or recommendations refer to the model."
            "Delete with `force=true` (`--force`), which takes all of that along.";
        MODEL_NOT_READY "model_not_ready" "The model is still being trained, or its training failed."
            "Follow the job that `detail` names, or train again.";
        MODEL_TAKEN "model_taken" "Models of a bundle have names and versions that other models have here; nothing was stored."
            "Delete the models that `errors` names, if they may go, then import again.";
        NEWER_BUNDLE "newer_bundle" "The bundle was written by a newer version of this program; nothing was stored."
            "Use that version, or a later one.";
        NEWER_DATABASE "newer_database" "The metadata database was made by a newer version of this program."
            "Use that version, or restore a backup from before the upgrade.";
        NEWER_FILE "newer_file" "A stored file was written by a newer version of this program."
            "Use that version.";
        NEWER_STORE "newer_store" "The storage folder was written by a newer version of this program."
            "Use that version.";
        NO_OUTCOME "no_outcome" "Nobody has stated yet whether the recommendation was applied."
            "State it with `POST /api/optimizations/{id}/outcome`.";
        NOT_APPLIED "not_applied" "The recommendation was not applied, so there is nothing to verify."
            "If it was, state it with `POST /api/optimizations/{id}/outcome`.";
        NOT_CONFIRMED "not_confirmed" "What deletes for ever was not confirmed; nothing was done."
            "Answer `yes`, or say `--yes` where there is no terminal.";
        PARSE_UNDER_WAY "parse_under_way" "The session is being parsed or cleaned."
            "Ask again when that is done (`Retry-After`).";
        SESSION_DELETED "session_deleted" "The session is deleted and cannot be changed."
            "Bring it back with `POST /api/sessions/{id}/restore`.";
        SESSION_DIFFERS "session_differs" "The bundle's session is here already, with other contents; nothing was changed."
            "Keep the one here, or purge it and import again.";
        SESSION_HAS_MODELS "session_has_models" "The session cannot be purged: models were made from its data."
            "Delete those models first, `DELETE /api/models/{id}`.";
        STORE_EMPTY_DATABASE "store_empty_database" "The storage folder has sessions that the new metadata database lacks."
            "Point DATABASE_URL at the folder's own database, or run `hvac-analytics doctor --rebuild`.";
        STORE_EMPTY_FOLDER "store_empty_folder" "The metadata database knows sessions, but the storage folder is empty."
            "Mount the disk, or point DATA_STORAGE_PATH at the sessions' folder.";
        STORE_IN_USE "store_in_use" "Another process has the storage folder open."
            "Stop the server and other commands first, then repair.";
        STORE_MISMATCH "store_mismatch" "Metadata database and storage folder belong to different stores."
            "Point both at the same store, or rebuild the catalogue in a new database.";
        STORE_UNIDENTIFIED "store_unidentified" "The storage folder has sessions but no store.json."
            "Put store.json back from a backup, or run `hvac-analytics doctor --rebuild`.";
        STORE_UNREADABLE "store_unreadable" "The file store.json in the storage folder cannot be read."
            "Put it back from a backup.";
        TRAINING_UNDER_WAY "training_under_way" "The model is being trained."
            "Cancel its job first, `POST /api/jobs/{id}/cancel`.";
    }
    PreconditionFailed {
        PRECONDITION_FAILED "precondition_failed" "The file is not the one that `If-Match` names."
            "Ask without that header for what is there now.";
    }
    TooLarge {
        BODY_TOO_LARGE "body_too_large" "The JSON body is longer than allowed."
            "Send less at once; files go to `/api/uploads`.";
        UPLOAD_TOO_LARGE "upload_too_large" "The files are larger together than an upload may be; nothing was stored."
            "Send fewer files at once, or raise MAX_UPLOAD_BYTES.";
    }
    UnsupportedFormat {
        NOT_A_BUNDLE "not_a_bundle" "The file is neither a bundle of a session nor a Parquet or Arrow file."
            "Send one of `GET /api/sessions/{id}/bundle.zip`; reports go to `POST /api/uploads`.";
        NOT_A_TABLE "not_a_table" "The file is no text table, workbook, zip archive or gzip file that is read here."
            "Export the report as CSV, TSV, XLSX or a zip of these.";
        NOT_JSON "not_json" "This route reads JSON, and the request says it is something else."
            "Send the header `Content-Type: application/json`.";
        NOT_MULTIPART "not_multipart" "This route reads a multipart form, and the request is none."
            "Send one; `curl -F files=@report.csv` does.";
        NOTHING_READABLE "nothing_readable" "The archive holds no file that is read here."
            "Pack the reports themselves, as CSV, TSV or XLSX.";
        NUL_BYTES "nul_bytes" "The text has NUL bytes, as a crash of the exporting program leaves them."
            "Export the report again, or delete them.";
    }
    RangeNotSatisfiable {
        RANGE_NOT_SATISFIABLE "range_not_satisfiable" "No byte of the range asked for exists."
            "Ask for a range within the length that `Content-Range` tells.";
    }
    Invalid {
        AMBIGUOUS_DATES "ambiguous_dates" "Day and month cannot be told apart in any of the report's dates."
            "State `date_format`.";
        AMBIGUOUS_DECIMAL "ambiguous_decimal" "Commas or points in numbers may be decimal signs or part thousands."
            "State `decimal`.";
        AMBIGUOUS_TIME_COLUMN "ambiguous_time_column" "Several columns of a Parquet or Arrow file hold times."
            "Name the one that the rows are of with `time_column`.";
        AMBIGUOUS_ROLE "ambiguous_role" "Several columns fit a part that a cleaning rule needs equally well."
            "State the one meant in `columns`.";
        ARCHIVE_TOO_LARGE "archive_too_large" "The archive has more files, or unpacks to more bytes, than allowed."
            "Split it, or raise the limit that `detail` names.";
        BAD_COLUMN_OVERRIDE "bad_column_override" "An override of a column cannot be followed."
            "Mend the entry of `columns` that `errors` names.";
        BAD_COLUMNS "bad_columns" "Too few or too many columns are asked for."
            "Name as many as `detail` says, separated by commas.";
        BAD_DATE_FORMAT "bad_date_format" "`date_format` is none that is known."
            "Take one that `detail` names.";
        BAD_DELIMITER "bad_delimiter" "The delimiter is not one character, or not that of the file."
            "Give a comma, a semicolon, a bar or a tab, or leave it out to have it found.";
        BAD_EDGES "bad_edges" "The last edge of a histogram is not above its first one."
            "Give a greater `max`, or leave one of them out.";
        BAD_INTERVAL "bad_interval" "`every` is no interval that rows can be put into."
            "Take one that `detail` names.";
        BAD_NAME "bad_name" "A model's name or alias has a form that cannot be used."
            "Choose one by the rule that `detail` tells.";
        BAD_OFFSET "bad_offset" "`offset` is negative."
            "Count rows from 0.";
        BAD_OPTION "bad_option" "An option of a training or recommendation is out of its range."
            "Give a value within the range that `detail` names.";
        WOULD_LOSE_READINGS "would_lose_readings" "More than 2 % of the readings would be lost, or rows with readings cannot be told; no version was made."
            "Mend how the reports are read, state `on_conflict` where files give the same cells, or accept it with `accept_loss` (`--accept-loss`).";
        BAD_OVERRIDE "bad_override" "An override of how reports are read cannot be followed, or means no file."
            "Mend the field that `errors` names; a pattern must fit one of the files.";
        BAD_POINTS "bad_points" "`points` is out of range."
            "Ask for 10 to 20000 points a column.";
        BAD_RECORD "bad_record" "A record of a meter file (NEM12) does not fit the form."
            "Ask for the file again, or mend the line that `errors` names.";
        BAD_ROLE "bad_role" "A column cannot play the part that it is given."
            "Name a column whose values and unit fit the part.";
        BAD_ROWS "bad_rows" "`rows` is out of range."
            "Ask for as many as `detail` says.";
        BAD_SETTING "bad_setting" "A setting of the environment or of .env cannot be used."
            "Set the variable that `detail` names to what it says.";
        BAD_TAG "bad_tag" "A tag is empty, has a comma, or there are too many."
            "Give at most 50 words or phrases without commas.";
        BAD_THRESHOLD "bad_threshold" "A threshold of a cleaning is out of its range."
            "Give a value within the range that `detail` names.";
        BAD_TIME "bad_time" "A time cannot be read, or lies outside the years 0000 to 9999."
            "Write it like 2016-10-10T00:00:00+08:00 or 2016-10-10 00:00.";
        BAD_TIME_RANGE "bad_time_range" "A range of times ends before it begins, or what has happened lies in the future."
            "Give a later end, or an earlier beginning.";
        BAD_USAGE "bad_usage" "The command line cannot be carried out as it stands."
            "See `--help`.";
        BAD_VERSION "bad_version" "The text is no version."
            "Use latest, parsed, cleaned, parsed-v1, cleaned-v1 or an id; of a model, its number.";
        BROKEN_ARCHIVE "broken_archive" "The archive, or a file in it, cannot be unpacked."
            "Pack it anew.";
        BROKEN_TABLE "broken_table" "A Parquet or Arrow file is cut off or damaged."
            "Copy or write it anew.";
        BUNDLE_CONTRADICTS "bundle_contradicts" "A bundle's files are not those that its session.json tells of, or say something else; nothing was stored."
            "Export it anew; nothing in it may be changed, added or left out.";
        BUNDLE_DAMAGED "bundle_damaged" "A bundle is cut off, or its bytes are not those that were exported; nothing was stored."
            "Copy or export it anew.";
        CONFLICTING_VALUES "conflicting_values" "Files have different values for the same time; no version was made."
            "Parse with `on_conflict=last` or `first`, or leave one of the files out.";
        CONSTANT_TARGET "constant_target" "The target has the same value in every row: there is nothing to learn."
            "Choose another target, or another version.";
        CONTROL_CHARACTER "control_character" "A stored text has a control character."
            "Leave it out.";
        DRY_RUN_WAITS "dry_run_waits" "A dry run stores nothing that could be fetched later."
            "Leave out `wait` or `dry_run`.";
        EMPTY_FILE "empty_file" "The file is empty or holds only blank lines."
            "Export the report again.";
        EMPTY_NAME "empty_name" "The session's new name is empty."
            "Give one, or leave `name` out to keep the old one.";
        INFEASIBLE "infeasible" "No setting keeps all limits and constraints under these conditions."
            "Relax one that `errors` names, or let more variables change.";
        INVALID_BODY "invalid_body" "The JSON body as a whole is wrong."
            "Send an object with the fields that `/docs` names.";
        INVALID_FIELD "invalid_field" "A field has a value of the wrong type or form."
            "Give the field that `errors` names what `detail` says.";
        LEAKAGE "leakage" "Every column of the mapping would tell the model its target."
            "Map others too, or train with `allow_leakage`.";
        LINE_TOO_LONG "line_too_long" "A line or field is longer than any trend report has."
            "Check the delimiter and the line ends.";
        METADATA_TOO_LARGE "metadata_too_large" "A session's metadata, or an account's preferences, are too long as JSON."
            "Keep less in them.";
        MISSING_ROLE "missing_role" "No column fits a part that a cleaning rule needs."
            "State it in `columns`, or leave the rule out.";
        MISSING_YEAR "missing_year" "The report's times have no year, and none stands in the file's name."
            "State `year`, or put it in the file's name.";
        MIXED_DATE_ORDERS "mixed_date_orders" "The report's dates are written in more than one order."
            "State `date_format`, or split the report.";
        MODEL_REQUIRED "model_required" "The request names no model."
            "Name one in `model`; `GET /api/models` lists them.";
        MORE_CELLS_THAN_HEADER "more_cells_than_header" "Nearly every row has more cells than the header has columns."
            "Export with semicolons or tabs between the fields, or with decimal points.";
        NO_CONDITIONS "no_conditions" "Neither a cooling load nor an outside temperature is measured."
            "Parse reports that hold one of them.";
        NO_CONTROL "no_control" "The model was trained without a set-point or without a condition."
            "Map at least one of each and train again.";
        NO_FEATURES "no_features" "The mapping leaves no feature to learn from."
            "Map columns that vary; `GET /api/feature-mapping/suggest` proposes some.";
        NO_FILE_NAME "no_file_name" "A part of the form that should be a file has no file name."
            "Send it as a file, `curl -F files=@report.csv`.";
        NO_FILES "no_files" "There is no file to work on."
            "Upload some, or name server-side files.";
        NO_HEADER "no_header" "The report has no line that names its columns."
            "Export it with its header.";
        NO_POINTS "no_points" "The header names no point besides the time."
            "Export the report with its points.";
        NO_READABLE_TIME "no_readable_time" "No row has a time that can be read."
            "Export the report with date and time, or state `date_format`.";
        NO_TIME_COLUMN "no_time_column" "No column of a Parquet or Arrow file is known to hold its times."
            "Name the one that does with `time_column`; `detail` tells which there are.";
        NO_ROWS "no_rows" "There is no data row below the header; no version was made."
            "Export the report again, for a period with data.";
        NONEXISTENT_LOCAL_TIME "nonexistent_local_time" "A local time falls into the hour that clocks skipped."
            "Write it with its offset from UTC, or give the zone in which the times were written.";
        NOT_A_NUMBER "not_a_number" "A row to predict holds something that is no number."
            "Give numbers, or null where there is none.";
        NOT_A_PARSED_DATASET "not_a_parsed_dataset" "Only parsed versions are cleaned, and this is cleaned already."
            "Name the parsed version it came from, or leave `dataset_id` out.";
        NOT_NUMERIC "not_numeric" "A column holds texts where numbers are needed."
            "Choose columns with numbers.";
        NOT_UTF8 "not_utf8" "A text field of the form is no UTF-8."
            "Send it as UTF-8.";
        NOT_POWER "not_power" "What the model predicts is no electric power, so no energy can be counted."
            "Train a model on the plant's power.";
        OUT_OF_RANGE "out_of_range" "A number is out of its range."
            "Give one within the range that `detail` names.";
        OUTSIDE_BASELINE "outside_baseline" "After the change, conditions were other than the time before knows."
            "Parse reports of a longer time before, or raise `max_outside`.";
        PATH_OUTSIDE_DATA_DIR "path_outside_data_dir" "The path leaves the data folder."
            "Give a name below it, without `..` and without a leading `/`.";
        PROBE_INVALID "probe_invalid" "A job of the kind that only tests enqueue was told to be invalid."
            "None is needed.";
        REPEATED_FIELD "repeated_field" "A field of the form comes twice."
            "Send it once.";
        REPEATED_PARAMETER "repeated_parameter" "A query parameter comes twice."
            "Send it once.";
        REPORT_CHANGED "report_changed" "A report's bytes are not those that were planned with."
            "Parse it again, and leave its file alone meanwhile.";
        SECOND_REPORT "second_report" "A second header stands within the file: it holds two reports."
            "Split the file.";
        SECOND_TABLE "second_table" "Two tables with different headers stand in one file."
            "Split the file, or name the table with `header_row` and `skip_rows`.";
        SESSION_ID_REQUIRED "session_id_required" "This server takes no session by default."
            "Name a `session_id`; `GET /api/sessions` lists them.";
        SWAPPED_DATES "swapped_dates" "A spreadsheet may have swapped day and month of a workbook's dates, and nothing tells."
            "Export the report again as CSV without opening it in a spreadsheet.";
        TARGET_NOT_NUMERIC "target_not_numeric" "The target holds no numbers to learn."
            "Choose another target, or another version.";
        TEXT_TOO_LONG "text_too_long" "A text is longer than allowed."
            "Shorten it to what `detail` says.";
        TIMEZONE_FIXED "timezone_fixed" "The session was parsed in another time zone, which stays."
            "Parse the files as a new session.";
        TOO_FEW_DAYS "too_few_days" "There are too few days with data before or after a recommendation was applied."
            "Parse reports of more days, or state another time of applying.";
        TOO_FEW_ROWS "too_few_rows" "There are too few usable rows to train on."
            "Take a longer period, a finer `interval` or fewer features.";
        TOO_LARGE "too_large" "The workbook unpacks to more than 1 GiB."
            "Split it, or export CSV.";
        TOO_MANY_POINTS "too_many_points" "The report names more points than are read."
            "Split it by points.";
        TOO_MUCH_AT_ONCE "too_much_at_once" "More is asked for at once than one answer holds."
            "Ask for fewer columns, a shorter time, or wider rows, as `detail` says.";
        UNCLOSED_QUOTE "unclosed_quote" "A quote is opened and not closed."
            "Close it, or double it if it is part of the text.";
        UNDECODABLE_TEXT "undecodable_text" "The text has bytes that its encoding does not know."
            "State another `encoding`, or export the report again as UTF-8.";
        UNEXPECTED_BODY "unexpected_body" "This route takes no body."
            "Send none.";
        BAD_SQL "bad_sql" "The statement cannot be carried out."
            "Mend it as `detail` says.";
        NOT_A_QUERY "not_a_query" "The statement is no query, or there are several."
            "Give one SELECT, WITH, VALUES or EXPLAIN.";
        QUERY_MEMORY "query_memory" "The statement needs more memory than statements may have."
            "Ask for fewer rows or columns, or raise QUERY_MEMORY_BYTES.";
        QUERY_TIMEOUT "query_timeout" "The statement took longer than it may."
            "Ask for less, or allow more with `timeout_ms`.";
        SQL_SYNTAX "sql_syntax" "The statement is no SQL."
            "Mend it where `detail` says.";
        UNKNOWN_FORMAT "unknown_format" "There is no format of this name."
            "Take one that `detail` names.";
        UNKNOWN_TABLE "unknown_table" "There is no table of this name."
            "Take one that `detail` names.";
        UNKNOWN_COLUMN "unknown_column" "There is no column of this name."
            "Take the closest that `detail` names.";
        UNKNOWN_ENCODING "unknown_encoding" "The encoding asked for is none that is known."
            "Use a label of the WHATWG Encoding Standard, such as utf-8, big5 or windows-1252.";
        UNKNOWN_FIELD "unknown_field" "There is no such field."
            "Take the closest that `detail` names; `/docs` lists all.";
        UNKNOWN_FILE_FORMAT "unknown_file_format" "The output's name tells no file format that is written."
            "End it with one that `detail` names.";
        UNKNOWN_JOB_KIND "unknown_job_kind" "There is no such kind of job."
            "Take one that `detail` names.";
        UNKNOWN_ORDER "unknown_order" "`order` is neither asc nor desc."
            "Use asc or desc.";
        UNKNOWN_PARAMETER "unknown_parameter" "There is no such query parameter."
            "Take the closest that `detail` names; `/docs` lists all.";
        UNKNOWN_PERIOD "unknown_period" "There is no such period to sum up by."
            "Take one that `detail` names.";
        UNKNOWN_RULE "unknown_rule" "There is no such cleaning rule."
            "Take one that `detail` names.";
        UNKNOWN_SHEET "unknown_sheet" "The workbook has no sheet of the name that is asked for."
            "Take one that `detail` names.";
        UNKNOWN_SORT "unknown_sort" "Sessions cannot be sorted by this."
            "Take one that `detail` names.";
        UNKNOWN_TARGET "unknown_target" "The target is no column with numbers."
            "Take the closest that `detail` names.";
        UNKNOWN_TIMEZONE "unknown_timezone" "The name is no IANA time zone."
            "Use a name such as Asia/Taipei, Europe/Berlin or UTC.";
        UNKNOWN_UNIT "unknown_unit" "A rule needs the unit of a column, which has none that is known."
            "State it in `units`.";
        UNKNOWN_ZONE "unknown_zone" "A time names a zone that is not known, or that means several."
            "State `timezone`, or export the report with offsets from UTC.";
        UNREAD_COLUMN_TYPE "unread_column_type" "A column of a Parquet or Arrow file holds what is no reading, or cannot be kept exactly."
            "Write the file without it, or as numbers, booleans or texts.";
        UNREAD_TIME_FORM "unread_time_form" "A time is written in a form that is not read: a week, a day of the year, an hour."
            "Export the report with times such as 2024-01-31 13:45.";
        UNREADABLE "unreadable" "A file given on the command line cannot be read or is not what it should be."
            "Do what `detail` says of it.";
        UNREADABLE_FILE "unreadable_file" "A server-side file cannot be read; nothing was stored."
            "See that it exists and that the server may read it.";
        UNREADABLE_FILES "unreadable_files" "Several reports cannot be read, for different reasons; no version was made."
            "Mend or leave out those that `errors` names.";
        UNREADABLE_MODEL "unreadable_model" "A model's file is none that this version reads."
            "Train it again, or use the version that made it.";
        UNSAFE_ARCHIVE "unsafe_archive" "The archive has members that are encrypted, nested or named out of it."
            "Pack plain reports without a password.";
        VERSION_REQUIRED "version_required" "A comparison needs two versions."
            "Name both, such as parsed-v1 and cleaned-v1.";
        WINDOW_SHORTER_THAN_ROWS "window_shorter_than_rows" "The window of steady state is shorter than the rows' interval."
            "Give `thresholds.steady_window_min` of at least what `detail` says.";
        WRONG_FEATURES "wrong_features" "The values given are not those that the model goes by."
            "Give what `errors` names, in the model's own names (`GET /api/models/{id}`).";
        ZONE_CONTRADICTED "zone_contradicted" "The report names another zone than the one that was stated."
            "State no `timezone` to read times as the report says, or correct it.";
    }
}
