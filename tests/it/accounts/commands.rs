//! Accounts and keys by command, as a user runs it.

use std::fs::File;
use std::io::{Read, Write};
use std::path::Path;
use std::process::{Output, Stdio};

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use serde_json::Value;
use tempfile::TempDir;

use super::PASSWORD;
use crate::helpers::Process;

/// What a command prints, and its exit code.
fn run(folder: &Path, arguments: &[&str], stdin: &str) -> (Option<i32>, String, String) {
    let mut child = Process::command(folder, arguments).stdin(Stdio::piped()).spawn().unwrap();
    // Nobody reads what a command that fails before does not want.
    let _ = child.stdin.take().unwrap().write_all(stdin.as_bytes());
    let Output { status, stdout, stderr } = child.wait_with_output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (status.code(), text(stdout), text(stderr))
}

#[track_caller]
fn ok(folder: &Path, arguments: &[&str], stdin: &str) -> String {
    let (code, stdout, stderr) = run(folder, arguments, stdin);
    assert_eq!(code, Some(0), "{arguments:?}: {stdout}{stderr}");
    stdout
}

#[track_caller]
fn json(folder: &Path, arguments: &[&str]) -> Value {
    serde_json::from_str(&ok(folder, &[arguments, &["--json"]].concat(), "")).unwrap()
}

#[track_caller]
fn fails(folder: &Path, arguments: &[&str], stdin: &str, says: &str) {
    let (code, stdout, stderr) = run(folder, arguments, stdin);
    assert!(code.is_some_and(|code| code > 0) && stderr.contains(says), "{arguments:?}: {code:?} {stdout}{stderr}");
}

#[test]
fn a_key_is_printed_once_listed_and_revoked() {
    let folder = TempDir::new().unwrap();
    let folder = folder.path();
    assert!(ok(folder, &["keys"], "").contains("keys create"));
    let (_, key, told) = run(folder, &["keys", "create", "gateway", "--role", "operator", "--expires", "90d"], "");
    assert!(key.starts_with("hvac_") && key.len() == 49 && key.ends_with('\n'), "alone on standard output: {key}");
    assert!(told.contains("gateway (operator)") && told.contains("until 20") && !told.contains(key.trim()), "{told}");
    let made = json(folder, &["keys", "create", "reader", "--role", "viewer"]);
    assert!(made["key"].as_str().unwrap().starts_with("hvac_") && made["expires_at"].is_null(), "{made}");
    let listed = ok(folder, &["keys", "list"], "");
    let lines: Vec<&str> = listed.lines().collect();
    assert!(
        lines.len() == 3 && lines[0].starts_with("ID") && lines[1].contains("reader") && lines[1].contains("never")
    );
    let listed = json(folder, &["keys"]);
    assert_eq!((&listed["total"], &listed["items"][1]["name"]), (&2.into(), &"gateway".into()));
    for shown in [listed.to_string(), ok(folder, &["keys"], "")] {
        assert!(!shown.contains("hvac_") && !shown.contains("sha256"), "{shown}");
    }
    // A second key of the same name is for changing over; to revoke one of them takes its id.
    let second = json(folder, &["keys", "create", "gateway", "--role", "viewer"]);
    fails(folder, &["keys", "revoke", "gateway"], "", second["id"].as_str().unwrap());
    ok(folder, &["keys", "revoke", second["id"].as_str().unwrap()], "");
    assert!(ok(folder, &["keys", "revoke", "gateway"], "").starts_with("revoked "));
    fails(folder, &["keys", "revoke", "gateway"], "", "there is no key 'gateway'");
    assert_eq!(json(folder, &["keys"])["total"], 1);
    assert_eq!(json(folder, &["keys", "list", "--revoked"])["total"], 3);
    for (arguments, says) in [
        (&["keys", "create", "x"][..], "--role"),
        (&["keys", "create", "x", "--role", "root"], "viewer"),
        (&["keys", "create", "x", "--role", "viewer", "--expires", "soon"], "90d"),
        (&["keys", "create", "x", "--role", "viewer", "--user", "nobody"], "there is no account 'nobody'"),
        (&["keys", "create", "", "--role", "viewer"], "name"),
    ] {
        fails(folder, arguments, "", says);
    }
}

#[test]
fn accounts_are_made_and_changed_and_a_lost_admin_comes_back() {
    let folder = TempDir::new().unwrap();
    let folder = folder.path();
    let password = format!("{PASSWORD}\n");
    assert!(
        ok(folder, &["users", "create", "Chen", "--role", "admin"], &password).contains("Chen: person, admin, enabled")
    );
    fails(folder, &["users", "create", "chen", "--role", "viewer"], &password, "there is an account");
    fails(folder, &["users", "create", "lin", "--role", "viewer"], "short\n", "at least 12");
    fails(folder, &["users", "create", "lin", "--role", "viewer"], "", "at least 12");
    fails(folder, &["users", "create", "lin", PASSWORD, "--role", "viewer"], "", "unexpected argument");
    ok(folder, &["users", "create", "lin", "--role", "viewer"], &password);
    let listed = json(folder, &["users"]);
    assert_eq!((&listed["total"], &listed["items"][0]["has_password"]), (&2.into(), &true.into()));
    assert!(!listed.to_string().contains("argon2"), "{listed}");
    assert!(ok(folder, &["users", "list"], "").lines().next().unwrap().starts_with("ID"));

    fails(folder, &["users", "disable", "chen"], "", "last admin");
    fails(folder, &["users", "role", "CHEN", "operator"], "", "last admin");
    assert!(ok(folder, &["users", "role", "lin", "admin"], "").contains("admin"));
    assert!(ok(folder, &["users", "disable", "chen"], "").contains("disabled"));
    fails(folder, &["keys", "create", "k", "--role", "viewer", "--user", "chen"], "", "disabled");
    assert!(ok(folder, &["users", "enable", "chen"], "").contains("enabled"));
    ok(folder, &["users", "passwd", "chen"], "another good password\n");
    fails(folder, &["users", "passwd", "nobody"], &password, "there is no account 'nobody'");
    ok(folder, &["keys", "create", "gateway", "--role", "viewer"], "");
    fails(folder, &["users", "passwd", "gateway"], &password, "a service");
    fails(folder, &["keys", "create", "lin", "--role", "viewer"], "", "--user");
}

/// A command at a terminal of its own; `answers` are typed one after the other as `asked` comes. What the terminal shows.
fn at_a_terminal(folder: &Path, arguments: &[&str], answers: &[(&str, &str)]) -> (Option<i32>, String) {
    let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&ours).unwrap();
    unlockpt(&ours).unwrap();
    let name = ptsname(&ours, Vec::new()).unwrap();
    let open = || File::options().read(true).write(true).open(Path::new(name.to_str().unwrap())).unwrap();
    let mut command = Process::command(folder, arguments);
    let mut child = command.stdin(open()).stderr(open()).stdout(Stdio::null()).spawn().unwrap();
    drop(command);
    let mut ours = File::from(ours);
    let (mut shown, mut piece) = (String::new(), [0; 1024]);
    let mut read = |ours: &mut File, shown: &mut String| match ours.read(&mut piece) {
        Ok(read) if read > 0 => {
            shown.push_str(&String::from_utf8_lossy(&piece[..read]));
            true
        }
        _ => false,
    };
    for (asked, answer) in answers {
        while !shown.contains(asked) && read(&mut ours, &mut shown) {}
        ours.write_all(answer.as_bytes()).unwrap();
    }
    while read(&mut ours, &mut shown) {}
    (child.wait().unwrap().code(), shown)
}

#[test]
fn a_terminal_shows_no_password() {
    let folder = TempDir::new().unwrap();
    let create = ["users", "create", "chen", "--role", "admin"];
    let typed = format!("{PASSWORD}\n");
    let answers = [("New password for chen: ", typed.as_str()), ("Again: ", "something else\n")];
    let (code, shown) = at_a_terminal(folder.path(), &create, &answers);
    assert!(code == Some(1) && shown.contains("another than the first"), "{shown}");
    let (code, shown) = at_a_terminal(folder.path(), &create, &[answers[0], ("Again: ", typed.as_str())]);
    assert!(code == Some(0) && !shown.contains("horse"), "{shown}");
    assert_eq!(json(folder.path(), &["users"])["items"][0]["name"], "chen");
}
