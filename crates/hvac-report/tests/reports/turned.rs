//! A point a row, a time a column.

use super::*;

fn of(text: &str) -> Result<(Vec<String>, Vec<String>), (&'static str, String)> {
    let (plan, segments) = read("turned.csv", text.as_bytes(), &options("UTC")).map_err(|e| (e.code, e.message))?;
    Ok((names(&plan).into_iter().map(str::to_owned).collect(), rows(&plan, &segments)))
}

#[test]
fn times_side_by_side_become_rows() {
    let quarters = (vec!["A", "B"], vec!["05-13 00:00:00 | 1 | 3", "05-13 00:15:00 | 2 | <empty>"]);
    let days = (vec!["A", "B"], vec!["05-13 00:00:00 | 1 | 3", "05-14 00:00:00 | 2 | <empty>"]);
    for (text, (points, cells)) in [
        ("Point,2024-05-13 00:00,2024-05-13 00:15\nA,1,2\nB,3,\n", &quarters),
        // Without a name; AM and PM; a row number and a total; what stands above and below.
        (",2024-05-13 00:00,2024-05-13 00:15\nA,1,2\nB,3,\n", &quarters),
        ("Point,5/13/2024 12:00 AM,5/13/2024 12:15 AM\nA,1,2\nB,3,\n", &quarters),
        ("No.,Point,2024-05-13T00:00:00,2024-05-13T00:15:00,Total\n1,A,1,2,3\n2,B,3,,3\n", &quarters),
        ("Plant 3\n\nPoint;13.05.2024 00:00;13.05.2024 00:15\nA;1,0;2,0\nB;3,0;\n\n", &quarters),
        ("Point,2024-05-13,2024-05-14\nA,1,2\nB,3,\n", &days),
    ] {
        let (names, rows) = of(text).unwrap();
        assert_eq!(
            (names, rows),
            (points.iter().map(|n| n.to_string()).collect(), cells.iter().map(|n| n.to_string()).collect()),
            "{text}"
        );
    }
    // An offset in each time.
    let (_, rows) = of("Point,2024-05-13T00:00:00+08:00,2024-05-13T00:15:00+08:00\nA,1,2\n").unwrap();
    assert_eq!(rows, ["05-12 16:00:00 | 1", "05-12 16:15:00 | 2"]);
    let (_, rows) = of("Meter,2024-01,2024-02\nA,1,2\n").unwrap();
    assert_eq!(rows, ["01-01 00:00:00 | 1", "02-01 00:00:00 | 2"]);
}

#[test]
fn times_in_a_preamble_are_no_columns() {
    let (names, rows) = of("Report,2024-05-13 00:00,2024-05-14 00:00\nTime,A,B\n2024-05-13 00:00,1,2\n").unwrap();
    assert_eq!((names, rows), (vec!["A".to_owned(), "B".to_owned()], vec!["05-13 00:00:00 | 1 | 2".to_owned()]));
}

#[test]
fn months_that_may_be_days_are_refused() {
    let (code, message) = of("Meter,Jan-24,Feb-24\nA,1,2\n").unwrap_err();
    assert_eq!(code, "unread_time_form", "{message}");
    let (code, _) = of("Point,2024-05-13 00:00,2024-05-13 00:15\nA,1,2,3\n").unwrap_err();
    assert_eq!(code, "more_cells_than_header");
}
