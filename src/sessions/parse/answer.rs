//! What a parse answers: of what it has just made, or of the same made before.

use chrono_tz::Tz;
use hvac_report::FilePlan;
use hvac_store::entity::{parsed_dataset, session};
use serde_json::json;

use super::{Caller, Parse};
use crate::datasets::clock;
use crate::error::{Context, Result};
use crate::events::{self, NewEvent};
use crate::sessions::build::Built;
use crate::sessions::{Parsed, ParsedFile, column_names, found, manifest, store};

impl Parse {
    pub(super) async fn reuse(
        self,
        dataset: parsed_dataset::Model,
        report: found::ParseReport<'_>,
        session: session::Model,
        caller: Caller,
    ) -> Result<Parsed> {
        if caller == Caller::Http {
            let txn = self.state.store.db.begin().await?;
            store::touch_default(&txn, &session.id).await?;
            txn.commit().await.internal("committing a reused parse")?;
        }
        manifest::write(&self.state, &session.id).await?;
        let zone = self.base.zone;
        let file =
            |f: found::FileReport<'_>| parsed_file(zone, f.sha256.into_owned(), f.size_bytes, f.plan.into_owned());
        let (version, row_count) = (dataset.version, dataset.row_count);
        let columns = dataset.columns.0;
        Ok(Parsed {
            success: true,
            session_id: session.id,
            dataset_id: dataset.id,
            version: format!("parsed-v{version}"),
            version_number: u32::try_from(version).unwrap_or_default(),
            row_count: u64::try_from(row_count).unwrap_or_default(),
            column_count: columns.len() as u64 + 1,
            columns: column_names(&columns),
            preview: report.preview.into_owned(),
            message: format!(
                "the same files were parsed before with the same options: that answer stands ({row_count} rows)"
            ),
            files: report.files.into_iter().map(file).collect(),
            unreadable: report.unreadable,
            warnings: report.warnings,
            column_details: columns,
            conflicts: report.conflicts,
            reused: true,
            dry_run: false,
            verdict: None,
        })
    }

    pub(super) fn answer(self, built: Built, dataset_id: String, version: u32, reused: bool) -> Parsed {
        let warnings = found::all_warnings(&self.warnings, &built);
        let (files, columns) = (built.files.len(), built.columns.len());
        let left_out = match built.unreadable.len() {
            0 => String::new(),
            n => format!("; {n} left out, for {} cannot be read", if n == 1 { "it" } else { "they" }),
        };
        let what = format!(
            "{files} {} → {} rows × {columns} points{left_out}",
            if files == 1 { "file" } else { "files" },
            built.row_count
        );
        let dry_run = self.request.dry_run;
        let zone = self.base.zone;
        Parsed {
            success: true,
            session_id: if dry_run && self.is_new { String::new() } else { self.session.id },
            dataset_id,
            version: if version == 0 { String::new() } else { format!("parsed-v{version}") },
            version_number: version,
            row_count: built.row_count,
            column_count: columns as u64 + 1,
            columns: column_names(&built.columns),
            preview: built.preview,
            message: if dry_run { format!("dry run: {what}; no version was made") } else { what },
            files: built.files.into_iter().map(|(id, size, plan)| parsed_file(zone, id.sha256, size, plan)).collect(),
            unreadable: built.unreadable,
            warnings,
            column_details: built.columns,
            conflicts: built.conflicts,
            reused,
            dry_run,
            verdict: built.verdict,
        }
    }
}

fn parsed_file(zone: Tz, sha256: String, size_bytes: u64, plan: FilePlan) -> ParsedFile {
    ParsedFile {
        sha256,
        size_bytes,
        first_at: plan.first_at_ms.map(|at| clock::iso(zone, at)),
        last_at: plan.last_at_ms.map(|at| clock::iso(zone, at)),
        plan,
    }
}

/// What is told of a parse, once it is committed.
pub(super) fn event(dataset: &parsed_dataset::Model, session: &session::Model) -> NewEvent {
    let data = json!({
        "session_id": dataset.session_id, "name": session.name, "site": session.site, "dataset_id": dataset.id,
        "version": format!("parsed-v{}", dataset.version), "row_count": dataset.row_count,
        "column_count": dataset.column_count, "start_at": dataset.start_at, "end_at": dataset.end_at,
    });
    NewEvent::of_session(events::SESSION_PARSED, &dataset.session_id, &data)
}
