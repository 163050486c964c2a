//! What a user calls a session or a model: never guessed when it may mean two, and asked about when it is for ever.

use std::fs::File;
use std::io::{Read, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use serde_json::Value;
use tempfile::TempDir;

use crate::helpers::Process;

fn run(folder: &Path, arguments: &[&str]) -> (Option<i32>, String, String) {
    let ran = Process::command(folder, arguments).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (ran.status.code(), text(ran.stdout), text(ran.stderr))
}

fn json(folder: &Path, arguments: &[&str]) -> Value {
    let (code, stdout, stderr) = run(folder, &[arguments, &["--json"]].concat());
    assert_eq!(code, Some(0), "{arguments:?}: {stdout}{stderr}");
    serde_json::from_str(&stdout).unwrap()
}

/// A session of one small report; its first value tells it apart.
fn session(folder: &Path, name: &str, site: &str, first: u32) -> String {
    let file = folder.join(format!("{first}.csv"));
    std::fs::write(&file, format!("timestamp,A\n2024-07-01 00:00,{first}\n2024-07-01 00:15,2\n")).unwrap();
    let parse = ["parse", file.to_str().unwrap(), "--timezone", "UTC", "--name", name, "--site", site];
    json(folder, &parse)["session_id"].as_str().unwrap().to_owned()
}

fn deleted_at(folder: &Path, id: &str) -> Value {
    json(folder, &["sessions", "show", id])["deleted_at"].clone()
}

/// Every command that is told a session.
fn commands(name: &str) -> Vec<Vec<&str>> {
    [
        &["sessions", "show", name][..],
        &["sessions", "rename", name, "other"],
        &["sessions", "delete", name],
        &["sessions", "restore", name],
        &["sessions", "purge", name],
        &["sessions", "purge", name, "--yes"],
        &["preview", name],
        &["stats", name],
        &["export", name, "-o", "x.csv"],
        &["clean", name],
        &["train", name, "--name", "m"],
        &["parse", "1.csv", "--session", name],
    ]
    .map(<[&str]>::to_vec)
    .to_vec()
}

#[test]
fn a_name_of_a_live_and_a_deleted_session_is_refused_by_every_command() {
    let folder = TempDir::new().unwrap();
    let folder = folder.path();
    let (gone, live) = (session(folder, "Twin", "NORTH", 1), session(folder, "Twin", "SOUTH", 2));
    assert_eq!(run(folder, &["sessions", "delete", &gone]).0, Some(0));
    for command in commands("Twin") {
        let (code, stdout, stderr) = run(folder, &command);
        assert_eq!(code, Some(1), "{command:?}: {stdout}{stderr}");
        let line =
            |id: &str| stderr.lines().find(|l| l.contains(id)).unwrap_or_else(|| panic!("{command:?}: {stderr}"));
        assert!(line(&gone).contains("NORTH") && line(&gone).contains(", deleted 20"), "{stderr}");
        assert!(line(&live).contains("SOUTH") && line(&live).contains("not deleted"), "{stderr}");
        assert!(line(&live).contains("Twin") && line(&live).contains("made 20"), "{stderr}");
    }
    assert_eq!(deleted_at(folder, &live), Value::Null);
    assert!(deleted_at(folder, &gone).is_string());
    assert_eq!(json(folder, &["preview", &live])["preview"][0]["A"], 2.0, "what it was");
    let problem: Value = serde_json::from_str(&run(folder, &["sessions", "purge", "Twin", "--json"]).1).unwrap();
    assert_eq!((&problem["code"], &problem["status"]), (&"ambiguous_session".into(), &409.into()));
    assert!(problem["errors"].to_string().contains(&live) && problem["errors"].to_string().contains(&gone));
    assert_eq!(run(folder, &["sessions", "purge", &gone, "--yes"]).0, Some(0));
    assert_eq!(json(folder, &["preview", "Twin"])["preview"][0]["A"], 2.0, "now the name means one");
}

#[test]
fn the_beginning_of_an_id_that_is_also_a_name_is_refused_and_a_whole_id_never() {
    let folder = TempDir::new().unwrap();
    let folder = folder.path();
    let first = session(folder, "First", "A", 1);
    let beginning = &first[..30];
    let second = session(folder, beginning, "B", 2);
    for command in commands(beginning) {
        let (code, _, stderr) = run(folder, &command);
        assert_eq!(code, Some(1), "{command:?}: {stderr}");
        assert!(stderr.contains(&first) && stderr.contains(&second), "{command:?}: {stderr}");
    }
    let several = run(folder, &["sessions", "show", &first[..4]]).2;
    assert!(several.contains(&first) && several.contains(&second), "{several}");
    assert_eq!(run(folder, &["sessions", "rename", &second, &first]).0, Some(0));
    assert_eq!(json(folder, &["sessions", "show", &first])["name"], "First", "else no way would lead to it");
    // A file of a session's name is neither guessed.
    std::fs::write(folder.join("First"), "no report").unwrap();
    let (code, _, stderr) = run(folder, &["train", "First", "--name", "m"]);
    assert!(code == Some(1) && stderr.contains("./First"), "{stderr}");
    for _ in 0..11 {
        session(folder, "Many", "A", 1);
    }
    for number in 3..14 {
        session(folder, "Many", "A", number);
    }
    assert!(run(folder, &["preview", "Many"]).2.contains("more than 10"));
}

/// A command at a terminal of its own, which somebody types `answer` into; what the terminal shows, and the exit code.
fn at_a_terminal(mut command: Command, answer: &str) -> (Option<i32>, String) {
    let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&ours).unwrap();
    unlockpt(&ours).unwrap();
    let name = ptsname(&ours, Vec::new()).unwrap();
    let open = || File::options().read(true).write(true).open(Path::new(name.to_str().unwrap())).unwrap();
    let mut child: Child = command.stdin(open()).stderr(open()).stdout(Stdio::null()).spawn().unwrap();
    drop(command);
    let mut ours = File::from(ours);
    let mut shown = Vec::new();
    let mut piece = [0; 1024];
    while !String::from_utf8_lossy(&shown).contains("Type yes:") {
        match ours.read(&mut piece) {
            Ok(read) if read > 0 => shown.extend_from_slice(&piece[..read]),
            _ => break,
        }
    }
    ours.write_all(answer.as_bytes()).unwrap();
    while let Ok(read) = ours.read(&mut piece) {
        if read == 0 {
            break;
        }
        shown.extend_from_slice(&piece[..read]);
    }
    (child.wait().unwrap().code(), String::from_utf8_lossy(&shown).into_owned())
}

#[test]
fn what_is_for_ever_is_asked_for() {
    let folder = TempDir::new().unwrap();
    let folder = folder.path();
    let id = session(folder, "Plant", "A", 1);
    let (code, _, stderr) = run(folder, &["sessions", "purge", "Plant"]);
    assert!(code == Some(1) && stderr.contains("--yes") && stderr.contains(&id), "{stderr}");
    for answer in ["no\n", "y\n", "\n"] {
        let (code, shown) = at_a_terminal(Process::command(folder, &["sessions", "purge", "Plant"]), answer);
        assert_eq!(code, Some(1), "{shown}");
        assert!(shown.contains(&id) && shown.contains("Plant") && shown.contains("nothing was done"), "{shown}");
    }
    assert_eq!(deleted_at(folder, &id), Value::Null);
    let (code, shown) = at_a_terminal(Process::command(folder, &["sessions", "purge", "Plant"]), "yes\n");
    assert_eq!(code, Some(0), "{shown}");
    assert!(run(folder, &["sessions", "show", &id]).2.contains("no session"));
}

#[test]
fn a_model_is_deleted_by_one_version_and_after_asking() {
    let folder = TempDir::new().unwrap();
    let folder = folder.path();
    let rows: String = (0..400)
        .map(|n| {
            let (load, day, hour) = (200.0 + f64::from(n * 37 % 211), n / 96 + 1, n / 4 % 24);
            let power = load * 0.6 + f64::from(n % 7);
            format!("2024-07-{day:02} {hour:02}:{:02},{load},{},{power}\n", n % 4 * 15, 20 + n % 9)
        })
        .collect();
    std::fs::write(folder.join("plant.csv"), format!("timestamp,CH_SYS_RT,OAT,CH_SYS_TOTAL_KW\n{rows}")).unwrap();
    let train = ["plant.csv", "--algorithm", "gbdt", "--timezone", "UTC", "--target", "CH_SYS_TOTAL_KW", "--force"];
    let train = |name: &str| {
        let feature = ["--feature", "CH_SYS_RT", "--feature", "OAT", "--name", name];
        json(folder, &[&["train"][..], &train, &feature].concat())["model_id"].as_str().unwrap().to_owned()
    };
    let (first, second) = (train("m"), train("m"));
    for arguments in [&["models", "delete", "m"][..], &["models", "delete", "m", "--yes", "--force"]] {
        let (code, _, stderr) = run(folder, arguments);
        assert_eq!(code, Some(1), "{stderr}");
        assert!(stderr.contains(&first) && stderr.contains(&second) && stderr.contains("m:v2"), "{stderr}");
    }
    let (code, _, stderr) = run(folder, &["models", "delete", "m:v1"]);
    assert!(code == Some(1) && stderr.contains("--yes") && stderr.contains(&first), "{stderr}");
    assert_eq!(run(folder, &["models", "delete", "m:v1", "--yes"]).0, Some(0));
    assert_eq!(json(folder, &["models", "show", "m"])["id"], second.as_str());

    // A name that is another's id.
    let third = train(&second);
    for arguments in [
        &["models", "show", &second][..],
        &["models", "export", &second, "-o", "x.csv"],
        &["models", "delete", &second, "--yes"],
        &["predict", &second, "--set", "load_rt=300"],
        &["optimize", &second],
    ] {
        let (code, _, stderr) = run(folder, arguments);
        assert_eq!(code, Some(1), "{arguments:?}: {stderr}");
        assert!(stderr.contains(&third) && stderr.contains("m:v2"), "{arguments:?}: {stderr}");
    }
    assert_eq!(json(folder, &["models", "show", "m:v2"])["id"], second.as_str());
    assert_eq!(json(folder, &["models", "show", &format!("{second}:v1")])["id"], third.as_str());
}
