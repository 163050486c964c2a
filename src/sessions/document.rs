//! What `session.json` is: types of its own, so that no change of a row or an answer changes it unseen.
//!
//! It tells what only the catalogue knows. What a file says of itself – the columns, what was asked for, what was found,
//! a model's mapping and metrics – stands in that file alone. Version 1 repeated it here; it is read for ever.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use hvac_store::entity::{
    ArtefactKind, Columns, FreeMetadata, Integrity, PointKind, ReportText, Status, Tags, VersionState, Warnings,
    WorkStatus, cleaning_job, energy_price, model_alias, parsed_dataset, report_override, session, site_override,
    source_file, trained_model, version,
};
use hvac_store::{new_id, paths};

/// Version of what is written; a later one is for what this program cannot read right.
pub const FORMAT_VERSION: u32 = 2;

/// The whole file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Document {
    /// [`FORMAT_VERSION`], or that of the program that wrote it.
    pub format_version: u32,
    /// The catalogue's when this was written; stands here, so that the first bytes tell it.
    #[serde(default)]
    pub revision: i64,
    /// The session.
    pub session: Session,
    /// Its raw files.
    #[serde(default)]
    pub source_files: Vec<SourceFile>,
    /// Its parsed datasets.
    #[serde(default)]
    pub parsed_datasets: Vec<ParsedDataset>,
    /// Its cleaned versions.
    #[serde(default)]
    pub cleaning_jobs: Vec<Cleaning>,
    /// Models that were made from its data; their files lie below `MODELS_PATH`.
    #[serde(default)]
    pub trained_models: Vec<Model>,
    /// Aliases that stand for them.
    #[serde(default)]
    pub model_aliases: Vec<Alias>,
    /// Its version numbers: those of no dataset above; version 1 named all.
    #[serde(default)]
    pub versions: Vec<Number>,
    /// What users said of its site's points.
    #[serde(default)]
    pub site_overrides: Vec<Override>,
    /// What users said of its site's reports.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub report_overrides: Vec<ReportOverride>,
    /// What users said that electricity costs at its site.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub energy_price: Option<EnergyPrice>,
}

fn is_ok(integrity: &Integrity) -> bool {
    *integrity == Integrity::Ok
}

fn ok() -> Integrity {
    Integrity::Ok
}

fn completed() -> WorkStatus {
    WorkStatus::Completed
}

fn is_false(flag: &bool) -> bool {
    !flag
}

/// A type whose fields its row has under the same names, fields of its own (`and`), and what the row has besides (`row`);
/// the ways from a row and to one follow.
macro_rules! entry {
    ($(#[$doc:meta])* $name:ident of $row:ident {
        $($(#[$same_doc:meta])* $same:ident: $same_type:ty,)*
    } $(and { $($(#[$own_doc:meta])* $own:ident: $own_type:ty = |$from:ident| $value:expr,)* })?
    row |$entry:ident, $session_id:ident| { $($besides:ident: $besides_value:expr,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
        pub struct $name {
            $($(#[$same_doc])* pub $same: $same_type,)*
            $($($(#[$own_doc])* pub $own: $own_type,)*)?
        }

        impl From<&$row::Model> for $name {
            fn from(row: &$row::Model) -> Self {
                Self {
                    $($same: row.$same.clone(),)*
                    $($($own: { let $from = row; $value },)*)?
                }
            }
        }

        impl $name {
            /// The columns of its row that have fields here.
            pub const COLUMNS: &[&str] = &[$(stringify!($same)),*];

            /// The row of that session; what its file tells is left out where this does not.
            #[must_use]
            pub fn into_row(self, session_id: &str) -> $row::Model {
                let ($entry, $session_id) = (self, session_id);
                $row::Model { $($besides: $besides_value,)* $($same: $entry.$same,)* }
            }
        }
    };
}

entry! {
    /// A session.
    Session of session {
        /// UUID v7, and the name of the folder.
        id: String,
        /// Name for people.
        name: String,
        /// Site.
        site: Option<String>,
        /// IANA zone.
        timezone: Option<String>,
        /// Where server-side files came from.
        subfolder: Option<String>,
        /// Raw files.
        files_count: i32,
        /// Rows of the newest parsed dataset.
        total_rows: i64,
        /// How far it has come.
        status: Status,
        /// The user's own data.
        metadata: FreeMetadata,
        /// What a user sorts it under.
        #[serde(default, skip_serializing_if = "Tags::is_empty")]
        tags: Tags,
        /// What a user says of it.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        notes: String,
        /// When it was made.
        created_at: DateTime<Utc>,
        /// When it was last changed.
        updated_at: DateTime<Utc>,
        /// Set while it is deleted.
        deleted_at: Option<DateTime<Utc>>,
        /// When it was last parsed over HTTP.
        parsed_over_http_at: Option<DateTime<Utc>>,
        /// Found without this file.
        #[serde(default, skip_serializing_if = "is_false")]
        unconfirmed: bool,
        /// Whose it is.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        owner_id: Option<String>,
    } row |entry, _session_id| {}
}

entry! {
    /// A raw file, or a member of one.
    SourceFile of source_file {
        /// UUID v7.
        id: String,
        /// As the user named it.
        file_name: String,
        /// Name within the archive.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        archive_member: Option<String>,
        /// Of the bytes, hex.
        sha256: String,
        /// Bytes.
        size_bytes: i64,
        /// Shape, once parsed.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        format: Option<String>,
        /// Character encoding, once parsed.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        encoding: Option<String>,
        /// Rows, once parsed.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        row_count: Option<i64>,
        /// Points, once parsed.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        point_count: Option<i64>,
        /// First time, once parsed.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        first_at: Option<DateTime<Utc>>,
        /// Last time, once parsed.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        last_at: Option<DateTime<Utc>>,
        /// What was found.
        #[serde(default, skip_serializing_if = "Warnings::is_empty")]
        warnings: Warnings,
        /// Whether the stored bytes are what they were.
        #[serde(default = "ok", skip_serializing_if = "is_ok")]
        integrity: Integrity,
        /// When it was stored.
        created_at: DateTime<Utc>,
    } and {
        /// Key of the bytes, where it does not follow from hash and name.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        path: Option<String> =
            |row| Some(row.path.clone()).filter(|path| *path != paths::raw(&row.session_id, &row.sha256, &row.file_name)),
    } row |entry, session_id| {
        session_id: session_id.to_owned(),
        path: entry.path.unwrap_or_else(|| paths::raw(session_id, &entry.sha256, &entry.file_name)),
    }
}

entry! {
    /// A parsed version.
    ParsedDataset of parsed_dataset {
        /// UUID v7.
        id: String,
        /// The n of `parsed-v{n}`.
        version: i32,
        /// Of the Parquet file, hex.
        sha256: String,
        /// Bytes of the Parquet file.
        size_bytes: i64,
        /// Rows.
        row_count: i64,
        /// Columns with `timestamp`.
        column_count: i32,
        /// First time.
        start_at: Option<DateTime<Utc>>,
        /// Last time.
        end_at: Option<DateTime<Utc>>,
        /// What made it.
        parser_version: String,
        /// What tells the same request again.
        request_key: String,
        /// Whether the file is what it was.
        #[serde(default = "ok", skip_serializing_if = "is_ok")]
        integrity: Integrity,
        /// When it was published.
        created_at: DateTime<Utc>,
    } and {
        /// Version 1: everything known of each column.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        columns: Option<Columns> = |_row| None,
        /// Version 1: the parse's options.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        options: Option<Value> = |_row| None,
        /// What the parse found, of a file that does not say it itself: those of before version 2.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        report: Option<ReportText> = |_row| None,
    } row |entry, session_id| {
        session_id: session_id.to_owned(),
        file_path: paths::parsed(session_id, entry.version),
        columns: entry.columns.unwrap_or_default(),
        options: entry.options.unwrap_or_default(),
    }
}

entry! {
    /// A cleaned version.
    Cleaning of cleaning_job {
        /// UUID v7: its job's id.
        id: String,
        /// The dataset that was cleaned.
        dataset_id: String,
        /// The n of `cleaned-v{n}`.
        version: i32,
        /// Rows before.
        original_rows: Option<i64>,
        /// Rows after.
        cleaned_rows: Option<i64>,
        /// 0–100.
        retention_rate: Option<f64>,
        /// Of the Parquet file, hex.
        sha256: Option<String>,
        /// Bytes of the Parquet file.
        size_bytes: Option<i64>,
        /// What tells the same request again.
        #[serde(default)]
        request_key: String,
        /// What made it.
        #[serde(default)]
        cleaner_version: Option<String>,
        /// Columns with `timestamp`.
        #[serde(default)]
        column_count: Option<i32>,
        /// First time.
        #[serde(default)]
        start_at: Option<DateTime<Utc>>,
        /// Last time.
        #[serde(default)]
        end_at: Option<DateTime<Utc>>,
        /// Quality events in the file beside it.
        #[serde(default)]
        events_count: Option<i64>,
        /// Of that file, hex.
        #[serde(default)]
        events_sha256: Option<String>,
        /// Bytes of that file.
        #[serde(default)]
        events_size_bytes: Option<i64>,
        /// Whether that file is what it was.
        #[serde(default = "ok", skip_serializing_if = "is_ok")]
        events_integrity: Integrity,
        /// Whether the file is what it was.
        #[serde(default = "ok", skip_serializing_if = "is_ok")]
        integrity: Integrity,
        /// When it was asked for.
        created_at: DateTime<Utc>,
        /// When it was begun.
        started_at: Option<DateTime<Utc>>,
        /// When it ended.
        finished_at: Option<DateTime<Utc>>,
    } and {
        /// Version 1: what was asked for.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        parameters: Option<Value> = |_row| None,
        /// Version 1: what each rule did.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        report: Option<Value> = |_row| None,
    } row |entry, session_id| {
        session_id: session_id.to_owned(),
        output_path: Some(paths::cleaned(session_id, entry.version)),
        parameters: entry.parameters.unwrap_or_default(),
        report: entry.report.unwrap_or_default(),
        status: WorkStatus::Completed,
        error: None,
    }
}

entry! {
    /// A model.
    Model of trained_model {
        /// UUID v7: its job's id.
        id: String,
        /// Name for people.
        name: String,
        /// The n of `{name}-v{n}`.
        version: i32,
        /// The dataset it was made from.
        dataset_id: String,
        /// The cleaned version it was made from, if it was one.
        cleaning_job_id: Option<String>,
        /// The session's site when it was asked for: its folder.
        site: Option<String>,
        /// What tells the same request again.
        request_key: String,
        /// What was asked for.
        options: Value,
        /// Which algorithm.
        algorithm: String,
        /// Features it was made from.
        feature_count: Option<i32>,
        /// Key of the model file below `MODELS_PATH`.
        model_file_path: Option<String>,
        /// Of the model file, hex.
        sha256: Option<String>,
        /// Bytes of the model file.
        size_bytes: Option<i64>,
        /// What made it.
        trainer_version: Option<String>,
        /// Whether the file is what it was.
        #[serde(default = "ok", skip_serializing_if = "is_ok")]
        integrity: Integrity,
        /// When it was asked for.
        created_at: DateTime<Utc>,
        /// When it was begun.
        started_at: Option<DateTime<Utc>>,
        /// When it ended.
        finished_at: Option<DateTime<Utc>>,
    } and {
        /// Version 1: which columns play which part.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        feature_mapping: Option<Value> = |_row| None,
        /// Version 1: how good it is.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        training_metrics: Option<Value> = |_row| None,
        /// Version 1: what it was made from.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        lineage: Option<Value> = |_row| None,
        /// Only those that are completed are told of.
        #[serde(default = "completed", skip_serializing)]
        status: WorkStatus = |row| row.status,
    } row |entry, session_id| {
        session_id: session_id.to_owned(),
        feature_mapping: entry.feature_mapping.unwrap_or_default(),
        training_metrics: entry.training_metrics.unwrap_or_default(),
        lineage: entry.lineage.unwrap_or_default(),
        status: entry.status,
        error: None,
    }
}

entry! {
    /// A name such as `production`, and the version of a model that it stands for.
    Alias of model_alias {
        /// The models' name.
        name: String,
        /// Such as `production`.
        alias: String,
        /// The model.
        model_id: String,
        /// Since when.
        updated_at: DateTime<Utc>,
    } row |entry, _session_id| {}
}

entry! {
    /// A version number.
    Number of version {
        /// What it counts.
        kind: ArtefactKind,
        /// The number, from 1.
        version: i32,
        /// What became of it.
        state: VersionState,
        /// Who reserved it.
        owner: Option<String>,
        /// When the reservation ends by itself.
        lease_until: Option<DateTime<Utc>>,
        /// When it was reserved.
        created_at: DateTime<Utc>,
    } row |entry, session_id| {
        id: new_id(),
        session_id: Some(session_id.to_owned()),
        model_name: None,
    }
}

entry! {
    /// What a user said of one point of the site.
    Override of site_override {
        /// The site.
        site: String,
        /// The point's name in the reports.
        original_name: String,
        /// Name to store it under.
        name: Option<String>,
        /// Unit.
        unit: Option<String>,
        /// Kind.
        kind: Option<PointKind>,
    } row |entry, _session_id| {}
}

entry! {
    /// What a user said of the site's reports of one shape.
    ReportOverride of report_override {
        /// The site.
        site: String,
        /// Hash of format, sheets and header names.
        shape: String,
        /// The report that it was stated for last.
        file_name: String,
        /// What was stated.
        options: Value,
        /// When.
        updated_at: DateTime<Utc>,
    } row |entry, _session_id| {}
}

entry! {
    /// What a user said that a kilowatt-hour costs at the site.
    EnergyPrice of energy_price {
        /// The site.
        site: String,
        /// ISO 4217.
        currency: String,
        /// Price of 1 kWh.
        per_kwh: f64,
        /// When it was stated.
        updated_at: DateTime<Utc>,
    } row |entry, _session_id| {}
}
