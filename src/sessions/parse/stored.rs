//! A parse's options as they are stored, and as they count for "the same again".

use std::collections::BTreeMap;

use serde::Serialize;

use super::Parse;
use crate::sessions::{ColumnOverride, OnConflict, PrefixBy, ReadOverride};

/// What was left out before there was a word for it is left out for ever: the keys of old datasets stay.
#[derive(Serialize)]
pub(super) struct StoredOptions<'a> {
    timezone: &'a str,
    date_format: Option<&'a str>,
    format: Option<hvac_report::Format>,
    delimiter: Option<char>,
    encoding: Option<&'a str>,
    on_conflict: OnConflict,
    columns: &'a [ColumnOverride],
    #[serde(skip_serializing_if = "Option::is_none")]
    header_row: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    skip_rows: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    decimal: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sheet: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    time_column: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    year: Option<i32>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    loss_words: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    keep_bad_status: Option<bool>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    overrides: &'a BTreeMap<String, ReadOverride>,
    #[serde(skip_serializing_if = "Option::is_none")]
    prefix_by: Option<PrefixBy>,
    #[serde(skip_serializing_if = "Option::is_none")]
    skip_unreadable: Option<bool>,
}

impl Parse {
    pub(super) fn stored_options(&self) -> StoredOptions<'_> {
        let of_all = &self.of_all;
        StoredOptions {
            timezone: self.base.zone.name(),
            date_format: of_all.date_format.as_deref(),
            format: of_all.format,
            delimiter: match of_all.delimiter.as_deref() {
                Some("tab" | "\\t") => Some('\t'),
                text => text.and_then(|text| text.chars().next()),
            },
            encoding: of_all.encoding.as_deref(),
            on_conflict: self.request.on_conflict.unwrap_or_default(),
            columns: &self.request.columns,
            header_row: of_all.header_row,
            skip_rows: of_all.skip_rows,
            decimal: of_all.decimal.as_deref(),
            sheet: of_all.sheet.as_deref(),
            time_column: of_all.time_column.as_deref(),
            year: of_all.year,
            loss_words: &of_all.loss_words,
            keep_bad_status: of_all.keep_bad_status,
            overrides: &self.request.overrides,
            prefix_by: self.request.prefix_by,
            skip_unreadable: self.request.skip_unreadable.then_some(true),
        }
    }
}
