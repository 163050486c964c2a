//! From the raw bytes of a session to everything that was made of them: as a list, and drawn.

use std::collections::BTreeSet;

use super::{Lineage, LineageNode, found, store};
use crate::error::Result;
use crate::state::AppState;
use crate::times::utc;
use hvac_store::entity::{WorkStatus, cleaning_job, parsed_dataset, source_file, trained_model};

mod drawing;

pub use drawing::svg;

/// From the raw bytes to everything made of them.
///
/// # Errors
/// 404 when there is no such session.
#[tracing::instrument(level = "debug", name = "lineage", skip_all)]
pub async fn of(state: &AppState, session_id: &str) -> Result<Lineage> {
    let db = state.store.db.read();
    store::session(db, state.principal(), session_id).await?;
    let files = store::source_files(db, session_id).await?;
    let parsed = store::parsed_datasets(db, session_id).await?;
    let cleaned = store::cleaning_jobs(db, session_id).await?;
    let mut nodes: Vec<LineageNode> = files.iter().map(source_node).collect();
    for dataset in parsed.iter().rev() {
        let read = found::source_names(state, dataset).await?;
        nodes.push(parsed_node(dataset, &files, &read.iter().map(String::as_str).collect()));
    }
    nodes.extend(cleaned.iter().rev().filter_map(cleaned_node));
    let models = store::models(db, session_id, &[WorkStatus::Completed]).await?;
    nodes.extend(models.into_iter().filter_map(model_node));
    Ok(Lineage { session_id: session_id.to_owned(), nodes })
}

fn source_node(file: &source_file::Model) -> LineageNode {
    LineageNode {
        kind: "source_file".to_owned(),
        id: file.id.clone(),
        label: source_name(file),
        sha256: file.sha256.clone(),
        made_from: Vec::new(),
        made_by: serde_json::json!({"uploaded": file.file_name}),
        created_at: utc(file.created_at),
    }
}

fn parsed_node(dataset: &parsed_dataset::Model, files: &[source_file::Model], read: &BTreeSet<&str>) -> LineageNode {
    LineageNode {
        kind: "parsed_dataset".to_owned(),
        id: dataset.id.clone(),
        label: format!("parsed-v{}", dataset.version),
        sha256: dataset.sha256.clone(),
        made_from: files.iter().filter(|f| read.contains(source_name(f).as_str())).map(|f| f.id.clone()).collect(),
        made_by: serde_json::json!({"parser_version": dataset.parser_version, "options": dataset.options}),
        created_at: utc(dataset.created_at),
    }
}

fn cleaned_node(job: &cleaning_job::Model) -> Option<LineageNode> {
    Some(LineageNode {
        kind: "cleaned_dataset".to_owned(),
        id: job.id.clone(),
        label: format!("cleaned-v{}", job.version),
        sha256: job.sha256.clone()?,
        made_from: vec![job.dataset_id.clone()],
        made_by: serde_json::json!({"parameters": job.parameters}),
        created_at: utc(job.created_at),
    })
}

fn model_node(model: trained_model::Model) -> Option<LineageNode> {
    Some(LineageNode {
        kind: "model".to_owned(),
        label: format!("{}:v{}", model.name, model.version),
        sha256: model.sha256?,
        made_from: vec![model.cleaning_job_id.unwrap_or(model.dataset_id)],
        made_by: serde_json::json!({
            "trainer_version": model.trainer_version, "algorithm": model.algorithm, "options": model.options,
            "feature_mapping": model.feature_mapping,
        }),
        created_at: utc(model.created_at),
        id: model.id,
    })
}

/// How a parse names the file: `a.csv`, or `a.zip/b.csv`.
fn source_name(file: &source_file::Model) -> String {
    match &file.archive_member {
        Some(member) => format!("{}/{member}", file.file_name),
        None => file.file_name.clone(),
    }
}
