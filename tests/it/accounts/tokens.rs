//! Tokens of another issuer, made by hand here: the right ones are taken, every trick with the others is not.
//!
//! `fixtures/tokens/issuer.pk8` is a key of these tests and of nothing else.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hvac_analytics::accounts::keys::{self, KeyRequest};
use hvac_analytics::accounts::people::{self, AccountFilter, AccountPatch};
use hvac_analytics::principal::{Role, Via};
use ring::hmac;
use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair, RSA_PKCS1_SHA256, RsaKeyPair, RsaPublicKeyComponents,
};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::{by_bearer, person};
use crate::helpers::TestApp;

const SECRET: &str = "a secret of thirty-two bytes, or some more";

fn b64(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

fn now() -> i64 {
    chrono::Utc::now().timestamp()
}

/// What a right token says of somebody, with some of it otherwise; null leaves it out.
fn claims(changes: Value) -> Value {
    let mut claims = json!({
        "iss": "https://id.plant.example", "aud": "hvac", "sub": "Chen", "exp": now() + 600, "role": "operator",
    });
    let fields = claims.as_object_mut().unwrap();
    fields.extend(changes.as_object().unwrap().clone());
    fields.retain(|_, value| !value.is_null());
    claims
}

fn unsigned(head: &Value, claims: &Value) -> String {
    format!("{}.{}", b64(head.to_string()), b64(claims.to_string()))
}

/// A token signed with a secret, whatever its head says.
fn by_secret(secret: &[u8], head: &Value, claims: &Value) -> String {
    let message = unsigned(head, claims);
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), message.as_bytes());
    format!("{message}.{}", b64(tag))
}

fn hs256(changes: Value) -> String {
    by_secret(SECRET.as_bytes(), &json!({"alg": "HS256", "typ": "JWT"}), &claims(changes))
}

/// An issuer with two keys.
struct Issuer {
    rsa: RsaKeyPair,
    ec: EcdsaKeyPair,
}

impl Issuer {
    fn new() -> Self {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/tokens/issuer.pk8");
        let random = SystemRandom::new();
        let ec = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
        Self {
            rsa: RsaKeyPair::from_pkcs8(&std::fs::read(path).unwrap()).unwrap(),
            ec: EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, ec.as_ref(), &random).unwrap(),
        }
    }

    fn rsa_parts(&self) -> (String, String) {
        let RsaPublicKeyComponents { n, e } = RsaPublicKeyComponents::<Vec<u8>>::from(self.rsa.public());
        (b64(n), b64(e))
    }

    fn ec_parts(&self) -> (String, String) {
        let point = self.ec.public_key().as_ref();
        (b64(&point[1..33]), b64(&point[33..]))
    }

    fn rsa_key(&self, id: &str) -> Value {
        let (n, e) = self.rsa_parts();
        json!({"kty": "RSA", "kid": id, "use": "sig", "alg": "RS256", "n": n, "e": e})
    }

    fn ec_key(&self, id: &str) -> Value {
        let (x, y) = self.ec_parts();
        json!({"kty": "EC", "kid": id, "crv": "P-256", "x": x, "y": y})
    }

    fn rs256(&self, head: &Value, claims: &Value) -> String {
        let message = unsigned(head, claims);
        let mut signature = vec![0; self.rsa.public().modulus_len()];
        self.rsa.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message.as_bytes(), &mut signature).unwrap();
        format!("{message}.{}", b64(signature))
    }

    fn es256(&self, head: &Value, claims: &Value) -> String {
        let message = unsigned(head, claims);
        let signature = self.ec.sign(&SystemRandom::new(), message.as_bytes()).unwrap();
        format!("{message}.{}", b64(signature))
    }
}

async fn with_keys(keys: &str, place: &str) -> TestApp {
    let (issuer, audience) = (("JWT_ISSUER", "https://id.plant.example"), ("JWT_AUDIENCE", "hvac"));
    let setting = if keys == "secret" { ("JWT_SECRET", place) } else { ("JWT_JWKS", place) };
    TestApp::start_with(&[setting, issuer, audience]).await
}

fn key_set(folder: &TempDir, keys: &[Value]) -> PathBuf {
    let path = folder.path().join("jwks.json");
    std::fs::write(&path, json!({"keys": keys}).to_string()).unwrap();
    path
}

async fn role(app: &TestApp, token: &str) -> Result<Role, &'static str> {
    let asks = by_bearer(app, token).await.map_err(|error| error.code.name)?.unwrap();
    assert_eq!(asks.via, Via::Token);
    Ok(asks.role)
}

#[tokio::test]
async fn a_token_says_who_and_in_which_role_and_a_newcomer_gets_an_account() {
    let app = with_keys("secret", SECRET).await;
    assert_eq!(role(&app, &hs256(json!({}))).await, Ok(Role::Operator));
    assert_eq!(role(&app, &hs256(json!({"sub": "chen", "role": ["staff", "viewer"]}))).await, Ok(Role::Viewer));
    assert_eq!(role(&app, &hs256(json!({"role": "admin"}))).await, Ok(Role::Operator), "no more than the account");
    let accounts = people::list(&app.state, &AccountFilter::default()).await.unwrap();
    assert_eq!(accounts.total, 1);
    let chen = &accounts.items[0];
    assert_eq!((chen.name.as_str(), chen.role, chen.has_password), ("Chen", Role::Operator, false));
    // An admin of this store has the last word.
    let change = async |patch| people::change(&app.state, &chen.id, patch).await.unwrap();
    change(AccountPatch { role: Some(Role::Viewer), ..AccountPatch::default() }).await;
    assert_eq!(role(&app, &hs256(json!({}))).await, Ok(Role::Viewer));
    change(AccountPatch { disabled: Some(true), ..AccountPatch::default() }).await;
    assert_eq!(role(&app, &hs256(json!({}))).await, Err("bad_credentials"));
    change(AccountPatch { disabled: Some(false), ..AccountPatch::default() }).await;
    assert_eq!(role(&app, &hs256(json!({}))).await, Ok(Role::Viewer));
    // A service has keys; a token that calls itself after one is somebody else's.
    let gateway = KeyRequest { name: "gateway".to_owned(), role: Role::Admin, expires: None, user: None };
    keys::create(&app.state, gateway).await.unwrap();
    assert_eq!(role(&app, &hs256(json!({"sub": "gateway", "role": "admin"}))).await, Err("bad_credentials"));
    person(&app, "lin", Role::Admin).await;
    assert_eq!(role(&app, &hs256(json!({"sub": "LIN", "role": "admin"}))).await, Ok(Role::Admin));
}

#[tokio::test]
async fn many_requests_of_one_newcomer_make_one_account() {
    let app = with_keys("secret", SECRET).await;
    let token = hs256(json!({}));
    let all = (0..8).map(|_| role(&app, &token));
    let all = futures_util::future::join_all(all).await;
    assert!(all.iter().all(|role| *role == Ok(Role::Operator)), "{all:?}");
    assert_eq!(people::list(&app.state, &AccountFilter::default()).await.unwrap().total, 1);
}

#[tokio::test]
async fn a_token_with_anything_wrong_is_refused() {
    let app = with_keys("secret", SECRET).await;
    assert_eq!(
        role(&app, &hs256(json!({"aud": ["other", "hvac"], "nbf": now() + 10, "exp": now() - 10}))).await,
        Ok(Role::Operator)
    );
    for changes in [
        json!({"exp": null}),
        json!({"exp": "tomorrow"}),
        json!({"exp": -1}),
        json!({"exp": 1e300}),
        json!({"exp": now() - 60, "aud": "other"}),
        json!({"exp": now() - 60, "role": null, "iss": "x"}),
        json!({"nbf": now() + 60}),
        json!({"nbf": "soon"}),
        json!({"iss": null}),
        json!({"iss": "https://id.plant.example/"}),
        json!({"iss": ["https://other.example"]}),
        json!({"aud": null}),
        json!({"aud": "hvac2"}),
        json!({"aud": []}),
        json!({"aud": {"hvac": 1}}),
        json!({"sub": null}),
        json!({"sub": ""}),
        json!({"sub": " "}),
        json!({"sub": 7}),
        json!({"sub": "a\u{0}b"}),
        json!({"sub": "anonymous"}),
        json!({"sub": "x".repeat(201)}),
        json!({"role": null}),
        json!({"role": "root"}),
        json!({"role": []}),
        json!({"role": {"operator": true}}),
    ] {
        assert_eq!(role(&app, &hs256(changes.clone())).await, Err("bad_credentials"), "{changes}");
    }
    for ended in [json!({"exp": now() - 60}), json!({"exp": 0})] {
        assert_eq!(role(&app, &hs256(ended)).await, Err("expired_credentials"));
    }
    let right = hs256(json!({}));
    let [head, body, signature] = right.split('.').collect::<Vec<_>>()[..] else { panic!() };
    let admin = b64(claims(json!({"role": "admin"})).to_string());
    let with_head = |head: Value| by_secret(SECRET.as_bytes(), &head, &claims(json!({})));
    for token in [
        format!("{head}.{admin}.{signature}"),
        format!("{head}.{body}."),
        format!("{head}.{body}.{}", &signature[..42]),
        format!("{head}.{body}.{signature}="),
        format!("{head}.{body}.{}", b64([0; 32])),
        format!("{}.{body}.{signature}", b64(r#"{"alg":"HS256"}"#)),
        format!(".{body}.{signature}"),
        format!("{head}..{signature}"),
        "..".to_owned(),
        "a.b.c".to_owned(),
        format!("{}.{body}.", b64(r#"{"alg":"none"}"#)),
        format!("{}.{body}.{signature}", b64(r#"{"alg":"none"}"#)),
        format!("{}.{body}.", b64(r#"{"alg":"None"}"#)),
        format!("{}.{body}.", b64(r#"{"alg":"NONE","typ":"JWT"}"#)),
        format!("{}.{body}.", b64(r#"{"typ":"JWT"}"#)),
        with_head(json!({"alg": "none"})),
        with_head(json!({"alg": "HS384"})),
        with_head(json!({"alg": "HS512"})),
        with_head(json!({"alg": "RS256"})),
        with_head(json!({"alg": "ES256"})),
        with_head(json!({"alg": "hs256"})),
        with_head(json!({"alg": ["HS256"]})),
        with_head(json!({"alg": "HS256", "crit": ["exp"], "exp": 1})),
        with_head(json!({"alg": "HS256", "b64": false, "crit": ["b64"]})),
        by_secret(b"", &json!({"alg": "HS256"}), &claims(json!({}))),
        by_secret(b"another secret of more than thirty-two bytes", &json!({"alg": "HS256"}), &claims(json!({}))),
    ] {
        assert_eq!(role(&app, &token).await, Err("bad_credentials"), "{token}");
    }
    assert_eq!(role(&app, &right).await, Ok(Role::Operator));
    // Where no tokens are taken, none is.
    assert_eq!(role(&TestApp::start().await, &right).await, Err("bad_credentials"));
}

#[tokio::test]
async fn a_key_is_for_its_own_algorithm_and_no_token_brings_its_own() {
    let (folder, issuer) = (TempDir::new().unwrap(), Issuer::new());
    let (n, e) = issuer.rsa_parts();
    let (x, y) = issuer.ec_parts();
    let path = key_set(
        &folder,
        &[
            issuer.rsa_key("rsa"),
            issuer.ec_key("ec"),
            json!({"kty": "oct", "kid": "oct", "alg": "HS256", "k": b64(SECRET)}),
            json!({"kty": "RSA", "kid": "enc", "use": "enc", "n": n, "e": e}),
            json!({"kty": "RSA", "kid": "pss", "alg": "PS256", "n": n, "e": e}),
            json!({"kty": "EC", "kid": "p384", "crv": "P-384", "x": x, "y": y}),
            json!({"kty": "EC", "kid": "broken", "crv": "P-256", "x": "!", "y": y}),
            json!({"kty": "new"}),
            json!("nonsense"),
        ],
    );
    let app = with_keys("set", path.to_str().unwrap()).await;
    let head = |alg: &str, id: &str| json!({"alg": alg, "kid": id});
    let all = claims(json!({}));
    assert_eq!(role(&app, &issuer.rs256(&head("RS256", "rsa"), &all)).await, Ok(Role::Operator));
    assert_eq!(role(&app, &issuer.es256(&head("ES256", "ec"), &all)).await, Ok(Role::Operator));
    let ended = claims(json!({"exp": now() - 60}));
    assert_eq!(role(&app, &issuer.rs256(&head("RS256", "rsa"), &ended)).await, Err("expired_credentials"));

    // Signed with what is public, as if that were a secret.
    let (der, point) = (issuer.rsa.public().as_ref().to_vec(), issuer.ec.public_key().as_ref().to_vec());
    let modulus = URL_SAFE_NO_PAD.decode(&n).unwrap();
    let pem = format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", b64(&der));
    let set = std::fs::read(&path).unwrap();
    for public in [&der, &point, &modulus, n.as_bytes(), pem.as_bytes(), x.as_bytes(), &set, SECRET.as_bytes(), b""] {
        for id in ["rsa", "ec", "oct"] {
            let token = by_secret(public, &head("HS256", id), &all);
            assert_eq!(role(&app, &token).await, Err("bad_credentials"), "{id}");
        }
        assert_eq!(role(&app, &by_secret(public, &json!({"alg": "HS256"}), &all)).await, Err("bad_credentials"));
    }
    // The right signature under another name of algorithm or key, or without a name where there are several.
    let other = Issuer::new();
    let jwk = other.ec_key("ec");
    for token in [
        issuer.rs256(&head("RS384", "rsa"), &all),
        issuer.rs256(&head("PS256", "rsa"), &all),
        issuer.rs256(&head("ES256", "rsa"), &all),
        issuer.rs256(&head("RS256", "ec"), &all),
        issuer.rs256(&head("RS256", "enc"), &all),
        issuer.rs256(&head("RS256", "pss"), &all),
        issuer.rs256(&head("RS256", "RSA"), &all),
        issuer.rs256(&head("RS256", "../rsa"), &all),
        issuer.rs256(&json!({"alg": "RS256"}), &all),
        issuer.es256(&head("RS256", "rsa"), &all),
        issuer.es256(&head("ES256", "rsa"), &all),
        issuer.es256(&head("ES256", "p384"), &all),
        issuer.es256(&head("ES256", "broken"), &all),
        other.es256(&head("ES256", "ec"), &all),
        other.es256(&json!({"alg": "ES256", "kid": "ec", "jwk": jwk}), &all),
        other.es256(&json!({"alg": "ES256", "jwk": jwk}), &all),
        other.es256(&json!({"alg": "ES256", "kid": "ec", "jku": "http://127.0.0.1:1/jwks.json"}), &all),
        format!("{}.{}", unsigned(&head("ES256", "ec"), &all), b64([0; 64])),
        format!("{}.", unsigned(&head("none", "ec"), &all)),
    ] {
        assert_eq!(role(&app, &token).await, Err("bad_credentials"), "{token}");
    }
    // A set of one key needs no name.
    let app = with_keys("set", key_set(&folder, &[issuer.ec_key("ec")]).to_str().unwrap()).await;
    assert_eq!(role(&app, &issuer.es256(&json!({"alg": "ES256"}), &all)).await, Ok(Role::Operator));
    assert_eq!(role(&app, &issuer.es256(&head("ES256", "other"), &all)).await, Err("bad_credentials"));
}

/// An issuer's server that counts how often it is asked.
async fn serve_keys(answer: Arc<str>) -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/jwks.json?tenant=1", listener.local_addr().unwrap());
    let asked: Arc<AtomicUsize> = Arc::default();
    let count = Arc::clone(&asked);
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let (answer, count) = (Arc::clone(&answer), Arc::clone(&count));
            tokio::spawn(async move {
                let mut request = vec![0; 4096];
                let read = stream.read(&mut request).await.unwrap();
                let request = String::from_utf8_lossy(&request[..read]).into_owned();
                assert!(request.starts_with("GET /jwks.json?tenant=1 HTTP/1.1\r\n"), "{request}");
                count.fetch_add(1, Ordering::SeqCst);
                if answer.is_empty() {
                    tokio::time::sleep(Duration::from_secs(60)).await;
                }
                stream.write_all(answer.as_bytes()).await.unwrap();
            });
        }
    });
    (url, asked)
}

fn ok(body: &str) -> Arc<str> {
    format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len()).into()
}

#[tokio::test]
async fn an_issuer_is_asked_once_and_not_by_whoever_makes_up_names() {
    let issuer = Issuer::new();
    let (url, asked) = serve_keys(ok(&json!({"keys": [issuer.rsa_key("rsa"), issuer.ec_key("ec")]}).to_string())).await;
    let app = with_keys("set", &url).await;
    assert_eq!(asked.load(Ordering::SeqCst), 0, "not before it is needed");
    let all = claims(json!({}));
    let token = |id: &str| issuer.es256(&json!({"alg": "ES256", "kid": id}), &all);
    let (first, second) = (token("ec"), token("ec"));
    let at_once = tokio::join!(role(&app, &first), role(&app, &second));
    assert_eq!(at_once, (Ok(Role::Operator), Ok(Role::Operator)));
    for number in 0..20 {
        assert_eq!(role(&app, &token(&format!("made-up-{number}"))).await, Err("bad_credentials"));
    }
    let rsa = issuer.rs256(&json!({"alg": "RS256", "kid": "rsa"}), &all);
    assert_eq!(role(&app, &rsa).await, Ok(Role::Operator));
    assert_eq!(asked.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn an_issuer_that_cannot_be_asked_is_told_and_nobody_comes_in() {
    let issuer = Issuer::new();
    let token = issuer.es256(&json!({"alg": "ES256", "kid": "ec"}), &claims(json!({})));
    let keys = json!({"keys": [issuer.ec_key("ec")]}).to_string();
    let (elsewhere, _) = serve_keys(ok(&keys)).await;
    let folder = TempDir::new().unwrap();
    let broken = folder.path().join("broken.json");
    std::fs::write(&broken, "<html>").unwrap();
    let mut places = vec![
        "http://127.0.0.1:1/jwks.json".to_owned(),
        folder.path().join("none.json").display().to_string(),
        broken.display().to_string(),
    ];
    for answer in [
        ok("<html>"),
        ok(&format!("{keys}{}", " ".repeat(1 << 20))),
        keys.as_str().into(),
        "".into(),
        format!("HTTP/1.1 302 Found\r\nLocation: {elsewhere}\r\nContent-Length: 0\r\n\r\n").into(),
        format!("HTTP/1.1 500 Oops\r\nContent-Length: {}\r\n\r\n{keys}", keys.len()).into(),
    ] {
        places.push(serve_keys(answer).await.0);
    }
    for place in places {
        let app = with_keys("set", &place).await;
        for _ in 0..2 {
            let error = by_bearer(&app, &token).await.unwrap_err();
            assert_eq!((error.code.name, error.retry_after_s), ("issuer_unreachable", Some(60)), "{place}");
            assert!(!error.message.contains(&place), "{error}");
        }
    }
}

/// The address of a key set that a stranger could answer for, a secret that could be guessed: refused at the start.
#[test]
fn settings_of_tokens_that_let_others_in_are_refused() {
    use hvac_analytics::config::Config;
    let whole = [("JWT_ISSUER", "i"), ("JWT_AUDIENCE", "a")];
    let with = |values: &[(&str, &str)]| {
        let values: Vec<_> = values.iter().chain(&whole).copied().collect();
        Config::from_values(|asked| {
            values.iter().find(|(name, _)| *name == asked).map(|(_, value)| (*value).to_owned())
        })
    };
    for (values, says) in [
        (&[("JWT_SECRET", "31 bytes are not enough for it.")][..], "JWT_SECRET"),
        (&[("JWT_SECRET", SECRET), ("JWT_JWKS", "keys.json")], "JWT_JWKS"),
        (&[("JWT_SECRET", SECRET), ("JWT_ISSUER", "")], "JWT_ISSUER"),
        (&[("JWT_SECRET", SECRET), ("JWT_AUDIENCE", "")], "JWT_AUDIENCE"),
        (&[("JWT_JWKS", "http://id.plant.example/keys")], "https"),
        (&[("JWT_JWKS", "http://127.0.0.1.example.org/keys")], "https"),
        (&[("JWT_JWKS", "https://user:word@id.plant.example/keys")], "name and password"),
        (&[("JWT_JWKS", "ftp://id.plant.example/keys")], "https"),
        (&[("LOGIN_IDLE_HOURS", "0")], "LOGIN_IDLE_HOURS"),
    ] {
        let error = with(values).unwrap_err();
        assert!(error.message.contains(says) && error.code.name == "bad_setting", "{values:?}: {error}");
        assert!(!error.message.contains(SECRET) && !error.message.contains("31 bytes are"), "{error}");
    }
    for place in [
        "keys.json",
        "/etc/hvac/keys.json",
        "https://id.plant.example/keys",
        "http://localhost:8080/keys",
        "http://[::1]/k",
    ] {
        assert!(with(&[("JWT_JWKS", place)]).unwrap().tokens.is_some(), "{place}");
    }
    let config = with(&[("JWT_SECRET", SECRET), ("REDIS_URL", "redis://:hunter2@127.0.0.1:6379/0")]).unwrap();
    let shown = format!("{config:?}");
    assert!(!shown.contains(SECRET) && !shown.contains("hunter2"), "{shown}");
    assert_eq!(with(&[]).unwrap().tokens, None);
}
