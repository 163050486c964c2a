//! A thousand clients at once: how long an event takes from its commit to each of them, and what they take of memory.
//! `scripts/events` runs it.

use std::time::{SystemTime, UNIX_EPOCH};

use crate::helpers::{Client, Process};

use super::*;

const CLIENTS: usize = 1000;
const EVENTS: usize = 40;

fn now_ms() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs_f64() * 1e3
}

fn resident_mb(process: u32) -> f64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<f64>().unwrap() / 1024.0
}

/// Milliseconds below which that share of them is.
fn percentile(sorted: &[f64], share: f64) -> f64 {
    sorted[((sorted.len() - 1) as f64 * share).round() as usize]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "measures, for minutes: scripts/events runs it"]
async fn by_hand_a_thousand_clients_hear_of_a_commit_within_50_ms() {
    let folder = tempfile::TempDir::new().unwrap();
    let arguments = ["serve"];
    let mut command = Process::command(folder.path(), &arguments);
    if let Ok(binary) = std::env::var("HVAC_BINARY") {
        let mut other = std::process::Command::new(binary);
        other.current_dir(folder.path()).args(arguments);
        other.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
        command = other;
    }
    command.env("MAX_CONNECTIONS", "2000").env("RUST_LOG", "error");
    let server = Process::serve_by(folder.path(), command);
    let client = Client::of(&server);
    let idle_mb = resident_mb(server.id());
    let mut sockets = Vec::new();
    for n in 0..CLIENTS {
        // Half of them follow this type alone, half everything.
        let query =
            if n % 2 == 0 { "?types=session_parsed" } else { "?types=session_parsed,job_progress,session_cleaned" };
        let url = format!("ws://{}/api/v1/events{query}", server.address);
        let (mut socket, _) = tokio_tungstenite::connect_async(url).await.unwrap();
        assert!(socket.next().await.unwrap().unwrap().to_text().unwrap().contains("subscribed"));
        sockets.push(socket);
    }
    let full_mb = resident_mb(server.id());
    let following: Vec<_> = sockets
        .into_iter()
        .map(|mut socket| {
            tokio::spawn(async move {
                let (mut delays, mut last) = (Vec::new(), 0);
                while delays.len() < EVENTS {
                    let message = socket.next().await.unwrap().unwrap();
                    let received = now_ms();
                    let Ok(event) = serde_json::from_str::<Value>(message.to_text().unwrap_or_default()) else {
                        continue;
                    };
                    if event["type"] != "session_parsed" {
                        continue;
                    }
                    let seq = event["seq"].as_u64().unwrap();
                    assert!(seq > last, "in order");
                    last = seq;
                    let at = chrono::DateTime::parse_from_rfc3339(event["at"].as_str().unwrap()).unwrap();
                    // Told in whole milliseconds, cut off: up to one too many here.
                    delays.push(received - at.timestamp_millis() as f64);
                }
                delays
            })
        })
        .collect();
    for n in 0..EVENTS {
        let report = format!("time,kw{n}\n2020-01-01 00:00,1\n2020-01-01 00:15,2\n").into_bytes();
        let uploaded = client.upload("plant.csv", report).await.unwrap();
        client.post("/api/parse", &json!({"session_id": uploaded["session_id"]})).await.unwrap();
        tokio::time::sleep(Duration::from_millis(150)).await;
    }
    let mut delays = Vec::new();
    for client in following {
        delays.extend(client.await.unwrap());
    }
    assert_eq!(delays.len(), CLIENTS * EVENTS, "each got each");
    delays.sort_by(f64::total_cmp);
    let [p50, p95, p99, most] = [0.5, 0.95, 0.99, 1.0].map(|share| percentile(&delays, share));
    println!(
        "{CLIENTS} clients, {EVENTS} events: from the commit to the client P50 {p50:.1} ms, P95 {p95:.1} ms, P99 {p99:.1} ms, \
         longest {most:.1} ms; resident {idle_mb:.0} MB without clients, {full_mb:.0} MB with them ({:.1} kB each)",
        (full_mb - idle_mb) * 1024.0 / CLIENTS as f64
    );
    assert!(p99 < 50.0, "{p99} ms");
}
