//! PostgreSQL's protocol, byte by byte; `scripts/pg` has PostgreSQL's own clients do it.

use std::time::Duration;

use hvac_analytics::pg;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

use crate::helpers::TestApp;

const REPORT: &[u8] = b"time,kW,mode\n2024-07-01 00:00,10,cool\n2024-07-01 00:15,,cool\n2024-07-01 00:30,30.5,heat\n";
/// A join of nothing but work.
const LONG: &str = "SELECT count(*) FROM all_readings a, all_readings b, all_readings c, all_readings d, all_readings e, all_readings f, all_readings g, all_readings h, all_readings i, all_readings j, all_readings k, all_readings l WHERE a.value + b.value + l.value > 1e9";

struct Door {
    app: TestApp,
    port: u16,
    session: String,
    stop: CancellationToken,
    server: tokio::task::JoinHandle<()>,
}

impl Door {
    async fn open() -> Self {
        Self::open_with(&[]).await
    }

    async fn open_with(settings: &[(&'static str, &str)]) -> Self {
        let app = TestApp::start_with(settings).await;
        let fields = [("timezone", "Asia/Taipei"), ("name", "Autumn"), ("site", "KMUH")];
        let session = app.parsed(&[("plant.csv", REPORT)], &fields).await["session_id"].as_str().unwrap().to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (port, stop) = (listener.local_addr().unwrap().port(), CancellationToken::new());
        let server = tokio::spawn(pg::serve(listener, app.state.clone(), stop.clone()));
        Self { app, port, session, stop, server }
    }

    async fn raw(&self) -> TcpStream {
        TcpStream::connect(("127.0.0.1", self.port)).await.unwrap()
    }

    async fn connect(&self, database: &str) -> Client {
        let (client, said) = self.try_connect(database).await;
        assert_eq!(said.last().unwrap().0, b'Z', "{said:?}");
        client
    }

    async fn try_connect(&self, database: &str) -> (Client, Vec<(u8, Vec<u8>)>) {
        let mut stream = self.raw().await;
        // Encryption is declined, in one byte.
        stream.write_all(&[0, 0, 0, 8, 4, 210, 22, 47]).await.unwrap();
        assert_eq!(stream.read_u8().await.unwrap(), b'N');
        let said = format!("user\0ann\0database\0{database}\0\0");
        let mut first = u32::try_from(said.len() + 8).unwrap().to_be_bytes().to_vec();
        first.extend([0, 3, 0, 0]);
        first.extend(said.as_bytes());
        stream.write_all(&first).await.unwrap();
        let mut client = Client(stream);
        let said = client.until_ready().await;
        (client, said)
    }

    async fn close(self) {
        self.stop.cancel();
        tokio::time::timeout(Duration::from_secs(10), self.server).await.unwrap().unwrap();
        self.app.stop().await;
    }
}

struct Client(TcpStream);

impl Client {
    async fn send(&mut self, kind: u8, body: &[u8]) {
        let mut message = vec![kind];
        message.extend(u32::try_from(body.len() + 4).unwrap().to_be_bytes());
        message.extend(body);
        self.0.write_all(&message).await.unwrap();
    }

    /// Messages up to the one that says that the server waits, or the end.
    async fn until_ready(&mut self) -> Vec<(u8, Vec<u8>)> {
        let mut all = Vec::new();
        while let Ok(kind) = self.0.read_u8().await {
            let length = self.0.read_u32().await.unwrap();
            let mut body = vec![0; usize::try_from(length).unwrap() - 4];
            self.0.read_exact(&mut body).await.unwrap();
            all.push((kind, body));
            if kind == b'Z' {
                break;
            }
        }
        all
    }

    async fn ask(&mut self, sql: &str) -> Vec<(u8, Vec<u8>)> {
        self.send(b'Q', format!("{sql}\0").as_bytes()).await;
        self.until_ready().await
    }

    /// The first row, or the SQLSTATE.
    async fn row(&mut self, sql: &str) -> Vec<String> {
        let said = self.ask(sql).await;
        match said.iter().find(|(kind, _)| *kind == b'D') {
            Some((_, body)) => cells(body).into_iter().map(|cell| String::from_utf8(cell.unwrap()).unwrap()).collect(),
            None => vec![state(&said)],
        }
    }
}

fn cells(body: &[u8]) -> Vec<Option<Vec<u8>>> {
    let mut rest = &body[2..];
    let mut cells = Vec::new();
    while let Some((length, more)) = rest.split_first_chunk::<4>() {
        let length = i32::from_be_bytes(*length);
        let (cell, more) = more.split_at(usize::try_from(length).unwrap_or(0));
        cells.push((length >= 0).then(|| cell.to_vec()));
        rest = more;
    }
    cells
}

fn kinds(said: &[(u8, Vec<u8>)]) -> String {
    said.iter().map(|(kind, _)| char::from(*kind)).collect()
}

fn state(said: &[(u8, Vec<u8>)]) -> String {
    let (_, body) = said.iter().find(|(kind, _)| *kind == b'E').unwrap_or_else(|| panic!("no error: {said:?}"));
    let field = body.split(|byte| *byte == 0).find(|field| field.first() == Some(&b'C')).unwrap();
    String::from_utf8(field[1..].to_vec()).unwrap()
}

#[tokio::test]
async fn a_text_of_statements_is_answered_one_by_one() {
    let door = Door::open().await;
    let mut client = door.connect("autumn").await;
    let said =
        client.ask("SELECT timestamp, \"kW\", mode FROM parsed ORDER BY timestamp; SHOW timezone; BEGIN; COMMIT").await;
    assert_eq!(kinds(&said), "TDDDCTDCCCZ");
    let row = |at: usize| cells(&said[at].1).into_iter().map(|cell| cell.map(|cell| String::from_utf8(cell).unwrap()));
    assert_eq!(
        row(1).collect::<Vec<_>>(),
        [Some("2024-07-01 00:00:00+08".into()), Some("10".into()), Some("cool".into())]
    );
    assert_eq!(row(2).nth(1), Some(None));
    assert_eq!(row(3).nth(1), Some(Some("30.5".into())));
    assert_eq!(said[4].1, b"SELECT 3\0");
    assert_eq!(kinds(&client.ask(" -- nothing").await), "IZ");
    // Behind a failure nothing is carried out.
    assert_eq!(kinds(&client.ask("SELECT 1; SELECT x FROM parsed; SELECT 2").await), "TDCEZ");
    assert_eq!(
        client.row("SET timezone = 'utc'; SELECT min(timestamp) FROM public.parsed").await,
        ["2024-06-30 16:00:00+00"]
    );
    door.close().await;
}

#[tokio::test]
async fn statements_are_prepared_bound_and_executed_in_pieces() {
    let door = Door::open().await;
    let mut client = door.connect(&door.session.clone()).await;
    client.send(b'P', b"one\0SELECT \"kW\", mode FROM parsed WHERE \"kW\" >= $1 OR mode = $2 ORDER BY timestamp\0\0\x01\0\0\0\x14").await;
    client.send(b'D', b"Sone\0").await;
    // $1 is a bigint in binary, $2 a text; answers are asked for in binary.
    let mut bind = b"p\0one\0\0\x02\0\x01\0\0\0\x02\0\0\0\x08\0\0\0\0\0\0\0\x05".to_vec();
    bind.extend(b"\0\0\0\x04heat\0\x01\0\x01");
    client.send(b'B', &bind).await;
    client.send(b'E', b"p\0\0\0\0\x01").await;
    client.send(b'E', b"p\0\0\0\0\0").await;
    client.send(b'S', b"").await;
    let said = client.until_ready().await;
    assert_eq!(kinds(&said), "1tT2DsDCZ", "{said:?}");
    assert_eq!(said[1].1, [0, 2, 0, 0, 0, 20, 0, 0, 0, 25]);
    assert_eq!(cells(&said[4].1), [Some(10_f64.to_be_bytes().to_vec()), Some(b"cool".to_vec())]);
    assert_eq!(cells(&said[6].1), [Some(30.5_f64.to_be_bytes().to_vec()), Some(b"heat".to_vec())]);
    // Behind a failure all is passed over up to the next Sync.
    client.send(b'P', b"\0SELECT nothing FROM parsed\0\0\0").await;
    client.send(b'B', b"\0\0\0\0\0\0\0\0").await;
    client.send(b'E', b"\0\0\0\0\0").await;
    client.send(b'S', b"").await;
    let said = client.until_ready().await;
    assert_eq!((kinds(&said).as_str(), state(&said).as_str()), ("EZ", "42703"));
    assert_eq!(client.row("SELECT 1").await, ["1"]);
    door.close().await;
}

#[tokio::test]
async fn a_statement_ends_with_its_time_when_it_is_cancelled_and_with_its_client() {
    let door = Door::open().await;
    let (mut client, said) = door.try_connect("all").await;
    assert_eq!(client.row(&format!("SET statement_timeout = 200; {LONG}")).await, ["57014"]);
    assert_eq!(client.row("SELECT 1").await, ["1"]);

    client.ask("SET statement_timeout = 0").await;
    let key = said.iter().find(|(kind, _)| *kind == b'K').unwrap().1.clone();
    client.send(b'Q', format!("{LONG}\0").as_bytes()).await;
    let running = async |count: u64| {
        for _ in 0..200 {
            let health = door.app.get("/api/health").await.expect(200);
            if health["checks"]["queries"]["running"] == count {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("never {count} statements under way");
    };
    running(1).await;
    let mut cancel = vec![0, 0, 0, 16, 4, 210, 22, 46];
    cancel.extend(&key);
    door.raw().await.write_all(&cancel).await.unwrap();
    assert_eq!(state(&client.until_ready().await), "57014");
    running(0).await;

    client.send(b'Q', format!("{LONG}\0").as_bytes()).await;
    running(1).await;
    drop(client);
    running(0).await;
    door.close().await;
}

#[tokio::test]
async fn what_is_no_message_ends_one_connection_and_too_many_are_told() {
    let door = Door::open().await;
    for junk in [&b"GET / HTTP/1.1\r\n\r\n"[..], &[0, 0, 0, 4], &[0xff; 64], &[0, 0, 0, 8, 0, 2, 0, 0]] {
        let mut stream = door.raw().await;
        stream.write_all(junk).await.unwrap();
        let mut said = Vec::new();
        let ended = tokio::time::timeout(Duration::from_secs(5), stream.read_to_end(&mut said)).await;
        assert!(ended.is_ok(), "{junk:?}");
    }
    let mut client = door.connect("all").await;
    client.send(b'Q', b"no end").await;
    client.until_ready().await;
    let mut clients = Vec::new();
    for _ in 0..32 {
        clients.push(door.connect("KMUH").await);
    }
    assert_eq!(state(&door.try_connect("KMUH").await.1), "53300");
    drop(clients);
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(state(&door.try_connect("nobody").await.1), "3D000");
    // The catalogue is found by name with and without a schema; sessions are schemas.
    let mut client = door.connect("KMUH").await;
    assert_eq!(client.row("SELECT count(*) FROM \"Autumn\".parsed").await, ["3"]);
    let columns = "SELECT string_agg(column_name, ',') FROM information_schema.columns WHERE table_schema = 'Autumn' AND table_name = 'parsed'";
    assert_eq!(client.row(columns).await, ["timestamp,kW,mode"]);
    assert_eq!(client.row("SELECT count(*) FROM public.sessions").await, ["1"]);
    door.close().await;
}

#[tokio::test]
async fn nothing_is_changed_and_nothing_else_is_read() {
    let door = Door::open_with(&[("QUERY_MEMORY_BYTES", "16777216"), ("QUERY_SPILL_BYTES", "0")]).await;
    let mut client = door.connect("autumn").await;
    for (sql, sqlstate) in [
        ("COPY parsed TO '/tmp/x'", "0A000"),
        ("CREATE TABLE t (x int)", "25006"),
        ("INSERT INTO sessions VALUES (1)", "25006"),
        ("DROP TABLE parsed", "25006"),
        ("SELECT pg_read_file('/etc/passwd')", "42883"),
        ("SELECT * FROM '/etc/passwd'", "42P01"),
        ("SELECT * FROM pg_shadow", "42P01"),
        ("SELECT * FROM \"other\".parsed", "3F000"),
        ("SET data_directory = '/'", "55P02"),
        ("SELECT 1 +", "42601"),
        (
            "SELECT array_agg(a.time) FROM all_readings a, all_readings b, all_readings c, all_readings d, all_readings e, all_readings f, all_readings g, all_readings h, all_readings i",
            "53200",
        ),
    ] {
        assert_eq!(client.row(sql).await, [sqlstate], "{sql}");
    }
    door.close().await;
}
