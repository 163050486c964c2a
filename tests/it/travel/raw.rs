//! Raw files one by one, byte for byte as they were uploaded.

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn raw_files_come_one_by_one() {
    let app = TestApp::start().await;
    let (a, b, page) = (
        b"time,kw\n2020-01-01 00:00,1\n".as_slice(),
        b"time,kw\n2020-01-01 00:15,2\n".as_slice(),
        b"<script>1</script>".as_slice(),
    );
    let id = app.uploaded(&[("kw.csv", a), ("kw.csv", b), ("../ü '.html", page)], &[]).await;
    let path = format!("/api/sessions/{id}/raw");
    let listed = app.get(&path).await.expect(200);
    let hashes: Vec<&str> =
        listed["files"].as_array().unwrap().iter().map(|file| file["sha256"].as_str().unwrap()).collect();
    assert_eq!(hashes, [sha256(a), sha256(b), sha256(page)]);
    for (which, bytes) in [(sha256(a), a), (sha256(b)[..12].to_owned(), b), (sha256(page), page)] {
        let answer = app.get(&format!("{path}/{which}")).await;
        assert!(answer.status == 200 && answer.body == bytes, "{}", answer.text());
        assert_eq!(answer.header("etag"), format!("\"{}\"", sha256(bytes)));
        assert_eq!(
            (answer.header("content-type"), answer.header("x-content-type-options")),
            ("application/octet-stream", "nosniff")
        );
        assert!(answer.header("content-disposition").starts_with("attachment; "));
        let part = app.get_with(&format!("{path}/{which}"), &[("range", "bytes=1-3")]).await;
        assert!(part.status == 206 && part.body == bytes[1..4]);
        assert_eq!(
            app.head_with(&format!("{path}/{which}"), &[]).await.header("content-length"),
            bytes.len().to_string()
        );
    }
    app.get(&format!("{path}/kw.csv")).await.expect_problem(409, "ambiguous_file");
    app.get(&format!("{path}/{}", &sha256(a)[..11])).await.expect_problem(404, "unknown_file");
    app.get(&format!("{path}/..%2F..%2Fstore.json")).await.expect_problem(404, "unknown_file");
    let one = app.uploaded(&[("溫 度.csv", a)], &[]).await;
    let answer = app.get(&format!("/api/sessions/{one}/raw/%E6%BA%AB%20%E5%BA%A6.csv")).await;
    assert!(answer.status == 200 && answer.body == a);
    assert!(answer.header("content-disposition").ends_with("filename*=UTF-8''%E6%BA%AB%20%E5%BA%A6.csv"));
    app.get("/api/sessions/nobody/raw").await.expect_problem(404, "unknown_session");
}
