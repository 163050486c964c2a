//! What is known of public names of points (`names.tsv`): at least 95 % of those whose words the lexicon was written for,
//! and of those that were held out; and never a wrong role with a confidence of 0.8 or more.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use hvac_points::{Candidate, MachineKind, Role, identify};
use sha2::{Digest, Sha256};

/// A confidence from which on a role is taken.
const TAKEN: f64 = 0.5;
/// A confidence with which no role may be wrong.
const SURE: f64 = 0.8;

struct Row {
    name: &'static str,
    unit: Option<&'static str>,
    role: &'static str,
    machine: &'static str,
}

impl Row {
    /// Every third by the hash of its name: 256 is 1 modulo 3, so the sum of the bytes tells.
    fn is_held_out(&self) -> bool {
        Sha256::digest(self.name.as_bytes()).iter().map(|byte| u32::from(*byte)).sum::<u32>() % 3 == 0
    }

    fn found(&self) -> Option<Candidate> {
        identify(self.name, self.unit, &[]).into_iter().next().filter(|found| found.confidence >= TAKEN)
    }

    fn agrees(&self, found: &Candidate) -> bool {
        let machine = match self.machine {
            "-" => true,
            "plant" => found.plant && found.machine.is_none(),
            machine => found.machine.is_some_and(|kind| kind_name(kind) == machine),
        };
        found.role.name() == self.role && machine
    }

    fn is_known(&self) -> bool {
        match self.found() {
            None => self.role == "other",
            Some(found) => self.agrees(&found),
        }
    }
}

fn kind_name(kind: MachineKind) -> &'static str {
    match kind {
        MachineKind::Chiller => "chiller",
        MachineKind::ChwPump => "chw_pump",
        MachineKind::ScpPump => "scp_pump",
        MachineKind::CwPump => "cw_pump",
        MachineKind::Tower => "tower",
        MachineKind::Other => "other",
    }
}

fn rows() -> Vec<Row> {
    let lines = include_str!("names.tsv").lines().filter(|line| !line.starts_with('#')).skip(1);
    let row = |line: &'static str| {
        let cells: Vec<&str> = line.split('\t').collect();
        let unit = Some(cells[1]).filter(|unit| *unit != "-");
        Row { name: cells[0], unit, role: cells[2], machine: cells[3] }
    };
    lines.map(row).collect()
}

/// Of the rows that are held out, only the share is told.
#[test]
fn nineteen_of_twenty_names_are_known() {
    let rows = rows();
    assert!(rows.len() >= 300, "{} names", rows.len());
    let mut shares = Vec::new();
    for held_out in [false, true] {
        let part: Vec<&Row> = rows.iter().filter(|row| row.is_held_out() == held_out).collect();
        let known = part.iter().filter(|row| row.is_known()).count();
        for row in part.iter().filter(|row| !held_out && !row.is_known()) {
            let found = identify(row.name, row.unit, &[]);
            let found: Vec<String> = found
                .iter()
                .map(|c| format!("{} {:?} {} ({})", c.role.name(), c.machine, c.confidence, c.evidence))
                .collect();
            println!("{} is {} {}, not {found:?}", row.name, row.role, row.machine);
        }
        println!("{known} of {} known{}", part.len(), if held_out { " of those held out" } else { "" });
        shares.push(known as f64 / part.len() as f64);
    }
    assert!(shares.iter().all(|share| *share >= 0.95), "{shares:?}");
}

#[test]
fn no_name_gets_a_wrong_role_for_sure() {
    let wrong: Vec<&str> = rows()
        .iter()
        .filter(|row| row.found().is_some_and(|found| found.confidence >= SURE && !row.agrees(&found)))
        .map(|row| if row.is_held_out() { "(one that is held out)" } else { row.name })
        .collect();
    assert!(wrong.is_empty(), "{wrong:?}");
}

#[test]
fn units_and_values_confirm_or_contradict() {
    let of = |name: &str, unit: Option<&str>, values: &[f64]| identify(name, unit, values).into_iter().next();
    let confidence =
        |name: &str, unit: Option<&str>, values: &[f64]| of(name, unit, values).map_or(0.0, |found| found.confidence);
    assert!(confidence("CHWST", Some("°C"), &[7.0]) > confidence("CHWST", None, &[]));
    for (name, unit, values) in [
        ("CHWST", Some("kPa"), [7.0, 8.0]),
        ("CHWST", Some("°C"), [60.0, 61.0]),
        ("CHWST", None, [0.0, 1.0]),
        ("RH", None, [20.0, 400.0]),
        ("CHP_1_VFD", None, [0.0, 98.0]),
    ] {
        assert!(confidence(name, unit, &values) < 0.5, "{name} {unit:?} {values:?}");
    }
    let running = of("CHP_1", None, &[0.0, 1.0, 1.0]).unwrap();
    assert_eq!((running.role, running.machine), (Role::Running, Some(MachineKind::ChwPump)));
    assert_eq!(of("CHP_1", None, &[0.0, 48.5]).unwrap().role, Role::Speed);
    assert_eq!(of("CHP_1", None, &[]), None);
}
