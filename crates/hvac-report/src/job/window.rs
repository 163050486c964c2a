//! One window of the job on one time axis, from the segments of many reports.
//!
//! Files come in their canonical order, so the answer does not depend on the order in which they were given;
//! [`hvac_frame::align`] puts the pieces of one column on the axis.

use std::ops::Range;
use std::sync::Arc;

use hvac_frame::align::{Keep, Piece, Rows, align};
use hvac_frame::encoded::EncodedSegment;
use hvac_frame::error::{FrameError, Result};
use hvac_frame::tally::Tally;
use hvac_frame::window::AlignedWindow;
use rayon::prelude::*;

use super::plan::{Plan, PlannedColumn, Taken};

/// A segment whose rows have found their place on the axis.
struct Placed {
    file: usize,
    places: Rows,
    segment: Arc<EncodedSegment>,
    rows: Range<usize>,
}

/// Merges the segments of a window (in canonical order) into its columns; a tally for each but `timestamp`.
///
/// # Errors
/// A defect when plan, window and segments do not belong together.
pub fn align_window(
    plan: &Plan,
    window: &Range<usize>,
    segments: Vec<Taken>,
    keep: Keep,
) -> Result<(AlignedWindow, Vec<Tally>)> {
    let outside = || FrameError::defect("a window or its segments lie outside of the plan");
    let axis = plan.axis_ms.get(window.clone()).ok_or_else(outside)?;
    let place = |Taken { file, segment, rows }| {
        let places = Rows::of(axis, segment.at_ms.get(rows.clone()).ok_or_else(outside)?);
        Ok(Placed { file, places, segment, rows })
    };
    let placed: Vec<Placed> = segments.into_iter().map(place).collect::<Result<_>>()?;
    let mut by_file: Vec<Vec<&Placed>> = vec![Vec::new(); plan.files.len()];
    for segment in &placed {
        by_file.get_mut(segment.file).ok_or_else(outside)?.push(segment);
    }
    let merged = plan.columns.par_iter().map(|column| {
        let pieces = pieces(plan, column, &by_file);
        align(&column.name, &column.reading, &pieces, axis, keep)
    });
    let (others, tallies) = merged.collect::<Result<Vec<_>>>()?.into_iter().unzip();
    Ok((AlignedWindow::new(axis, others), tallies))
}

/// The pieces of a column in canonical order.
fn pieces<'p>(plan: &'p Plan, column: &PlannedColumn, by_file: &[Vec<&'p Placed>]) -> Vec<Piece<'p>> {
    let mut pieces = Vec::new();
    for part in &column.parts {
        // Most files have nothing in a window.
        let Some(of_file @ [_, ..]) = by_file.get(part.file).map(Vec::as_slice) else { continue };
        let point = plan.files.get(part.file).and_then(|file| file.plan.points.get(part.point));
        let tokens = point.map_or(&[][..], |point| &point.tokens);
        pieces.extend(of_file.iter().filter_map(|placed| {
            let encoded = placed.segment.columns.get(part.point).filter(|encoded| !encoded.is_empty())?;
            let (file, places, rows) = (placed.file, &placed.places, placed.rows.clone());
            Some(Piece { file, places, encoded, rows, tokens, other_unit: part.other_unit })
        }));
    }
    pieces
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use std::collections::BTreeMap;

    use bytes::Bytes;
    use chrono_tz::Tz;
    use hvac_frame::column::{ColumnMeta, Kind, NullReason, Warning};
    use polars::prelude::{AnyValue, DataFrame};
    use proptest::prelude::*;

    use super::super::describe::describe;
    use super::super::plan::Override;
    use super::super::read::{FileId, FileToRead, read_all};
    use super::*;
    use crate::ReadOptions;

    struct Merged {
        frame: DataFrame,
        columns: Vec<ColumnMeta>,
        warnings: Vec<Warning>,
        conflicts: u64,
    }

    /// `files` as (name, hash, text), keeping `memory` bytes, in windows of `rows` rows.
    fn merged(
        files: &[(&str, &str, &str)],
        keep: Keep,
        memory: u64,
        rows: usize,
        stated: &BTreeMap<String, Override>,
    ) -> Merged {
        let options = Arc::new(ReadOptions::of(Tz::UTC));
        let file = |(name, hash, _): &(&str, &str, &str)| FileToRead {
            id: FileId { name: (*name).into(), sha256: (*hash).into() },
            options: options.clone(),
            recalled: None,
            prefix_by: None,
        };
        let ids: Vec<FileToRead> = files.iter().map(file).collect();
        let load = |index: usize| Ok(Bytes::copy_from_slice(files[index].2.as_bytes()));
        let read = read_all(&ids, &load, false, memory, &|| ()).unwrap();
        let mut plan = Plan::new(read, stated, &BTreeMap::new()).unwrap();
        let mut tallies = vec![Tally::default(); plan.columns.len()];
        let mut frame: Option<DataFrame> = None;
        for window in plan.windows(rows) {
            let segments = plan.read_window(&window, &load).unwrap();
            let (columns, found) = align_window(&plan, &window, segments, keep).unwrap();
            let merged = columns.head(plan.names(), usize::MAX).unwrap();
            tallies.iter_mut().zip(found).for_each(|(tally, next)| tally.absorb(next));
            frame = Some(match frame {
                None => merged,
                Some(frame) => frame.vstack(&merged).unwrap(),
            });
        }
        let conflicts = tallies.iter().map(|t| t.conflicts).sum();
        let (columns, described) = describe(&plan, tallies);
        let warnings = [plan.warnings, described].concat();
        Merged { frame: frame.unwrap(), columns, warnings, conflicts }
    }

    fn simply(files: &[(&str, &str, &str)], keep: Keep) -> Merged {
        merged(files, keep, 1 << 30, 1 << 20, &BTreeMap::new())
    }

    fn numbers(merged: &Merged, column: &str) -> Vec<Option<f64>> {
        merged.frame.column(column).unwrap().f64().unwrap().iter().collect()
    }

    const A: &str = "time,x,y\n2020-01-01 00:00,1,10\n2020-01-01 00:15,2,\n2020-01-01 00:30,3,30\n";
    const B: &str = "time,y,z\n2020-01-01 00:15,21,ON\n2020-01-01 00:30,31,OFF\n2020-01-01 00:45,41,ON\n";

    #[test]
    fn groups_are_joined_on_time_and_a_value_beats_a_null() {
        let merged = simply(&[("a.csv", "a", A), ("b.csv", "b", B)], Keep::Last);
        assert_eq!(merged.frame.shape(), (4, 4));
        assert_eq!(numbers(&merged, "x"), [Some(1.0), Some(2.0), Some(3.0), None]);
        // 00:15 is empty in a, so b's 21 is no conflict; 00:30 has 30 and 31: b ends later and is last.
        assert_eq!(numbers(&merged, "y"), [Some(10.0), Some(21.0), Some(31.0), Some(41.0)]);
        assert_eq!(numbers(&merged, "z"), [None, Some(1.0), Some(0.0), Some(1.0)]);
        assert_eq!(merged.conflicts, 1);
        let x = merged.columns.iter().find(|c| c.name == "x").unwrap();
        assert_eq!((x.count, x.nulls.clone()), (3, BTreeMap::from([(NullReason::NotCovered, 1)])));
        let z = merged.columns.iter().find(|c| c.name == "z").unwrap();
        assert_eq!((z.kind, z.states.clone().unwrap()), (Kind::Status, vec!["OFF".to_owned(), "ON".to_owned()]));
        let conflict = merged.warnings.iter().find(|w| w.code == "conflict").unwrap();
        assert_eq!(
            conflict.message,
            "y: 31 at 2020-01-01T00:30:00+00:00 in b.csv, where an earlier row or file has 30; 1 of 1 cells that it has twice differ (100.0 %)"
        );
        let disagree = merged.warnings.iter().find(|w| w.code == "files_disagree").unwrap();
        assert_eq!(disagree.count, 1);
        assert!(disagree.message.starts_with(
            "a.csv and b.csv give 1 point other values at the same times: 1 of the 1 cells that both have (100.0 %); these look like two machines"
        ));
    }

    #[test]
    fn first_keeps_the_value_of_the_file_that_ends_earlier() {
        let merged = simply(&[("b.csv", "b", B), ("a.csv", "a", A)], Keep::First);
        assert_eq!(numbers(&merged, "y"), [Some(10.0), Some(21.0), Some(30.0), Some(41.0)]);
    }

    #[test]
    fn a_column_is_typed_from_all_its_cells() {
        let floats_after_integers = "time,x\n2020-01-01,1\n2020-01-02,2.5\n2020-01-03,oops\n2020-01-04, -0.2\n";
        let merged = simply(&[("a.csv", "a", floats_after_integers)], Keep::Last);
        assert_eq!(numbers(&merged, "x"), [Some(1.0), Some(2.5), None, Some(-0.2)]);
        assert_eq!(merged.columns[0].nulls, BTreeMap::from([(NullReason::Unreadable, 1)]));
        assert!(merged.warnings.iter().any(|w| w.code == "unreadable_cells" && w.message.contains("'oops'")));
    }

    #[test]
    fn a_number_for_no_reading_is_suspected_where_all_others_are_far_from_it() {
        for (cells, suspected) in [
            ("-9999\n2020-01-02,21.5\n2020-01-03,-9999\n", Some(2)),
            ("-999.0\n2020-01-02,-4\n2020-01-03,8\n", Some(1)),
            ("-999\n2020-01-02,-600\n2020-01-03,8\n", None),
            ("-998\n2020-01-02,8\n2020-01-03,8\n", None),
            ("-9999\n2020-01-02,-9999\n", None),
            ("3.4028235E+38\n2020-01-02,4000000\n2020-01-03,-4\n", Some(1)),
            ("1e30\n2020-01-02,4000000\n", None),
        ] {
            let merged = simply(&[("a.csv", "a", &format!("time,x\n2020-01-01,{cells}"))], Keep::Last);
            let told = merged.warnings.iter().find(|w| w.code == "suspected_loss").map(|w| w.count);
            assert_eq!(told, suspected, "{cells}");
        }
    }

    #[test]
    fn more_states_than_two_stay_texts() {
        let modes = "time,mode\n2020-01-01,COOL\n2020-01-02,HEAT\n2020-01-03,2\n2020-01-04,COOL\n";
        let merged = simply(&[("a.csv", "a", modes)], Keep::Last);
        let cells: Vec<AnyValue<'_>> = (0..4).map(|i| merged.frame.column("mode").unwrap().get(i).unwrap()).collect();
        assert_eq!(cells, ["COOL", "HEAT", "2", "COOL"].map(AnyValue::String));
        let told = merged.warnings.iter().find(|w| w.code == "numbers_among_texts").unwrap();
        assert_eq!(
            (told.count, &*told.message),
            (
                1,
                "1 of 4 cells of mode are numbers, and the others several texts (first 'COOL'): the column is kept as text"
            )
        );
    }

    #[test]
    fn texts_stay_texts_where_no_file_has_them() {
        let modes = "time,mode\n2020-01-01,COOL\n2020-01-02,HEAT\n2020-01-03,DRY\n";
        let later = "time,x\n2020-01-04,1\n2020-01-05,2\n2020-01-06,3\n2020-01-07,4\n";
        let files = [("a.csv", "a", modes), ("b.csv", "b", later)];
        let whole = simply(&files, Keep::Last);
        let windowed = merged(&files, Keep::Last, 0, 3, &BTreeMap::new());
        assert_eq!(windowed.frame.column("mode").unwrap().get(2).unwrap(), AnyValue::String("DRY"));
        assert!(whole.frame.equals_missing(&windowed.frame));
        assert_eq!(whole.columns, windowed.columns);
    }

    #[test]
    fn files_in_different_units_are_not_mixed() {
        let celsius = "time,T [°C]\n2020-01-01 00:00,20\n";
        let fahrenheit = "time,T [°C]\n2020-01-01 01:00,68 F\n";
        let merged = simply(&[("c.csv", "c", celsius), ("f.csv", "f", fahrenheit)], Keep::Last);
        assert_eq!(merged.columns[0].unit.as_deref(), Some("°C"));
        assert_eq!(merged.columns[0].nulls, BTreeMap::from([(NullReason::UnitMismatch, 1)]));
    }

    #[test]
    fn the_user_knows_better() {
        let said = Override { name: Some("outdoor".into()), kind: Some(Kind::Text), unit: Some("code".into()) };
        let stated = BTreeMap::from([("x".to_owned(), said)]);
        let merged = merged(&[("a.csv", "a", A)], Keep::Last, 1 << 30, 1 << 20, &stated);
        let column = merged.columns.iter().find(|c| c.name == "outdoor").unwrap();
        assert_eq!((column.kind, column.unit.as_deref()), (Kind::Text, Some("code")));
        assert_eq!(merged.frame.column("outdoor").unwrap().get(0).unwrap(), AnyValue::String("1"));
    }

    /// Three files of two groups over a few overlapping quarter-hours; a cell is a number, a marker or nothing.
    fn reports() -> impl Strategy<Value = Vec<String>> {
        let cell = prop_oneof![
            4 => (-5..5_i32).prop_map(|n| n.to_string()),
            1 => Just("No Data".to_owned()),
            1 => Just(String::new())
        ];
        let rows = prop::collection::vec((0..40_u32, cell.clone(), cell), 1..30);
        let file = (rows, 0..2_usize).prop_map(|(rows, group)| {
            let names = [("p", "q"), ("q", "r")][group];
            let mut text = format!("time,{},{}\n", names.0, names.1);
            for (quarter, a, b) in rows {
                text += &format!("2020-01-01 {:02}:{:02},{a},{b}\n", quarter / 4, quarter % 4 * 15);
            }
            text
        });
        prop::collection::vec(file, 3)
    }

    proptest! {
        #[test]
        fn neither_the_order_of_files_nor_the_windows_change_the_frame(texts in reports(), keep_last in any::<bool>()) {
            let keep = if keep_last { Keep::Last } else { Keep::First };
            let files: Vec<(&str, &str, &str)> =
                ["0", "1", "2"].into_iter().zip(&texts).map(|(n, text)| (n, n, text.as_str())).collect();
            let whole = simply(&files, keep);
            let turned: Vec<_> = files.iter().rev().copied().collect();
            let turned = simply(&turned, keep);
            prop_assert!(whole.frame.equals_missing(&turned.frame));
            prop_assert_eq!(&whole.columns, &turned.columns);
            prop_assert_eq!(whole.conflicts, turned.conflicts);
            let windowed = merged(&files, keep, 0, 3, &BTreeMap::new());
            prop_assert!(whole.frame.equals_missing(&windowed.frame));
            prop_assert_eq!(&whole.columns, &windowed.columns);
        }

        #[test]
        fn every_cell_is_a_value_or_a_null_with_a_reason(texts in reports()) {
            let files: Vec<(&str, &str, &str)> =
                ["0", "1", "2"].into_iter().zip(&texts).map(|(n, text)| (n, n, text.as_str())).collect();
            let merged = simply(&files, Keep::Last);
            for column in &merged.columns {
                let nulls: u64 = column.nulls.values().sum();
                prop_assert_eq!(column.count + nulls, merged.frame.height() as u64);
                let stored = merged.frame.column(&column.name).unwrap().null_count() as u64;
                prop_assert_eq!(stored, nulls);
            }
        }
    }
}
