//! Bundles that are damaged, lie, or meet a machine that fails: refused, and nothing left.

use super::*;

/// The same numbers each time.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, bound: usize) -> usize {
        // Knuth's MMIX.
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % bound
    }
}

async fn refused(app: &TestApp, bytes: Vec<u8>, what: &str) -> Value {
    let answer = import(app, bytes).await;
    assert!((400..500).contains(&answer.status), "{what}: {} {}", answer.status, answer.text());
    answer.json()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_byte_that_is_another_is_found_wherever_it_is() {
    let (here, there) = (TestApp::start().await, TestApp::start().await);
    let id = small(&here, "a", &[("timezone", "UTC")]).await;
    here.post("/api/clean", &json!({"session_id": id})).await.expect(200);
    let whole = bundle(&here, &id).await;
    let before = files(&there);
    let mut numbers = Numbers(20_261_130);
    // Everywhere, and in the directory and the seal, which are small.
    let mut places: Vec<usize> = (0..150).map(|_| numbers.below(whole.len())).collect();
    places.extend((0..100).map(|_| whole.len() - 1 - numbers.below(700)));
    places.extend(0..30);
    for place in places {
        let mut bytes = whole.clone();
        bytes[place] ^= u8::try_from(1 + numbers.below(255)).unwrap();
        refused(&there, bytes, &format!("byte {place} of {}", whole.len())).await;
    }
    for _ in 0..60 {
        refused(&there, whole[..numbers.below(whole.len())].to_vec(), "cut off").await;
    }
    let mut more = whole.clone();
    more.push(0);
    refused(&there, more, "a byte more").await;
    nothing_left(&there, &before, 0).await;
    import(&there, whole.clone()).await.expect(201);
    // Also of a session that is here already.
    let mut bytes = whole.clone();
    bytes[whole.len() / 2] ^= 1;
    import(&there, bytes).await.expect_problem(422, "bundle_damaged");
}

/// Packed by another program, without the seal: contents alone count, and they must be right.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_packed_anew_is_taken_by_its_contents() {
    let (here, there) = (TestApp::start().await, TestApp::start().await);
    let id = plant(&here).await;
    let whole = bundle(&here, &id).await;
    let inside = members(&whole);
    let before = files(&there);
    let place = |ending: &str| inside.iter().position(|(name, _)| name.ends_with(ending)).unwrap();
    let changed = |index: usize, change: &dyn Fn(&mut (String, Vec<u8>))| {
        let mut members = inside.clone();
        change(&mut members[index]);
        repacked(&members, CompressionMethod::Deflated)
    };
    let manifest = |change: &dyn Fn(&mut Value)| {
        changed(place("session.json"), &|member| {
            let mut document: Value = serde_json::from_slice(&member.1).unwrap();
            change(&mut document);
            member.1 = serde_json::to_vec(&document).unwrap();
        })
    };
    // Bytes of each kind of file.
    for ending in ["parsed-v1.parquet", "cleaned-v1.parquet", "events.parquet", "plant-v1.json", "240707.csv"] {
        let bytes = changed(place(ending), &|member| member.1[40] ^= 1);
        import(&there, bytes).await.expect_problem(422, "bundle_damaged");
        let bytes = changed(place(ending), &|member| member.1.push(0));
        import(&there, bytes).await.expect_problem(422, "bundle_damaged");
        let bytes = changed(place(ending), &|member| member.1.truncate(9));
        import(&there, bytes).await.expect_problem(422, "bundle_damaged");
    }
    // Files that are missing, too many, or elsewhere.
    let mut fewer = inside.clone();
    fewer.remove(place("cleaned-v1.parquet"));
    import(&there, repacked(&fewer, CompressionMethod::Stored)).await.expect_problem(422, "bundle_contradicts");
    for name in ["../evil.csv", "/etc/evil", "sessions/x/raw/a", "models/KMUH/plant-v2.json", "a\\b", "C:\\x", ""] {
        let mut more = inside.clone();
        more.push((name.to_owned(), b"x".to_vec()));
        refused(&there, repacked(&more, CompressionMethod::Stored), name).await;
    }
    // Two sessions in one; none.
    let mut two = inside.clone();
    two.push((format!("sessions/{}/session.json", "0199c0de-0000-7000-8000-000000000000"), b"{}".to_vec()));
    import(&there, repacked(&two, CompressionMethod::Stored)).await.expect_problem(422, "bundle_damaged");
    let mut none = inside.clone();
    none.remove(place("session.json"));
    import(&there, repacked(&none, CompressionMethod::Stored)).await.expect_problem(415, "not_a_bundle");
    // A manifest that lies, each in a way of its own.
    type Lie = (&'static str, &'static dyn Fn(&mut Value));
    let lies: [Lie; 21] = [
        ("another id", &|d| d["session"]["id"] = json!("0199c0de-0000-7000-8000-000000000000")),
        ("another hash", &|d| d["parsed_datasets"][0]["sha256"] = json!("0".repeat(64))),
        ("no hash", &|d| d["parsed_datasets"][0]["sha256"] = json!("x")),
        ("another dataset", &|d| d["parsed_datasets"][0]["id"] = json!("x")),
        ("other rows", &|d| d["parsed_datasets"][0]["row_count"] = json!(7)),
        ("no report", &|d| d["source_files"].as_array_mut().unwrap().truncate(2)),
        ("a report elsewhere", &|d| d["source_files"][0]["path"] = json!("../../etc/passwd")),
        ("a parse that is none", &|d| d["cleaning_jobs"][0]["dataset_id"] = json!("x")),
        ("a version that is none", &|d| d["cleaning_jobs"][0]["version"] = json!(-1)),
        ("a model elsewhere", &|d| d["trained_models"][0]["model_file_path"] = json!("../x/plant-v1.json")),
        ("a model of nothing", &|d| d["trained_models"][0]["cleaning_job_id"] = json!("x")),
        ("an alias of nothing", &|d| d["model_aliases"][0]["model_id"] = json!("x")),
        ("deleted", &|d| d["session"]["deleted_at"] = json!("2024-01-01T00:00:00Z")),
        ("an unknown word", &|d| d["session"]["status"] = json!("flying")),
        ("a tag that is two", &|d| d["session"]["tags"] = json!(["a,b"])),
        ("notes without end", &|d| d["session"]["notes"] = json!("x".repeat(10_001))),
        ("a bell in the notes", &|d| d["session"]["notes"] = json!("\u{7}")),
        ("free data without end", &|d| d["session"]["metadata"] = json!({"a": "x".repeat(70_000)})),
        ("a price below nothing", &|d| {
            d["energy_price"] =
                json!({"site": "S", "currency": "TWD", "per_kwh": -1.0, "updated_at": "2026-01-01T00:00:00Z"});
        }),
        ("a control character", &|d| d["session"]["name"] = json!("a\u{1b}b")),
        ("no format", &|d| d["format_version"] = Value::Null),
    ];
    for (what, lie) in lies {
        let problem = refused(&there, manifest(lie), what).await;
        assert_ne!(problem["code"], "not_a_bundle", "{what}: {problem}");
    }
    for (what, newer) in [
        ("format", &(|d: &mut Value| d["format_version"] = json!(99)) as &dyn Fn(&mut Value)),
        ("field", &|d: &mut Value| d["session"]["colour"] = json!("blue")),
        ("list", &|d: &mut Value| d["sketches"] = json!([{"id": 1}])),
    ] {
        let problem = import(&there, manifest(newer)).await.expect_problem(409, "newer_bundle");
        assert!(problem["detail"].as_str().unwrap().contains("newer version"), "{what}: {problem}");
    }
    nothing_left(&there, &before, 0).await;
    // The whole of it, deflated, in another order, with entries for folders and without the text for people.
    let mut other = inside.clone();
    other.reverse();
    other.retain(|(name, _)| name != "README.txt");
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    writer.add_directory("sessions/", SimpleFileOptions::default()).unwrap();
    for (name, bytes) in &other {
        writer.start_file(name.as_str(), SimpleFileOptions::default()).unwrap();
        writer.write_all(bytes).unwrap();
    }
    import(&there, writer.finish().unwrap().into_inner()).await.expect(201);
    assert!(bundle(&there, &id).await == whole);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_bundle_is_refused_by_name() {
    let app = TestApp::start_with(&[("MAX_UPLOAD_BYTES", "100000")]).await;
    let before = files(&app);
    import(&app, Vec::new()).await.expect_problem(422, "empty_file");
    import(&app, b"time,kw\n1,2\n".to_vec()).await.expect_problem(415, "not_a_bundle");
    import(&app, b"PK\x03\x04 and nothing".to_vec()).await.expect_problem(422, "bundle_damaged");
    import(&app, repacked(&[("a.csv".to_owned(), b"time,kw\n".to_vec())], CompressionMethod::Stored))
        .await
        .expect_problem(415, "not_a_bundle");
    import(&app, vec![b'x'; 2_000_000]).await.expect_problem(413, "upload_too_large");
    // What unpacks to more than may be sent.
    let here = TestApp::start().await;
    let report = format!("time,kw\n{}", "2020-01-01 00:00,1\n".repeat(20_000));
    let id = here.uploaded(&[("kw.csv", report.as_bytes())], &[]).await;
    let inside = members(&bundle(&here, &id).await);
    let bomb = repacked(&inside, CompressionMethod::Deflated);
    assert!(bomb.len() < 50_000);
    import(&app, bomb).await.expect_problem(413, "upload_too_large");
    // A form: one file, named as the document says.
    let send = |form: Form| app.request(Method::POST, "/api/sessions/import", |request| request.multipart(form));
    send(Form::new()).await.expect_problem(400, "broken_multipart");
    send(Form::new().part("bundle", Part::bytes(vec![1]).file_name("x"))).await.expect_problem(422, "unknown_field");
    send(Form::new().text("file", "x")).await.expect_problem(422, "no_file_name");
    let twice =
        ["a", "b"].iter().fold(Form::new(), |form, name| form.part("file", Part::bytes(vec![1]).file_name(*name)));
    send(twice).await.expect_problem(422, "repeated_field");
    nothing_left(&app, &before, 0).await;
}

/// The process dies at each step: there is nothing of the session, or all of it; and the next attempt succeeds.
#[cfg(debug_assertions)]
#[tokio::test(flavor = "multi_thread")]
async fn killed_at_every_step_of_an_import() {
    let here = TestApp::start().await;
    let id = plant(&here).await;
    let whole = bundle(&here, &id).await;
    let points = [
        ("stage.opened", false),
        ("stage.written", false),
        ("stage.synced", false),
        ("import.staged", false),
        ("import.before_publish", false),
        ("publish.renamed", false),
        ("import.published", false),
        ("import.committed", true),
    ];
    for (point, is_there) in points {
        let folder = TempDir::new().unwrap();
        let server = Process::serve(folder.path(), &["--crash-at", point]);
        let client = Client::of(&server);
        let sent = client.client.post(format!("{}/api/sessions/import", client.base)).body(whole.clone()).send().await;
        assert!(sent.is_err(), "{point} was not reached: {:?}", sent.map(|answer| answer.status()));
        assert!(!server.wait().success(), "{point}");
        let server = Process::serve(folder.path(), &[]);
        let client = Client::of(&server);
        let (status, _) = client.get(&format!("/api/sessions/{id}")).await;
        assert_eq!(status, if is_there { 200 } else { 404 }, "{point}");
        let (_, models) = client.get("/api/models").await;
        let models: Value = serde_json::from_slice(&models).unwrap();
        assert_eq!(models["total"], u32::from(is_there), "{point}: {models}");
        let again = client
            .client
            .post(format!("{}/api/sessions/import", client.base))
            .body(whole.clone())
            .send()
            .await
            .unwrap();
        assert_eq!(again.status().as_u16(), if is_there { 200 } else { 201 }, "{point}");
        assert_eq!(client.get(&format!("/api/sessions/{id}/bundle.zip")).await.1, whole, "{point}");
        assert!(server.terminate().success());
        let output = Process::command(folder.path(), &["doctor", "--json"]).output().unwrap();
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        for nothing in ["damaged", "orphans", "outdated_snapshots", "unconfirmed"] {
            assert_eq!(report[nothing], json!([]), "{point}: {report}");
        }
    }
}
