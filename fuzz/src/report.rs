//! Any bytes as a report: read or refused, without a panic; and read again, a chunk comes out as it did.

use hvac_frame::builder::SegmentBuilder;
use hvac_report::{ReadOptions, Reader, Source};

/// Reads `bytes` as a report, twice.
pub fn read(bytes: &[u8]) {
    let options = ReadOptions::of(chrono_tz::Asia::Taipei);
    let Ok(tables) = Reader::open(Source { name: "report.csv", bytes }, &options) else { return };
    tables.iter().for_each(table);
}

fn table(reader: &Reader<'_>) {
    let mut segments = Vec::new();
    let planned = reader.plan(&mut SegmentBuilder::default(), &mut |_, segment| segments.push(segment.decode()));
    let Ok(plan) = planned else { return };
    assert_eq!(plan.chunks.len(), segments.len());
    for (index, segment) in segments.iter().enumerate() {
        let again = reader.read(&plan, index).expect("the bytes are the same").decode();
        assert_eq!(again.at_ms, segment.at_ms);
        for (again, first) in again.columns.iter().zip(&segment.columns) {
            assert_eq!(again.codes, first.codes);
            let bits = |values: &[f64]| values.iter().map(|value| value.to_bits()).collect::<Vec<_>>();
            assert_eq!(bits(&again.values), bits(&first.values));
        }
    }
}
