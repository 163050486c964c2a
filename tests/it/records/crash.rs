//! SIGKILL in the middle of batch writes: what was acknowledged is there once, in its latest state.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

use super::*;
use crate::helpers::{Client, Process};

/// Rounds: RECORDS_CRASH_ROUNDS, else few enough for every day.
fn rounds() -> u64 {
    std::env::var("RECORDS_CRASH_ROUNDS").ok().and_then(|text| text.parse().ok()).unwrap_or(20)
}

/// A number that looks random, the same in each run.
fn shuffled(seed: u64) -> u64 {
    let mut x = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

/// What is known of a key: the state that was acknowledged last, and the one that was sent last.
#[derive(Debug, Clone, Copy, Default)]
struct Known {
    acknowledged: u64,
    sent: u64,
}

/// Writes batches of ever newer states until the server is gone.
async fn write_on(client: &Client, writer: u64, known: &Mutex<BTreeMap<String, Known>>, mut state: u64) {
    loop {
        state += 1;
        let count = 1 + shuffled(state * 7 + writer) % 40;
        let keys: Vec<String> = (0..count).map(|at| format!("w{writer}-{}", shuffled(state + at) % 60)).collect();
        let records: Vec<Value> =
            keys.iter().map(|key| json!({"work_order_id": key, "title": state.to_string(), "cost": state})).collect();
        for key in &keys {
            known.lock().unwrap().entry(key.clone()).or_default().sent = state;
        }
        let answer = client.post("/api/v1/work-orders/batch", &json!({"work_orders": records})).await;
        let Ok(answer) = answer else { return };
        assert_eq!(answer["count"], count, "{answer}");
        for key in keys {
            known.lock().unwrap().entry(key).or_default().acknowledged = state;
        }
    }
}

/// Every record, by its key.
async fn everything(client: &Client) -> BTreeMap<String, u64> {
    let mut found = BTreeMap::new();
    for page in 1.. {
        let path = format!("/api/v1/work-orders?page={page}&page_size=100&sort_by=work_order_id");
        let (status, body) = client.get(&path).await;
        assert_eq!(status, 200);
        let page: Value = serde_json::from_slice(&body).unwrap();
        let items = page["items"].as_array().unwrap();
        for item in items {
            let state = item["title"].as_str().unwrap().parse().unwrap();
            assert_eq!(item["cost"], state, "one write's fields stand together: {item}");
            assert!(found.insert(item["work_order_id"].as_str().unwrap().to_owned(), state).is_none(), "twice: {item}");
        }
        if items.len() < 100 {
            assert_eq!(page["total"], found.len());
            return found;
        }
    }
    found
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_in_the_middle_of_writes_nothing_acknowledged_is_lost() {
    killed_again_and_again(&TempDir::new().unwrap(), &[]).await;
}

/// The same with work orders that another server keeps: `environment` names it, and the folder's declarations say so.
pub async fn killed_again_and_again(folder: &TempDir, environment: &[(&str, String)]) {
    let serve = || {
        let mut command = Process::command(folder.path(), &["serve"]);
        command.envs(environment.iter().map(|(name, value)| (*name, value)));
        Process::serve_by(folder.path(), command)
    };
    let known: Mutex<BTreeMap<String, Known>> = Mutex::default();
    let mut acknowledged = 0;
    for round in 0..rounds() {
        let server = serve();
        let client = Client::of(&server);
        let first = round * 1_000_000;
        let writers = async {
            tokio::join!(
                write_on(&client, 1, &known, first),
                write_on(&client, 2, &known, first),
                write_on(&client, 3, &known, first)
            )
        };
        let killer = async {
            tokio::time::sleep(Duration::from_millis(30 + shuffled(round) % 300)).await;
            server.kill_9();
        };
        tokio::join!(writers, killer);

        let server = serve();
        let found = everything(&Client::of(&server)).await;
        let mut known = known.lock().unwrap();
        for (key, known) in known.iter_mut() {
            let state = found.get(key).copied().unwrap_or_default();
            assert!(
                state == known.acknowledged || state == known.sent,
                "round {round}, {key}: found {state}, acknowledged {}, sent {}",
                known.acknowledged,
                known.sent
            );
            // What was sent without an answer may be there or not; from now on it is what it is.
            acknowledged += u64::from(known.acknowledged > first);
            *known = Known { acknowledged: state, sent: state };
        }
        server.kill_9();
    }
    assert!(acknowledged > rounds() * 3, "only {acknowledged} states were acknowledged");
}
