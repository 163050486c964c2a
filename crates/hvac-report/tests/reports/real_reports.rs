//! The real reports, against the counts in their README and against an independent reading.
//!
//! (All 1 492 450 cells of all files were also compared with Python's csv module by hand; they agree.)

use hvac_frame::column::{NullReason, Segment};
use hvac_report::{DateOrder, FilePlan, Format};

use super::{options, read, tally};

fn real(path: &str) -> Vec<u8> {
    let root = std::env::var("HVAC_REAL_DATA").expect("HVAC_REAL_DATA names the folder of the real reports");
    std::fs::read(std::path::PathBuf::from(root).join(path)).unwrap()
}

type Expected<'e> = (&'e str, Format, u64, usize, &'e [(&'e str, u64)]);

fn check((path, format, rows, points, lost): Expected<'_>) -> (FilePlan, Vec<Segment>) {
    let (plan, segments) = read(path, &real(path), &options("Asia/Taipei")).unwrap();
    let markers: Vec<(&str, u64)> = plan.loss_markers.iter().map(|(text, count)| (text.as_str(), *count)).collect();
    assert_eq!((plan.format.value, plan.rows, plan.points.len()), (format, rows, points), "{path}");
    assert_eq!(markers, lost, "{path}");
    let (numbers, texts, nulls) = tally(&segments);
    assert_eq!(numbers + texts + nulls.values().sum::<u64>(), rows * points as u64, "{path}");
    assert_eq!(numbers, plan.points.iter().map(|point| point.numbers).sum::<u64>(), "{path}");
    assert_eq!(plan.out_of_order_rows, 0, "{path}");
    (plan, segments)
}

/// Rows, points and markers: README; other files: `python3 -c 'import csv…'`.
#[test]
#[ignore = "needs the real reports"]
fn counts_of_every_apogee_report() {
    use Format::Apogee;
    let cases: [Expected<'_>; 7] = [
        ("apogee/kmuh/TR_KH_MMCB_161010-161210.csv", Apogee, 5_952, 5, &[("Data Loss", 520)]),
        ("apogee/kmuh/TR_KH_MMCB_161211-170210.csv", Apogee, 5_952, 5, &[("Data Loss", 8)]),
        (
            "apogee/kmuh/TR_KH_T_161110-161210.csv",
            Apogee,
            2_976,
            101,
            &[
                ("No Data", 178_560),
                ("TIME (-1)", 84),
                ("TIME (-2)", 78),
                ("TIME (3)", 6),
                ("TIME (4)", 6),
                ("TIME (5)", 12),
            ],
        ),
        ("apogee/kmuh/TR_KH_ZWP_161010-161210.csv", Apogee, 5_952, 14, &[("Data Loss", 2_940), ("No Data", 11_904)]),
        ("apogee/farglory/adv_ahu_01-19-18_09-51.csv", Apogee, 96, 242, &[("No Data", 672), ("TIME (-1)", 2)]),
        ("apogee/farglory/adv_air_temp_01-19-18_09-50.csv", Apogee, 96, 28, &[]),
        ("apogee/farglory/adv_air_kwh_01-19-18_09-46.csv", Apogee, 14, 148, &[]),
    ];
    for case in cases {
        let (plan, _) = check(case);
        assert_eq!(plan.date_order.unwrap().value, DateOrder::Ymd);
        assert_eq!(plan.dropped_rows, [("footer".to_owned(), 1)].into(), "{}", case.0);
    }
    let (plan, segments) = check(cases[0]);
    // 2016-10-10 00:00:00 +08:00
    assert_eq!(segments[0].at_ms[0], 1_476_028_800_000);
    let first: Vec<f64> = segments[0].columns.iter().map(|cells| cells.values[0]).collect();
    assert_eq!(first, [4583.0, 10_725_945.0, 3763.76, 4141.07, 3778.36]);
    assert_eq!(
        plan.points.iter().map(|p| p.native_interval_s).collect::<Vec<_>>(),
        [300, 900, 300, 300, 300].map(Some)
    );

    let (plan, _) = check(cases[4]);
    assert_eq!(
        plan.warnings.iter().map(|w| (w.code.as_str(), w.column.as_deref())).collect::<Vec<_>>(),
        [("point_error", Some("AH08-4.CV"))]
    );
    let (plan, segments) = check(cases[5]);
    let states =
        |text: &str| plan.points.iter().flat_map(|p| &p.tokens).filter(|(t, _)| t == text).map(|(_, n)| n).sum::<u64>();
    assert_eq!((states("OFF"), states("ON"), tally(&segments).1), (436, 44, 480));
}

#[test]
#[ignore = "needs the real reports"]
fn counts_of_the_other_real_reports() {
    let cases: [Expected<'_>; 6] = [
        ("apogee/bmon/CS_test_02.csv", Format::Toa5, 28, 1, &[]),
        ("plant/TableData23_12.csv", Format::Wide, 4_441, 30, &[]),
        ("plant/TableData24_03.csv", Format::Wide, 4_436, 30, &[]),
        ("plant/data23_12.csv", Format::Wide, 4_451, 3, &[]),
        ("formats/MZVAV-2-2.csv", Format::Wide, 37_440, 18, &[]),
        ("formats/DD03.csv", Format::Wide, 4_147, 16, &[]),
    ];
    let plans: Vec<FilePlan> = cases.into_iter().map(|case| check(case).0).collect();
    let order = |plan: &FilePlan| plan.date_order.as_ref().unwrap().value;
    assert_eq!(plans.iter().map(order).collect::<Vec<_>>(), {
        use DateOrder::{Mdy, Ymd};
        [Mdy, Ymd, Ymd, Ymd, Mdy, Ymd]
    });
    let units = |plan: &FilePlan| plan.points.iter().map(|p| p.unit.clone().map(|u| u.value)).collect::<Vec<_>>();
    assert_eq!(units(&plans[3]), [Some("%".to_owned()), Some("°C".to_owned()), None]);
    let left_out: Vec<_> = plans[5].warnings.iter().map(|w| (w.code.as_str(), w.column.as_deref())).collect();
    assert_eq!(left_out, [("extra_time_column", Some("Date")), ("extra_time_column", Some("Time"))]);
}

/// 6/5/2017 is June or May: nothing in the file says.
#[test]
#[ignore = "needs the real reports"]
fn an_ambiguous_report_is_refused_until_told() {
    let path = "apogee/bmon/siemens_sample.csv";
    let error = read(path, &real(path), &options("America/Anchorage")).unwrap_err();
    assert_eq!((error.code, error.line), ("ambiguous_dates", Some(14)));
    assert!(error.message.contains("5 June 2017") && error.message.contains("6 May 2017"), "{}", error.message);
    // 2017-06-05 00:00 -08:00 and 2017-05-06 00:00 -08:00
    for (order, first) in [(DateOrder::Mdy, 1_496_649_600_000), (DateOrder::Dmy, 1_494_057_600_000)] {
        let mut told = options("America/Anchorage");
        told.date_order = Some(order);
        let (plan, _) = read(path, &real(path), &told).unwrap();
        assert_eq!((plan.rows, plan.points.len(), plan.first_at_ms), (153, 7, Some(first)));
    }
}

/// Cell by cell against the csv crate and the standard library's number parser.
#[test]
#[ignore = "needs the real reports"]
fn the_main_meter_equals_an_independent_reading() {
    for path in ["apogee/kmuh/TR_KH_MMCB_161010-161210.csv", "apogee/kmuh/TR_KH_MMCB_161211-170210.csv"] {
        let bytes = real(path);
        let (_, segments) = read(path, &bytes, &options("Asia/Taipei")).unwrap();
        let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(bytes.as_slice());
        let rows = reader
            .records()
            .map(Result::unwrap)
            .skip_while(|row| &row[0] != "<>Date")
            .skip(1)
            .filter(|row| row.len() == 7);
        let mut compared = 0;
        for (index, row) in rows.enumerate() {
            for (cells, text) in segments[0].columns.iter().zip(row.iter().skip(2)) {
                match text.trim().parse::<f64>() {
                    Ok(value) => assert_eq!((cells.values[index], cells.codes[index]), (value, 0)),
                    Err(_) => assert_eq!((text, cells.codes[index]), ("Data Loss", NullReason::DataLoss as u8)),
                }
                compared += 1;
            }
        }
        assert_eq!(compared, 5_952 * 5);
    }
}
