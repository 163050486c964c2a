//! A disk that fills up in the middle of an upload or a publish: said clearly, nothing half-stored, and it works again
//! when there is room.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::json;

use crate::helpers::TestApp;

/// A file system of 32 MiB; unmounted when dropped.
struct SmallDisk(PathBuf);

impl SmallDisk {
    fn mount(at: &Path) -> Self {
        std::fs::create_dir_all(at).unwrap();
        let done = Command::new("mount").args(["-t", "tmpfs", "-o", "size=32m", "tmpfs"]).arg(at).status().unwrap();
        assert!(done.success(), "this test mounts a file system, so it must run as root");
        Self(at.to_owned())
    }

    /// Leaves only so many bytes free; again, while space of files that were given up still comes back.
    fn fill_up_to(&self, free: usize) {
        let (filler, probe) = (self.0.join("filler"), self.0.join("probe"));
        let mut quiet = 0;
        while quiet < 5 {
            let _ = std::fs::remove_file(&filler);
            let mut size = 32 << 20;
            while std::fs::write(&filler, vec![0_u8; size]).is_err() {
                size -= 1 << 16;
            }
            std::fs::write(&filler, vec![0_u8; size - free]).unwrap();
            std::thread::sleep(std::time::Duration::from_millis(50));
            let too_free = std::fs::write(&probe, vec![0_u8; free + (1 << 18)]).is_ok();
            std::fs::remove_file(&probe).unwrap();
            quiet = if too_free { 0 } else { quiet + 1 };
        }
    }

    /// Bytes that are free.
    fn free(&self) -> u64 {
        let output = Command::new("df").args(["--output=avail", "-B1"]).arg(&self.0).output().unwrap();
        String::from_utf8(output.stdout).unwrap().lines().nth(1).unwrap().trim().parse().unwrap()
    }

    /// Waits until what was given up is free again: that happens behind the answer.
    fn settle(&self, free: u64) {
        for _ in 0..1500 {
            if self.free() + (1 << 18) >= free {
                return;
            }
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
        panic!("{} of {free} bytes are free again", self.free());
    }

    fn make_room(&self) {
        std::fs::remove_file(self.0.join("filler")).unwrap();
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

/// Numbers that do not compress.
fn report(rows: u32) -> Vec<u8> {
    let mut text = "time,a,b\n".to_owned();
    let mut seed = 1_u32;
    for row in 0..rows {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        text += &format!("{},{}.{},{}\n", 1_577_836_800 + row * 60, seed >> 8, seed & 0xff, seed);
    }
    text.into_bytes()
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs root, to mount a small file system"]
async fn a_full_disk_is_said_and_loses_nothing() {
    let folder = tempfile::TempDir::new().unwrap();
    let disk = SmallDisk::mount(&folder.path().join("sessions"));
    let storage = disk.0.display().to_string();
    let app = TestApp::start_with(&[("DATA_STORAGE_PATH", storage.as_str())]).await;
    let report = report(30_000);
    assert!(report.len() > 900_000 && report.len() < 1_500_000, "{}", report.len());
    let id = app.uploaded(&[("kw.csv", &report)], &[("timezone", "UTC")]).await;

    // Enough to begin with, too little in the middle.
    disk.fill_up_to(19_000_000);
    let before = files(&disk.0);
    let free = disk.free();
    app.upload(&[("more.csv", &vec![b'0'; 20_000_000])], &[]).await.expect_problem(503, "disk_full");
    only(&disk.0, &before).await;
    disk.settle(free);
    // Too little to begin with.
    disk.fill_up_to(100_000);
    app.upload(&[("more.csv", b"time,kw\n")], &[]).await.expect_problem(503, "disk_full");
    let problem = app.post("/api/parse", &json!({"session_id": id})).await.expect_problem(503, "disk_full");
    let detail = problem["detail"].as_str().unwrap();
    assert!(
        detail.contains("Free some space") && detail.contains("has 0 MB free, of which 17 MB are kept"),
        "{problem}"
    );
    only(&disk.0, &before).await;
    let session = app.get(&format!("/api/sessions/{id}")).await.expect(200);
    assert_eq!((&session["status"], session["versions"].as_array().unwrap().len()), (&json!("uploaded"), 0));
    assert_eq!(app.get("/api/sessions").await.expect(200)["total"], 1);

    disk.make_room();
    let answer = app.post("/api/parse", &json!({"session_id": id})).await.expect(200);
    assert_eq!(answer["row_count"], 30_000);
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs root, to mount a small file system"]
async fn a_full_disk_fails_no_download() {
    let folder = tempfile::TempDir::new().unwrap();
    let disk = SmallDisk::mount(&folder.path().join("sessions"));
    let storage = disk.0.display().to_string();
    let app = TestApp::start_with(&[("DATA_STORAGE_PATH", storage.as_str())]).await;
    let id = app.parsed(&[("kw.csv", &report(30_000))], &[("timezone", "UTC")]).await["session_id"].clone();
    let path = format!("/api/sessions/{}/data.csv", id.as_str().unwrap());
    let before = files(&disk.0);

    // Nothing fits, a part of the file fits (it may take a quarter of what is free), all of it fits.
    let mut answers = Vec::new();
    for (free, kept) in [(40_000, false), (2_000_000, false), (12_000_000, true)] {
        disk.fill_up_to(free);
        let whole = app.get(&path).await;
        let (head, part) = (app.head_with(&path, &[]).await, app.get_with(&path, &[("range", "bytes=0-9")]).await);
        let length = if kept { whole.body.len().to_string() } else { String::new() };
        assert_eq!((whole.status, head.status, part.status), (200, 200, if kept { 206 } else { 200 }), "{free}");
        assert_eq!(head.header("content-length"), length, "{free}");
        assert_eq!(head.header("accept-ranges"), if kept { "bytes" } else { "" }, "{free}");
        disk.make_room();
        if !kept {
            only(&disk.0, &before).await;
        }
        answers.push(whole.body);
    }
    assert!(answers[2].len() > 1_000_000 && answers.iter().all(|body| *body == answers[2]));
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs root, to mount a small file system"]
async fn a_full_disk_in_the_middle_of_an_import_leaves_nothing() {
    let here = TestApp::start().await;
    let id = here.parsed(&[("kw.csv", &report(30_000))], &[("timezone", "UTC")]).await["session_id"].clone();
    let bundle = here.get(&format!("/api/sessions/{}/bundle.zip", id.as_str().unwrap())).await.body;
    let folder = tempfile::TempDir::new().unwrap();
    let disk = SmallDisk::mount(&folder.path().join("sessions"));
    let storage = disk.0.display().to_string();
    let app = TestApp::start_with(&[("DATA_STORAGE_PATH", storage.as_str())]).await;
    let import = async || {
        let send = |request: reqwest::RequestBuilder| request.body(bundle.clone());
        app.request(reqwest::Method::POST, "/api/sessions/import", send).await
    };
    // Too little for the bundle, too little for what it unpacks to.
    for free in [100_000, 17_000_000 + bundle.len() / 2, 17_000_000 + bundle.len() * 3 / 2] {
        disk.fill_up_to(free);
        let before = files(&disk.0);
        import().await.expect_problem(503, "disk_full");
        only(&disk.0, &before).await;
        disk.make_room();
    }
    assert_eq!(app.get("/api/sessions").await.expect(200)["total"], 0);
    import().await.expect(201);
    app.stop().await;
}

/// Not a byte is free for anything else, the database's log included; what the refusal names as the way out is one.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs root, to mount a small file system"]
async fn a_purge_makes_room_on_a_full_disk() {
    let folder = tempfile::TempDir::new().unwrap();
    let disk = SmallDisk::mount(&folder.path().join("data"));
    let (storage, database) = (disk.0.join("sessions"), disk.0.join("hvac.db"));
    std::fs::create_dir_all(&storage).unwrap();
    let (storage, database) = (storage.display().to_string(), format!("sqlite://{}", database.display()));
    let settings = [("DATA_STORAGE_PATH", storage.as_str()), ("DATABASE_URL", database.as_str())];
    let app = TestApp::start_with(&settings).await;
    let id = app.parsed(&[("kw.csv", &report(30_000))], &[("timezone", "UTC")]).await["session_id"].clone();
    let path = format!("/api/sessions/{}", id.as_str().unwrap());
    app.patch(&path, &json!({"notes": "as it was"})).await.expect(200);

    assert!(disk.0.join("hvac.db-spare").exists());
    disk.fill_up_to(0);
    // Until what the log has already is used up.
    let note = |turn: u32| json!({"notes": format!("{turn} {}", "x".repeat(9_000))});
    let mut turn = 0;
    let problem = loop {
        let answer = app.patch(&path, &note(turn)).await;
        if answer.status != 200 {
            break answer.expect_problem(503, "disk_full");
        }
        turn += 1;
        assert!(turn < 5_000, "the disk is full");
    };
    assert!(problem["detail"].as_str().unwrap().contains("purge deleted"), "{problem}");
    app.delete(&format!("{path}?purge=true")).await.expect(204);
    app.get(&path).await.expect_problem(404, "unknown_session");
    disk.settle(1_000_000);
    assert!(disk.0.join("hvac.db-spare").exists(), "something is kept for the next time");
    disk.make_room();
    app.parsed(&[("small.csv", &report(10))], &[("timezone", "UTC")]).await;
    app.stop().await;
}

/// Waits for what was given up to be removed: that happens behind the answer.
async fn only(folder: &Path, expected: &[PathBuf]) {
    for _ in 0..100 {
        if files(folder) == expected {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    assert_eq!(files(folder), expected);
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        if entry.path().is_dir() {
            found.extend(files(&entry.path()));
        } else {
            found.push(entry.path());
        }
    }
    found.sort();
    found
}
