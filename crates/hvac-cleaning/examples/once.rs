//! Everything between a report's bytes and a cleaned frame, once and in memory: `scripts/instructions` counts what it
//! executes.
//!
//! ```text
//! cargo run --workspace --example once data/samples
//! ```

use std::collections::BTreeMap;
use std::error::Error;
use std::ops::ControlFlow;
use std::sync::Arc;

use bytes::Bytes;
use hvac_cleaning::{Interval, Parameters};
use hvac_frame::align::Keep;
use hvac_frame::column::Kind;
use hvac_frame::parquet_file::{ColumnType, ParquetReader, ParquetWriter};
use hvac_report::ReadOptions;
use hvac_report::job::describe::describe;
use hvac_report::job::plan::Plan;
use hvac_report::job::read::{FileId, FileToRead, read_all};
use hvac_report::job::window::align_window;

fn main() -> Result<(), Box<dyn Error>> {
    let folder = std::env::args_os().nth(1).ok_or("which folder of reports?")?;
    let mut reports = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "csv") {
            reports.push((path.to_string_lossy().into_owned(), Bytes::from(std::fs::read(&path)?)));
        }
    }
    reports.sort();

    let zone = chrono_tz::Asia::Taipei;
    let options = Arc::new(ReadOptions::of(zone));
    let file = |(name, _): &(String, Bytes)| FileToRead {
        id: FileId { name: name.clone(), sha256: name.clone() },
        options: options.clone(),
        recalled: None,
        prefix_by: None,
    };
    let ids: Vec<FileToRead> = reports.iter().map(file).collect();
    let load = |index: usize| Ok(reports.get(index).map(|(_, bytes)| bytes.clone()).unwrap_or_default());
    let read = read_all(&ids, &load, false, u64::MAX, &|| ()).map_err(|errors| format!("{errors:?}"))?;
    let mut plan = Plan::new(read, &BTreeMap::new(), &BTreeMap::new()).map_err(|error| error.message)?;
    let window = 0..plan.axis_ms.len();
    let segments = plan.read_window(&window, &load).map_err(|error| error.message)?;
    let (aligned, tallies) = align_window(&plan, &window, segments, Keep::Last)?;
    let frame = aligned.head(plan.names(), usize::MAX)?;
    let (columns, _) = describe(&plan, tallies);

    let type_of = |kind| if kind == Kind::Text { ColumnType::Text } else { ColumnType::Float64 };
    let schema: Vec<_> = columns.iter().map(|column| (column.name.clone(), type_of(column.kind))).collect();
    let mut writer = ParquetWriter::new(Vec::new(), &schema)?;
    writer.write_window(&frame)?;
    let (file, _) = writer.finish(Vec::new())?;
    let size = file.len();
    let loaded = ParquetReader::open(Bytes::from(file))?.read(None)?;

    let parameters = Parameters { resample_interval: Some(Interval::M15), ..Parameters::default() };
    let checked = hvac_cleaning::check(&columns, &parameters).map_err(|error| error.message)?;
    let cleaned = hvac_cleaning::clean(loaded, &columns, zone, &checked, &|_, _| ControlFlow::Continue(()));
    let rows = cleaned.map_err(|error| error.message)?.frame.height();
    println!("{} reports, {rows} rows, {} columns, {size} bytes", reports.len(), columns.len());
    Ok(())
}
