//! One plan a file again, of the plans of its tables.

use std::collections::{HashMap, HashSet};

use super::super::{FilePlan, PartPlan};
use super::read::{FileId, ReadFile};

/// What each file holds, in the order of its first table: index for loading, identity, plan.
#[must_use]
pub fn merged_tables(tables: Vec<ReadFile>) -> Vec<(usize, FileId, FilePlan)> {
    let mut files: Vec<(usize, FileId, Vec<FilePlan>)> = Vec::new();
    let mut places: HashMap<usize, usize> = HashMap::new();
    for table in tables {
        let place = *places.entry(table.index).or_insert(files.len());
        match files.get_mut(place) {
            Some((_, _, plans)) => plans.push(table.plan),
            None => files.push((table.index, table.id, vec![table.plan])),
        }
    }
    files.into_iter().filter_map(|(index, id, plans)| Some((index, id, merged(plans)?))).collect()
}

/// The first plan with what the others add.
fn merged(plans: Vec<FilePlan>) -> Option<FilePlan> {
    let several = plans.len() > 1;
    let parts: Vec<PartPlan> = plans.iter().filter(|_| several).map(part).collect();
    let mut plans = plans.into_iter();
    let mut file = plans.next()?;
    file.parts = parts;
    let key = |point: &crate::PointPlan| (point.original_name.clone(), point.occurrence);
    let mut seen: HashSet<(String, u32)> = file.points.iter().filter(|_| several).map(key).collect();
    for plan in plans {
        file.points.extend(plan.points.into_iter().filter(|point| seen.insert(key(point))));
        file.rows += plan.rows;
        file.out_of_order_rows += plan.out_of_order_rows;
        file.unknown_rows += plan.unknown_rows;
        for (reason, count) in plan.lost_readings {
            *file.lost_readings.entry(reason).or_default() += count;
        }
        file.local_time_rows += plan.local_time_rows;
        file.first_at_ms = [file.first_at_ms, plan.first_at_ms].into_iter().flatten().min();
        file.last_at_ms = file.last_at_ms.max(plan.last_at_ms);
        for (reason, count) in plan.dropped_rows {
            *file.dropped_rows.entry(reason).or_default() += count;
        }
        for (marker, count) in plan.loss_markers {
            *file.loss_markers.entry(marker).or_default() += count;
        }
        file.warnings.extend(plan.warnings);
    }
    Some(file)
}

fn part(plan: &FilePlan) -> PartPlan {
    PartPlan {
        name: plan.part.clone(),
        format: plan.format.clone(),
        header_line: plan.header_line,
        points: plan.points.iter().map(|point| point.original_name.clone()).collect(),
        rows: plan.rows,
        first_at_ms: plan.first_at_ms,
        last_at_ms: plan.last_at_ms,
    }
}
