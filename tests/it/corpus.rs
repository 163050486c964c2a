//! What fuzzing starts from and has found, once through its targets; and some thousand inputs made of it.

use std::path::Path;

#[path = "../../fuzz/src/columns.rs"]
mod columns;
#[path = "../../fuzz/src/report.rs"]
mod report;

/// Runs `target` on each file of the corpus, and on it with a few bytes changed in a way that only looks random.
fn run(name: &str, changes: u64, target: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(name);
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(files.len() >= 4, "the corpus was not found");
    for file in files {
        let bytes = std::fs::read(file).unwrap();
        target(&bytes);
        let mut state = 0x9e37_79b9_7f4a_7c15_u64;
        for _ in 0..changes {
            let mut other = bytes.clone();
            for _ in 0..3 {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                let at = usize::try_from(state >> 33).unwrap() % other.len().max(1);
                if let Some(byte) = other.get_mut(at) {
                    *byte ^= u8::try_from(state >> 20 & 0xff).unwrap();
                }
            }
            target(&other);
        }
    }
}

#[test]
fn columns_of_the_corpus_come_back() {
    run("columns", 20, columns::round_trip);
}

#[test]
fn reports_of_the_corpus_are_read_or_refused() {
    run("report", 300, report::read);
}
