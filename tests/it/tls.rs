//! TLS: who is met with which certificate, what is bounded, and what is refused. Certificates are made for each test.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::client::Resumption;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::version::{TLS12, TLS13};
use tokio_rustls::rustls::{ClientConfig, ProtocolVersion, RootCertStore, SupportedProtocolVersion};

use crate::helpers::{Process, TestApp};

const NAME: &str = "hvac.example";
const PATIENCE: Duration = Duration::from_secs(20);

/// A certificate of that name with its key, and where they are written.
struct Pair {
    certificate: rcgen::Certificate,
    key: rcgen::KeyPair,
    files: [PathBuf; 2],
}

impl Pair {
    fn make(folder: &Path) -> Self {
        let rcgen::CertifiedKey { cert, signing_key } =
            rcgen::generate_simple_self_signed(vec![NAME.to_owned(), "localhost".to_owned()]).unwrap();
        Self { certificate: cert, key: signing_key, files: ["cert.pem", "key.pem"].map(|name| folder.join(name)) }
    }

    fn write(&self) {
        std::fs::write(&self.files[0], self.certificate.pem()).unwrap();
        std::fs::write(&self.files[1], self.key.serialize_pem()).unwrap();
    }

    fn settings(&self) -> [(&'static str, String); 2] {
        let [certificate, key] = &self.files;
        [("TLS_CERT", certificate.display().to_string()), ("TLS_KEY", key.display().to_string())]
    }
}

/// A server of HTTPS, and the pair it is met with.
async fn serving(settings: &[(&'static str, &str)]) -> (TestApp, Pair) {
    let folder = Arc::new(TempDir::new().unwrap());
    let pair = Pair::make(folder.path());
    pair.write();
    let settings = settings.iter().map(|(name, value)| (*name, (*value).to_owned()));
    let settings = settings.chain(pair.settings()).chain([("ALLOWED_HOSTS", NAME.to_owned())]).collect();
    (TestApp::start_in(folder, settings).await.unwrap(), pair)
}

/// What a client trusts and speaks.
fn client(trusted: &[&Pair], versions: &[&'static SupportedProtocolVersion], protocols: &[&str]) -> TlsConnector {
    let mut roots = RootCertStore::empty();
    trusted.iter().for_each(|pair| roots.add(pair.certificate.der().clone()).unwrap());
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let config = config.with_protocol_versions(versions).unwrap().with_root_certificates(roots);
    let mut config = config.with_no_client_auth();
    // Whoever resumes is shown nothing.
    config.resumption = Resumption::disabled();
    config.alpn_protocols = protocols.iter().map(|protocol| protocol.as_bytes().to_vec()).collect();
    TlsConnector::from(Arc::new(config))
}

fn trusting(pair: &Pair) -> TlsConnector {
    client(&[pair], &[&TLS13, &TLS12], &["http/1.1"])
}

async fn shaken(client: &TlsConnector, stream: TcpStream) -> std::io::Result<TlsStream<TcpStream>> {
    client.connect(ServerName::try_from(NAME).unwrap(), stream).await
}

async fn connect(client: &TlsConnector, address: SocketAddr) -> std::io::Result<TlsStream<TcpStream>> {
    shaken(client, TcpStream::connect(address).await.unwrap()).await
}

fn shown(stream: &TlsStream<TcpStream>) -> CertificateDer<'static> {
    stream.get_ref().1.peer_certificates().unwrap()[0].clone().into_owned()
}

/// Everything up to the end; an end without good-bye is one, too.
async fn read_to_end(stream: &mut (impl AsyncReadExt + Unpin)) -> String {
    let mut bytes = Vec::new();
    let reading = stream.read_to_end(&mut bytes);
    let _ = tokio::time::timeout(PATIENCE, reading).await.expect("it ends");
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The whole answer to one request on a connection of its own.
async fn ask(client: &TlsConnector, address: SocketAddr, request: &str) -> String {
    let mut stream = connect(client, address).await.unwrap();
    stream.write_all(request.replace('\n', "\r\n").as_bytes()).await.unwrap();
    read_to_end(&mut stream).await
}

fn get(host: &str) -> String {
    format!("GET /api/sessions HTTP/1.1\nHost: {host}\nConnection: close\n\n")
}

fn status(answer: &str) -> u16 {
    answer.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0)
}

fn header<'a>(answer: &'a str, name: &str) -> Option<&'a str> {
    answer.lines().find_map(|line| line.split_once(": ").filter(|(found, _)| found == &name)).map(|(_, value)| value)
}

#[tokio::test]
async fn clients_of_today_are_served() {
    let (app, pair) = serving(&[]).await;
    for (version, name) in [(&TLS13, ProtocolVersion::TLSv1_3), (&TLS12, ProtocolVersion::TLSv1_2)] {
        for protocols in [&[][..], &["http/1.1"], &["h2", "http/1.1"]] {
            let stream = connect(&client(&[&pair], &[version], protocols), app.address).await.unwrap();
            let (_, connection) = stream.get_ref();
            assert_eq!(connection.protocol_version(), Some(name));
            assert_eq!(connection.alpn_protocol(), (!protocols.is_empty()).then_some(&b"http/1.1"[..]));
        }
    }
    assert!(connect(&client(&[&pair], &[&TLS13], &["h2"]), app.address).await.is_err(), "another protocol's client");
    let answer = ask(&trusting(&pair), app.address, &get(NAME)).await;
    assert_eq!(status(&answer), 200, "{answer}");
    assert!(answer.contains("\"total\":0"), "{answer}");
}

#[tokio::test]
async fn browsers_are_told_to_come_by_tls_only() {
    let (app, pair) = serving(&[]).await;
    let told = async |app: &TestApp, pair: &Pair, host: &str| {
        let answer = ask(&trusting(pair), app.address, &get(host)).await;
        header(&answer, "strict-transport-security").map(str::to_owned)
    };
    assert_eq!(told(&app, &pair, NAME).await.as_deref(), Some("max-age=31536000"));
    // They would believe it for every program of this machine; and what is not ours, we say nothing of.
    for host in ["localhost:8443", "app.localhost", "other.example"] {
        assert_eq!(told(&app, &pair, host).await, None, "{host}");
    }
    let (short, pair) = serving(&[("HSTS_SECONDS", "0")]).await;
    assert_eq!(told(&short, &pair, NAME).await.as_deref(), Some("max-age=0"));
    let plain = TestApp::start_with(&[("TRUSTED_PROXIES", "127.0.0.1")]).await;
    let forwarded = plain.get_with("/api/sessions", &[("x-forwarded-proto", "https")]).await;
    assert_eq!(forwarded.header("strict-transport-security"), "", "the proxy's own affair");
}

#[tokio::test]
async fn our_own_page_is_of_the_scheme_that_is_served() {
    let (app, pair) = serving(&[]).await;
    for (origin, wanted) in [("https://hvac.example", 422), ("http://hvac.example", 403), ("https://evil.example", 403)]
    {
        let request = format!(
            "POST /api/parse HTTP/1.1\nHost: {NAME}\nOrigin: {origin}\nContent-Type: application/json\n\
             Content-Length: 2\nConnection: close\n\n{{}}"
        );
        let answer = ask(&trusting(&pair), app.address, &request).await;
        assert_eq!(status(&answer), wanted, "{origin}: {answer}");
    }
}

#[tokio::test]
async fn a_client_without_tls_is_told_what_to_do() {
    let (app, _pair) = serving(&[]).await;
    let mut stream = TcpStream::connect(app.address).await.unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\nHost: hvac.example\r\n\r\n").await.unwrap();
    let answer = read_to_end(&mut stream).await;
    assert_eq!(status(&answer), 400, "{answer}");
    assert_eq!(header(&answer, "Content-Type"), Some("application/problem+json"));
    assert!(answer.contains("\"code\":\"tls_only\"") && answer.contains("https://"), "{answer}");
    assert!(!answer.contains("Retry-After"), "{answer}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_handshake_that_stands_still_ends_and_keeps_nobody_out() {
    let settings = [("HEADER_TIMEOUT_SECONDS", "1"), ("STALL_TIMEOUT_SECONDS", "1"), ("MAX_CONNECTIONS", "8")];
    let (app, pair) = serving(&settings).await;
    // A record of a handshake that announces more than comes.
    for sent in [&b""[..], b"\x16", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"] {
        let begun = Instant::now();
        let mut stream = TcpStream::connect(app.address).await.unwrap();
        stream.write_all(sent).await.unwrap();
        read_to_end(&mut stream).await;
        let took = begun.elapsed();
        assert!((Duration::from_millis(800)..Duration::from_secs(8)).contains(&took), "{sent:?}: {took:?}");
    }
    // One that has got through TLS and is silent then.
    let begun = Instant::now();
    let mut stream = connect(&trusting(&pair), app.address).await.unwrap();
    read_to_end(&mut stream).await;
    assert!((Duration::from_millis(800)..Duration::from_secs(8)).contains(&begun.elapsed()), "{:?}", begun.elapsed());
    let mut silent = Vec::new();
    for turn in 0..50 {
        let mut stream = TcpStream::connect(app.address).await.unwrap();
        stream.write_all(b"\x16\x03\x01").await.unwrap();
        silent.push(stream);
        if turn % 10 == 9 {
            assert_eq!(status(&ask(&trusting(&pair), app.address, &get(NAME)).await), 200);
        }
    }
    // A shutdown does not wait for them.
    let begun = Instant::now();
    app.stop().await;
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn whoever_takes_an_answer_too_slowly_is_given_up() {
    let (app, pair) = serving(&[("STALL_TIMEOUT_SECONDS", "1")]).await;
    let mut stream = connect(&trusting(&pair), app.address).await.unwrap();
    // More than all buffers hold; never read.
    let request = "GET /docs/swagger-ui-bundle.js HTTP/1.1\r\nHost: localhost\r\n\r\n";
    let begun = Instant::now();
    let mut given_up = false;
    while begun.elapsed() < PATIENCE && !given_up {
        let writing = stream.write_all(request.as_bytes());
        given_up = matches!(tokio::time::timeout(Duration::from_millis(100), writing).await, Ok(Err(_)));
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(given_up, "still open after {:?}", begun.elapsed());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn where_there_is_no_room_that_is_told_by_tls_too() {
    let (app, pair) = serving(&[("MAX_CONNECTIONS", "4")]).await;
    let begun = Instant::now();
    loop {
        let mut busy = Vec::new();
        for _ in 0..4 {
            let mut stream = connect(&trusting(&pair), app.address).await.unwrap();
            let head = "POST /api/parse HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n{";
            stream.write_all(head.as_bytes()).await.unwrap();
            busy.push(stream);
        }
        tokio::time::sleep(Duration::from_millis(300)).await;
        let answer = ask(&trusting(&pair), app.address, &get(NAME)).await;
        if status(&answer) == 503 {
            assert!(answer.contains("no_connection_left") && answer.contains("Retry-After: 5"), "{answer}");
            return;
        }
        assert!(begun.elapsed() < PATIENCE, "never refused: {answer}");
    }
}

#[tokio::test]
async fn new_files_are_taken_over_and_broken_ones_are_not() {
    let folder = TempDir::new().unwrap();
    let [first, second, third] = [(); 3].map(|()| Pair::make(folder.path()));
    first.write();
    let mut command = Process::command(folder.path(), &["serve"]);
    command.envs(first.settings());
    let server = Process::serve_by(folder.path(), command);
    assert!(server.stdout().contains("https://127.0.0.1:"), "{}", server.stdout());
    let all = client(&[&first, &second, &third], &[&TLS13], &[]);
    let in_force = async || shown(&connect(&all, server.address).await.unwrap());
    let taken_over = async |pair: &Pair| {
        let begun = Instant::now();
        while in_force().await != *pair.certificate.der() {
            assert!(begun.elapsed() < PATIENCE, "not taken over: {}", server.stderr());
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    };
    assert_eq!(in_force().await, *first.certificate.der());
    let mut open = connect(&all, server.address).await.unwrap();

    second.write();
    taken_over(&second).await;
    // Who is connected stays.
    open.write_all(get("localhost").replace('\n', "\r\n").as_bytes()).await.unwrap();
    assert_eq!(status(&read_to_end(&mut open).await), 200);

    // A certificate whose key is missing yet; then nothing at all; then both.
    std::fs::write(&third.files[0], third.certificate.pem()).unwrap();
    let told = "the old certificate stays in force";
    server.stderr_after(|log| log.contains(told) && log.contains("TLS_KEY") && log.contains("is not the key of"));
    tokio::time::sleep(Duration::from_secs(7)).await;
    assert_eq!(server.stderr().matches(told).count(), 1, "{}", server.stderr());
    std::fs::remove_file(&third.files[0]).unwrap();
    server.stderr_after(|log| log.matches(told).count() == 2 && log.contains("cannot be read"));
    assert_eq!(in_force().await, *second.certificate.der());
    third.write();
    taken_over(&third).await;
    let log = server.stderr();
    assert!(!log.contains("PRIVATE KEY") && !log.contains(&third.key.serialize_pem()[40..80]), "{log}");
}

#[test]
fn files_that_cannot_be_used_are_refused_at_the_start() {
    let folder = TempDir::new().unwrap();
    let [pair, other] = [(); 2].map(|()| Pair::make(folder.path()));
    pair.write();
    let [certificate, key] = pair.settings().map(|(_, path)| path);
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    let other_key = write("other.pem", &other.key.serialize_pem());
    let text = write("text.pem", "no PEM at all");
    let torn = write("torn.pem", &pair.certificate.pem()[..200]);
    let no_certificate = write("none.pem", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
    let locked =
        write("locked.pem", "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n");
    let of_no_kind = write("odd.pem", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n");
    let missing = folder.path().join("missing.pem").display().to_string();
    let nothing = String::new();
    for (certificate, key, says) in [
        (&missing, &key, "TLS_CERT='.*missing.pem' cannot be used: it cannot be read"),
        (&certificate, &missing, "TLS_KEY='.*missing.pem' cannot be used: it cannot be read"),
        (&folder.path().display().to_string(), &key, "TLS_CERT='.*' cannot be used: .*it is no file"),
        (&text, &key, "TLS_CERT='.*text.pem' cannot be used: it has no certificate in PEM"),
        (&key, &certificate, "TLS_CERT='.*key.pem' cannot be used: it has no certificate in PEM"),
        (&torn, &key, "TLS_CERT='.*torn.pem' cannot be used: it is no PEM"),
        (&no_certificate, &key, "TLS_CERT='.*none.pem' cannot be used: its first certificate cannot be read"),
        (&certificate, &certificate, "TLS_KEY='.*cert.pem' cannot be used: it has no private key in PEM"),
        (&certificate, &locked, "TLS_KEY='.*locked.pem' cannot be used: .*needs no passphrase"),
        (&certificate, &of_no_kind, "TLS_KEY='.*odd.pem' cannot be used: its key is of no kind that is known"),
        (
            &certificate,
            &other_key,
            "TLS_KEY='.*other.pem' cannot be used: it is not the key of the certificate in .*cert.pem",
        ),
        (&certificate, &nothing, "TLS_CERT is set and TLS_KEY is not"),
        (&nothing, &key, "TLS_KEY is set and TLS_CERT is not"),
    ] {
        let mut command = Process::command(folder.path(), &["serve"]);
        let output = command.env("TLS_CERT", certificate).env("TLS_KEY", key).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{says}: {said}");
        let mut from = 0;
        for part in says.split(".*") {
            let at = said[from..].find(part).unwrap_or_else(|| panic!("{says}: {said}"));
            from += at + part.len();
        }
        assert!(!folder.path().join("data/hvac_analytics.db").exists(), "{says}: no store is touched");
    }
    // What serves nobody does without.
    for command in ["sessions", "doctor"] {
        let mut command = Process::command(folder.path(), &[command]);
        let output = command.env("TLS_CERT", &missing).env("TLS_KEY", &missing).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
}

#[cfg(feature = "pgwire")]
mod postgres {
    use hvac_analytics::pg;
    use serde_json::json;
    use tokio::net::TcpListener;
    use tokio_util::sync::CancellationToken;

    use super::*;

    const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 4, 210, 22, 47];

    async fn door(app: &TestApp) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(pg::serve(listener, app.state.clone(), CancellationToken::new()));
        address
    }

    fn startup() -> Vec<u8> {
        startup_of("ann")
    }

    fn startup_of(user: &str) -> Vec<u8> {
        let said = format!("user\0{user}\0database\0all\0\0");
        let length = u32::try_from(said.len() + 8).unwrap().to_be_bytes();
        [&length[..], &[0, 3, 0, 0], said.as_bytes()].concat()
    }

    /// A message: its kind and body.
    async fn message(stream: &mut (impl AsyncReadExt + Unpin)) -> (char, Vec<u8>) {
        let kind = char::from(stream.read_u8().await.unwrap());
        let length = stream.read_u32().await.unwrap();
        let mut body = vec![0; usize::try_from(length).unwrap() - 4];
        stream.read_exact(&mut body).await.unwrap();
        (kind, body)
    }

    /// The messages up to the one that says that the server waits: their kinds, and the longest.
    async fn until_ready(stream: &mut (impl AsyncReadExt + Unpin)) -> (String, Vec<u8>) {
        let (mut kinds, mut longest) = (String::new(), Vec::new());
        while !kinds.ends_with('Z') {
            let (kind, body) = message(stream).await;
            kinds.push(kind);
            if body.len() > longest.len() {
                longest = body;
            }
        }
        (kinds, longest)
    }

    #[tokio::test]
    async fn its_clients_ask_for_tls_and_get_it() {
        let (app, pair) = serving(&[]).await;
        let address = door(&app).await;
        for protocols in [&[][..], &["postgresql"]] {
            let mut stream = TcpStream::connect(address).await.unwrap();
            stream.write_all(&SSL_REQUEST).await.unwrap();
            assert_eq!(stream.read_u8().await.unwrap(), b'S');
            let mut stream = shaken(&client(&[&pair], &[&TLS13], protocols), stream).await.unwrap();
            assert_eq!(shown(&stream), *pair.certificate.der());
            // Within it there is no second one.
            stream.write_all(&SSL_REQUEST).await.unwrap();
            assert_eq!(stream.read_u8().await.unwrap(), b'N');
            stream.write_all(&startup()).await.unwrap();
            assert!(until_ready(&mut stream).await.0.starts_with('R'));
            let sql = b"SELECT repeat('x', 1000000)\0";
            let length = u32::try_from(sql.len() + 4).unwrap().to_be_bytes();
            stream.write_all(&[&b"Q"[..], &length, sql].concat()).await.unwrap();
            let (kinds, row) = until_ready(&mut stream).await;
            assert_eq!(kinds, "TDCZ", "{}", String::from_utf8_lossy(&row));
            assert!(row.ends_with(&[b'x'; 1_000_000]), "{} bytes", row.len());
        }
        // Nobody must.
        let mut plain = TcpStream::connect(address).await.unwrap();
        plain.write_all(&startup()).await.unwrap();
        assert!(until_ready(&mut plain).await.0.starts_with('R'));
        // A handshake of another name's client ends; it is no client of ours.
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(&SSL_REQUEST).await.unwrap();
        assert_eq!(stream.read_u8().await.unwrap(), b'S');
        assert!(shaken(&client(&[&pair], &[&TLS13], &["http/1.1"]), stream).await.is_err());
    }

    /// What is sent before the handshake was perhaps put there by somebody between.
    #[tokio::test]
    async fn what_comes_before_the_handshake_is_not_taken_for_said_within() {
        let (app, pair) = serving(&[]).await;
        let address = door(&app).await;
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(&[&SSL_REQUEST[..], &startup()].concat()).await.unwrap();
        assert_eq!(stream.read_u8().await.unwrap(), b'S');
        assert!(shaken(&trusting(&pair), stream).await.is_err());
    }

    #[tokio::test]
    async fn a_handshake_that_stands_still_ends() {
        let (app, _pair) = serving(&[("HEADER_TIMEOUT_SECONDS", "1")]).await;
        let mut stream = TcpStream::connect(door(&app).await).await.unwrap();
        stream.write_all(&SSL_REQUEST).await.unwrap();
        let begun = Instant::now();
        assert_eq!(read_to_end(&mut stream).await, "S");
        assert!(
            (Duration::from_millis(500)..Duration::from_secs(8)).contains(&begun.elapsed()),
            "{:?}",
            begun.elapsed()
        );
    }

    /// A password in clear text, which is none within TLS.
    #[tokio::test]
    async fn a_key_is_shown_over_tls_only() {
        let app = TestApp::start().await;
        let made = json!({"name": "reader", "role": "viewer"});
        let key = app.post("/api/v1/keys", &made).await.expect(201)["key"].as_str().unwrap().to_owned();
        let folder = app.stop().await;
        let pair = Pair::make(folder.path());
        pair.write();
        let settings = pair.settings().into_iter().chain([("ANONYMOUS_ROLE", "none".to_owned())]).collect();
        let app = TestApp::start_in(folder, settings).await.unwrap();
        let address = door(&app).await;

        let mut plain = TcpStream::connect(address).await.unwrap();
        plain.write_all(&startup_of("reader")).await.unwrap();
        let (kind, said) = message(&mut plain).await;
        assert!(kind == 'E' && String::from_utf8_lossy(&said).contains("28000"), "{}", String::from_utf8_lossy(&said));
        for (user, password, wanted) in [
            ("reader", key.as_str(), 'R'),
            ("reader", "hvac_wrong", 'E'),
            ("ann", key.as_str(), 'E'),
            ("reader", "", 'E'),
        ] {
            let mut stream = TcpStream::connect(address).await.unwrap();
            stream.write_all(&SSL_REQUEST).await.unwrap();
            assert_eq!(stream.read_u8().await.unwrap(), b'S');
            let mut stream = shaken(&client(&[&pair], &[&TLS13], &[]), stream).await.unwrap();
            stream.write_all(&startup_of(user)).await.unwrap();
            assert_eq!(message(&mut stream).await, ('R', vec![0, 0, 0, 3]), "a password is asked for");
            let length = u32::try_from(password.len() + 5).unwrap().to_be_bytes();
            stream.write_all(&[&b"p"[..], &length, password.as_bytes(), b"\0"].concat()).await.unwrap();
            let (kind, said) = message(&mut stream).await;
            let said = String::from_utf8_lossy(&said);
            assert_eq!(kind, wanted, "{user}: {said}");
            assert!(wanted == 'R' || (said.contains("28P01") && !said.contains(&key)), "{said}");
        }
    }

    /// A connection lasts no longer than what it was opened with.
    #[tokio::test]
    async fn a_key_that_is_revoked_ends_its_connections() {
        let app = TestApp::start().await;
        let made = app.post("/api/v1/keys", &json!({"name": "reader", "role": "viewer"})).await.expect(201);
        let (id, key) = (made["id"].as_str().unwrap(), made["key"].as_str().unwrap());
        let folder = app.stop().await;
        let pair = Pair::make(folder.path());
        pair.write();
        let settings = pair.settings().into_iter().chain([("ANONYMOUS_ROLE", "none".to_owned())]).collect();
        let app = TestApp::start_in(folder, settings).await.unwrap();
        let mut stream = TcpStream::connect(door(&app).await).await.unwrap();
        stream.write_all(&SSL_REQUEST).await.unwrap();
        assert_eq!(stream.read_u8().await.unwrap(), b'S');
        let mut stream = shaken(&client(&[&pair], &[&TLS13], &[]), stream).await.unwrap();
        stream.write_all(&startup_of("reader")).await.unwrap();
        message(&mut stream).await;
        let length = u32::try_from(key.len() + 5).unwrap().to_be_bytes();
        stream.write_all(&[&b"p"[..], &length, key.as_bytes(), b"\0"].concat()).await.unwrap();
        until_ready(&mut stream).await;
        let ask = b"SELECT count(*) FROM sessions\0";
        let statement = [&b"Q"[..], &u32::try_from(ask.len() + 4).unwrap().to_be_bytes(), ask].concat();
        stream.write_all(&statement).await.unwrap();
        assert_eq!(until_ready(&mut stream).await.0, "TDCZ");
        hvac_analytics::accounts::keys::revoke(&app.state, id).await.unwrap();
        stream.write_all(&statement).await.unwrap();
        let (kind, said) = message(&mut stream).await;
        let said = String::from_utf8_lossy(&said).into_owned();
        assert!(kind == 'E' && said.contains("57P01") && !said.contains(key), "{kind} {said}");
        let mut rest = Vec::new();
        let _ = stream.read_to_end(&mut rest).await;
        assert!(rest.is_empty(), "{rest:?}");
    }
}
