//! The embedded page: whole, from the binary alone, and locked down.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::helpers::TestApp;

#[tokio::test]
async fn every_file_the_page_names_is_served() {
    let app = TestApp::start().await;
    let mut named = vec![app.page_file("app.js").await];
    for page in ["/", "/login"] {
        let answer = app.get(page).await;
        assert_eq!((answer.status, answer.header("content-type")), (200, "text/html; charset=utf-8"));
        assert_eq!(answer.header("cache-control"), "no-cache", "{page}");
        let text = answer.text();
        named.extend(text.split('"').filter(|word| word.starts_with("web/")).map(|path| format!("/{path}")));
        // A proxy may serve it below a path.
        assert!(!text.contains("=\"/") && !text.contains("web/0/"), "{text}");
    }
    assert!(named.len() >= 5, "{named:?}");
    let mut seen = BTreeSet::new();
    while let Some(path) = named.pop() {
        if !seen.insert(path.clone()) {
            continue;
        }
        let file = app.get(&path).await;
        assert_eq!(file.status, 200, "{path}");
        let (folder, name) = path.rsplit_once('/').unwrap();
        let kind = match name.rsplit_once('.').unwrap().1 {
            "js" => "text/javascript; charset=utf-8",
            "css" => "text/css; charset=utf-8",
            "svg" => "image/svg+xml",
            other => panic!("{other}"),
        };
        assert_eq!(file.header("content-type"), kind, "{path}");
        assert_eq!(file.header("cache-control"), "public, max-age=31536000, immutable", "{path}");
        let known = app.get_with(&path, &[("if-none-match", file.header("etag"))]).await;
        assert_eq!((known.status, known.body.len()), (304, 0), "{path}");
        if kind.starts_with("text/javascript") {
            let imported = file.text();
            let modules = imported.lines().filter(|line| line.starts_with("import ") || line.starts_with("export "));
            let modules = modules.filter_map(|line| line.split(" from \"").nth(1)?.split('"').next());
            named.extend(modules.map(|module| joined(folder, module)));
        }
    }
    assert!(seen.iter().any(|path| path.contains("/vendor/")), "{seen:?}");
}

/// Files that are new since the program was built are not in it: then `touch src/http/ui.rs`.
#[tokio::test]
async fn the_binary_has_all_of_the_page() {
    let app = TestApp::start().await;
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/web");
    let (mut folders, mut served) = (vec![root.clone()], 0);
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.strip_prefix(&root).unwrap().to_str().unwrap().replace('\\', "/");
            if path.is_dir() {
                folders.push(path);
            } else if !(name.ends_with(".md") || ["index.html", "login.html"].contains(&name.as_str())) {
                let file = app.get(&app.page_file(&name).await).await;
                assert_eq!((file.status, &*file.body), (200, &*std::fs::read(&path).unwrap()), "{name}");
                served += 1;
            }
        }
    }
    assert!(served >= 5, "{served}");
}

/// What another build of the program had is not there, so that no page is made of the files of two.
#[tokio::test]
async fn files_of_another_build_are_not_served() {
    let app = TestApp::start().await;
    for name in ["nothing.js", "README.md", "index.html", "vendor", "../Cargo.toml", "vendor/..%2fapp.js"] {
        app.get(&app.page_file(name).await).await.expect_problem(404, "no_such_route");
    }
    for path in ["/web/app.js", "/web/0/app.js", "/web/0123456789abcdef/app.js", "/web/../Cargo.toml"] {
        app.get(path).await.expect_problem(404, "no_such_route");
    }
}

#[tokio::test]
async fn the_page_runs_nothing_but_its_own_files() {
    let app = TestApp::start().await;
    for page in ["/", "/login"] {
        let page = app.get(page).await;
        let policy = page.header("content-security-policy").to_owned();
        assert!(policy.contains("default-src 'none'") && policy.contains("script-src 'self'"), "{policy}");
        assert!(!policy.contains("unsafe") && !policy.contains("http"), "{policy}");
        // What the policy would block must not be there in the first place.
        let text = page.text();
        let blocked = [" style=", " onclick=", "<script>", "http"];
        assert!(!blocked.iter().any(|part| text.contains(part)), "{text}");
    }
    for (path, text) in sources("js").into_iter().filter(|(path, _)| !path.contains("vendor/")) {
        assert!(
            !["innerHTML", "outerHTML", "insertAdjacentHTML", "eval("].iter().any(|word| text.contains(word)),
            "{path}"
        );
        assert!(
            !text.replace("http://www.w3.org/2000/svg", "").contains("http://") && !text.contains("https://"),
            "{path}"
        );
    }
}

/// Of the documentation, the page of others that we serve; `browser::our_own_pages_work_under_their_policy` looks at it.
#[tokio::test]
async fn the_docs_run_nothing_but_their_own_files() {
    let app = TestApp::start().await;
    let preset = app.get("/docs/swagger-ui-standalone-preset.js").await;
    for page in [app.get("/docs/").await, app.get("/docs").await, preset.clone()] {
        let policy = page.header("content-security-policy").to_owned();
        for part in ["default-src 'none'", "script-src 'self';", "connect-src 'self';", "frame-ancestors 'none'"] {
            assert!(policy.contains(part), "{part} in {policy}");
        }
        assert!(!policy.contains("unsafe") && !policy.contains("http"), "{policy}");
        assert_eq!(page.header("referrer-policy"), "no-referrer");
    }
    // A proxy may serve it below a path.
    let within = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build().unwrap();
    let moved = within.get(app.url("/docs")).send().await.unwrap();
    assert_eq!(moved.headers()["location"], "docs/");
    let settings = app.get("/docs/swagger-initializer.js").await.text();
    assert!(settings.contains("\"../api/openapi.json\""), "{settings}");
    // The one style in a script whose hash the policy has.
    assert!(preset.text().contains(
        r#"createElement("style",null,".logo_small_svg__cls-2{fill:#fff}.logo_small_svg__cls-3{fill:#85ea2d}")"#
    ));
}

/// What the page asks of the API, by method and path, is in the API's document.
#[tokio::test]
async fn the_page_asks_for_routes_that_exist() {
    let app = TestApp::start().await;
    let document = app.get("/api/openapi.json").await.expect(200);
    let paths = document["paths"].as_object().unwrap();
    let known: BTreeSet<String> = paths
        .iter()
        .flat_map(|(path, routes)| routes.as_object().unwrap().keys().map(move |method| (path, method)))
        .map(|(path, method)| format!("{} {}", method.to_uppercase(), nameless(path.trim_start_matches("/api/"))))
        .collect();
    let mut asked = BTreeSet::new();
    for (_, text) in
        sources("js").into_iter().filter(|(path, _)| !path.contains("vendor/") && !path.ends_with("login.js"))
    {
        for (before, method) in [("useGet(", "GET"), (" get(", "GET"), ("address(", ""), ("send(", "send")] {
            for (at, _) in text.match_indices(before) {
                let mut words = text[at + before.len()..].splitn(3, ['"', '`']);
                if !words.next().unwrap().is_empty() {
                    continue;
                }
                let first = words.next().unwrap();
                let (method, path) = match method {
                    // The path beside its method; one that is a variable is told elsewhere.
                    "send" => match words
                        .next()
                        .unwrap()
                        .strip_prefix(", ")
                        .map(|rest| rest.split(['"', '`']).collect::<Vec<_>>())
                    {
                        Some(rest) if rest[0].is_empty() => (first, rest[1]),
                        _ => continue,
                    },
                    method => (method, first),
                };
                let path = path.replace("${", "{");
                let whole = path.matches('{').count() == path.matches('}').count();
                // What is put together of parts only is no address that a reader could look up.
                if whole && !path.is_empty() && !path.starts_with('{') {
                    asked.insert((method.to_owned(), nameless(&path)));
                }
            }
        }
    }
    assert!(asked.len() > 50, "{asked:?}");
    // A part that the page puts in stands for any.
    let alike = |known: &str, path: &str| {
        let (known, path): (Vec<&str>, Vec<&str>) = (known.split('/').collect(), path.split('/').collect());
        known.len() == path.len() && known.iter().zip(&path).all(|(one, other)| one == other || other.contains("{}"))
    };
    let there = |method: &str, path: &str| {
        known
            .iter()
            .filter_map(|route| route.split_once(' '))
            .any(|(of, route)| (method.is_empty() || of == method) && alike(route, path))
    };
    let unknown: Vec<_> = asked.iter().filter(|(method, path)| !there(method, path)).collect();
    assert!(unknown.is_empty(), "{unknown:?}\n{known:?}");
}

/// Libraries of others are what the README says they are, byte for byte.
#[test]
fn libraries_are_unchanged() {
    let told = std::fs::read_to_string(root().join("README.md")).unwrap();
    let mut checked = 0;
    for line in told.lines().filter(|line| line.starts_with("| `vendor/")) {
        let words: Vec<&str> = line.split('`').collect();
        let bytes = std::fs::read(root().join(words[1])).unwrap();
        assert_eq!(format!("{:x}", Sha256::digest(&bytes)), words[words.len() - 2], "{}", words[1]);
        checked += 1;
    }
    let vendored = sources("js").iter().chain(&sources("css")).filter(|(path, _)| path.contains("vendor/")).count();
    assert_eq!(checked, vendored, "every library stands in the README");
}

/// A path without the names of its parameters.
fn nameless(path: &str) -> String {
    let mut plain = String::new();
    let mut depth = 0;
    for letter in path.chars() {
        match letter {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ if depth > 0 => continue,
            _ => {}
        }
        if depth == 0 || (letter == '{' && depth == 1) {
            plain.push(letter);
        }
    }
    plain
}

fn joined(folder: &str, module: &str) -> String {
    let mut parts: Vec<&str> = folder.split('/').collect();
    for part in module.split('/') {
        match part {
            "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    parts.join("/")
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src/web")
}

/// The page's files of an ending, with their paths.
fn sources(ending: &str) -> Vec<(String, String)> {
    let (mut folders, mut found) = (vec![root()], Vec::new());
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|known| known == ending) {
                found.push((path.to_string_lossy().into_owned(), std::fs::read_to_string(&path).unwrap()));
            }
        }
    }
    found
}
