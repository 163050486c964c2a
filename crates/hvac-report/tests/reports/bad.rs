//! What is no report is refused with a code, the line, and a way out.

use hvac_report::DateOrder;

use super::*;

fn refused(name: &str, bytes: &[u8], options: &ReadOptions) -> (&'static str, Option<u64>) {
    let error = read(name, bytes, options).map(|(plan, _)| plan.points.len()).unwrap_err();
    assert_eq!(error.file, name);
    assert!(error.message.len() > 20 && !error.message.contains("/work"), "{}", error.message);
    (error.code, error.line)
}

#[test]
fn each_kind_of_bad_input_is_refused_in_words() {
    for (name, code, line) in [
        ("empty.csv", "empty_file", None),
        ("header_only.csv", "no_rows", Some(1)),
        ("apogee_header_only.csv", "no_rows", Some(4)),
        ("no_header.csv", "no_header", Some(1)),
        ("no_times.csv", "no_readable_time", Some(1)),
        ("prose.csv", "not_a_table", Some(1)),
        ("image.csv", "not_a_table", None),
        ("nul_bytes.csv", "nul_bytes", Some(3)),
        ("open_quote.csv", "unclosed_quote", Some(2)),
        ("two_reports.csv", "second_report", Some(8)),
        ("ambiguous.csv", "ambiguous_dates", Some(2)),
        ("mixed_orders.csv", "mixed_date_orders", Some(3)),
    ] {
        assert_eq!(refused(name, &fixture(name), &options("UTC")), (code, line), "{name}");
    }
    assert_eq!(refused("b.csv", b"\xef\xbb\xbf\r\n \r\n", &options("UTC")).0, "empty_file");
    assert_eq!(
        refused("g.csv", &fixture("clock_forward.csv"), &options("America/New_York")),
        ("nonexistent_local_time", Some(3))
    );
}

#[test]
fn choices_that_the_report_contradicts_are_refused() {
    let mut told = options("UTC");
    told.date_order = Some(DateOrder::Mdy);
    let bytes = b"Time,A\n13/2/2024 00:00,1\n";
    assert_eq!(refused("r.csv", bytes, &told), ("mixed_date_orders", Some(2)));
    let mut told = options("UTC");
    told.encoding = Some("klingon".into());
    assert_eq!(refused("r.csv", bytes, &told).0, "unknown_encoding");
    told.encoding = Some("utf-8".into());
    assert_eq!(refused("r.csv", b"Time,A\n2024-01-01,\xff\n", &told), ("undecodable_text", Some(2)));
    let mut told = options("UTC");
    told.delimiter = Some('x');
    assert_eq!(refused("r.csv", bytes, &told).0, "bad_delimiter");
    told.delimiter = Some(';');
    assert_eq!(refused("r.csv", bytes, &told).0, "no_readable_time");
}

/// 20 000 columns are read; one more is refused.
#[test]
fn twenty_thousand_columns() {
    let table = |n: usize| {
        let header: String = (0..n).map(|i| format!(",P{i}")).collect();
        let row: String = (0..n).map(|i| format!(",{i}")).collect();
        format!("Time{header}\n2024-01-01 00:00{row}\n2024-01-01 00:15{row}\n")
    };
    let (plan, segments) = read("w.csv", table(20_000).as_bytes(), &options("UTC")).unwrap();
    assert_eq!((plan.points.len(), tally(&segments).0), (20_000, 40_000));
    assert_eq!(refused("w.csv", table(20_001).as_bytes(), &options("UTC")), ("too_many_points", Some(1)));
}

/// Short rows of a wide report would fill the memory if chunks were bounded by their text alone.
#[test]
fn short_rows_of_a_wide_report_stay_small() {
    let header: String = (0..5_000).map(|i| format!(",P{i}")).collect();
    let rows: String =
        (0..2_000).map(|i| format!("2024-01-{:02} {:02}:{:02},1\n", i / 1440 + 1, i / 60 % 24, i % 60)).collect();
    let (plan, segments) = read("w.csv", format!("Time{header}\n{rows}").as_bytes(), &options("UTC")).unwrap();
    assert!(segments.len() > 1 && segments.iter().all(|segment| segment.at_ms.len() * 5_000 <= 4_005_000));
    assert_eq!(tally(&segments).2[&NullReason::MissingCell], 2_000 * 4_999);
    assert_eq!(plan.rows, 2_000);
}

#[test]
fn a_line_of_a_megabyte() {
    let field = format!("Time,A\n2024-01-01 00:00,1\n2024-01-01 00:15,{}\n", "9".repeat(1 << 20));
    assert_eq!(refused("l.csv", field.as_bytes(), &options("UTC")), ("line_too_long", Some(3)));
    let quoted = format!("Time,A\n2024-01-01 00:00,1\n2024-01-01 00:15,\"{}\"\n", "x".repeat(1 << 20));
    assert_eq!(refused("l.csv", quoted.as_bytes(), &options("UTC")), ("line_too_long", Some(3)));
    let alone = "x".repeat(1 << 20);
    assert_eq!(refused("l.csv", alone.as_bytes(), &options("UTC")), ("line_too_long", Some(1)));
    // Many cells beyond the header are not too long, but of another table.
    let cells = format!("Time,A\n2024-01-01 00:00,1{}\n", ",2".repeat(1 << 19));
    assert_eq!(refused("l.csv", cells.as_bytes(), &options("UTC")), ("more_cells_than_header", Some(2)));
}

#[test]
fn a_plan_of_other_bytes_is_refused() {
    let options = options("UTC");
    let plan = Reader::open(Source { name: "r.csv", bytes: b"Time,A\n2024-01-01 00:00,1\n" }, &options).unwrap()[0]
        .plan(&mut SegmentBuilder::default(), &mut |_, _| ())
        .unwrap();
    let tables = Reader::open(Source { name: "r.csv", bytes: b"Time,A\n2024-01-01 00:15,1\n" }, &options).unwrap();
    let other = &tables[0];
    assert_eq!(other.read(&plan, 0).unwrap_err().code, "report_changed");
    assert_eq!(other.read(&plan, 1).unwrap_err().code, "report_changed");
}
