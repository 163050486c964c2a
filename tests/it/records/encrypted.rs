//! TLS to servers that keep records: whose certificate is taken, and what is said of one that is not.

use super::elsewhere::kept_at;
use super::servers::{Authority, Kind, PASSWORD, Server};
use super::*;

const ORDER: &str = "/api/v1/work-orders";

/// How an address asks for a certificate of the right name, and names who may have signed it.
fn checked(kind: Kind, url: &str, authorities: Option<&str>) -> (String, Vec<(&'static str, String)>) {
    match (kind, authorities) {
        (Kind::Mysql, Some(path)) => (format!("{url}?ssl-ca={path}"), Vec::new()),
        (Kind::Mysql, None) => (format!("{url}?ssl-mode=VERIFY_IDENTITY"), Vec::new()),
        (Kind::Postgres, Some(path)) => (format!("{url}?sslrootcert={path}"), Vec::new()),
        (Kind::Postgres, None) => (format!("{url}?sslmode=verify-full"), Vec::new()),
        (Kind::Redis, path) => {
            let more = path.map(|path| ("REDIS_CA_PATH", path.to_owned()));
            (url.replacen("redis://", "rediss://", 1), more.into_iter().collect())
        }
    }
}

async fn app_of(server: &Server, url: &str, more: &[(&'static str, String)]) -> TestApp {
    let more: Vec<(&'static str, &str)> = more.iter().map(|(name, value)| (*name, value.as_str())).collect();
    kept_at((server.setting().0, url), server.word(), &more).await.unwrap()
}

/// Its collections are not taken over, and it is said why, without the address.
async fn is_refused(server: &Server, authorities: Option<&str>, why: &str) {
    let (url, more) = checked(server.kind, &server.url(), authorities);
    let app = app_of(server, &url, &more).await;
    let collections = app.get("/api/v1/collections").await.expect(200);
    let file = collections["files"].as_array().unwrap().iter().find(|file| file["file"] == "hvac.toml").unwrap();
    let error = file["error"].as_str().unwrap_or_else(|| panic!("{why}: {file}"));
    let name = match server.kind {
        Kind::Mysql => "MySQL",
        Kind::Postgres => "PostgreSQL",
        Kind::Redis => "Redis",
    };
    assert!(error.contains(&format!("{name} cannot be used now")) && error.contains(why), "{error}");
    assert!(!error.contains(PASSWORD) && !error.contains("127.0.0.1"), "{error}");
    app.post(ORDER, &json!({"work_order_id": "W", "title": "x"})).await.expect_problem(404, "no_such_route");
}

async fn each_certificate(kind: Kind) {
    let folder = TempDir::new().unwrap();
    let (ours, theirs) = (Authority::new(), Authority::new());
    let trusted = ours.write(&folder.path().join("ours.pem"));
    let others = theirs.write(&folder.path().join("theirs.pem"));
    let server = Server::start_by_tls(kind, &ours, "127.0.0.1");
    let (url, more) = checked(kind, &server.url(), Some(&trusted));
    let app = app_of(&server, &url, &more).await;
    app.post(ORDER, &json!({"work_order_id": "W-1", "title": "by TLS"})).await.expect(202);
    app.post("/api/v1/hvac/flush", &json!({})).await.expect(200);
    let list = app.get(ORDER).await.expect(200);
    assert_eq!((&list["total"], &list["items"][0]["title"]), (&json!(1), &json!("by TLS")));
    drop(app);
    let unsigned = "nobody who is trusted has signed its certificate";
    is_refused(&server, Some(&others), unsigned).await;
    is_refused(&server, None, unsigned).await;
    drop(server);
    is_refused(&Server::start_by_tls(kind, &ours, "other.example"), Some(&trusted), "of another name").await;
    let plain = if kind == Kind::Redis { "TLS" } else { "server does not support TLS" };
    is_refused(&Server::start(kind), Some(&trusted), plain).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs MariaDB"]
async fn mariadb_is_asked_by_tls() {
    each_certificate(Kind::Mysql).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL"]
async fn postgresql_is_asked_by_tls() {
    each_certificate(Kind::Postgres).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs redis-server"]
async fn redis_is_asked_by_tls() {
    each_certificate(Kind::Redis).await;
}

/// Encryption alone, as drivers ask for by themselves where a server offers it.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs MariaDB and PostgreSQL"]
async fn whoever_wants_no_certificate_is_encrypted_too() {
    for (kind, required) in [(Kind::Mysql, "?ssl-mode=REQUIRED"), (Kind::Postgres, "?sslmode=require")] {
        let server = Server::start_by_tls(kind, &Authority::new(), "other.example");
        for parameters in ["", required] {
            let app = app_of(&server, &(server.url() + parameters), &[]).await;
            app.post(ORDER, &json!({"work_order_id": "W", "title": parameters})).await.expect(202);
            app.post("/api/v1/hvac/flush", &json!({})).await.expect(200);
            assert_eq!(app.get("/api/v1/work-orders/W").await.expect(200)["title"], parameters);
        }
    }
}

/// The cache's second level, too.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs redis-server"]
async fn the_cache_asks_redis_by_tls() {
    let folder = Arc::new(TempDir::new().unwrap());
    let ours = Authority::new();
    let trusted = ours.write(&folder.path().join("ours.pem"));
    let others = Authority::new().write(&folder.path().join("theirs.pem"));
    let server = Server::start_by_tls(Kind::Redis, &ours, "127.0.0.1");
    let url = server.url().replacen("redis://", "rediss://", 1);
    for (path, is_up) in [(trusted, true), (others, false)] {
        let settings = vec![("REDIS_URL", url.clone()), ("REDIS_CA_PATH", path)];
        let app = TestApp::start_in(Arc::new(TempDir::new().unwrap()), settings).await.unwrap();
        let up = async || app.get("/health").await.json()["checks"]["cache"]["redis_up"].clone();
        let begun = std::time::Instant::now();
        while up().await != true && begun.elapsed().as_secs() < 3 {
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        assert_eq!(up().await, is_up);
    }
}

/// What cannot be meant is refused at the start, by the setting's name and without its password.
#[tokio::test]
async fn words_of_tls_that_nobody_reads_are_refused() {
    let folder = TempDir::new().unwrap();
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    let (empty, damaged) = (file("empty.pem", "nothing\n"), file("damaged.pem", "-----BEGIN CERTIFICATE-----\n!\n"));
    let good = Authority::new().write(&folder.path().join("good.pem"));
    let absent = folder.path().join("absent.pem").display().to_string();
    let url = |scheme: &str, more: &str| format!("{scheme}://hvac:{PASSWORD}@127.0.0.1:1/records{more}");
    for (setting, word, url, ca, why) in [
        ("RECORDS_POSTGRES_URL", "postgres", url("postgres", "?sslmode=full"), "", "none of disable, allow"),
        (
            "RECORDS_POSTGRES_URL",
            "postgres",
            url("postgres", "?ssl_mode=require"),
            "",
            "'ssl_mode', which nobody reads",
        ),
        ("RECORDS_POSTGRES_URL", "postgres", url("postgres", "?tls=true"), "", "'tls', which nobody reads"),
        (
            "RECORDS_POSTGRES_URL",
            "postgres",
            url("postgres", &format!("?sslmode=require&sslrootcert={good}")),
            "",
            "looks at no certificate",
        ),
        ("RECORDS_POSTGRES_URL", "postgres", url("postgres", &format!("?sslrootcert={absent}")), "", "cannot be read"),
        ("RECORDS_MYSQL_URL", "mysql", url("mysql", &format!("?ssl-ca={empty}")), "", "no certificate"),
        ("RECORDS_MYSQL_URL", "mysql", url("mysql", &format!("?ssl-ca={damaged}")), "", "PEM file of certificates"),
        ("RECORDS_MYSQL_URL", "mysql", url("mysql", "?ssl-mode=verify-full"), "", "none of disabled, preferred"),
        ("RECORDS_MYSQL_URL", "mysql", url("mysql", "?sslrootcert=x"), "", "'sslrootcert', which nobody reads"),
        ("RECORDS_REDIS_URL", "redis", format!("rediss://:{PASSWORD}@127.0.0.1:1/1#insecure"), "", "#insecure"),
        ("RECORDS_REDIS_URL", "redis", format!("rediss://:{PASSWORD}@127.0.0.1:1/1"), empty.as_str(), "no certificate"),
        ("RECORDS_REDIS_URL", "redis", format!("redis://:{PASSWORD}@127.0.0.1:1/1"), good.as_str(), "rediss://"),
    ] {
        let more: &[(&'static str, &str)] = if ca.is_empty() { &[] } else { &[("REDIS_CA_PATH", ca)] };
        let refused = kept_at((setting, &url), word, more).await.err().unwrap_or_else(|| panic!("{url}"));
        assert_eq!(refused.code.name, "bad_setting", "{refused}");
        let field = refused.details.first().and_then(|detail| detail.field.clone()).unwrap_or_default();
        assert!(field == setting || (!ca.is_empty() && field == "REDIS_CA_PATH"), "{field}: {refused}");
        assert!(refused.message.contains(why) && !refused.message.contains(PASSWORD), "{refused}");
    }
}
