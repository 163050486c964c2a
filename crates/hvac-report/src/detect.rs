//! Which of the formats a report has, by its content; the user's choice comes first.

use super::fields::Dialect;
use super::layout::Layout;
use super::table::Table;
use super::{
    Chosen, Format, ReadError, ReadOptions, Source, across, apogee, clock_column, end_of_day, filled_down, half_column,
    halves, months, narrow, nem12, parted, times_of, toa5, twelve_hours, wide,
};

/// The layouts of a text, one a table; and the text instead, where its cells had to be put together or laid out anew
/// before.
pub(crate) type Settled = (Vec<Layout>, Option<String>);

/// Settles the layouts of a decoded report.
pub(crate) fn layouts(
    source: Source<'_>,
    text: &str,
    dialect: Dialect,
    delimiter: Chosen<char>,
    options: &ReadOptions,
) -> Result<Settled, ReadError> {
    let (mut layouts, whole) = by_format(source, text, dialect, delimiter.clone(), options)?;
    for layout in &layouts {
        twelve_hours::refuse(source, whole.as_deref().unwrap_or(text), layout)?;
    }
    if let [layout] = layouts.as_mut_slice()
        && layout.lines.is_empty()
        && let Some((ended, said)) = end_of_day::whole(source, whole.as_deref().unwrap_or(text), layout, dialect)?
    {
        // Where rows begin is not where it was.
        let warnings = std::mem::take(&mut layout.warnings);
        let decimal = layout.decimal.take();
        let (mut layouts, again) = by_format(source, &ended, dialect, delimiter, options)?;
        for layout in &mut layouts {
            layout.warnings.clone_from(&warnings);
            layout.warnings.push(said.clone());
            layout.decimal.clone_from(&decimal);
        }
        return Ok((layouts, again.or(Some(ended))));
    }
    Ok((layouts, whole))
}

fn by_format(
    source: Source<'_>,
    text: &str,
    dialect: Dialect,
    delimiter: Chosen<char>,
    options: &ReadOptions,
) -> Result<Settled, ReadError> {
    let one = |layout: Result<Layout, ReadError>| layout.map(|layout| (vec![layout], None));
    match options.format {
        Some(Format::Apogee) => return one(apogee::layout(source, text, dialect, delimiter, true)),
        Some(Format::Toa5) => return one(toa5::layout(source, text, dialect, delimiter, true)),
        None if apogee::header_at(text).is_some() || apogee::has_key(text) => {
            return one(apogee::layout(source, text, dialect, delimiter, false));
        }
        None if toa5::begins(text) => return one(toa5::layout(source, text, dialect, delimiter, false)),
        _ => {}
    }
    if let Some(whole) = parted::whole(source, text, dialect, options)? {
        let (layouts, again) = tables(source, &whole, dialect, delimiter, options)?;
        return Ok((layouts, again.or(Some(whole))));
    }
    tables(source, text, dialect, delimiter, options)
}

/// The layouts of what is no report of a system's own form.
fn tables(
    source: Source<'_>,
    text: &str,
    dialect: Dialect,
    delimiter: Chosen<char>,
    options: &ReadOptions,
) -> Result<Settled, ReadError> {
    let one = |layout: Result<Layout, ReadError>| layout.map(|layout| (vec![layout], None));
    let rewritten = |(layout, text)| Ok((vec![layout], Some(text)));
    if let Some(long) = nem12::rewritten(source, text, dialect, &delimiter, options)? {
        return rewritten(long);
    }
    let head = across::head(text, dialect);
    if let Some((whole, said)) = filled_down::whole(source, text, &head, dialect)? {
        let (mut layouts, again) = tables(source, &whole, dialect, delimiter, options)?;
        layouts.iter_mut().take(1).for_each(|layout| layout.warnings.push(said.clone()));
        return Ok((layouts, again.or(Some(whole))));
    }
    if let Some(long) = across::rewritten(source, text, &head, dialect, &delimiter, options)? {
        return rewritten(long);
    }
    if let Some(long) = across::days::rewritten(source, text, &head, dialect, &delimiter, options)? {
        return rewritten(long);
    }
    if let Some(long) = across::times::rewritten(source, text, &head, dialect, &delimiter, options)? {
        return rewritten(long);
    }
    if let Some(whole) = months::whole(source, text, &head, dialect, options)? {
        let (layouts, again) = tables(source, &whole, dialect, delimiter, options)?;
        return Ok((layouts, again.or(Some(whole))));
    }
    let table = times_of::table(source, text, dialect, options)?;
    if let Some(whole) = half_column::whole(source, text, &table, dialect)? {
        let (layouts, again) = tables(source, &whole, dialect, delimiter, options)?;
        return Ok((layouts, again.or(Some(whole))));
    }
    if let Some((whole, said)) = clock_column::whole(source, text, &table, dialect)? {
        let (mut layouts, again) = tables(source, &whole, dialect, delimiter, options)?;
        layouts.iter_mut().take(1).for_each(|layout| layout.warnings.push(said.clone()));
        return Ok((layouts, again.or(Some(whole))));
    }
    match options.format {
        Some(Format::Narrow) => one(narrow::layout(source, &table, narrow::found(&table), dialect, delimiter)),
        Some(Format::SinglePoint) => one(wide::single_layout(source, &table, dialect, delimiter, true)),
        Some(_) => wide(source, &table, text, dialect, delimiter, options),
        None => {
            if let Some(found) = narrow::found(&table) {
                one(narrow::layout(source, &table, Some(found), dialect, delimiter))
            } else if wide::single_value(&table).is_some() {
                one(wide::single_layout(source, &table, dialect, delimiter, false))
            } else {
                wide(source, &table, text, dialect, delimiter, options)
            }
        }
    }
}

/// A wide table; once again where its numbers had to be put together.
fn wide(
    source: Source<'_>,
    table: &Table,
    text: &str,
    dialect: Dialect,
    delimiter: Chosen<char>,
    options: &ReadOptions,
) -> Result<Settled, ReadError> {
    let asked = options.format.is_some();
    let layouts = wide::layouts(source, table, text, dialect, delimiter.clone(), asked)?;
    let Some(first) = layouts.first() else { return Ok((layouts, None)) };
    let Some(whole) = halves::whole(source, text, table, first, dialect)? else { return Ok((layouts, None)) };
    let table = times_of::table(source, &whole, dialect, options)?;
    let evidence = "every number is two fields: a comma is its decimal sign".to_owned();
    let mut layouts = wide::layouts(source, &table, &whole, dialect, delimiter, asked)?;
    layouts.iter_mut().for_each(|layout| layout.decimal = Some(Chosen { value: ',', evidence: evidence.clone() }));
    Ok((layouts, Some(whole)))
}
