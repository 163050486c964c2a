//! How answers end: whole, or told.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::sync::Arc;
use std::time::Duration;

use arrow_array::{Int64Array, RecordBatch};
use arrow_schema::{DataType, Field, Schema};
use futures_util::StreamExt;
use hvac_query::{Answer, Engine, EngineSettings, Limits, QueryError, Statement, Table};

fn engine(folder: &tempfile::TempDir) -> Engine {
    let (sessions, spill) = (folder.path().to_path_buf(), Some(folder.path().join("spill")));
    let settings = EngineSettings { sessions, memory_bytes: 64 << 20, spill, spill_bytes: 0, threads: 1, at_once: 1 };
    Engine::new(settings).unwrap()
}

/// Begins `SELECT * FROM numbers`, whose rows are one batch of three and then what `then` says.
async fn asked(engine: &Engine, then: fn() -> Option<Result<RecordBatch, QueryError>>) -> Answer {
    let schema = Arc::new(Schema::new(vec![Field::new("n", DataType::Int64, false)]));
    let batch = RecordBatch::try_new(Arc::clone(&schema), vec![Arc::new(Int64Array::from(vec![1, 2, 3]))]).unwrap();
    let rows = move || {
        let first = futures_util::stream::iter([Ok(batch.clone())]);
        first.chain(futures_util::stream::once(async move { then() }).filter_map(async |more| more)).boxed()
    };
    let statement = Statement::parse("SELECT * FROM numbers").unwrap();
    let name = statement.tables()[0].clone();
    let limits = Limits { time: Duration::from_secs(10), rows: None, zone: chrono_tz::UTC };
    engine.run(statement, vec![(name, Table::Made { schema, rows: Arc::new(rows) })], None, limits).await.unwrap()
}

async fn ended(mut answer: Answer) -> Result<usize, QueryError> {
    while answer.next().await?.is_some() {}
    Ok(answer.rows)
}

#[tokio::test]
async fn an_answer_that_ends_is_whole() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(ended(asked(&engine(&folder), || None).await).await.unwrap(), 3);
}

/// Of a panic within the work nothing must look like an end.
#[tokio::test]
async fn an_answer_that_breaks_off_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let engine = engine(&folder);
    let told = ended(asked(&engine, || panic!("planted")).await).await.unwrap_err();
    assert!(matches!(told, QueryError::Internal(_)), "{told:?}");
    assert_eq!(ended(asked(&engine, || None).await).await.unwrap(), 3, "the next one is answered");
}

/// What the system says of a disk stays what it is: ENOSPC.
#[tokio::test]
async fn a_full_disk_is_told_as_one() {
    let folder = tempfile::tempdir().unwrap();
    let full = || Some(Err(QueryError::Given(Arc::new(std::io::Error::from_raw_os_error(28)))));
    let told = ended(asked(&engine(&folder), full).await).await.unwrap_err();
    let QueryError::Given(error) = told else { panic!("{told:?}") };
    assert_eq!(error.downcast_ref::<std::io::Error>().and_then(std::io::Error::raw_os_error), Some(28));
}
