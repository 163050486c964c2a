//! What a parse writes of its raw files.

use std::collections::BTreeMap;

use sea_orm::ConnectionTrait;

use super::Parse;
use crate::error::Result;
use crate::sessions::build::Built;
use crate::sessions::upload::insert_files;
use crate::sessions::{store, warned};
use hvac_store::entity::{Warnings, source_file};

impl Parse {
    /// Stores the rows of the new raw files with what reading has found, and writes it into those of the old ones.
    /// Gives the new rows.
    pub(super) async fn store_files(
        &self,
        txn: &impl ConnectionTrait,
        built: &Built,
    ) -> Result<Vec<source_file::Model>> {
        let found: BTreeMap<&str, _> = built.files.iter().map(|(id, _, plan)| (id.name.as_str(), plan)).collect();
        let plan_of = |row: &source_file::Model| found.get(name_of_row(row).as_str()).copied();
        let unreadable: BTreeMap<&str, _> =
            built.unreadable.iter().map(|file| (file.file_name.as_str(), file)).collect();
        let (old, new) = self.rows.split_at(self.rows.len() - self.new_rows);
        let described = |row: &source_file::Model| match (plan_of(row), unreadable.get(name_of_row(row).as_str())) {
            (Some(plan), _) => store::described(row.clone(), plan),
            (None, Some(file)) => {
                source_file::Model { warnings: Warnings(vec![warned::left_out(file)]), ..row.clone() }
            }
            (None, None) => row.clone(),
        };
        let new: Vec<source_file::Model> = new.iter().map(described).collect();
        insert_files(txn, &new).await?;
        for row in old {
            if let Some(plan) = plan_of(row) {
                store::tell_file(txn, &row.id, plan).await?;
            } else if unreadable.contains_key(name_of_row(row).as_str()) {
                store::warn_of_file(txn, &row.id, described(row).warnings).await?;
            }
        }
        Ok(new)
    }
}

/// The report of a row as it is named everywhere else.
fn name_of_row(row: &source_file::Model) -> String {
    row.archive_member.as_ref().map_or_else(|| row.file_name.clone(), |member| format!("{}/{member}", row.file_name))
}
