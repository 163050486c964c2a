//! One suite for everything that keeps records, each against the real server.
//!
//! What a list must answer is worked out by a model that is a map and a sort; each backend is held to it with the same
//! seeded operations, so that they also agree with each other.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use hvac_analytics::config::{RecordServers, Secret, ServerAddress};
use hvac_analytics::records::backend::{BackendFailure, Filter, Found, Record, RecordBackend, RecordQuery};
use hvac_analytics::records::collection::{BackendKind, Collection};
use hvac_analytics::records::declaration;
use hvac_analytics::records::embedded::Embedded;
use hvac_analytics::records::servers::named;
use hvac_analytics::times::{ms_of, text_of};
use hvac_store::cache::Cache;
use serde_json::{Map, Value, json};

use super::servers::{Kind, PASSWORD, Server};
use crate::helpers::TestApp;

/// What is asked, and what it runs on.
struct Keeper {
    backend: Arc<dyn RecordBackend>,
    kind: BackendKind,
    /// Of the server, or of the embedded database.
    _of: Box<dyn std::any::Any>,
}

impl Keeper {
    fn of_server(kind: Kind) -> (Self, Server) {
        let server = Server::start(kind);
        let keeper = Self { backend: connected(&server), kind: kind_of(kind), _of: Box::new(()) };
        (keeper, server)
    }

    async fn embedded() -> Self {
        let app = TestApp::start().await;
        let backend = Arc::new(Embedded::new(app.state.store.db.clone()));
        Self { backend, kind: BackendKind::Sqlite, _of: Box::new(app) }
    }

    fn is_sql(&self) -> bool {
        self.kind != BackendKind::Redis
    }
}

fn kind_of(kind: Kind) -> BackendKind {
    match kind {
        Kind::Mysql => BackendKind::Mysql,
        Kind::Postgres => BackendKind::Postgres,
        Kind::Redis => BackendKind::Redis,
    }
}

/// The backend of a server, as the settings make it.
fn connected(server: &Server) -> Arc<dyn RecordBackend> {
    let address = Some(ServerAddress { url: Secret::new(server.url()), authorities: None });
    let servers = match server.kind {
        Kind::Mysql => RecordServers { mysql: address, ..RecordServers::default() },
        Kind::Postgres => RecordServers { postgres: address, ..RecordServers::default() },
        Kind::Redis => RecordServers { redis: address, ..RecordServers::default() },
    };
    let cache = Cache::new(1 << 24, Duration::from_secs(60), None).unwrap();
    let all = futures_util::FutureExt::now_or_never(named(&servers, &cache)).expect("nothing is waited for").unwrap();
    let kind = kind_of(server.kind);
    all.iter().find(|(own, _)| *own == kind).map(|(_, backend)| Arc::clone(backend)).unwrap()
}

/// Declared by a file, as users do.
fn collection(kind: BackendKind, fields: &str, more: &str) -> Collection {
    let text = format!(
        "[[collection]]\nname = \"readings_of_things\"\nkey = \"id\"\nbackend = \"{}\"\n{more}\n[collection.fields]\n\
         id = {{ type = \"text\" }}\n{fields}",
        kind.word()
    );
    let mut found = declaration::read("things.toml", &text).unwrap_or_else(|error| panic!("{error}\n{text}"));
    found.pop().unwrap().collection
}

/// Every type, with an index and without.
fn of_all_types(kind: BackendKind) -> Collection {
    let types = ["text", "integer", "number", "boolean", "time"];
    let mut fields = String::new();
    for name in types {
        fields += &format!("{name}_i = {{ type = \"{name}\", index = true }}\n{name}_n = {{ type = \"{name}\" }}\n");
    }
    fields = fields.replace("text_i = { type = \"text\",", "text_i = { type = \"text\", max_length = 500,");
    collection(kind, &(fields + "json_n = { type = \"json\" }\n"), "")
}

fn record(key: &str, at_ms: i64, fields: Value) -> Record {
    let Value::Object(fields) = fields else { panic!("{fields}") };
    Record { key: key.to_owned(), created_at_ms: at_ms, updated_at_ms: at_ms, fields }
}

fn all(sort_by: &str, descending: bool) -> RecordQuery {
    RecordQuery { filters: Vec::new(), sort_by: sort_by.to_owned(), descending, offset: 0, limit: 1000 }
}

fn keys(found: &Found) -> Vec<&str> {
    found.records.iter().map(|record| record.key.as_str()).collect()
}

/// Deterministic, so that a failure comes again.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }

    fn of<'v, T>(&mut self, values: &'v [T]) -> &'v T {
        &values[self.below(values.len())]
    }
}

const TEXTS: [&str; 20] = [
    "",
    " ",
    "a",
    "A",
    "a ",
    " a",
    "ä",
    "Ä",
    "a\u{308}",
    "z",
    "Z",
    "ａ",
    "中文",
    "😀",
    "\u{ffff}",
    "O'Neil",
    "back\\slash",
    "100%_",
    "\"quoted\"",
    "two\nlines",
];
const NUMBERS: [f64; 10] = [0.0, -0.0, 0.1, -1.5, 1e15, 1e300, -1e300, 5e-324, 3.0, 123_456_789.123_456_78];
const INTEGERS: [i64; 8] = [0, 1, -1, 42, i64::MAX, i64::MIN, 9_007_199_254_740_993, -9_007_199_254_740_993];
const TIMES: [&str; 6] = [
    "2026-01-31T12:00:00.000Z",
    "2026-01-31T12:00:00.001Z",
    "1969-12-31T23:59:59.999Z",
    "0001-01-01T00:00:00.000Z",
    "9999-12-31T23:59:59.999Z",
    "1970-01-01T00:00:00.000Z",
];

fn value(kind: &str, random: &mut Random) -> Value {
    match kind {
        "text" => json!(random.of(&TEXTS)),
        "integer" => json!(random.of(&INTEGERS)),
        "number" => json!(random.of(&NUMBERS)),
        "boolean" => json!(random.below(2) == 0),
        "time" => json!(random.of(&TIMES)),
        _ => json!({"n": random.of(&INTEGERS), "list": [random.of(&TEXTS), null, true], "text": random.of(&TEXTS)}),
    }
}

const KINDS: [&str; 5] = ["text", "integer", "number", "boolean", "time"];

fn random_record(random: &mut Random) -> Record {
    let mut fields = Map::new();
    for kind in KINDS.into_iter().chain(["json"]) {
        for end in ["i", "n"] {
            if (kind, end) != ("json", "i") && random.below(4) > 0 {
                fields.insert(format!("{kind}_{end}"), value(kind, random));
            }
        }
    }
    let key = random_key(random);
    let at = 1_700_000_000_000 + random.below(20) as i64;
    Record { key, created_at_ms: 1_600_000_000_000 + random.below(5) as i64, updated_at_ms: at, fields }
}

fn random_key(random: &mut Random) -> String {
    let text = random.of(&["k", "K", "k ", "ключ", "鍵😀", "key/with/slash", "kéy", "long"]);
    let number = random.below(12);
    if *text == "long" { format!("{number}{}", "é".repeat(198)) } else { format!("{text}{number}") }
}

/// What a backend must do.
#[derive(Default)]
struct Model(BTreeMap<String, Record>);

impl Model {
    fn write(&mut self, record: &Record) {
        match self.0.get_mut(&record.key) {
            Some(there) if there.updated_at_ms > record.updated_at_ms => {}
            Some(there) => {
                *there = Record { created_at_ms: there.created_at_ms, ..record.clone() };
            }
            None => drop(self.0.insert(record.key.clone(), record.clone())),
        }
    }

    fn value(record: &Record, name: &str) -> Option<Value> {
        match name {
            "id" => Some(json!(record.key)),
            "created_at" => Some(json!(text_of(record.created_at_ms))),
            "updated_at" => Some(json!(text_of(record.updated_at_ms))),
            _ => record.fields.get(name).cloned(),
        }
    }

    fn matches(record: &Record, filter: &Filter) -> bool {
        match filter {
            Filter::Is(name, values) => {
                let own = Self::value(record, name);
                own.is_some_and(|own| values.iter().any(|value| order(&own, value) == Ordering::Equal))
            }
            Filter::Has(name) => Self::value(record, name).is_some(),
            Filter::KeyAfter(key) => record.key > *key,
            Filter::Words(_) => unreachable!("the model does not search"),
            Filter::Between { time, from_ms, to_ms } => {
                let at = Self::value(record, time).and_then(|at| ms_of(at.as_str().unwrap()));
                at.is_some_and(|at| from_ms.is_none_or(|from| at >= from) && to_ms.is_none_or(|to| at < to))
            }
        }
    }

    fn query(&self, query: &RecordQuery) -> Found {
        let matching = |record: &&Record| query.filters.iter().all(|filter| Self::matches(record, filter));
        let mut records: Vec<Record> = self.0.values().filter(matching).cloned().collect();
        records.sort_by(|a, b| {
            let (mut left, mut right) = (Self::value(a, &query.sort_by), Self::value(b, &query.sort_by));
            if query.descending {
                std::mem::swap(&mut left, &mut right);
            }
            let by = match (left, right) {
                (None, None) => Ordering::Equal,
                (None, Some(_)) => Ordering::Less,
                (Some(_), None) => Ordering::Greater,
                (Some(left), Some(right)) => order(&left, &right),
            };
            by.then_with(|| a.key.cmp(&b.key))
        });
        let total = records.len() as u64;
        let records = records.into_iter().skip(query.offset as usize).take(query.limit as usize).collect();
        Found { total, records }
    }
}

/// Of two values of one type.
fn order(a: &Value, b: &Value) -> Ordering {
    match (a, b) {
        (Value::String(a), Value::String(b)) => a.cmp(b),
        (Value::Bool(a), Value::Bool(b)) => a.cmp(b),
        _ => match (a.as_i64(), b.as_i64()) {
            (Some(a), Some(b)) => a.cmp(&b),
            _ => a.as_f64().unwrap().partial_cmp(&b.as_f64().unwrap()).unwrap(),
        },
    }
}

/// The same record: numbers by their value, for `3` and `3.0` are one.
fn plain(record: &Record) -> (String, i64, i64, BTreeMap<String, String>) {
    let text = |(name, value): (&String, &Value)| {
        let value = match value {
            Value::Number(number) if name.starts_with("number") => format!("{:?}", number.as_f64().unwrap() + 0.0),
            other => other.to_string(),
        };
        (name.clone(), value)
    };
    (record.key.clone(), record.created_at_ms, record.updated_at_ms, record.fields.iter().map(text).collect())
}

fn random_query(random: &mut Random, indexed_only: bool) -> RecordQuery {
    let end = |random: &mut Random| if indexed_only { "i" } else { *random.of(&["i", "n"]) };
    let mut filters = Vec::new();
    for _ in 0..random.below(3) {
        let kind = *random.of(&KINDS);
        let name = format!("{kind}_{}", end(random));
        filters.push(match random.below(6) {
            0 => Filter::Has(name),
            5 => Filter::KeyAfter(random_key(random)),
            1 => {
                let time = (*random.of(&["created_at", "updated_at", "time_i"])).to_owned();
                let from_ms = (random.below(2) == 0).then(|| 1_600_000_000_000 + random.below(5) as i64);
                let needs_end = from_ms.is_none() || random.below(2) == 0;
                let to_ms = needs_end.then(|| 1_700_000_000_000 + random.below(20) as i64);
                Filter::Between { time, from_ms, to_ms }
            }
            2 => Filter::Is("id".to_owned(), vec![json!(random_key(random))]),
            number => Filter::Is(name, (2..number).map(|_| value(kind, random)).collect()),
        });
    }
    let sort_by = match random.below(4) {
        0 => (*random.of(&["id", "created_at", "updated_at"])).to_owned(),
        _ => format!("{}_{}", random.of(&KINDS), end(random)),
    };
    let offset = random.below(12) as u64;
    RecordQuery { filters, sort_by, descending: random.below(2) == 0, offset, limit: random.below(9) as u64 }
}

/// Random writes, deletes and questions, held against the model.
async fn agrees_with_the_model(keeper: &Keeper, seed: u64) {
    let (backend, things) = (&keeper.backend, of_all_types(keeper.kind));
    backend.prepare(&things, None).await.unwrap();
    // It may have been made before a crash.
    backend.prepare(&things, None).await.unwrap();
    let (mut random, mut model) = (Random(seed), Model::default());
    for round in 0..60 {
        let mut batch: BTreeMap<String, Record> = BTreeMap::new();
        for _ in 0..random.below(12) {
            let record = random_record(&mut random);
            batch.insert(record.key.clone(), record);
        }
        let batch: Vec<Record> = batch.into_values().collect();
        backend.write(&things, &batch).await.unwrap();
        batch.iter().for_each(|record| model.write(record));
        if round % 5 == 0 {
            let keys: Vec<String> = (0..3).map(|_| random_key(&mut random)).collect();
            let before_ms = (random.below(2) == 0).then(|| 1_700_000_000_000 + random.below(20) as i64);
            let deleted = backend.delete(&things, &keys, before_ms).await.unwrap();
            let size = model.0.len();
            let goes = |record: &Record| before_ms.is_none_or(|before| record.updated_at_ms < before);
            model.0.retain(|key, record| !(keys.contains(key) && goes(record)));
            assert_eq!(deleted, (size - model.0.len()) as u64, "seed {seed}, round {round}: {keys:?}");
        }
        let key = random_key(&mut random);
        let found = backend.read(&things, &key).await.unwrap();
        assert_eq!(found.as_ref().map(plain), model.0.get(&key).map(plain), "seed {seed}, round {round}");
        for _ in 0..8 {
            let query = random_query(&mut random, !keeper.is_sql());
            backend.check(&things, &query).unwrap();
            let found = backend.query(&things, &query).await.unwrap();
            let expected = model.query(&query);
            let context = format!("seed {seed}, round {round}: {query:?}");
            // Whoever goes on from a key wants no number.
            if !query.filters.iter().any(|filter| matches!(filter, Filter::KeyAfter(_))) {
                assert_eq!(found.total, expected.total, "{context}");
            }
            let (found, expected): (Vec<_>, Vec<_>) =
                (found.records.iter().map(plain).collect(), expected.records.iter().map(plain).collect());
            assert_eq!(found, expected, "{context}");
        }
    }
    assert!(model.0.len() > 20, "there was something to find");
}

/// What a declaration may change while records are there.
async fn takes_changes_of_the_declaration(keeper: &Keeper) {
    let of = |fields: &str| collection(keeper.kind, fields, "");
    let before = of("state = { type = \"text\", max_length = 20 }\nn = { type = \"integer\", index = true }");
    let backend = &keeper.backend;
    backend.prepare(&before, None).await.unwrap();
    let of_number =
        |n: i64| record(&format!("{n:03}"), 1000 + n, json!({"state": if n % 2 == 0 { "on" } else { "off" }, "n": -n}));
    let records: Vec<Record> = (0..700).map(of_number).collect();
    backend.write(&before, &records).await.unwrap();

    // An index that comes, one that goes, a text that may be longer; twice, as after a crash.
    let mut after = of(
        "state = { type = \"text\", max_length = 500, index = true }\nn = { type = \"integer\" }\nnew = { type = \"text\" }",
    );
    if keeper.is_sql() {
        after.fields.iter_mut().filter(|field| field.name == "n").for_each(|field| field.column = true);
    }
    // That of the metadata database is one commit with what is noted of it.
    let times = if keeper.kind == BackendKind::Sqlite { 1 } else { 2 };
    for _ in 0..times {
        backend.prepare(&after, Some(&before)).await.unwrap();
    }
    let on = RecordQuery { filters: vec![Filter::Is("state".to_owned(), vec![json!("on")])], ..all("id", true) };
    let found = backend.query(&after, &RecordQuery { limit: 2, ..on }).await.unwrap();
    assert_eq!((found.total, keys(&found)), (350, vec!["698", "696"]));
    assert_eq!(found.records[0].fields["n"], -698);
    backend.write(&after, &[record("x", 5000, json!({"state": "ä".repeat(500), "new": "b"}))]).await.unwrap();
    let has_new = RecordQuery { filters: vec![Filter::Has("new".to_owned())], ..all("id", false) };
    assert_eq!(keys(&backend.query(&after, &has_new).await.unwrap()), ["x"]);
    if keeper.is_sql() {
        let by_n = backend.query(&after, &RecordQuery { limit: 2, ..all("n", false) }).await.unwrap();
        assert_eq!(keys(&by_n), ["x", "699"], "what has no value comes first");
    } else {
        backend.check(&after, &all("n", false)).unwrap_err();
    }

    // Without its index a text may be as long as any.
    let mut longer =
        of("state = { type = \"text\", max_length = 100000 }\nn = { type = \"integer\" }\nnew = { type = \"text\" }");
    if keeper.is_sql() {
        let has_column = |name: &str| name == "n" || name == "state";
        longer.fields.iter_mut().filter(|field| has_column(&field.name)).for_each(|field| field.column = true);
    }
    backend.prepare(&longer, Some(&after)).await.unwrap();
    let long = record("y", 5000, json!({"state": "漢".repeat(100_000)}));
    backend.write(&longer, std::slice::from_ref(&long)).await.unwrap();
    assert_eq!(backend.read(&longer, "y").await.unwrap(), Some(long));
}

/// Big batches, names as long as they may be, and two writers of one key.
async fn takes_what_is_large(keeper: &Keeper) {
    let long = "f".repeat(40);
    let other = format!("{}g", "f".repeat(39));
    let text = format!(
        "[[collection]]\nname = \"{}\"\nkey = \"id\"\nbackend = \"{}\"\n[collection.fields]\nid = {{ type = \"text\" }}\n\
         {long} = {{ type = \"integer\", index = true }}\n{other} = {{ type = \"integer\", index = true }}\n\
         body = {{ type = \"text\", max_length = 100000 }}",
        "c".repeat(40),
        keeper.kind.word()
    );
    let things = declaration::read("things.toml", &text).unwrap().pop().unwrap().collection;
    let backend = &keeper.backend;
    backend.prepare(&things, None).await.unwrap();
    let of_number =
        |n: i64| record(&format!("{n:05}"), n, json!({&long: n % 7, &other: -n, "body": "x".repeat(10_000)}));
    let records: Vec<Record> = (0..5000).map(of_number).collect();
    backend.write(&things, &records).await.unwrap();
    let found = backend.query(&things, &RecordQuery { limit: 3, offset: 1, ..all(&other, false) }).await.unwrap();
    assert_eq!((found.total, keys(&found)), (5000, vec!["04998", "04997", "04996"]));

    // Two servers of this program write one key at once: one of both states stands there, the later one.
    let writes = (0..20).map(|n| {
        let state = record("00000", 10_000 + (n * 7) % 20, json!({&long: (n * 7) % 20}));
        let (backend, things) = (Arc::clone(backend), things.clone());
        async move {
            // A deadlock is no failure of the record's: it is asked again.
            while let Err(failure) = backend.write(&things, std::slice::from_ref(&state)).await {
                assert!(matches!(failure, BackendFailure::Down(_)), "{failure:?}");
            }
        }
    });
    futures_util::future::join_all(writes).await;
    let there = backend.read(&things, "00000").await.unwrap().unwrap();
    assert_eq!((there.updated_at_ms, &there.fields[&long], there.created_at_ms), (10_019, &json!(19), 0));
}

/// Everything that all of them have to do.
async fn suite(keeper: &Keeper) {
    keeper.backend.health().await.unwrap();
    agrees_with_the_model(keeper, 21).await;
}

#[tokio::test]
async fn the_embedded_database_keeps_records() {
    suite(&Keeper::embedded().await).await;
    takes_changes_of_the_declaration(&Keeper::embedded().await).await;
    takes_what_is_large(&Keeper::embedded().await).await;
}

async fn a_server_keeps_records(kind: Kind) {
    let (keeper, mut server) = Keeper::of_server(kind);
    suite(&keeper).await;
    takes_what_is_large(&keeper).await;
    let (other, _second) = Keeper::of_server(kind);
    takes_changes_of_the_declaration(&other).await;
    goes_and_comes_back(&keeper, &mut server).await;
}

/// A server that is stopped, killed and started again is told so, in time, without its address.
async fn goes_and_comes_back(keeper: &Keeper, server: &mut Server) {
    let (backend, things) = (&keeper.backend, of_all_types(keeper.kind));
    let before = backend.query(&things, &all("id", false)).await.unwrap();
    assert!(before.total > 20);
    server.down();
    let failures = [
        backend.health().await.unwrap_err(),
        backend.write(&things, &[record("new", 1, json!({}))]).await.unwrap_err(),
        backend.read(&things, "new").await.unwrap_err(),
        backend.query(&things, &all("id", false)).await.unwrap_err(),
    ];
    for failure in failures {
        let said = format!("{failure:?}");
        assert!(!said.contains(PASSWORD), "{said}");
        let BackendFailure::Down(error) = failure else { panic!("{said}") };
        assert_eq!(error.code.name, "backend_down");
        assert!(!error.message.contains("127.0.0.1"), "{}", error.message);
    }
    server.up();
    let begun = std::time::Instant::now();
    while backend.health().await.is_err() {
        assert!(begun.elapsed() < Duration::from_secs(20));
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let after = backend.query(&things, &all("id", false)).await.unwrap();
    assert_eq!(after, before, "what was written outlived the kill");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs MariaDB"]
async fn mariadb_keeps_records() {
    a_server_keeps_records(Kind::Mysql).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL"]
async fn postgresql_keeps_records() {
    a_server_keeps_records(Kind::Postgres).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs redis-server"]
async fn redis_keeps_records() {
    a_server_keeps_records(Kind::Redis).await;
}

/// More seeds than anybody wants to wait for.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "minutes by hand: KEEPER_SEEDS=200"]
async fn by_hand_all_agree_with_the_model() {
    let seeds = std::env::var("KEEPER_SEEDS").ok().and_then(|seeds| seeds.parse().ok()).unwrap_or(20_u64);
    for kind in [Kind::Mysql, Kind::Postgres, Kind::Redis] {
        let (keeper, _server) = Keeper::of_server(kind);
        for seed in 1..=seeds {
            agrees_with_the_model(&keeper, seed * 7919).await;
            let things = of_all_types(keeper.kind);
            let left = keeper.backend.query(&things, &all("id", false)).await.unwrap();
            let left: Vec<String> = left.records.into_iter().map(|record| record.key).collect();
            keeper.backend.delete(&things, &left, None).await.unwrap();
        }
    }
}
