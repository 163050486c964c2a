//! Which of the formats a report has, by its content; the user's choice comes first.

use super::fields::Dialect;
use super::layout::Layout;
use super::{Chosen, Format, ReadError, ReadOptions, Source, apogee, narrow, table, toa5, wide};

/// Settles the layouts of a decoded report: one a table.
pub fn layouts(
    source: Source<'_>,
    text: &str,
    dialect: Dialect,
    delimiter: Chosen<char>,
    options: &ReadOptions,
) -> Result<Vec<Layout>, ReadError> {
    let asked = options.format.is_some();
    let one = |layout: Result<Layout, ReadError>| layout.map(|layout| vec![layout]);
    match options.format {
        Some(Format::Apogee) => return one(apogee::layout(source, text, dialect, delimiter, true)),
        Some(Format::Toa5) => return one(toa5::layout(source, text, dialect, delimiter, true)),
        None if apogee::header_at(text).is_some() || apogee::has_key(text) => {
            return one(apogee::layout(source, text, dialect, delimiter, false));
        }
        None if toa5::begins(text) => return one(toa5::layout(source, text, dialect, delimiter, false)),
        _ => {}
    }
    let table = table::find(source, text, dialect, options)?;
    match options.format {
        Some(Format::Narrow) => one(narrow::layout(source, &table, narrow::found(&table), dialect, delimiter)),
        Some(Format::SinglePoint) => one(wide::single_layout(source, &table, dialect, delimiter, true)),
        Some(_) => wide::layouts(source, &table, text, dialect, delimiter, asked),
        None => {
            if let Some(found) = narrow::found(&table) {
                one(narrow::layout(source, &table, Some(found), dialect, delimiter))
            } else if wide::single_value(&table).is_some() {
                one(wide::single_layout(source, &table, dialect, delimiter, false))
            } else {
                wide::layouts(source, &table, text, dialect, delimiter, false)
            }
        }
    }
}
