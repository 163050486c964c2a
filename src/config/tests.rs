//! What each setting can and cannot be.
#![allow(clippy::unwrap_used)]

use super::*;

fn with(variable: &str, value: &str) -> Result<Config> {
    Config::from_values(|asked| (asked == variable).then(|| value.to_owned()))
}

#[test]
fn what_a_setting_cannot_mean_is_refused_by_its_name() {
    for (variable, value, says) in [
        ("HOST", "http://localhost", "the port is PORT"),
        ("HOST", "0.0.0.0:8000", "the port is PORT"),
        ("HOST", "[::1]", "::1"),
        ("PORT", "65536", "from 0 to 65535"),
        ("PORT", "-1", "from 0 to 65535"),
        ("PORT", "http", "from 0 to 65535"),
        ("DATA_DIR", "s3://bucket/reports", "a folder of this machine"),
        ("DATA_STORAGE_PATH", "s3://b/x", "not supported"),
        ("DATA_STORAGE_PATH", "file:///srv/x", "a folder of this machine"),
        ("MODELS_PATH", "gs://b", "a folder of this machine"),
        ("REDIS_URL", "127.0.0.1", "redis://127.0.0.1:6379/0"),
        ("REDIS_URL", "http://127.0.0.1", "redis://127.0.0.1:6379/0"),
        ("SITE_TIMEZONE", "Taipei", "Asia/Taipei"),
        ("CACHE_MAX_BYTES", "256MB", "a whole number of bytes"),
        ("PARQUET_ENCODINGS", "v2", "all or plain"),
        ("CACHE_MAX_BYTES", "99999999999999", "from 0 to"),
        ("CACHE_TTL_SECONDS", "0", "of seconds from 1"),
        ("CACHE_TTL_SECONDS", "18446744073709551615", "of seconds from 1"),
        ("MAX_UPLOAD_BYTES", "0", "of bytes from 1024"),
        ("PARSE_MEMORY_BYTES", "512", "of bytes from 1048576"),
        ("REQUEST_TIMEOUT_SECONDS", "0", "of seconds from 1"),
        ("REQUEST_TIMEOUT_SECONDS", "1.5", "of seconds from 1"),
        ("REQUIRE_SESSION_ID", "yes", "true or false"),
        ("CORS_ALLOWED_ORIGINS", "foo", "http://localhost:3000"),
        ("CORS_ALLOWED_ORIGINS", "http://localhost:3000, ftp://x", "an origin"),
        ("CORS_ALLOWED_ORIGINS", "https://plant.example/", "as browsers send it: https://plant.example"),
        ("CORS_ALLOWED_ORIGINS", "https://Plant.example:443", "as browsers send it: https://plant.example"),
        ("ALLOWED_HOSTS", "http://hvac.example", "without scheme and port"),
        ("ALLOWED_HOSTS", "hvac.example, hvac.example:8000", "without scheme and port"),
        ("ALLOWED_HOSTS", "*.example", "one by one"),
        ("ALLOWED_HOSTS", "*", "one by one"),
        ("TRUSTED_PROXIES", "proxy.example", "such as 10.0.0.7"),
        ("TRUSTED_PROXIES", "127.0.0.1, 10.1.2.3/8", "10.0.0.0/8"),
        ("TRUSTED_PROXIES", "0.0.0.0/0", "believes what anybody says"),
        ("RATE_LIMIT_ANONYMOUS", "-1", "of requests from 0"),
        ("RATE_LIMIT_HEAVY", "ten", "of requests from 0"),
        ("TLS_CERT", "cert.pem", "TLS_KEY is not"),
        ("TLS_KEY", "key.pem", "TLS_CERT is not"),
        ("HSTS_SECONDS", "a year", "of seconds from 0"),
        ("LOG_FORMAT", "xml", "pretty or json"),
        ("RUST_LOG", "info=loud=louder", "directives"),
        ("INSTANCE", "a\nb", "a name"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "127.0.0.1:4318", "http://127.0.0.1:4318"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "https://collector.example", "on this machine"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "a key", "name=value"),
    ] {
        let error = with(variable, value).unwrap_err();
        assert!(error.message.contains(variable) && error.message.contains(says), "{variable}={value}: {error}");
        assert!(
            ["bad_setting", "unknown_timezone"].contains(&error.code.name),
            "{variable}={value}: {}",
            error.code.name
        );
    }
    for (variable, value) in [
        ("REDIS_URL", "redis//:secret@127.0.0.1"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "https://me:secret@collector.example"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "secret"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "secret"),
    ] {
        let error = with(variable, value).unwrap_err();
        assert!(!error.message.contains("secret"), "{error}");
    }
}

#[test]
fn what_a_setting_can_mean_is_taken() {
    for (variable, value) in [
        ("HOST", "::1"),
        ("HOST", "0.0.0.0"),
        ("HOST", "plant-7.example"),
        ("PORT", "0"),
        ("DATA_STORAGE_PATH", "/srv/hvac sessions"),
        ("DATA_STORAGE_PATH", "C:\\hvac\\sessions"),
        ("REDIS_URL", "redis://user:word@cache.example:6380/1"),
        ("REDIS_URL", ""),
        ("CACHE_MAX_BYTES", "0"),
        ("PARQUET_ENCODINGS", "plain"),
        ("CORS_ALLOWED_ORIGINS", "*"),
        ("CORS_ALLOWED_ORIGINS", "http://localhost:3000, https://plant.example,"),
        ("ALLOWED_HOSTS", "hvac.example, Plant-7.local., bücher.example, 192.0.2.7, [2001:db8::1],"),
        ("TRUSTED_PROXIES", "127.0.0.1, ::1, 10.0.0.0/8"),
        ("RATE_LIMIT_KEY", "0"),
        ("HSTS_SECONDS", "0"),
        ("RUST_LOG", "warn,access=off"),
        ("RUST_LOG", "off"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector.example:4318/"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "api-key=a%20b,x=y=="),
    ] {
        with(variable, value).unwrap_or_else(|error| panic!("{variable}={value}: {error}"));
    }
    // Every default is one of them.
    assert!(with("", "").is_ok());
}

#[test]
fn names_that_are_no_settings_are_told_with_the_closest() {
    let told = |name: &str| check::unknown_names(std::iter::once(name.to_owned())).concat();
    assert_eq!(told("PORT"), "");
    assert!(told("REQUEST_TIMEOUT").contains("did you mean REQUEST_TIMEOUT_SECONDS?"));
    assert!(told("data_storage_path").contains("did you mean DATA_STORAGE_PATH?"));
    assert!(told("DATABSE_URL").contains("did you mean DATABASE_URL?"));
    assert!(told("VITE_TITLE").contains("no setting") && !told("VITE_TITLE").contains("did you mean"));
}

#[test]
fn hosts_are_written_as_browsers_write_them() {
    let config = with("ALLOWED_HOSTS", "Plant-7.Local., bücher.example, [2001:DB8::0:1], ::ffff:192.0.2.7").unwrap();
    assert_eq!(config.allowed_hosts, ["plant-7.local", "xn--bcher-kva.example", "2001:db8::1", "192.0.2.7"]);
}
