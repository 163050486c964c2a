//! A plant's electric power against its load: kW/RT by part load, and of all energy.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::held::held_ms;
use super::quality::median_step_ms;
use super::stats::quantile;
use super::version::settled;
use super::window::{Window, WindowQuery, WindowRows, refused};
use super::{Answer, DatasetLabel, DatasetSelector, answer};
use crate::error::{Error, Result, codes};
use crate::state::AppState;
use hvac_cleaning::{Columns, PlantColumns, PlantRows, Roles};
use hvac_frame::column::ColumnMeta;
use hvac_points::physics::KW_PER_RT;

/// Bins of part load when the request does not say: each tenth.
const BINS: i64 = 10;
/// Loads below this are none, RT: the ratio to a meter's noise says nothing.
const LEAST_LOAD_RT: f64 = 1.0;
/// The best COP that a whole plant can have, as cleaning's rules take it (HVAC practice: 2…8).
const MOST_COP: f64 = 8.0;
/// Of the loads, what is taken for the plant's full load: single rows above it are starts and errors.
const FULL_LOAD_QUANTILE: f64 = 0.99;

/// Asks for the efficiency.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
pub struct EfficiencyQuery {
    /// The plant's electric power: a column, or several that add up, separated by commas; as names suggest when left out.
    #[param(example = "CH_SYS_TOTAL_KW")]
    pub power: Option<String>,
    /// Its cooling load, likewise; without one by flow and ΔT of chilled water.
    pub load: Option<String>,
    /// Full load, RT, that part loads are shares of; the 99 % quantile of the loads when left out.
    pub full_load_rt: Option<f64>,
    /// Bins of part load up to full load, 1…100, default 10; what is above full load is one more.
    pub bins: Option<i64>,
    /// Loads below this are none, RT, default 1.
    pub min_load_rt: Option<f64>,
    /// A better COP than this is impossible, default 8.
    pub max_cop: Option<f64>,
}

/// A plant's electric power against its load.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Efficiency {
    /// The frame.
    #[serde(flatten)]
    pub dataset: DatasetLabel,
    /// Which columns power and load were told by, and why these.
    pub roles: Vec<PlantRole>,
    /// Which rows were counted.
    pub rows: EfficiencyRows,
    /// Full load, RT; null without a row.
    pub full_load_rt: Option<f64>,
    /// Whether it was stated; else it is the 99 % quantile of the loads.
    pub full_load_stated: bool,
    /// Time of the rows used, h: each holds until the next one, before a gap for one interval.
    pub hours: f64,
    /// Their electric energy, kWh.
    pub energy_kwh: f64,
    /// Their cooling, RT·h.
    pub cooling_rth: f64,
    /// Energy ÷ cooling, kW/RT: what is paid for, not the mean of ratios. Null without a row.
    pub kw_rt: Option<f64>,
    /// The same as a COP: 3.5168 ÷ kW/RT.
    pub cop: Option<f64>,
    /// By part load, ascending.
    pub bins: Vec<EfficiencyBin>,
}

/// What columns play a part.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct PlantRole {
    /// `power`, `load`, or `flow`, `chw_supply` and `chw_return`, which make a load.
    pub role: String,
    /// The columns; they add up.
    pub columns: Vec<String>,
    /// In words.
    pub evidence: String,
}

/// Rows by what they are: each is counted once.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EfficiencyRows {
    /// Of the window.
    pub all: u64,
    /// In the bins and sums.
    pub used: u64,
    /// Power or load has no value.
    pub missing: u64,
    /// The load is below `min_load_rt`, and not negative.
    pub no_load: u64,
    /// A negative power or load, or a COP above `max_cop`: physically impossible, left out.
    pub impossible: u64,
}

/// What the plant needed at a part load. A bin has its lower edge and not its upper one, but for full load itself.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct EfficiencyBin {
    /// From this share of full load on.
    pub part_load_from: f64,
    /// Up to this share; null for what is above full load.
    pub part_load_to: Option<f64>,
    /// From this load on, RT.
    pub load_from_rt: f64,
    /// Up to this load; null for what is above full load.
    pub load_to_rt: Option<f64>,
    /// Rows.
    pub count: u64,
    /// Their time, h.
    pub hours: f64,
    /// Median of their kW/RT.
    pub median: Option<f64>,
    /// Lower quartile.
    pub p25: Option<f64>,
    /// Upper quartile.
    pub p75: Option<f64>,
    /// Their energy ÷ their cooling, kW/RT.
    pub kw_rt: Option<f64>,
}

/// A plant's electric power against its load.
///
/// # Errors
/// As [`super::version::resolve`], [`Window::of`]; 422 for a parameter out of range, and where no column plays a part.
#[tracing::instrument(level = "debug", skip_all)]
pub async fn efficiency(
    state: &AppState,
    selector: &DatasetSelector,
    query: &EfficiencyQuery,
    window: &WindowQuery,
) -> Result<Answer<Efficiency>> {
    let dataset = settled(state, selector).await?;
    let window = Window::of(window, dataset.zone)?;
    let asked = Asked::of(query)?;
    let stated =
        Roles { power: stated(query.power.as_deref()), load: stated(query.load.as_deref()), ..Roles::default() };
    let plant = PlantColumns::find(&dataset.columns, &stated).map_err(refused)?;
    let uses = uses(&plant, &dataset.columns);
    let request = format!("efficiency {asked:?} {uses:?}{window}");
    answer::computed(state, dataset, &request, move |frame, dataset| {
        let rows = WindowRows::of(frame, &window, dataset.zone)?;
        let metas: Vec<ColumnMeta> =
            plant.indices().iter().filter_map(|index| dataset.columns.get(*index).cloned()).collect();
        let read = plant.rows(rows.cells(&metas, 0..rows.count())?, &dataset.columns).map_err(refused)?;
        answer::json(&asked.weigh(&read, dataset.label.clone(), uses))
    })
    .await
}

/// Names separated by commas.
fn stated(list: Option<&str>) -> Option<Columns> {
    let names: Vec<String> =
        list?.split(',').map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned).collect();
    (!names.is_empty()).then_some(Columns::Sum(names))
}

fn uses(plant: &PlantColumns, columns: &[ColumnMeta]) -> Vec<PlantRole> {
    let name = |index: &usize| columns.get(*index).map(|meta| meta.name.clone());
    let of = |(role, chosen): (hvac_cleaning::roles::Role, &hvac_cleaning::roles::RoleColumns)| PlantRole {
        role: role.name().to_owned(),
        columns: chosen.columns.iter().filter_map(name).collect(),
        evidence: chosen.evidence.clone(),
    };
    plant.roles().map(of).collect()
}

/// A query that is in order.
#[derive(Debug, Clone, Copy)]
struct Asked {
    full_load_rt: Option<f64>,
    bins: usize,
    min_load_rt: f64,
    max_cop: f64,
}

/// A row that is used.
struct UsedRow {
    power_kw: f64,
    load_rt: f64,
    hours: f64,
}

impl Asked {
    fn of(query: &EfficiencyQuery) -> Result<Self> {
        let bad = |field: &str, message: String| Error::invalid(field, codes::OUT_OF_RANGE, message);
        let bins = query.bins.unwrap_or(BINS);
        if !(1..=100).contains(&bins) {
            return Err(bad("bins", format!("bins: {bins} is out of range; ask for 1 to 100 bins")));
        }
        let asked = Self {
            full_load_rt: query.full_load_rt,
            bins: usize::try_from(bins).unwrap_or(1),
            min_load_rt: query.min_load_rt.unwrap_or(LEAST_LOAD_RT),
            max_cop: query.max_cop.unwrap_or(MOST_COP),
        };
        let numbers = [
            ("full_load_rt", asked.full_load_rt.unwrap_or(1.0)),
            ("min_load_rt", asked.min_load_rt),
            ("max_cop", asked.max_cop),
        ];
        for (field, value) in numbers {
            if !(value.is_finite() && value > 0.0) {
                return Err(bad(field, format!("{field}: {value} is out of range; give a number above 0")));
            }
        }
        Ok(asked)
    }

    fn weigh(&self, read: &PlantRows, dataset: DatasetLabel, roles: Vec<PlantRole>) -> Efficiency {
        let (rows, used) = self.used(read);
        let mut loads: Vec<f64> = used.iter().map(|row| row.load_rt).collect();
        loads.sort_unstable_by(f64::total_cmp);
        let full_load_rt = self.full_load_rt.or_else(|| quantile(&loads, FULL_LOAD_QUANTILE));
        let all = Sums::of(used.iter());
        Efficiency {
            dataset,
            roles,
            rows,
            full_load_rt,
            full_load_stated: self.full_load_rt.is_some(),
            hours: all.hours,
            energy_kwh: all.energy_kwh,
            cooling_rth: all.cooling_rth,
            kw_rt: all.kw_rt(),
            cop: all.kw_rt().map(|kw_rt| KW_PER_RT / kw_rt).filter(|cop| cop.is_finite()),
            bins: full_load_rt.map_or_else(Vec::new, |full_load_rt| self.binned(&used, full_load_rt)),
        }
    }

    /// The rows that say something, and how many do not.
    fn used(&self, read: &PlantRows) -> (EfficiencyRows, Vec<UsedRow>) {
        let mut rows = EfficiencyRows { all: read.at_ms.len() as u64, ..EfficiencyRows::default() };
        let known: Vec<(i64, f64, f64)> = read
            .at_ms
            .iter()
            .zip(read.power_kw.iter().zip(&read.load_rt))
            .filter(|(_, (power, load))| power.is_finite() && load.is_finite())
            .map(|(at, (power, load))| (*at, *power, *load))
            .collect();
        rows.missing = rows.all.saturating_sub(known.len() as u64);
        let at_ms: Vec<i64> = known.iter().map(|(at, ..)| *at).collect();
        let interval_ms = median_step_ms(&at_ms);
        let mut used = Vec::with_capacity(known.len());
        for ((_, power_kw, load_rt), held_ms) in known.iter().copied().zip(held_ms(&at_ms, interval_ms)) {
            if power_kw < 0.0 || load_rt < 0.0 {
                rows.impossible += 1;
            } else if load_rt < self.min_load_rt {
                rows.no_load += 1;
            } else if load_rt * KW_PER_RT > self.max_cop * power_kw {
                rows.impossible += 1;
            } else {
                used.push(UsedRow { power_kw, load_rt, hours: held_ms / 3.6e6 });
            }
        }
        rows.used = used.len() as u64;
        (rows, used)
    }

    fn binned(&self, used: &[UsedRow], full_load_rt: f64) -> Vec<EfficiencyBin> {
        let edge = |place: usize| place as f64 / self.bins as f64;
        let edge_rt = |place: usize| full_load_rt * place as f64 / self.bins as f64;
        let mut groups: Vec<Vec<&UsedRow>> = vec![Vec::new(); self.bins + 1];
        for row in used {
            // By the edges themselves, so that a bin has what lies between them; full load belongs to the last one.
            let reached = (1..self.bins).take_while(|place| row.load_rt >= edge_rt(*place)).count();
            let place = if row.load_rt > full_load_rt { self.bins } else { reached };
            if let Some(group) = groups.get_mut(place) {
                group.push(row);
            }
        }
        let mut bins = Vec::with_capacity(groups.len());
        for (place, group) in groups.into_iter().enumerate() {
            let to = (place < self.bins).then(|| edge(place + 1));
            if to.is_none() && group.is_empty() {
                continue;
            }
            let mut ratios: Vec<f64> = group.iter().map(|row| row.power_kw / row.load_rt).collect();
            ratios.sort_unstable_by(f64::total_cmp);
            let sums = Sums::of(group.iter().copied());
            bins.push(EfficiencyBin {
                part_load_from: edge(place),
                part_load_to: to,
                load_from_rt: edge_rt(place),
                load_to_rt: to.map(|_| edge_rt(place + 1)),
                count: ratios.len() as u64,
                hours: sums.hours,
                median: quantile(&ratios, 0.5),
                p25: quantile(&ratios, 0.25),
                p75: quantile(&ratios, 0.75),
                kw_rt: sums.kw_rt(),
            });
        }
        bins
    }
}

/// Sums over rows.
struct Sums {
    hours: f64,
    energy_kwh: f64,
    cooling_rth: f64,
}

impl Sums {
    fn of<'r>(rows: impl Iterator<Item = &'r UsedRow>) -> Self {
        rows.fold(Self { hours: 0.0, energy_kwh: 0.0, cooling_rth: 0.0 }, |sums, row| Self {
            hours: sums.hours + row.hours,
            energy_kwh: sums.energy_kwh + row.power_kw * row.hours,
            cooling_rth: sums.cooling_rth + row.load_rt * row.hours,
        })
    }

    fn kw_rt(&self) -> Option<f64> {
        Some(self.energy_kwh / self.cooling_rth).filter(|ratio| ratio.is_finite())
    }
}
