//! Every export is read right or refused: right reports are deformed as real systems deform them, parsed, and compared
//! with what they were made from (docs/FORMATS.md, "How this is kept true").
//!
//! `DEFORM_SEED` and `DEFORM_COUNT` choose other seeds and more of them (`scripts/deform`); `DEFORM_ALL` takes in what
//! [`not_yet`] leaves out. What failed is written to `target/tmp/deform`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::print_stdout,
    missing_docs
)]

mod check;
mod deformations;
mod formats;
mod not_yet;
mod original;
mod render;
mod shapes;
mod stamps;
mod workbook;
mod writing;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;

use self::check::{Outcome, outcome};
use self::deformations::{DEFORMATIONS, Deformation};
use self::original::{Original, Rng};
use self::render::Written;
use self::writing::Writing;

/// One seed: an original and one or two deformations of it.
struct Case {
    seed: u64,
    deformations: Vec<&'static Deformation>,
    original: Original,
    writing: Writing,
}

impl Case {
    /// Even seeds have one deformation, each in its turn; odd ones have two. `allowed` says which.
    fn of(seed: u64, allowed: &dyn Fn(&[&'static Deformation]) -> bool) -> Self {
        let mut rng = Rng::of(seed.wrapping_mul(31) + 7);
        for attempt in 0..100_000_u64 {
            let turn = (seed / 2 + attempt / 100) as usize % DEFORMATIONS.len();
            let mut chosen = vec![&DEFORMATIONS[turn]];
            if seed % 2 == 1 {
                chosen.push(&DEFORMATIONS[rng.below(DEFORMATIONS.len())]);
            }
            if !allowed(&chosen) {
                continue;
            }
            let original = Original::of(seed.wrapping_mul(10_007) + attempt);
            if let Some(writing) = combined(&chosen, &original) {
                if !not_yet::REPEATED_LABELS && writing.on_site_clock() && original.repeats_a_label() {
                    continue;
                }
                return Self { seed, deformations: chosen, original, writing };
            }
        }
        panic!("no report can be made of seed {seed}");
    }

    fn name(&self) -> String {
        self.deformations.iter().map(|one| one.name).collect::<Vec<_>>().join(" + ")
    }

    fn written(&self) -> Written {
        render::write(&self.original, &self.writing, self.seed)
    }

    fn must_be_read(&self) -> bool {
        self.deformations.iter().all(|one| one.promised) && self.writing.tells_date_order(&self.original)
    }
}

/// How `original` is written with all of `chosen`; none when they contradict each other.
fn combined(chosen: &[&Deformation], original: &Original) -> Option<Writing> {
    let mut writing = Writing::right();
    for (at, one) in chosen.iter().enumerate() {
        if chosen[..at].iter().any(|other| other.part == one.part) {
            return None;
        }
        let before = writing.clone();
        (one.deform)(&mut writing);
        // Neither undoes or doubles what the other did.
        if at > 0 && !independent(chosen[0], one, &before, &writing) {
            return None;
        }
    }
    writing.is_possible(original).then_some(writing)
}

fn independent(first: &Deformation, second: &Deformation, before: &Writing, after: &Writing) -> bool {
    let mut other_way = Writing::right();
    (second.deform)(&mut other_way);
    (first.deform)(&mut other_way);
    format!("{other_way:?}") == format!("{after:?}") && format!("{before:?}") != format!("{after:?}")
}

/// What became of the seeds, by deformation: equal, refused, different.
#[derive(Default)]
struct Table(BTreeMap<&'static str, [usize; 3]>);

impl Table {
    fn add(&mut self, case: &Case, column: usize) {
        for one in &case.deformations {
            self.0.entry(one.name).or_default()[column] += 1;
        }
    }

    fn print(&self) -> String {
        let mut text = format!("{:<40} {:>6} {:>8} {:>10}\n", "deformation", "equal", "refused", "different");
        for (name, [equal, refused, different]) in &self.0 {
            writeln!(text, "{name:<40} {equal:>6} {refused:>8} {different:>10}").unwrap();
        }
        text
    }
}

fn setting(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().expect("a number"))
}

/// Where a developer finds the bytes that failed.
fn failures() -> PathBuf {
    PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("deform")
}

fn keep(case: &Case, written: &Written, said: &str) -> PathBuf {
    let folder = failures().join(format!("seed-{}", case.seed));
    std::fs::create_dir_all(&folder).unwrap();
    for (name, bytes) in &written.files {
        std::fs::write(folder.join(name), bytes).unwrap();
    }
    let words = format!("{}\n{said}\n{:?}\n{:#?}\n", case.name(), written.options, case.writing);
    std::fs::write(folder.join("about.txt"), words).unwrap();
    folder
}

/// A right report is read right, whatever the seed.
#[test]
fn originals_are_read() {
    for seed in 0..100 {
        let mut original = Original::of(seed);
        if original.repeats_an_hour() {
            original = Original::of(seed + 1_000_000);
        }
        let written = render::write(&original, &Writing::right(), seed);
        let outcome = outcome(&written);
        let text = String::from_utf8_lossy(&written.files[0].1);
        let head: String = text.lines().take(4).collect::<Vec<_>>().join("\n");
        assert!(matches!(outcome, Outcome::Equal), "seed {seed}: {outcome:?}\n{head}");
    }
}

/// Each deformation can be made of some report, and has a name of its own.
#[test]
fn every_deformation_can_be_made() {
    let originals: Vec<Original> = (0..300).map(Original::of).collect();
    for (at, one) in DEFORMATIONS.iter().enumerate() {
        assert!(DEFORMATIONS[..at].iter().all(|other| other.name != one.name), "{} twice", one.name);
        assert!(originals.iter().any(|o| combined(&[one], o).is_some()), "{} fits no report", one.name);
    }
    let names: Vec<&str> = not_yet::NOT_YET.iter().map(|(name, _)| *name).collect();
    let known = |name: &str| DEFORMATIONS.iter().any(|one| one.name == name);
    assert!(names.iter().all(|name| name.split(" + ").all(known)), "{names:?}");
}

/// The promise: nothing is read wrong, what is promised is read, and little is refused.
#[test]
fn deformed_reports_are_read_right_or_refused() {
    let first = setting("DEFORM_SEED").unwrap_or(0);
    let count = setting("DEFORM_COUNT").unwrap_or(200);
    let all = std::env::var_os("DEFORM_ALL").is_some();
    let allowed = |chosen: &[&'static Deformation]| {
        all || !not_yet::leaves_out(&chosen.iter().map(|one| one.name).collect::<Vec<_>>())
    };
    let mut table = Table::default();
    let mut faults = Vec::new();
    let mut refusals = 0;
    // What failed before would only mislead.
    std::fs::remove_dir_all(failures()).ok();
    for seed in first..first + count {
        let case = Case::of(seed, &allowed);
        let written = case.written();
        let fault = match outcome(&written) {
            Outcome::Equal => {
                table.add(&case, 0);
                continue;
            }
            Outcome::Refused(said) => {
                table.add(&case, 1);
                refusals += 1;
                // Dates that nothing tells are rightly asked for.
                if case.deformations.iter().all(|one| one.promised) && !said.starts_with("ambiguous_dates") {
                    println!("seed {seed}, {}: refused: {said}", case.name());
                }
                (case.must_be_read()).then(|| format!("refused, and it is promised: {said}"))
            }
            Outcome::Different(said) => {
                table.add(&case, 2);
                Some(format!("DIFFERENT: {said}"))
            }
        };
        if let Some(said) = fault {
            let folder = keep(&case, &written, &said);
            faults.push(format!("seed {seed}, {}: {said}\n    {}", case.name(), folder.display()));
        }
    }
    println!("{}", table.print());
    println!("{count} seeds from {first}: {} refused, {} wrong", refusals, faults.len());
    let shown = if all || count > 200 { faults.len() } else { 12 };
    assert!(
        faults.is_empty(),
        "{} of {count} are wrong:\n{}",
        faults.len(),
        faults[..shown.min(faults.len())].join("\n")
    );
    assert!(refusals * 100 <= count * 15, "{refusals} of {count} were refused, more than 15 %");
}
