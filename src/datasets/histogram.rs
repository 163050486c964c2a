//! How often which values occur.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::stats::quantile;
use super::version::settled;
use super::window::{Window, WindowQuery, WindowRows};
use super::{Answer, DatasetLabel, DatasetSelector, answer, names};
use crate::error::{Error, Result, codes};
use crate::state::AppState;
use hvac_frame::column::NullReason;

/// Most bins that are made without being asked for.
const DEFAULT_BINS: usize = 200;
/// Most bins that can be asked for.
const MAX_BINS: i64 = 1000;
/// Where that many bins would not do, what lies further from the quartiles than this many times their distance is far out
/// (Tukey, Exploratory Data Analysis, 1977, §2D) and counted beside.
const FAR_OUT: f64 = 3.0;

/// Asks for a histogram.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
pub struct HistogramQuery {
    /// The column, of numbers.
    #[param(example = "CHWST", required = true)]
    pub column: Option<String>,
    /// Number of bins, 1…1000; by the Freedman–Diaconis rule when left out, at most 200.
    #[param(example = 20)]
    pub bins: Option<i64>,
    /// First edge, in the column's unit; the least value when left out.
    pub min: Option<f64>,
    /// Last edge; the greatest value when left out.
    pub max: Option<f64>,
}

/// How often which values occur.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Histogram {
    /// The frame.
    #[serde(flatten)]
    pub dataset: DatasetLabel,
    /// The column.
    pub column: String,
    /// Unit of the edges.
    pub unit: Option<String>,
    /// Edges of the bins, ascending, one more than there are bins; empty when no value lies in the range.
    pub edges: Vec<f64>,
    /// Values in each bin: from its left edge on and below its right one, which belongs to the last bin alone.
    pub counts: Vec<u64>,
    /// How the bins were chosen: `asked`, `freedman_diaconis`, `sturges` (where the quartiles are equal), or
    /// `far_out_beside` (too many bins would be needed: those of all that is not far out).
    pub rule: BinRule,
    /// Values below the first edge.
    pub below: u64,
    /// Values above the last edge.
    pub above: u64,
    /// Cells with a value.
    pub count: u64,
    /// Cells without.
    pub null_count: u64,
    /// Cells without, by reason; null for a window, for reasons are only counted for all rows.
    pub nulls: Option<BTreeMap<NullReason, u64>>,
}

/// How bins were chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum BinRule {
    /// Their number was asked for.
    Asked,
    /// Width 2·IQR/∛n (Freedman & Diaconis 1981).
    FreedmanDiaconis,
    /// ⌈log₂ n⌉ + 1 bins (Sturges 1926).
    Sturges,
    /// Freedman–Diaconis within 3 quartile distances of the quartiles.
    FarOutBeside,
}

/// How often which values occur.
///
/// # Errors
/// As [`super::version::resolve`], [`Window::of`]; 422 for a parameter out of range or an unknown column.
#[tracing::instrument(level = "debug", skip_all)]
pub async fn histogram(
    state: &AppState,
    selector: &DatasetSelector,
    query: &HistogramQuery,
    window: &WindowQuery,
) -> Result<Answer<Histogram>> {
    let dataset = settled(state, selector).await?;
    let meta = names::number(&dataset.columns, "column", query.column.as_deref())?.clone();
    let window = Window::of(window, dataset.zone)?;
    let asked = Asked::of(query)?;
    let request = format!("histogram {} {asked:?}{window}", meta.name);
    answer::computed(state, dataset, &request, move |frame, dataset| {
        let rows = WindowRows::of(frame, &window, dataset.zone)?;
        let mut values: Vec<f64> = rows.numbers(&meta)?.into_iter().flatten().collect();
        values.sort_unstable_by(f64::total_cmp);
        let (edges, rule) = asked.edges(&values);
        let counts = counted(&values, &edges);
        let (first, last) = (edges.first().copied().or(asked.min), edges.last().copied().or(asked.max));
        answer::json(&Histogram {
            dataset: dataset.label.clone(),
            column: meta.name.clone(),
            unit: meta.unit.clone(),
            below: first.map_or(0, |first| values.partition_point(|v| *v < first)) as u64,
            above: last.map_or(0, |last| values.len() - values.partition_point(|v| *v <= last)) as u64,
            edges,
            counts,
            rule,
            count: values.len() as u64,
            null_count: rows.count().saturating_sub(values.len() as u64),
            nulls: window.is_whole().then(|| meta.nulls.clone()),
        })
    })
    .await
}

/// A query that is in order.
#[derive(Debug, Clone, Copy)]
struct Asked {
    bins: Option<usize>,
    min: Option<f64>,
    max: Option<f64>,
}

impl Asked {
    fn of(query: &HistogramQuery) -> Result<Self> {
        let &HistogramQuery { bins, min, max, .. } = query;
        let bad = |field: &str, message: String| Error::invalid(field, codes::OUT_OF_RANGE, message);
        if let Some(bins) = bins.filter(|bins| !(1..=MAX_BINS).contains(bins)) {
            return Err(bad("bins", format!("bins: {bins} is out of range; ask for 1 to {MAX_BINS} bins")));
        }
        for (field, edge) in [("min", min), ("max", max)] {
            if edge.is_some_and(|edge| !edge.is_finite()) {
                return Err(bad(field, format!("{field}: give a finite number, or leave it out")));
            }
        }
        if min.zip(max).is_some_and(|(min, max)| min >= max) {
            return Err(Error::invalid("max", codes::BAD_EDGES, "max: it must be more than min"));
        }
        Ok(Self { bins: bins.and_then(|bins| usize::try_from(bins).ok()), min, max })
    }

    /// Edges for ascending values.
    fn edges(&self, ascending: &[f64]) -> (Vec<f64>, BinRule) {
        let (Some(least), Some(greatest)) = (ascending.first(), ascending.last()) else {
            return (Vec::new(), BinRule::Sturges);
        };
        let (mut low, mut high) = (self.min.unwrap_or(*least), self.max.unwrap_or(*greatest));
        if low > high {
            // All values lie beyond the edge that was asked for.
            return (Vec::new(), BinRule::Asked);
        }
        if low == high {
            // As NumPy: one value stands in the middle.
            (low, high) = (low - 0.5, high + 0.5);
        }
        if let Some(bins) = self.bins {
            return (linear(low, high, bins), BinRule::Asked);
        }
        let inside = |low: f64, high: f64| {
            let (from, to) = (ascending.partition_point(|v| *v < low), ascending.partition_point(|v| *v <= high));
            ascending.get(from..to).unwrap_or_default()
        };
        let within = inside(low, high);
        let Some(width) = freedman_diaconis(within) else {
            let bins = (within.len().max(1) as f64).log2().ceil() + 1.0;
            return (linear(low, high, whole(bins)), BinRule::Sturges);
        };
        let bins = ((high - low) / width).ceil();
        if bins <= DEFAULT_BINS as f64 {
            return (linear(low, high, whole(bins)), BinRule::FreedmanDiaconis);
        }
        let quartiles = quantile(within, 0.25).zip(quantile(within, 0.75));
        let Some((q1, q3)) = quartiles else { return (linear(low, high, DEFAULT_BINS), BinRule::FarOutBeside) };
        let reach = FAR_OUT * (q3 - q1);
        // To values, not beyond them.
        let near = inside(low.max(q1 - reach), high.min(q3 + reach));
        let low = self.min.unwrap_or(low).max(near.first().copied().unwrap_or(low));
        let high = self.max.unwrap_or(high).min(near.last().copied().unwrap_or(high));
        let bins = ((high - low) / width).ceil().min(DEFAULT_BINS as f64);
        (linear(low, high, whole(bins)), BinRule::FarOutBeside)
    }
}

/// Width of bins by Freedman & Diaconis (1981): 2·IQR/∛n; none where the quartiles are equal.
fn freedman_diaconis(ascending: &[f64]) -> Option<f64> {
    let distance = quantile(ascending, 0.75)? - quantile(ascending, 0.25)?;
    let width = 2.0 * distance / (ascending.len() as f64).cbrt();
    (width > 0.0 && width.is_finite()).then_some(width)
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "`as` saturates; bins are few")]
fn whole(bins: f64) -> usize {
    (bins as usize).clamp(1, DEFAULT_BINS)
}

/// Edges as NumPy makes them: readings of few decimals lie on edges, so that the last bit decides where they are counted.
fn linear(low: f64, high: f64, bins: usize) -> Vec<f64> {
    let width = (high - low) / bins as f64;
    let edge = |place: usize| if place == bins { high } else { place as f64 * width + low };
    (0..=bins).map(edge).collect()
}

/// How many ascending values lie in each bin.
fn counted(ascending: &[f64], edges: &[f64]) -> Vec<u64> {
    let last = edges.len().saturating_sub(1);
    let below = |place: usize, edge: &f64| {
        // The last bin has both its edges.
        ascending.partition_point(|value| if place == last { value <= edge } else { value < edge }) as u64
    };
    let places: Vec<u64> = edges.iter().enumerate().map(|(place, edge)| below(place, edge)).collect();
    places.iter().zip(places.iter().skip(1)).map(|(from, to)| to.saturating_sub(*from)).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn of(values: &[f64], asked: Asked) -> (Vec<f64>, Vec<u64>, BinRule) {
        let mut ascending = values.to_vec();
        ascending.sort_unstable_by(f64::total_cmp);
        let (edges, rule) = asked.edges(&ascending);
        (edges.clone(), counted(&ascending, &edges), rule)
    }

    /// Bins of that histogram which hold 7.
    const SEVENS: [usize; 47] = [
        2, 4, 6, 8, 10, 13, 15, 17, 19, 21, 24, 26, 28, 30, 32, 35, 37, 39, 41, 43, 45, 48, 50, 52, 54, 56, 59, 61, 63,
        65, 67, 69, 72, 74, 76, 78, 80, 83, 85, 87, 89, 91, 94, 96, 98, 100, 102,
    ];

    const NOTHING: Asked = Asked { bins: None, min: None, max: None };

    /// `numpy.histogram([1, 2, 2, 3, 5, 8, 8.5, 9, 9, 10], bins=3)`: counts 4, 1, 5 at 1, 4, 7, 10; `bins='fd'`: quartiles
    /// 2.25 and 8.875, width 6.15, two bins.
    #[test]
    fn bins_are_numpys() {
        let values = [1.0, 2.0, 2.0, 3.0, 5.0, 8.0, 8.5, 9.0, 9.0, 10.0];
        let asked = of(&values, Asked { bins: Some(3), ..NOTHING });
        assert_eq!(asked, (vec![1.0, 4.0, 7.0, 10.0], vec![4, 1, 5], BinRule::Asked));
        assert_eq!(of(&values, NOTHING), (vec![1.0, 5.5, 10.0], vec![5, 5], BinRule::FreedmanDiaconis));
    }

    /// `numpy.histogram(numpy.arange(1073, 1866) / 100, bins=105)`: 793 hundredths are 8 a bin, but for 47 bins of 7.
    #[test]
    fn values_on_edges_are_counted_as_numpys() {
        let values: Vec<f64> = (1073..1866).map(|i| f64::from(i) / 100.0).collect();
        let counts = of(&values, Asked { bins: Some(105), ..NOTHING }).1;
        let sevens: Vec<usize> = counts.iter().enumerate().filter(|(_, n)| **n == 7).map(|(place, _)| place).collect();
        assert_eq!((sevens, counts.iter().sum::<u64>()), (SEVENS.to_vec(), 793));
    }

    /// A value on an inner edge belongs to the bin on its right, one on the last edge to the last bin.
    #[test]
    fn edges_belong_to_the_right() {
        let asked = Asked { bins: Some(2), min: Some(0.0), max: Some(2.0) };
        assert_eq!(of(&[-1.0, 0.0, 1.0, 1.5, 2.0, 2.5], asked).1, [1, 3]);
    }

    #[test]
    fn one_value_and_none_have_bins_too() {
        assert_eq!(of(&[7.0, 7.0], NOTHING), (vec![6.5, 7.0, 7.5], vec![0, 2], BinRule::Sturges));
        assert_eq!(of(&[], NOTHING).0, Vec::<f64>::new());
        assert_eq!(of(&[1.0], Asked { bins: None, min: Some(2.0), max: None }).0, Vec::<f64>::new());
    }

    /// 1000 values 0…9.99 and one of 1e6: Freedman–Diaconis would take a million bins.
    #[test]
    fn what_is_far_out_is_counted_beside() {
        let values: Vec<f64> = (0..1000).map(|i| f64::from(i) / 100.0).chain([1e6]).collect();
        let (edges, counts, rule) = of(&values, NOTHING);
        assert_eq!((rule, counts.iter().sum::<u64>()), (BinRule::FarOutBeside, 1000));
        assert_eq!((edges.first(), edges.last()), (Some(&0.0), Some(&9.99)));
        assert!(counts.len() < 20, "width 2·5/10 = 1");
    }
}
