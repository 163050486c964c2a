//! Words and documents that columns hold. Fields of documents are only ever added.

use std::collections::BTreeMap;

use sea_orm::entity::prelude::*;
use sea_orm::sea_query::{ArrayType, ColumnType, Nullable, ValueType, ValueTypeErr};
use sea_orm::{
    ActiveValue, ColIdx, DbErr, DeriveActiveEnum, EnumIter, FromJsonQueryResult, IntoActiveValue, QueryResult,
    TryGetError, TryGetable, TryGetableFromJson, Value,
};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::value::{RawValue, to_raw_value};

use crate::error::{Context, Result};
use hvac_frame::column::{ColumnMeta, Kind, Warning};

/// A closed list of words as a text column, with the words for answers and messages.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, EnumIter, DeriveActiveEnum)]
        #[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
        #[serde(rename_all = "snake_case")]
        #[sea_orm(rs_type = "String", db_type = "String(StringLen::None)")]
        pub enum $name {
            $($(#[$variant_doc])* #[sea_orm(string_value = $word)] $variant,)+
        }

        impl $name {
            /// The word as it stands in the database and in answers.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)+ }
            }
        }
    };
}

words! {
    /// How far a session has come.
    Status {
        /// Files are stored.
        Uploaded = "uploaded",
        /// There is a parsed dataset.
        Parsed = "parsed",
        /// There is a cleaned version.
        Cleaned = "cleaned",
        /// Nothing could be parsed.
        Failed = "failed",
    }
}

words! {
    /// What an account may do.
    AccountRole {
        /// Look at everything it sees.
        Viewer = "viewer",
        /// Upload, parse, clean, train, change and delete too.
        Operator = "operator",
        /// Everything: see all sessions, accounts, settings and what was done.
        Admin = "admin",
    }
}

impl AccountRole {
    /// Whether this role may do what needs that one.
    #[must_use]
    pub fn may(self, needed: Self) -> bool {
        self as u8 >= needed as u8
    }

    /// The one that may do less.
    #[must_use]
    pub fn least(self, other: Self) -> Self {
        if self.may(other) { other } else { self }
    }
}

words! {
    /// Who an account is of.
    AccountKind {
        /// A person, who may have a password.
        Person = "person",
        /// A program, which has keys.
        Service = "service",
    }
}

words! {
    /// Whether a file is what it was when it was published.
    Integrity {
        /// It was when it was last looked at.
        Ok = "ok",
        /// It is not there.
        Missing = "missing",
        /// Its size or hash is another.
        Damaged = "damaged",
    }
}

words! {
    /// What a version number counts.
    ArtefactKind {
        /// `parsed-v{n}`.
        Parsed = "parsed",
        /// `cleaned-v{n}`.
        Cleaned = "cleaned",
        /// `{name}-v{n}`.
        Model = "model",
    }
}

words! {
    /// What became of a reserved version number.
    VersionState {
        /// Somebody is making it, until the lease ends.
        Reserved = "reserved",
        /// Its row and file exist.
        Published = "published",
        /// Given up; the number is not used again.
        Abandoned = "abandoned",
    }
}

words! {
    /// How far a piece of work has come.
    WorkStatus {
        /// Waiting.
        Queued = "queued",
        /// Being done.
        Running = "running",
        /// Done.
        Completed = "completed",
        /// Given up, with an error.
        Failed = "failed",
        /// Given up because somebody asked.
        Cancelled = "cancelled",
    }
}

words! {
    /// What an event of a job says.
    JobEventKind {
        /// That its status changed.
        Status = "status",
        /// How far it has come.
        Progress = "progress",
    }
}

words! {
    /// [`Kind`] as a column.
    PointKind {
        /// A reading.
        Instantaneous = "instantaneous",
        /// A register that only grows.
        Counter = "counter",
        /// The amount of an interval.
        IntervalTotal = "interval_total",
        /// Two states.
        Status = "status",
        /// More states, or free text.
        Text = "text",
    }
}

impl From<Kind> for PointKind {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Instantaneous => Self::Instantaneous,
            Kind::Counter => Self::Counter,
            Kind::IntervalTotal => Self::IntervalTotal,
            Kind::Status => Self::Status,
            Kind::Text => Self::Text,
        }
    }
}

impl From<PointKind> for Kind {
    fn from(kind: PointKind) -> Self {
        match kind {
            PointKind::Instantaneous => Self::Instantaneous,
            PointKind::Counter => Self::Counter,
            PointKind::IntervalTotal => Self::IntervalTotal,
            PointKind::Status => Self::Status,
            PointKind::Text => Self::Text,
        }
    }
}

/// The columns of a stored frame but `timestamp`, in the file's order. In the database as JSON packed with zstd, since
/// the points of one plant are alike; what was stored before that, and none, as JSON.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Columns(pub Vec<ColumnMeta>);

impl Columns {
    fn stored(bytes: &[u8]) -> std::result::Result<Self, std::io::Error> {
        let json = if bytes.starts_with(b"[") { bytes.to_vec() } else { zstd::decode_all(bytes)? };
        Ok(serde_json::from_slice(&json)?)
    }
}

impl TryGetable for Columns {
    fn try_get_by<I: ColIdx>(row: &QueryResult, index: I) -> std::result::Result<Self, TryGetError> {
        let bytes = Vec::<u8>::try_get_by(row, index)?;
        Self::stored(&bytes).map_err(|error| TryGetError::DbErr(DbErr::Type(format!("columns: {error}"))))
    }
}

impl From<Columns> for Value {
    fn from(columns: Columns) -> Self {
        let json = serde_json::to_string(&columns).unwrap_or_default();
        match zstd::encode_all(json.as_bytes(), zstd::DEFAULT_COMPRESSION_LEVEL) {
            Ok(packed) if !columns.0.is_empty() => packed.into(),
            _ => json.into(),
        }
    }
}

impl ValueType for Columns {
    fn try_from(value: Value) -> std::result::Result<Self, ValueTypeErr> {
        let bytes = match value {
            Value::String(Some(json)) => json.into_bytes(),
            value => <Vec<u8> as ValueType>::try_from(value)?,
        };
        Self::stored(&bytes).map_err(|_| ValueTypeErr)
    }

    fn type_name() -> String {
        "Columns".to_owned()
    }

    fn array_type() -> ArrayType {
        ArrayType::Bytes
    }

    fn column_type() -> ColumnType {
        ColumnType::JsonBinary
    }
}

impl Nullable for Columns {
    fn null() -> Value {
        Vec::<u8>::null()
    }
}

impl IntoActiveValue<Self> for Columns {
    fn into_active_value(self) -> ActiveValue<Self> {
        ActiveValue::set(self)
    }
}

/// What a user should know of a file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, FromJsonQueryResult)]
pub struct Warnings(pub Vec<Warning>);

impl Warnings {
    /// Whether there is nothing to say.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// The user's own data of a session.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, FromJsonQueryResult)]
pub struct FreeMetadata(pub BTreeMap<String, serde_json::Value>);

/// Words that a user sorts a session under.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, FromJsonQueryResult)]
pub struct Tags(pub Vec<String>);

impl Tags {
    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// What a parse found, as its JSON text: the one large document, and few who read its row look into it.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ReportText(Box<RawValue>);

impl ReportText {
    /// The text of a report.
    ///
    /// # Errors
    /// When it is no JSON.
    pub fn of(report: &impl Serialize) -> Result<Self> {
        to_raw_value(report).map(Self).internal("writing a parse's report")
    }

    /// The report.
    ///
    /// # Errors
    /// Internal when the text is that of something else.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T> {
        serde_json::from_str(self.0.get()).internal("reading a parse's report")
    }
}

impl PartialEq for ReportText {
    fn eq(&self, other: &Self) -> bool {
        self.0.get() == other.0.get()
    }
}

impl TryGetableFromJson for ReportText {}

impl From<ReportText> for Value {
    fn from(report: ReportText) -> Self {
        String::from(Box::<str>::from(report.0)).into()
    }
}

impl ValueType for ReportText {
    fn try_from(value: Value) -> std::result::Result<Self, ValueTypeErr> {
        let text = <String as ValueType>::try_from(value)?;
        RawValue::from_string(text).map(Self).map_err(|_| ValueTypeErr)
    }

    fn type_name() -> String {
        "ReportText".to_owned()
    }

    fn array_type() -> ArrayType {
        ArrayType::String
    }

    fn column_type() -> ColumnType {
        ColumnType::JsonBinary
    }
}

impl Nullable for ReportText {
    fn null() -> Value {
        String::null()
    }
}

impl IntoActiveValue<Self> for ReportText {
    fn into_active_value(self) -> ActiveValue<Self> {
        ActiveValue::set(self)
    }
}
