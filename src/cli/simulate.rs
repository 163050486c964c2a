//! `simulate`: reports of a plant whose faults are known, and the truth.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use chrono::NaiveDate;
use clap::Args;
use serde::Serialize;
use serde_json::json;

use super::out::{Align, print, print_json, table, tell};
use crate::error::{Error, Result, codes};
use hvac_simulation::faults::{FaultKind, FaultList, Truth};
use hvac_simulation::instruments::points;
use hvac_simulation::plants::{PLANTS, plant};
use hvac_simulation::scenario::{Record, Scenario, Stretch};

/// What a file of faults looks like, and what there is.
const AFTER_HELP: &str = r#"A file of faults is JSON:
  {"faults": [{"kind": "offset", "point": "CHWRT", "start": "2024-06-01T00:00:00", "size": 2.0},
              {"kind": "swap", "point": "CWST", "with": "CWRT", "start": "2024-06-10T12:00:00"},
              {"kind": "time_shift", "file": "WATER", "size": -3},
              {"kind": "fouling", "machine": "CH-1", "size": 0.15}],
   "random": 5, "kinds": ["stuck", "drift"], "sizes": [1, 3]}
start, end and size may be left out; random adds so many at random, of those kinds, between so many times the least
size that must be found. --list-faults says what sizes count, --list-plants and --list-points what there is."#;

/// Which plant, which stretch of its time, and what is wrong with it.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub struct SimulateArgs {
    /// Folder to write the reports and truth.json to: a new or an empty one
    #[arg(long, short, value_name = "FOLDER", required_unless_present_any = ["list_plants", "list_faults", "list_points"])]
    output: Option<PathBuf>,
    /// Of all chance: the same seed writes the same bytes
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Which plant
    #[arg(long, value_name = "NAME", default_value = PLANTS[0].name)]
    plant: String,
    /// Days recorded
    #[arg(long, default_value_t = Stretch::default().days)]
    days: u32,
    /// First day
    #[arg(long, value_name = "DATE", default_value_t = Stretch::default().start.date())]
    start: NaiveDate,
    /// Time between rows, such as 5m, 10m, 15m or 1h
    #[arg(long, default_value = "10m", value_parser = minutes)]
    interval: u32,
    /// A file of faults, or random for one of every kind, or random=N
    #[arg(long, value_name = "FILE|random")]
    faults: Option<PathBuf>,
    /// Write what the same plant would have reported without faults too, to FOLDER/faultless
    #[arg(long)]
    twin: bool,
    /// List the plants
    #[arg(long)]
    list_plants: bool,
    /// List the kinds of faults, what their sizes count, and the least size that must be found
    #[arg(long)]
    list_faults: bool,
    /// List the plant's points and machines
    #[arg(long)]
    list_points: bool,
}

fn minutes(text: &str) -> Result<u32, String> {
    let form = || "write minutes or hours that divide a day: 5m, 10m, 15m, 1h".to_owned();
    let (number, times) = match (text.strip_suffix('m'), text.strip_suffix('h')) {
        (Some(number), _) => (number, 1),
        (_, Some(number)) => (number, 60),
        _ => return Err(form()),
    };
    let minutes = number.parse::<u32>().ok().and_then(|number| number.checked_mul(times));
    minutes.filter(|minutes| *minutes > 0 && 1440 % minutes == 0).ok_or_else(form)
}

/// What `truth.json` holds.
#[derive(Serialize)]
struct Known<'a> {
    plant: &'static str,
    seed: u64,
    timezone: &'static str,
    start: chrono::NaiveDateTime,
    days: u32,
    interval_minutes: u32,
    rows: usize,
    faults: &'a [Truth],
    points: Vec<KnownPoint<'a>>,
}

#[derive(Serialize)]
struct KnownPoint<'a> {
    name: &'a str,
    file: &'static str,
    unit: &'static str,
    machine: Option<String>,
}

/// Writes reports and truth, or lists what there is.
///
/// # Errors
/// `bad_usage` for a plant, fault or time that there is not; when a file cannot be read or written.
pub fn run(args: &SimulateArgs, json: bool) -> Result<()> {
    if args.list_plants {
        return list_plants(json);
    }
    if args.list_faults {
        return list_faults(json);
    }
    if args.list_points {
        return list_points(&args.plant, json);
    }
    let Some(folder) = &args.output else { return Ok(()) };
    let faults = match &args.faults {
        None => FaultList::default(),
        Some(path) => asked(path)?,
    };
    let stretch = Stretch { start: args.start.into(), days: args.days, step_minutes: args.interval };
    let refused = |why| Error::invalid("simulate", codes::BAD_USAGE, why);
    let scenario = Scenario::new(&args.plant, args.seed, stretch, &faults).map_err(refused)?;
    fresh(folder)?;
    let record = scenario.record();
    let mut files = write_reports(folder, &record)?;
    if args.twin {
        let faultless = folder.join("faultless");
        fresh(&faultless)?;
        files += write_reports(&faultless, &scenario.faultless().record())?;
    }
    let known = known(&record, args.days);
    let path = folder.join("truth.json");
    let text = serde_json::to_vec_pretty(&known).map_err(std::io::Error::other);
    text.and_then(|text| fs::write(&path, text)).map_err(|error| unwritable(&path, &error))?;
    if json {
        return print_json(&json!({"folder": folder.display().to_string(), "files": files, "truth": known}));
    }
    tell(&format!(
        "wrote {}: {files} reports of plant {}, {} rows, {} points, and truth.json with {} faults (times are of {})",
        folder.display(),
        known.plant,
        known.rows,
        known.points.len(),
        known.faults.len(),
        known.timezone,
    ));
    Ok(())
}

/// The faults that the flag asks for.
fn asked(path: &Path) -> Result<FaultList> {
    let every_kind = FaultKind::ALL.iter().fold(0, |sum, _| sum + 1);
    let text = path.to_string_lossy();
    match text.split_once('=') {
        None if text == "random" => return Ok(FaultList::random(every_kind)),
        Some(("random", count)) => {
            let count = count.parse().map_err(|_| {
                Error::invalid(
                    "faults",
                    codes::BAD_USAGE,
                    format!("--faults {text}: write random=N, such as random=20"),
                )
            })?;
            return Ok(FaultList::random(count));
        }
        _ => {}
    }
    let json = fs::read_to_string(path).map_err(|error| {
        let message = format!("{text}: the faults cannot be read ({error}); name a file, or write random");
        Error::new(codes::UNREADABLE, message)
    })?;
    FaultList::read(&json).map_err(|why| {
        let message = format!("{text}: {why}; simulate --help shows what a file of faults looks like");
        Error::invalid("faults", codes::BAD_USAGE, message)
    })
}

/// Makes the folder; one that holds something already is refused, for reports of two plants in one are of none.
fn fresh(folder: &Path) -> Result<()> {
    let made = fs::create_dir_all(folder).and_then(|()| fs::read_dir(folder)).map(|mut entries| entries.next());
    match made {
        Ok(None) => Ok(()),
        Ok(Some(_)) => {
            let message = format!("{} is not empty; name a new folder with -o", folder.display());
            Err(Error::new(codes::FILE_EXISTS, message))
        }
        Err(error) => Err(unwritable(folder, &error)),
    }
}

fn write_reports(folder: &Path, record: &Record) -> Result<usize> {
    let mut files = 0;
    for report in record.reports() {
        let path = folder.join(&report.file_name);
        fs::write(&path, &report.bytes).map_err(|error| unwritable(&path, &error))?;
        files += 1;
    }
    Ok(files)
}

fn unwritable(path: &Path, error: &std::io::Error) -> Error {
    Error::new(codes::UNWRITABLE, format!("{} cannot be written: {error}", path.display()))
}

fn known(record: &Record, days: u32) -> Known<'_> {
    let setting = &record.setting;
    let points = record.columns.iter().map(|column| KnownPoint {
        name: &column.point.name,
        file: column.point.file,
        unit: column.point.unit,
        machine: column.point.measurand.machine(setting.plant.style),
    });
    Known {
        plant: setting.plant.name,
        seed: setting.seed,
        timezone: setting.plant.timezone,
        start: setting.start,
        days,
        interval_minutes: setting.step_minutes,
        rows: record.times.len(),
        faults: &record.truth,
        points: points.collect(),
    }
}

fn list_plants(json: bool) -> Result<()> {
    if json {
        let all = PLANTS.map(|plant| json!({"name": plant.name, "about": plant.about, "timezone": plant.timezone}));
        return print_json(&all);
    }
    let rows: Vec<Vec<String>> =
        PLANTS.iter().map(|plant| [plant.name, plant.about, plant.timezone].map(str::to_owned).to_vec()).collect();
    print(table(&[("PLANT", Align::Left), ("WHAT IT IS", Align::Left), ("TIMES OF", Align::Left)], &rows))
}

fn list_faults(json: bool) -> Result<()> {
    if json {
        let all = FaultKind::ALL.map(|kind| {
            json!({
                "kind": kind.name(), "about": kind.about(), "least_size": kind.least_size(), "size_unit": kind.size_unit(true),
                "least_size_of_share": kind.least_size_of_share(), "of_equipment": kind.is_equipment(),
            })
        });
        return print_json(&all);
    }
    let rows: Vec<Vec<String>> = FaultKind::ALL
        .iter()
        .map(|kind| {
            let mut size = format!("{} {}", kind.least_size(), kind.size_unit(true));
            if let Some(share) = kind.least_size_of_share() {
                // Writing to a String cannot fail.
                let _ = write!(size, "; other than temperatures: {share} {}", kind.size_unit(false));
            }
            if kind.size_unit(true).is_empty() {
                size = "has none".to_owned();
            }
            vec![kind.name().to_owned(), kind.about().to_owned(), size]
        })
        .collect();
    print(table(&[("KIND", Align::Left), ("WHAT IS WRONG", Align::Left), ("LEAST SIZE", Align::Left)], &rows))
}

fn list_points(name: &str, json: bool) -> Result<()> {
    let Some(plant) = plant(name) else {
        let names: Vec<&str> = PLANTS.iter().map(|plant| plant.name).collect();
        let message = format!("there is no plant '{name}'; there are {}", names.join(", "));
        return Err(Error::invalid("plant", codes::BAD_USAGE, message));
    };
    let machine = |point: &hvac_simulation::instruments::TrendedPoint| point.measurand.machine(plant.style);
    let all = points(plant);
    if json {
        let all: Vec<KnownPoint<'_>> = (all.iter())
            .map(|point| KnownPoint { name: &point.name, file: point.file, unit: point.unit, machine: machine(point) })
            .collect();
        return print_json(&all);
    }
    let row = |point: &hvac_simulation::instruments::TrendedPoint| {
        let of = machine(point).unwrap_or_default();
        vec![point.name.clone(), point.unit.to_owned(), of, point.file.to_owned()]
    };
    let rows: Vec<Vec<String>> = all.iter().map(row).collect();
    let header = [("POINT", Align::Left), ("UNIT", Align::Left), ("MACHINE", Align::Left), ("REPORT", Align::Left)];
    print(table(&header, &rows))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn intervals_divide_a_day() {
        assert_eq!((minutes("10m"), minutes("1h"), minutes("1440m")), (Ok(10), Ok(60), Ok(1440)));
        assert!(["7m", "0m", "10", "m", "-5m", "2d", "99999999999h"].iter().all(|bad| minutes(bad).is_err()));
    }

    #[test]
    fn faults_are_asked_for_in_a_file_or_at_random() {
        assert_eq!(asked(Path::new("random")).unwrap().random, 13);
        assert_eq!(asked(Path::new("random=40")).unwrap().random, 40);
        assert!(asked(Path::new("random=many")).unwrap_err().to_string().contains("random=N"));
        assert!(asked(Path::new("no/such.json")).unwrap_err().to_string().contains("cannot be read"));
    }
}
