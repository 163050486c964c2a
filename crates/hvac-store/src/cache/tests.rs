#![allow(clippy::unwrap_used)]
use super::*;
use crate::error::Context;

fn memory(max_bytes: u64) -> Cache {
    Cache::new(max_bytes, Duration::from_secs(60), None).unwrap()
}

fn answer(sha256: &str, request: &str) -> CacheKey {
    CacheKey::new(Kind::Answer, sha256, request)
}

fn rows(row: u64) -> CacheKey {
    CacheKey::new(Kind::Rows, "aa", row.to_string())
}

fn small() -> usize {
    usize::try_from(SMALL_BYTES).unwrap()
}

async fn has(cache: &Cache, key: &CacheKey) -> bool {
    cache.0.memory.run_pending_tasks().await;
    cache.0.memory.contains_key(key)
}

/// Eight bytes each.
async fn numbers(cache: &Cache, key: &CacheKey, number: usize) -> Result<Arc<Vec<f64>>> {
    cache.get_or_make(key, async { Ok((vec![0.0; number], 8 * number as u64)) }).await
}

#[tokio::test(flavor = "multi_thread")]
async fn many_who_want_one_answer_compute_it_once() {
    for max_bytes in [1 << 20, 0] {
        let (cache, computed) = (memory(max_bytes), Arc::new(AtomicU32::new(0)));
        let asking = (0..50).map(|_| {
            let (cache, computed) = (cache.clone(), computed.clone());
            tokio::spawn(async move {
                let compute = async {
                    computed.fetch_add(1, Ordering::SeqCst);
                    tokio::time::sleep(Duration::from_millis(100)).await;
                    Ok(Bytes::from_static(b"answer"))
                };
                cache.get_or_compute(&answer("aa", "preview"), compute).await.unwrap()
            })
        });
        for task in asking.collect::<Vec<_>>() {
            assert_eq!(task.await.unwrap(), "answer");
        }
        assert_eq!(computed.load(Ordering::SeqCst), 1, "of {max_bytes} bytes");
        assert_eq!(cache.stats().await.entries, u64::from(max_bytes > 0));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn many_who_want_the_same_rows_unpack_them_once() {
    let (cache, unpacked) = (memory(1 << 20), Arc::new(AtomicU32::new(0)));
    let asking = (0..50).map(|_| {
        let (cache, unpacked) = (cache.clone(), unpacked.clone());
        tokio::spawn(async move {
            let unpack = async {
                let unpacking = tokio::task::spawn_blocking(move || {
                    unpacked.fetch_add(1, Ordering::SeqCst);
                    std::thread::sleep(Duration::from_millis(20));
                });
                unpacking.await.internal("unpacking")?;
                Ok((vec![0.0; 10], 80))
            };
            assert_eq!(cache.get_or_make(&rows(0), unpack).await.unwrap().len(), 10);
        })
    });
    for task in asking.collect::<Vec<_>>() {
        task.await.unwrap();
    }
    assert_eq!(unpacked.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn another_goes_on_when_whoever_makes_it_goes_away() {
    let cache = memory(1 << 20);
    let key = answer("aa", "preview");
    let mut first = Box::pin(cache.get_or_compute(&key, std::future::pending()));
    assert!(futures_util::poll!(&mut first).is_pending());
    let mut second = Box::pin(cache.get_or_compute(&key, async { Ok(Bytes::from_static(b"second")) }));
    assert!(futures_util::poll!(&mut second).is_pending());
    drop(first);
    assert_eq!(second.await.unwrap(), "second");
}

#[tokio::test]
async fn what_is_large_goes_when_nobody_has_asked_for_a_while() {
    async fn turns(cache: &Cache, turns: u32) {
        for _ in 0..turns {
            cache.tidy().await;
        }
    }
    let cache = memory(256 << 20);
    let (little, large) = (answer("aa", "small"), answer("aa", "large"));
    let model = CacheKey::new(Kind::Model, "aa", "");
    cache.put(&little, Bytes::from(vec![0; small()])).await;
    cache.put(&large, Bytes::from(vec![0; small() + 1])).await;
    numbers(&cache, &model, small()).await.unwrap();
    for _ in 0..3 {
        assert!(cache.get_in_memory(&large).await.is_some(), "asked for, it stays");
        turns(&cache, QUIET_TURNS - 1).await;
    }
    turns(&cache, QUIET_TURNS + 1).await;
    let kept = (has(&cache, &little).await, has(&cache, &large).await, has(&cache, &model).await);
    assert_eq!(kept, (true, false, false));
    for number in 0..700 {
        cache.put(&answer("bb", &number.to_string()), Bytes::from(vec![0; small()])).await;
    }
    assert!(cache.get_in_memory(&little).await.is_some());
    turns(&cache, 2 * (QUIET_TURNS + 1)).await;
    assert_eq!(cache.stats().await.bytes, 0, "many small ones are large too");
}

#[tokio::test]
async fn a_failure_reaches_all_who_waited_and_is_not_kept() {
    let cache = memory(1 << 20);
    let key = answer("aa", "preview");
    let failing = || {
        cache.get_or_compute(&key, async {
            tokio::task::yield_now().await;
            Err(Error::internal("no").with_source("why"))
        })
    };
    let (one, other) = tokio::join!(failing(), failing());
    assert_eq!([one.unwrap_err().message, other.unwrap_err().message], ["no", "no"]);
    let alone = failing().await.unwrap_err();
    assert!(std::error::Error::source(&alone).is_some(), "the log gets the cause");
    let value = cache.get_or_compute(&key, async { Ok(Bytes::from_static(b"yes")) }).await;
    assert_eq!(value.unwrap(), "yes");
    let failed = cache.get_or_make::<Vec<f64>, _>(&rows(0), async { Err(Error::internal("no")) }).await;
    assert_eq!(failed.unwrap_err().message, "no");
    assert!(numbers(&cache, &rows(0), 1).await.is_ok());
}

#[tokio::test]
async fn memory_of_all_kinds_stays_within_one_bound() {
    let cache = memory(100_000);
    for i in 0..100 {
        cache.put(&answer("aa", &format!("request {i}")), Bytes::from(vec![0; 10_000])).await;
        numbers(&cache, &rows(i), 1000).await.unwrap();
        numbers(&cache, &CacheKey::new(Kind::Footer, i.to_string(), ""), 100).await.unwrap();
    }
    let stats = cache.stats().await;
    assert!(stats.bytes <= 100_000 && stats.entries >= 12, "{stats:?}");
    assert!(has(&cache, &answer("aa", "request 99")).await);
    numbers(&cache, &rows(1000), 12_501).await.unwrap();
    assert!(!has(&cache, &rows(1000)).await, "larger than all");
    assert_eq!(cache.stats().await, CacheStats { misses: stats.misses + 1, ..stats }, "and nothing goes for it");
}

#[tokio::test]
async fn a_scan_stays_within_the_bound_and_keeps_what_it_has_just_seen() {
    let cache = memory(100_000);
    for row in 0..50 {
        for _ in 0..3 {
            cache.get_or_compute(&answer("aa", "popular"), async { Ok(vec![0; 50_000].into()) }).await.unwrap();
        }
        numbers(&cache, &rows(row), 1000).await.unwrap();
        assert!(has(&cache, &rows(row)).await, "rows {row}");
    }
    assert!(cache.stats().await.bytes <= 100_000);
    assert!(has(&cache, &rows(45)).await && !has(&cache, &rows(0)).await);
    assert!(cache.fits(12_500) && !cache.fits(12_501));
}

#[tokio::test]
async fn everything_made_of_an_artefact_is_forgotten_and_nothing_else() {
    let cache = memory(1 << 20);
    let of = |sha256: &'static str| {
        [Kind::Rows, Kind::Footer, Kind::Model].map(|kind| CacheKey::new(kind, sha256, "")).into_iter()
    };
    for key in of("aa").chain(of("ab")) {
        numbers(&cache, &key, 1).await.unwrap();
    }
    cache.put(&answer("aa", "x"), Bytes::from_static(b"x")).await;
    cache.put(&answer("ab", "x"), Bytes::from_static(b"x")).await;
    cache.forget("aa").await;
    for (aa, ab) in of("aa").zip(of("ab")).chain([(answer("aa", "x"), answer("ab", "x"))]) {
        assert_eq!((has(&cache, &aa).await, has(&cache, &ab).await), (false, true), "{aa:?}");
    }
}

#[tokio::test]
async fn answers_are_kept_for_their_time_and_under_their_key() {
    let cache = Cache::new(1 << 20, Duration::from_millis(50), None).unwrap();
    let key = answer("aa", "rows=50");
    cache.put(&key, Bytes::from_static(b"x")).await;
    assert_eq!(cache.get(&key).await.unwrap(), "x");
    assert_eq!(cache.get(&answer("aa", "rows=51")).await, None);
    assert_eq!(cache.get(&answer("ab", "rows=50")).await, None);
    tokio::time::sleep(Duration::from_millis(80)).await;
    assert_eq!(cache.get(&key).await, None);
    let stats = cache.stats().await;
    assert_eq!((stats.hits_memory, stats.misses, stats.redis_up), (1, 3, None));
}

#[tokio::test]
async fn only_an_unreadable_redis_url_is_refused() {
    let ttl = Duration::from_secs(1);
    assert_eq!(redis_client("REDIS_URL", "not a url", None).err().unwrap().code.name, "bad_setting");
    let absent = redis_client("REDIS_URL", "redis://127.0.0.1:1", None).unwrap();
    let absent = Cache::new(1 << 20, ttl, Some(absent)).unwrap();
    let key = answer("aa", "r");
    absent.put(&key, Bytes::from_static(b"x")).await;
    assert_eq!(absent.get(&key).await.unwrap(), "x");
    assert_eq!(absent.stats().await.redis_up, Some(false));
}

#[test]
fn an_answer_is_where_older_programs_keep_it_in_redis() {
    let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    assert_eq!(answer("aa", "").in_redis(), format!("hvac:1:aa:{empty}"));
}
