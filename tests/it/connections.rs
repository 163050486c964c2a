//! Connections that stand still, that are too many, and the end of the server: with real sockets.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::helpers::{Process, TestApp};

/// Long enough for whatever ends after a second.
const PATIENCE: Duration = Duration::from_secs(12);
const QUICK: [(&str, &str); 2] = [("HEADER_TIMEOUT_SECONDS", "1"), ("STALL_TIMEOUT_SECONDS", "1")];

fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
}

fn connect_and_send(address: SocketAddr, text: &str) -> TcpStream {
    let mut stream = connect(address);
    stream.write_all(text.as_bytes()).unwrap();
    stream
}

/// Everything until the server closes; none when it does not.
fn read_to_end(stream: &mut TcpStream) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    match stream.read_to_end(&mut bytes) {
        Ok(_) => Some(bytes),
        Err(error) if error.kind() == ErrorKind::ConnectionReset => Some(bytes),
        Err(_) => None,
    }
}

/// Status and body of one answer on a connection of its own.
fn get(address: SocketAddr, path: &str) -> (u16, String) {
    let mut stream =
        connect_and_send(address, &format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"));
    answer(&mut stream)
}

fn answer(stream: &mut TcpStream) -> (u16, String) {
    let text = String::from_utf8_lossy(&read_to_end(stream).expect("an answer")).into_owned();
    (text.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0), text)
}

fn upload_head(announced: usize) -> String {
    format!(
        "POST /api/uploads HTTP/1.1\r\nHost: localhost\r\nContent-Type: multipart/form-data; boundary=b\r\n\
         Content-Length: {announced}\r\n\r\n--b\r\nContent-Disposition: form-data; name=\"files\"; filename=\"a.csv\"\r\n\r\n"
    )
}

/// A session whose CSV is longer than what a connection's buffers hold.
async fn long_session(app: &TestApp) -> String {
    let mut report = "time,kw,rt\n".to_owned();
    for minute in 0..200_000_u32 {
        let noise = f64::from(minute.wrapping_mul(2_654_435_761) >> 12) / 1024.0;
        report += &format!("{},{noise:.4},{:.4}\n", 1_577_836_800 + minute * 60, noise / 3.0);
    }
    let answer = app.parsed(&[("long.csv", report.as_bytes())], &[("timezone", "UTC")]).await;
    answer["session_id"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn every_connection_that_stands_still_ends() {
    let app = TestApp::start_with(&QUICK).await;
    let (id, address) = (long_session(&app).await, app.address);
    let json =
        "POST /api/parse HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{";
    let health = "GET /api/health HTTP/1.1\r\nHost: localhost\r\n\r\n";
    let silent: Vec<(&str, String)> = vec![
        ("nothing", String::new()),
        ("half a head", "GET /api/health HTTP/1.1\r\nHos".to_owned()),
        ("half a body of JSON", json.to_owned()),
        ("half an upload", upload_head(1_000_000)),
        ("idle after an answer", health.to_owned()),
        ("half a head after an answer", format!("{health}GET /api/hea")),
    ];
    let dripping = [
        ("a head that drips", "GET /api/health HTTP/1.1\r\nX: ".to_owned()),
        ("a body that drips", json.replace("100", "100000")),
        ("an upload that drips", upload_head(1_000_000)),
    ];
    let ended = |what: &str, begun: Instant, ended: bool| {
        let took = begun.elapsed();
        assert!(ended, "{what}: still open after {took:?}");
        assert!(took > Duration::from_millis(800), "{what}: cut off after {took:?}");
    };
    std::thread::scope(|scope| {
        for (what, sent) in &silent {
            scope.spawn(move || {
                let (begun, mut stream) = (Instant::now(), connect_and_send(address, sent));
                ended(what, begun, read_to_end(&mut stream).is_some());
            });
        }
        for (what, sent) in &dripping {
            scope.spawn(move || {
                let (begun, mut stream) = (Instant::now(), connect_and_send(address, sent));
                while stream.write_all(b"x").is_ok() && begun.elapsed() < PATIENCE {
                    std::thread::sleep(Duration::from_millis(50));
                }
                ended(what, begun, begun.elapsed() < PATIENCE);
            });
        }
        for path in [format!("/api/sessions/{id}/data.csv"), format!("/api/data/preview?session_id={id}&rows=10000")] {
            let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n");
            scope.spawn(move || {
                // Asked for again and again, so that no buffer holds it all; never read.
                let (begun, mut stream) = (Instant::now(), connect_and_send(address, &request.repeat(20)));
                std::thread::sleep(Duration::from_secs(6));
                // What the system had buffered, then the end.
                ended(&path, begun, read_to_end(&mut stream).is_some());
            });
        }
    });
    let session = app.get("/api/sessions").await.expect(200);
    assert_eq!(session["total"], 1, "nothing is left of the uploads: {session}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_client_that_is_slow_but_steady_is_served() {
    let app = TestApp::start_with(&QUICK).await;
    let (id, address) = (long_session(&app).await, app.address);
    let path = format!("/api/sessions/{id}/data.csv");
    let whole = app.get(&path).await.body;
    let reading = std::thread::spawn(move || {
        let mut stream =
            connect_and_send(address, &format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"));
        let (mut bytes, mut part) = (Vec::new(), vec![0; 256 * 1024]);
        while let Ok(n) = stream.read(&mut part) {
            if n == 0 {
                break;
            }
            bytes.extend_from_slice(&part[..n]);
            if bytes.len() < 4 << 20 {
                std::thread::sleep(Duration::from_millis(200));
            }
        }
        bytes
    });
    let sending = std::thread::spawn(move || {
        let (row, end) = ("2020-01-01 00:00,1\n".repeat(1_000), "\r\n--b--\r\n");
        let head = upload_head(0);
        let body = head.split("\r\n\r\n").skip(1).collect::<Vec<_>>().join("\r\n\r\n").len();
        let mut stream = connect_and_send(address, &upload_head(body + 20 * row.len() + end.len()));
        for _ in 0..20 {
            stream.write_all(row.as_bytes()).unwrap();
            std::thread::sleep(Duration::from_millis(150));
        }
        stream.write_all(end.as_bytes()).unwrap();
        let mut start = [0; 12];
        stream.read_exact(&mut start).unwrap();
        String::from_utf8_lossy(&start).into_owned()
    });
    let answered = reading.join().unwrap();
    assert!(answered.len() > whole.len() && whole.len() > 6 << 20, "{} of {}", answered.len(), whole.len());
    assert_eq!(sending.join().unwrap(), "HTTP/1.1 201");
}

#[tokio::test(flavor = "multi_thread")]
async fn silent_connections_keep_nobody_out() {
    let app = TestApp::start_with(&[("MAX_CONNECTIONS", "8")]).await;
    let mut silent = Vec::new();
    for _ in 0..100 {
        silent.push(connect_and_send(app.address, "GET /api/health HT"));
        if silent.len() % 10 == 0 {
            let address = app.address;
            let (status, text) = tokio::task::spawn_blocking(move || get(address, "/api/health")).await.unwrap();
            assert_eq!(status, 200, "{text}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn where_all_connections_are_at_work_the_next_is_told_so() {
    let app = TestApp::start_with(&[("MAX_CONNECTIONS", "4")]).await;
    let address = app.address;
    let told = move || {
        let patience = Instant::now() + PATIENCE;
        loop {
            let _busy = [(); 4].map(|()| connect_and_send(address, &upload_head(1_000_000)));
            // Most likely the server has seen them all by then; one that it has not makes room.
            std::thread::sleep(Duration::from_millis(300));
            let (status, text) = get(address, "/api/health");
            if status == 503 {
                return text;
            }
            assert_eq!(status, 200, "{text}");
            assert!(Instant::now() < patience, "never refused");
        }
    };
    let text = tokio::task::spawn_blocking(told).await.unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    assert!(head.contains("Retry-After: 5") && head.contains("application/problem+json"), "{head}");
    let problem: serde_json::Value = serde_json::from_str(body).unwrap();
    assert_eq!((&problem["code"], &problem["status"]), (&json!("no_connection_left"), &json!(503)), "{problem}");
}

#[test]
fn one_client_has_a_bound_only_where_others_can_connect() {
    for (host, refused) in [("0.0.0.0", true), ("127.0.0.1", false)] {
        let folder = tempfile::tempdir().unwrap();
        let mut command = Process::command(folder.path(), &["serve", "--host", host]);
        command.env("MAX_CONNECTIONS_PER_CLIENT", "3").env("INSECURE", "true");
        let server = Process::serve_by(folder.path(), command);
        let address = SocketAddr::from(([127, 0, 0, 1], server.address.port()));
        let _busy: Vec<TcpStream> = (0..3).map(|_| connect_and_send(address, &upload_head(1_000_000))).collect();
        std::thread::sleep(Duration::from_millis(500));
        let (status, text) = get(address, "/api/health");
        assert_eq!(status, if refused { 429 } else { 200 }, "{host}: {text}");
        assert_eq!(text.contains("too_many_connections"), refused, "{host}: {text}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn without_descriptors_it_neither_spins_nor_ends() {
    let folder = tempfile::tempdir().unwrap();
    let server = Process::serve(folder.path(), &[]);
    assert_eq!(get(server.address, "/api/health").0, 200);
    let process = format!("/proc/{}", server.id());
    // User and system time, in ticks of 10 ms.
    let cpu = || {
        let stat = std::fs::read_to_string(format!("{process}/stat")).unwrap();
        stat.split(' ').skip(13).take(2).map(|ticks| ticks.parse::<u64>().unwrap()).sum::<u64>()
    };
    let limit = |soft: usize| {
        let arguments = [format!("--pid={}", server.id()), format!("--nofile={soft}:")];
        assert!(Command::new("prlimit").args(arguments).status().unwrap().success());
    };
    let before = cpu();
    // Fewer than it has open already: accepting fails, whatever else it does meanwhile.
    limit(3);
    let mut waiting =
        connect_and_send(server.address, "GET /api/health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    std::thread::sleep(Duration::from_secs(3));
    assert!(cpu() - before < 100, "{} ticks in three seconds", cpu() - before);
    let told = server.stderr().matches("no connection can be accepted").count();
    assert_eq!(told, 1, "{}", server.stderr());
    limit(1024);
    assert_eq!(answer(&mut waiting).0, 200);
}

#[cfg(target_os = "linux")]
#[test]
fn with_few_descriptors_it_is_not_deaf() {
    let folder = tempfile::tempdir().unwrap();
    let server = few_descriptors(folder.path(), 128);
    let mut silent = Vec::new();
    for _ in 0..200 {
        silent.push(connect(server.address));
    }
    let begun = Instant::now();
    assert_eq!(get(server.address, "/api/ready").0, 200);
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
}

fn few_descriptors(folder: &Path, most: u32) -> Process {
    let plain = Process::command(folder, &["serve"]);
    let mut command = Command::new("sh");
    command.args(["-c", &format!("ulimit -n {most}; exec \"$0\" serve")]).arg(plain.get_program());
    for (name, value) in plain.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    Process::serve_by(folder, command)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_shutdown_waits_for_answers_and_not_for_silent_connections() {
    let app = TestApp::start().await;
    let (id, address) = (long_session(&app).await, app.address);
    let path = format!("/api/sessions/{id}/data.csv");
    let length = app.get(&path).await.body.len();
    let _silent = [
        connect(address),
        connect_and_send(address, "GET /api/hea"),
        connect_and_send(address, "GET /api/health HTTP/1.1\r\nHost: localhost\r\n\r\n"),
    ];
    let mut download =
        connect_and_send(address, &format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"));
    let mut start = [0; 12];
    download.read_exact(&mut start).unwrap();
    assert_eq!(&start, b"HTTP/1.1 200");
    let rest = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_secs(2));
        read_to_end(&mut download).unwrap().len()
    });
    let begun = Instant::now();
    app.stop().await;
    let took = begun.elapsed();
    assert!(rest.join().unwrap() > length, "the download was cut off");
    assert!((Duration::from_millis(1500)..Duration::from_secs(8)).contains(&took), "{took:?}");
}
