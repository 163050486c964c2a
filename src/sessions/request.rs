//! What a request for a parse says.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::overrides::ReadOverride;
use super::{DateOrder, Format, Kind, PrefixBy};

/// Which of two different values for the same point and time stays.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum OnConflict {
    /// That of the file that reaches further in time.
    #[default]
    Last,
    /// That of the file that ends earlier.
    First,
    /// None: the parse is refused.
    Error,
}

/// What a user knows better about one column.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ColumnOverride {
    /// The column, by its original or its stored name.
    pub column: String,
    /// Name to store it under.
    #[serde(default)]
    pub name: Option<String>,
    /// Kind.
    #[serde(default)]
    pub kind: Option<Kind>,
    /// Unit.
    #[serde(default)]
    pub unit: Option<String>,
}

/// `POST /api/parse`: server-side files (`files`, `subfolder`), or an uploaded session (`session_id`).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct ParseRequest {
    /// Names below the folder; all of the folder when left out.
    pub files: Option<Vec<String>>,
    /// Below `DATA_DIR`; `data` is its root.
    pub data_dir: Option<String>,
    /// Below `data_dir`.
    pub subfolder: Option<String>,
    /// An uploaded session, or one to add files to.
    pub session_id: Option<String>,
    /// Name for people.
    pub name: Option<String>,
    /// Site, such as `KMUH`.
    pub site: Option<String>,
    /// IANA zone of local times.
    pub timezone: Option<String>,
    /// `YMD`, `MDY`, `DMY`, or a pattern such as `M/D/YYYY`.
    pub date_format: Option<String>,
    /// Instead of detecting.
    pub format: Option<Format>,
    /// Instead of detecting: one character.
    pub delimiter: Option<String>,
    /// Instead of detecting: a WHATWG label such as `big5`.
    pub encoding: Option<String>,
    /// The same as `timezone`.
    pub zone: Option<String>,
    /// The same as `date_format`.
    pub date_order: Option<String>,
    /// Line of the header, counted from 1; its last, where it has several.
    #[schema(minimum = 1, maximum = 1_000_000)]
    pub header_row: Option<u64>,
    /// Lines at the beginning that are not looked at.
    #[schema(maximum = 1_000_000)]
    pub skip_rows: Option<u64>,
    /// Instead of detecting: the decimal mark, `.` or `,`.
    pub decimal: Option<String>,
    /// The one sheet of each workbook to read.
    pub sheet: Option<String>,
    /// Of Parquet and Arrow files: the column of their times, where there are several or none is named `timestamp`.
    pub time_column: Option<String>,
    /// Year of times that do not say theirs.
    #[schema(minimum = 1900, maximum = 2200)]
    pub year: Option<i32>,
    /// Words of the site for lost values, besides those of the trade.
    pub loss_words: Vec<String>,
    /// Keep values that their own system calls no reading, instead of a null with that reason.
    pub keep_bad_status: bool,
    /// The same of single files, by their names or patterns of these (`*.xlsx`, `a.zip/b.csv`); wins over what is said of
    /// all.
    pub overrides: BTreeMap<String, ReadOverride>,
    /// What the names of points begin with, where machines use the same ones.
    pub prefix_by: Option<PrefixBy>,
    /// Which of two different values stays: `last` when left out. Stated, it accepts that some values are lost.
    pub on_conflict: Option<OnConflict>,
    /// Go on where more than 2 % of the readings would be lost.
    pub accept_loss: bool,
    /// Leave out reports that cannot be read, each named with its reason, instead of refusing all of them.
    pub skip_unreadable: bool,
    /// What the user knows better; remembered for the site.
    pub columns: Vec<ColumnOverride>,
    /// Answer what would happen and store nothing.
    pub dry_run: bool,
    /// Make a new version even when the same request was answered before.
    pub force: bool,
    /// `false`: answer 202 at once and parse as a job; server-side files then always make a new session.
    #[schema(default = true)]
    pub wait: Option<bool>,
}

/// Which date order a user's `date_format` means.
///
/// `YMD`, `mdy`, `M/D/YYYY`, `%d.%m.%Y` and `DD-MM-YY` are all understood: only the order of the letters counts.
#[must_use]
pub fn date_order_of(date_format: &str) -> Option<DateOrder> {
    let mut letters: Vec<char> = date_format
        .chars()
        .filter(|c| c.is_ascii_alphabetic())
        .map(|c| c.to_ascii_lowercase())
        .take_while(|c| matches!(c, 'y' | 'm' | 'd'))
        .collect();
    letters.dedup();
    match letters.as_slice() {
        ['y', 'm', 'd'] => Some(DateOrder::Ymd),
        ['m', 'd', 'y'] => Some(DateOrder::Mdy),
        ['d', 'm', 'y'] => Some(DateOrder::Dmy),
        _ => None,
    }
}
