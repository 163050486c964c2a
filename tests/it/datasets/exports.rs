//! Whole frames as files of other forms.

use std::io::Write as _;

use arrow_array::cast::AsArray;
use arrow_array::types::Float64Type;

use super::{KW, started};

#[tokio::test]
async fn exports_hold_every_cell() {
    let (app, id, dataset) = started().await;
    let csv = app.get(&format!("/api/sessions/{id}/data.csv")).await;
    csv_is_right(&csv.text());
    assert_eq!(csv.status, 200);

    let parquet = app.get(&format!("/api/sessions/{id}/data.parquet")).await;
    assert_eq!(parquet.body, std::fs::read(app.storage().join(&dataset.file_path)).unwrap());
    let tail = app.get_with(&format!("/api/sessions/{id}/data.parquet"), &[("range", "bytes=-8")]).await;
    assert_eq!((tail.status, &tail.body[4..]), (206, &b"PAR1"[..]));

    let arrow = app.get(&format!("/api/sessions/{id}/data.arrow")).await;
    assert_eq!(&arrow.body[..6], b"ARROW1");
    let reader = arrow_ipc::reader::FileReader::try_new(std::io::Cursor::new(arrow.body.to_vec()), None).unwrap();
    let schema = reader.schema();
    let names: Vec<&String> = schema.fields().iter().map(|field| field.name()).collect();
    assert_eq!(names, ["timestamp", "MMCB_KW", "MMCB_KWH", "CHWS_T", "模式"]);
    let batches: Vec<_> = reader.map(|batch| batch.unwrap()).collect();
    let kw: Vec<Option<f64>> = batches
        .iter()
        .flat_map(|batch| batch.column(1).as_primitive::<Float64Type>().iter().collect::<Vec<_>>())
        .collect();
    assert_eq!(kw, KW);
}

fn csv_is_right(text: &str) {
    let mut lines = text.split("\r\n");
    assert_eq!(lines.next().unwrap(), "timestamp,MMCB_KW,MMCB_KWH,CHWS_T,模式");
    assert_eq!(lines.next().unwrap(), "2016-10-10T00:00:00+08:00,4.0,1100.0,7.0,COOL");
    assert_eq!(lines.nth(2).unwrap(), "2016-10-10T00:45:00+08:00,16.0,1103.0,7.0,\"AUTO, \"\"eco\"\"\"");
    assert_eq!(lines.nth(1).unwrap(), "2016-10-10T01:15:00+08:00,42.0,1105.0,7.0,");
    assert_eq!(lines.nth(5).unwrap(), "2016-10-10T03:30:00+08:00,,1111.0,7.0,");
    assert_eq!(lines.collect::<Vec<_>>(), [""], "every line ends, the last too");
}

/// A client that goes away in the middle of an export leaves the server well.
#[tokio::test]
async fn a_client_that_goes_away_ends_the_export() {
    let (app, id, _) = started().await;
    for _ in 0..20 {
        let mut socket = std::net::TcpStream::connect(app.address).unwrap();
        write!(socket, "GET /api/sessions/{id}/data.csv HTTP/1.1\r\nhost: localhost\r\n\r\n").unwrap();
        drop(socket);
    }
    app.get(&format!("/api/data/preview?session_id={id}")).await.expect(200);
}
