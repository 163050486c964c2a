//! A server of one's own: in this process ([`TestApp`]), or as a process that can be killed ([`Process`]).
#![allow(dead_code, reason = "shared by many tests, not all of which use all of it")]

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use hvac_analytics::config::Config;
use hvac_analytics::state::AppState;
use hvac_analytics::{app, error};
use reqwest::Method;
use reqwest::header::HeaderMap;
use reqwest::multipart::{Form, Part};
use serde_json::Value;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// The settings of a server whose every file lies in `folder`.
pub fn settings(folder: &Path) -> BTreeMap<&'static str, String> {
    let below = |name: &str| folder.join(name).display().to_string();
    BTreeMap::from([
        ("PORT", "0".to_owned()),
        ("DATABASE_URL", format!("sqlite://{}", below("data/hvac_analytics.db"))),
        ("DATA_DIR", below("data")),
        ("DATA_STORAGE_PATH", below("data/sessions")),
        ("MODELS_PATH", below("models")),
        ("FILES_PATH", below("files")),
    ])
}

/// The real router on a port of its own and in a folder of its own, in this process.
pub struct TestApp {
    /// Everything it stores; gone with the last owner.
    pub folder: Arc<TempDir>,
    /// Where it listens.
    pub address: SocketAddr,
    /// What its handlers see.
    pub state: AppState,
    /// For requests the methods below do not make.
    pub client: reqwest::Client,
    overrides: Vec<(&'static str, String)>,
    stop: oneshot::Sender<()>,
    server: JoinHandle<error::Result<()>>,
}

/// A response, read to its end.
#[derive(Debug, Clone)]
pub struct Response {
    /// Status.
    pub status: u16,
    /// Headers.
    pub headers: HeaderMap,
    /// All bytes.
    pub body: bytes::Bytes,
}

impl Response {
    /// The body as JSON.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// A header's text; empty when it is not there.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or("")
    }

    /// The body, when the status is the one expected.
    #[track_caller]
    pub fn expect(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.text());
        if self.body.is_empty() { Value::Null } else { self.json() }
    }

    /// The problem document, when the answer is one with that status and code.
    #[track_caller]
    pub fn expect_problem(&self, status: u16, code: &str) -> Value {
        let problem = self.expect(status);
        assert_eq!(self.header("content-type"), "application/problem+json");
        assert_eq!(problem["code"], code, "{problem}");
        assert_eq!(problem["status"], status, "{problem}");
        assert_eq!(problem["request_id"], self.header("x-request-id"), "{problem}");
        assert!(problem["detail"].as_str().is_some_and(|detail| !detail.is_empty()), "{problem}");
        problem
    }
}

impl TestApp {
    /// On an empty folder, with the default settings.
    pub async fn start() -> Self {
        Self::start_with(&[]).await
    }

    /// On an empty folder, with some settings of its own.
    pub async fn start_with(overrides: &[(&'static str, &str)]) -> Self {
        let folder = Arc::new(TempDir::new().unwrap());
        let overrides = overrides.iter().map(|(variable, value)| (*variable, (*value).to_owned())).collect();
        Self::start_in(folder, overrides).await.unwrap()
    }

    /// On a folder that may hold something already.
    pub async fn start_in(folder: Arc<TempDir>, overrides: Vec<(&'static str, String)>) -> error::Result<Self> {
        let mut values = settings(folder.path());
        values.extend(overrides.iter().cloned());
        let config = Config::from_values(|variable| values.get(variable).cloned())?;
        std::fs::create_dir_all(&config.data_dir).unwrap();
        let state = app::build(config).await?;
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        let server = tokio::spawn(app::run(listener, state.clone(), async {
            let _ = stopped.await;
        }));
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        Ok(Self { folder, address, state, client, overrides, stop, server })
    }

    /// Shuts down in order; the folder stays.
    pub async fn stop(self) -> Arc<TempDir> {
        let Self { folder, state, stop, server, client, .. } = self;
        drop((state, client));
        let _ = stop.send(());
        server.await.unwrap().unwrap();
        folder
    }

    /// Shuts down in order and starts again on the same folder.
    pub async fn restart(self) -> Self {
        let overrides = self.overrides.clone();
        let folder = self.stop().await;
        Self::start_in(folder, overrides).await.unwrap()
    }

    /// Where server-side reports lie.
    pub fn data_dir(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// Where session folders lie.
    pub fn storage(&self) -> PathBuf {
        self.folder.path().join("data/sessions")
    }

    /// Puts a report into the server's data folder; `name` may have a folder in it.
    pub fn place(&self, name: &str, bytes: &[u8]) {
        let path = self.data_dir().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }

    /// The address of a path with its query.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Any request.
    pub async fn request(
        &self,
        method: Method,
        path: &str,
        prepare: impl FnOnce(reqwest::RequestBuilder) -> reqwest::RequestBuilder,
    ) -> Response {
        read(prepare(self.client.request(method, self.url(path)))).await
    }

    /// The path of a file of the embedded page, which its digest is part of.
    pub async fn page_file(&self, name: &str) -> String {
        let page = self.get("/").await.text();
        let digest = page.split("\"web/").nth(1).and_then(|rest| rest.split('/').next()).unwrap();
        format!("/web/{digest}/{name}")
    }

    /// GET.
    pub async fn get(&self, path: &str) -> Response {
        self.request(Method::GET, path, |request| request).await
    }

    /// GET with headers.
    pub async fn get_with(&self, path: &str, headers: &[(&'static str, &str)]) -> Response {
        self.request(Method::GET, path, |request| with(request, headers)).await
    }

    /// HEAD with headers.
    pub async fn head_with(&self, path: &str, headers: &[(&'static str, &str)]) -> Response {
        self.request(Method::HEAD, path, |request| with(request, headers)).await
    }

    /// POST of JSON.
    pub async fn post(&self, path: &str, body: &Value) -> Response {
        self.request(Method::POST, path, |request| request.json(body)).await
    }

    /// PATCH of JSON.
    pub async fn patch(&self, path: &str, body: &Value) -> Response {
        self.request(Method::PATCH, path, |request| request.json(body)).await
    }

    /// DELETE.
    pub async fn delete(&self, path: &str) -> Response {
        self.request(Method::DELETE, path, |request| request).await
    }

    /// An upload of files (name, bytes) with text fields (name, value).
    pub async fn upload(&self, files: &[(&str, &[u8])], fields: &[(&str, &str)]) -> Response {
        let form = form(files, fields);
        self.request(Method::POST, "/api/uploads", |request| request.multipart(form)).await
    }

    /// Uploads, and answers the session's id.
    #[track_caller]
    pub fn uploaded(&self, files: &[(&str, &[u8])], fields: &[(&str, &str)]) -> impl Future<Output = String> + use<'_> {
        let form = form(files, fields);
        async move {
            let answer = self.request(Method::POST, "/api/uploads", |request| request.multipart(form)).await;
            answer.expect(201)["session_id"].as_str().unwrap().to_owned()
        }
    }

    /// Uploads and parses with default options, and answers the parse's answer.
    pub async fn parsed(&self, files: &[(&str, &[u8])], fields: &[(&str, &str)]) -> Value {
        let session_id = self.uploaded(files, fields).await;
        self.post("/api/parse", &serde_json::json!({"session_id": session_id})).await.expect(200)
    }
}

fn form(files: &[(&str, &[u8])], fields: &[(&str, &str)]) -> Form {
    let mut form = Form::new();
    for (name, value) in fields {
        form = form.text((*name).to_owned(), (*value).to_owned());
    }
    for (name, bytes) in files {
        let part = Part::bytes(bytes.to_vec()).file_name((*name).to_owned());
        form = form.part("files", part);
    }
    form
}

fn with(mut request: reqwest::RequestBuilder, headers: &[(&'static str, &str)]) -> reqwest::RequestBuilder {
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request
}

async fn read(request: reqwest::RequestBuilder) -> Response {
    let response = request.send().await.unwrap();
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    Response { status, headers, body: response.bytes().await.unwrap() }
}

/// Asks a [`Process`], which may be killed meanwhile.
pub struct Client {
    pub base: String,
    pub client: reqwest::Client,
}

impl Client {
    pub fn of(server: &Process) -> Self {
        let client = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(60)).build().unwrap();
        Self { base: server.url(""), client }
    }

    /// One report with times in UTC.
    pub async fn upload(&self, name: &'static str, bytes: Vec<u8>) -> reqwest::Result<Value> {
        let form = Form::new().text("timezone", "UTC").part("files", Part::bytes(bytes).file_name(name));
        let request = self.client.post(format!("{}/api/uploads", self.base)).multipart(form);
        request.send().await?.error_for_status()?.json().await
    }

    pub async fn post(&self, path: &str, body: &Value) -> reqwest::Result<Value> {
        let request = self.client.post(format!("{}{path}", self.base)).json(body);
        request.send().await?.error_for_status()?.json().await
    }

    pub async fn get(&self, path: &str) -> (u16, bytes::Bytes) {
        let response = self.client.get(format!("{}{path}", self.base)).send().await.unwrap();
        (response.status().as_u16(), response.bytes().await.unwrap())
    }
}

/// The real program as a process of its own.
pub struct Process {
    /// Where it listens; port 0 before it says so.
    pub address: SocketAddr,
    child: Child,
    stdout: Arc<Mutex<String>>,
    stderr: Arc<Mutex<String>>,
}

impl Process {
    /// The program with these arguments, on stores in `folder`, the environment's settings left out.
    pub fn command(folder: &Path, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_hvac-analytics"));
        command.current_dir(folder).args(arguments);
        for setting in hvac_analytics::config::SETTINGS {
            command.env_remove(setting.variable);
        }
        command.envs(settings(folder));
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// `serve` with more arguments; returns when it answers.
    #[track_caller]
    pub fn serve(folder: &Path, arguments: &[&str]) -> Self {
        let all: Vec<&str> = ["serve"].into_iter().chain(arguments.iter().copied()).collect();
        Self::serve_by(folder, Self::command(folder, &all))
    }

    /// A server that `command` starts; returns when it answers.
    #[track_caller]
    pub fn serve_by(folder: &Path, mut command: Command) -> Self {
        std::fs::create_dir_all(folder.join("data")).unwrap();
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let stdout = pump(child.stdout.take().unwrap());
        let stderr = pump(child.stderr.take().unwrap());
        let mut process = Self { address: SocketAddr::from(([127, 0, 0, 1], 0)), child, stdout, stderr };
        let patience = Instant::now() + Duration::from_secs(60);
        while Instant::now() < patience {
            if let Some(address) = process.stdout().split("://").nth(1).and_then(|rest| rest.split(' ').next()) {
                process.address = address.trim().parse().unwrap();
                return process;
            }
            if let Some(status) = process.child.try_wait().unwrap() {
                panic!("the server ended with {status}: {}", process.stderr());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        panic!("the server did not say where it is: {}{}", process.stdout(), process.stderr());
    }

    /// What it has printed so far.
    pub fn stdout(&self) -> String {
        self.stdout.lock().unwrap().clone()
    }

    /// What it has logged so far.
    pub fn stderr(&self) -> String {
        self.stderr.lock().unwrap().clone()
    }

    /// What it has logged, once that satisfies a condition.
    #[track_caller]
    pub fn stderr_after(&self, satisfied: impl Fn(&str) -> bool) -> String {
        let patience = Instant::now() + Duration::from_secs(10);
        loop {
            let text = self.stderr();
            if satisfied(&text) {
                return text;
            }
            assert!(Instant::now() < patience, "never logged: {text}");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// The address of a path with its query.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// SIGKILL: nothing of its own runs any more.
    pub fn kill_9(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// SIGTERM: it shuts down in order.
    pub fn terminate(mut self) -> ExitStatus {
        let done = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status().unwrap();
        assert!(done.success());
        self.child.wait().unwrap()
    }

    /// Waits until it has ended by itself, as a crash point makes it.
    pub fn wait(mut self) -> ExitStatus {
        self.child.wait().unwrap()
    }
}

/// No test leaves a server behind.
impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Collects a pipe's lines as they come, so that the process never waits for a reader.
fn pump(pipe: impl Read + Send + 'static) -> Arc<Mutex<String>> {
    let text = Arc::new(Mutex::new(String::new()));
    let collected = text.clone();
    std::thread::spawn(move || {
        for line in BufReader::new(pipe).lines().map_while(Result::ok) {
            let mut text = collected.lock().unwrap();
            text.push_str(&line);
            text.push('\n');
        }
    });
    text
}
