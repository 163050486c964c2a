//! What was stated for earlier reports of the site: followed by those of the same shape, and remembered anew.

use std::sync::Arc;

use sea_orm::ConnectionTrait;

use super::Parse;
use crate::error::{Context, Result};
use crate::sessions::build::Built;
use crate::sessions::overrides::ReadOverride;
use crate::sessions::reading::{self, Job};
use crate::sessions::{options, sites, store};
use hvac_store::entity::report_override;
use hvac_store::now;

impl Parse {
    /// Adds to the job what is remembered of its reports' shapes and not stated. Their shapes are looked at only where
    /// that could be something.
    pub(super) async fn recall(&mut self, mut job: Job, said: &[ReadOverride]) -> Result<Job> {
        job.wants_shapes = self.session.site.is_some() && said.iter().any(|said| !said.lasting().is_empty());
        let Some(site) = &self.session.site else { return Ok(self.with_zone(job)) };
        let known = sites::by_shape(&self.state, site).await?;
        // A zone that the session has was stated for it.
        let zone = self.zone_known.then(|| self.base.zone.name().to_owned());
        let of_session = ReadOverride { timezone: zone, ..ReadOverride::default() };
        let stated = |said: &ReadOverride| said.over(&of_session);
        if known.values().all(|(options, _)| said.iter().all(|said| options.beyond(&stated(said)).is_empty())) {
            return Ok(self.with_zone(job));
        }
        let looking = tokio::task::spawn_blocking(move || {
            let shapes = reading::shapes(&job);
            (job, shapes)
        });
        let (mut job, shapes) = looking.await.internal("looking at the shapes of reports")?;
        for ((index, said), shape) in said.iter().enumerate().zip(shapes) {
            let found = known.get(&shape).map(|(options, from)| (options.beyond(&stated(said)), from));
            let (Some((adds, from)), Some(file)) = (found, job.files.get_mut(index)) else { continue };
            // What was right by itself may contradict what is stated now.
            let Ok(options) = adds.over(said).checked("") else { continue };
            if adds.is_empty() {
                continue;
            }
            file.recalled = Some(Arc::new(options.onto(&self.base, "")?));
            if let Some(words) = job.remembered_of.get_mut(index) {
                *words = Some(format!("{}, from {from}", adds.in_words()));
            }
        }
        Ok(self.with_zone(job))
    }

    /// Nothing is assumed where each file's zone is known; and where that is one, it is the session's.
    fn with_zone(&mut self, mut job: Job) -> Job {
        let read_by =
            |file: &hvac_report::job::read::FileToRead| file.recalled.clone().unwrap_or_else(|| file.options.clone());
        let mut zones: Vec<_> = job.files.iter().map(read_by).map(|o| o.zone_stated.then_some(o.zone)).collect();
        zones.dedup();
        if !self.zone_known && zones.iter().all(Option::is_some) {
            self.warnings.retain(|warning| warning.code != options::TIMEZONE_ASSUMED);
            if let [Some(zone)] = zones.as_slice() {
                self.base.zone = *zone;
                self.session.timezone = Some(zone.name().to_owned());
                job.zone = *zone;
            }
        }
        job
    }

    /// What is recalled counts for "the same again".
    pub(super) fn recalled_words(job: &Job) -> impl Iterator<Item = String> + '_ {
        let words = job.files.iter().zip(&job.remembered_of);
        words.filter_map(|(file, words)| Some(format!("report {}: {}", file.id.sha256, words.as_ref()?)))
    }

    /// Remembers what was stated of each file's shape.
    pub(super) async fn remember(
        &self,
        txn: &impl ConnectionTrait,
        site: &str,
        built: &Built,
        said: &[(String, ReadOverride)],
    ) -> Result<()> {
        for (sha256, said) in said {
            let said = said.lasting();
            let file = built.files.iter().find(|(id, ..)| id.sha256 == *sha256);
            let (Some((id, ..)), Some(shape), false) = (file, built.shapes.get(sha256), said.is_empty()) else {
                continue;
            };
            let rows = store::remembered::rows(txn, site).await?;
            let known = rows.iter().find(|row| row.shape == *shape).map(sites::read).transpose()?.unwrap_or_default();
            let options = serde_json::to_value(said.over(&known)).internal("writing what is remembered of reports")?;
            let row = report_override::Model {
                site: site.to_owned(),
                shape: shape.clone(),
                file_name: id.name.clone(),
                options,
                updated_at: now(),
            };
            store::remembered::remember(txn, row).await?;
        }
        Ok(())
    }
}
