//! The cache's second level against a real Redis that is started, paused, resumed and killed under load.

use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use hvac_store::cache::{Beyond, Cache, CacheKey, Kind, redis_client};
use serde_json::json;
use tempfile::TempDir;

use crate::helpers::TestApp;

/// A server of its own, which keeps nothing and dies with the test.
struct Redis {
    server: Child,
    port: u16,
    _folder: TempDir,
}

impl Redis {
    fn start() -> Self {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let folder = tempfile::tempdir().unwrap();
        let server = Command::new("redis-server")
            .args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"])
            .current_dir(folder.path())
            .stdout(Stdio::null())
            .spawn()
            .expect("redis-server must be installed: scripts/test does it");
        let started = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(started.elapsed() < Duration::from_secs(10), "redis-server does not listen");
            std::thread::sleep(Duration::from_millis(20));
        }
        Self { server, port, _folder: folder }
    }

    fn cache(&self, memory_bytes: u64) -> Cache {
        let url = format!("redis://127.0.0.1:{}/0", self.port);
        Cache::new(memory_bytes, Duration::from_secs(60), Some(redis_client("REDIS_URL", &url, None).unwrap())).unwrap()
    }

    fn signal(&self, signal: &str) {
        assert!(Command::new("kill").args([signal, &self.server.id().to_string()]).status().unwrap().success());
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

/// Waits until something holds.
async fn until(what: &str, limit: Duration, holds: impl AsyncFn() -> bool) {
    let started = Instant::now();
    while !holds().await {
        assert!(started.elapsed() < limit, "{what} within {limit:?}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs redis-server"]
async fn a_second_process_finds_what_the_first_computed() {
    let redis = Redis::start();
    let (first, second) = (redis.cache(1 << 20), redis.cache(1 << 20));
    for cache in [&first, &second] {
        until("Redis is up", Duration::from_secs(5), async || cache.stats().await.redis_up == Some(true)).await;
    }
    let key = CacheKey::new(Kind::Answer, "aa", "preview");
    let answer = Bytes::from((0..100_000).map(|i| (i % 251) as u8).collect::<Vec<u8>>());
    first.put(&key, answer.clone()).await;
    let started = Instant::now();
    let found = loop {
        if let Some(found) = second.get(&key).await {
            break found;
        }
        assert!(started.elapsed() < Duration::from_secs(5), "the answer arrives in Redis");
        tokio::time::sleep(Duration::from_millis(5)).await;
    };
    assert_eq!(found, answer);
    assert_eq!((second.stats().await.hits_redis, second.stats().await.hits_memory), (1, 0));
    // Level 1 has it now, and nothing is computed.
    let again = second.get_or_compute(&key, async { panic!("computed again") }).await.unwrap();
    assert_eq!((again, second.stats().await.hits_memory), (answer, 1));
}

/// What a load saw.
#[derive(Default)]
struct Seen {
    operations: AtomicU64,
    slowest_us: AtomicU64,
    wrong: AtomicU64,
    stop: AtomicBool,
}

/// Gets, puts and computes without end, over more keys than level 1 holds.
async fn load(cache: Cache, seen: Arc<Seen>, mut random: u64) {
    while !seen.stop.load(Ordering::Relaxed) {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let number = (random >> 33) % 500;
        let key = CacheKey::new(Kind::Answer, "aa", number.to_string());
        let value = Bytes::from(number.to_le_bytes().repeat(500));
        let started = Instant::now();
        let found = match random >> 62 {
            0 => cache.get(&key).await.unwrap_or(value.clone()),
            1 => {
                cache.put(&key, value.clone()).await;
                value.clone()
            }
            _ => cache.get_or_compute(&key, async { Ok(value.clone()) }).await.unwrap_or_default(),
        };
        let took = u64::try_from(started.elapsed().as_micros()).unwrap();
        seen.slowest_us.fetch_max(took, Ordering::Relaxed);
        seen.operations.fetch_add(1, Ordering::Relaxed);
        seen.wrong.fetch_add(u64::from(found != value), Ordering::Relaxed);
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

/// The longest that the machine itself made a task wait.
async fn heartbeat(seen: Arc<Seen>) -> Duration {
    let mut longest = Duration::ZERO;
    while !seen.stop.load(Ordering::Relaxed) {
        let started = Instant::now();
        tokio::time::sleep(Duration::from_millis(2)).await;
        longest = longest.max(started.elapsed().saturating_sub(Duration::from_millis(4)));
    }
    longest
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs redis-server"]
async fn a_redis_that_stops_or_dies_makes_nobody_wait_or_fail() {
    let mut redis = Redis::start();
    let cache = redis.cache(100_000);
    let up = async || cache.stats().await.redis_up == Some(true);
    let down = async || cache.stats().await.redis_up == Some(false);
    until("Redis is up", Duration::from_secs(5), up).await;

    let seen = Arc::new(Seen::default());
    let beating = tokio::spawn(heartbeat(seen.clone()));
    let loads: Vec<_> = (0..48).map(|i| tokio::spawn(load(cache.clone(), seen.clone(), i))).collect();
    until("Redis serves", Duration::from_secs(5), async || cache.stats().await.hits_redis > 100).await;
    let errors = cache.stats().await.errors;

    redis.signal("-STOP");
    until("the breaker opens", Duration::from_secs(2), down).await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    let paused = (seen.operations.load(Ordering::Relaxed), cache.stats().await.hits_redis);
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert!(seen.operations.load(Ordering::Relaxed) > paused.0 + 1_000, "work goes on without Redis");
    assert!(cache.stats().await.errors > errors);

    redis.signal("-CONT");
    until("Redis is used again", Duration::from_secs(15), up).await;
    until("Redis serves again", Duration::from_secs(5), async || cache.stats().await.hits_redis > paused.1 + 100).await;

    redis.server.kill().unwrap();
    until("its end is noticed", Duration::from_secs(2), down).await;
    tokio::time::sleep(Duration::from_millis(500)).await;

    seen.stop.store(true, Ordering::Relaxed);
    for task in loads {
        task.await.unwrap();
    }
    let machine = beating.await.unwrap();
    let slowest = Duration::from_micros(seen.slowest_us.load(Ordering::Relaxed));
    println!("{} operations, slowest {slowest:?}, machine {machine:?}", seen.operations.load(Ordering::Relaxed));
    assert_eq!(seen.wrong.load(Ordering::Relaxed), 0, "every answer is the right one");
    assert!(slowest < Duration::from_millis(100) + machine, "slowest {slowest:?}, of which the machine {machine:?}");
}

/// Previews of a session from four clients at once, each of another page, for a while: how long each took, ms.
async fn previews(app: &TestApp, session_id: &str, turn: u32) -> Vec<f64> {
    let one = |client: u32| async move {
        let mut took = Vec::new();
        let started = Instant::now();
        let mut offset = turn * 10_000 + client * 2_500;
        while started.elapsed() < Duration::from_millis(800) {
            offset += 1;
            let path = format!("/api/data/preview?session_id={session_id}&rows=5&offset={}", offset % 5_000);
            let sent = Instant::now();
            app.get(&path).await.expect(200);
            took.push(sent.elapsed().as_secs_f64() * 1e3);
        }
        took
    };
    let mut took = futures_util::future::join_all((0..4).map(one)).await.concat();
    took.sort_by(f64::total_cmp);
    took
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs redis-server"]
async fn no_request_fails_or_waits_for_a_redis_that_is_paused_or_gone() {
    let redis = Redis::start();
    let url = format!("redis://127.0.0.1:{}/0", redis.port);
    // A first level that holds next to nothing, so that every request asks the second.
    let app = TestApp::start_with(&[("REDIS_URL", &url), ("CACHE_MAX_BYTES", "4096")]).await;
    let mut report = "time,kw\n".to_owned();
    for row in 0..5_000 {
        report += &format!("{},{row}\n", 1_577_836_800 + row * 60);
    }
    let session = app.parsed(&[("kw.csv", report.as_bytes())], &[("timezone", "UTC")]).await;
    let id = session["session_id"].as_str().unwrap();
    let cache = app.state.store.cache.clone();
    until("Redis is up", Duration::from_secs(5), async || cache.stats().await.redis_up == Some(true)).await;
    let near_worst = |took: &[f64]| took[took.len() * 99 / 100];
    let before = near_worst(&previews(&app, id, 0).await);
    redis.signal("-STOP");
    let paused = near_worst(&previews(&app, id, 1).await);
    redis.signal("-CONT");
    let resumed = near_worst(&previews(&app, id, 2).await);
    redis.signal("-KILL");
    let gone = near_worst(&previews(&app, id, 3).await);
    for took in [paused, resumed, gone] {
        assert!(took < before + 100.0, "p99, ms: {before} before, {paused} paused, {resumed} resumed, {gone} gone");
    }
}

/// What a gauge or counter of `/api/system/metrics` says, by the labels that it must have.
async fn figure(app: &TestApp, name: &str, labels: &[(&str, &str)]) -> f64 {
    let figures = app.get("/api/v1/system/metrics").await.expect(200);
    let family = figures["metrics"].as_array().unwrap().iter().find(|family| family["name"] == name).unwrap().clone();
    let is_it = |sample: &&serde_json::Value| labels.iter().all(|(label, value)| sample["labels"][*label] == *value);
    family["samples"].as_array().unwrap().iter().find(is_it).unwrap()["value"].as_f64().unwrap()
}

#[tokio::test]
async fn an_admin_has_the_cache_forget_by_a_pattern() {
    let app = TestApp::start().await;
    let report = b"time,kw\n2020-01-01 00:00,1.5\n2020-01-01 00:15,2.5\n";
    let parsed = app.parsed(&[("plant.csv", report)], &[("timezone", "UTC")]).await;
    let id = parsed["session_id"].as_str().unwrap();
    let preview = format!("/api/data/preview?session_id={id}");
    let stats = async || app.state.store.cache.stats().await;
    app.get(&preview).await.expect(200);
    app.get(&preview).await.expect(200);
    let before = stats().await;
    assert!(before.hits_memory > 0 && before.entries > 0, "{before:?}");
    let ratio = figure(&app, "hvac_cache_hit_ratio", &[("cache", "answers"), ("level", "memory")]).await;
    let expected = before.hits_memory as f64 / (before.hits_memory + before.misses) as f64;
    assert!((ratio - expected).abs() < 1e-9, "{ratio} {expected}");
    let nothing = app.post("/api/v1/cache/invalidate", &json!({"pattern": "model/*"})).await.expect(200);
    assert_eq!(nothing, json!({"pattern": "model/*", "memory": 0, "redis": null}));
    app.get(&preview).await.expect(200);
    assert_eq!(stats().await.misses, before.misses, "what was not named is kept");
    let answers = app.post("/api/v1/cache/invalidate", &json!({"pattern": "answer/*"})).await.expect(200);
    assert!(answers["memory"].as_u64().unwrap() >= 1, "{answers}");
    let again = app.get(&preview).await.expect(200);
    assert!(stats().await.misses > before.misses, "it is made anew");
    assert_eq!(again["preview"].as_array().unwrap().len(), 2);
    let all = app.post("/api/v1/cache/invalidate", &json!({"pattern": "*"})).await.expect(200);
    assert!(all["memory"].as_u64().unwrap() >= 1, "{all}");
    assert_eq!(stats().await.entries, 0);
    for pattern in ["", "  ", "answer/[a-z]*", "answer\u{0}"] {
        let refused = app.post("/api/v1/cache/invalidate", &json!({"pattern": pattern})).await;
        assert_eq!(refused.status, 422, "{pattern:?}: {}", refused.text());
    }
    let acts = app.get("/api/audit?action=cache.invalidate").await.expect(200);
    assert_eq!(acts["total"], 3, "{acts}");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs redis-server"]
async fn redis_forgets_what_an_admin_names() {
    let redis = Redis::start();
    let cache = redis.cache(1 << 20);
    until("Redis is up", Duration::from_secs(5), async || cache.stats().await.redis_up == Some(true)).await;
    let key = |sha256: &str| CacheKey::new(Kind::Answer, sha256, "preview");
    for sha256 in ["aa01", "aa02", "bb01"] {
        cache.put(&key(sha256), Bytes::from_static(b"an answer")).await;
    }
    let forgotten =
        async || cache.invalidate(|name| name.starts_with("answer/aa"), &[Beyond::Answers("aa*".to_owned())]).await;
    let redis_says = AtomicU64::new(0);
    until("Redis has them", Duration::from_secs(5), async || {
        let removed = forgotten().await.1.unwrap();
        redis_says.fetch_add(removed, Ordering::Relaxed) + removed == 2
    })
    .await;
    let other = redis.cache(1 << 20);
    until("Redis is up", Duration::from_secs(5), async || other.stats().await.redis_up == Some(true)).await;
    assert_eq!((other.get(&key("aa01")).await, other.get(&key("bb01")).await.is_some()), (None, true));
}
