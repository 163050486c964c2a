//! `data`: the shape of a session's data: curves, histograms, profiles, coverage, efficiency.

use clap::{Args, Subcommand, ValueEnum};
use serde::de::DeserializeOwned;

use super::data::{Which, WindowArgs};
use super::out::{Align, number, print, print_json_text, table};
use crate::datasets::coverage::{self, CoverageBy, CoverageQuery, PointCoverage};
use crate::datasets::duration::{self, DurationCurve, DurationQuery};
use crate::datasets::efficiency::{self, Efficiency, EfficiencyQuery};
use crate::datasets::histogram::{self, Histogram, HistogramQuery};
use crate::datasets::profile::{self, Profile, ProfileBy, ProfileQuery};
use crate::datasets::strip::{self, CoverageStrip, StripQuery};
use crate::datasets::{
    Answer, Correlation, CorrelationMethod, CorrelationQuery, SeriesAnswer, SeriesQuery, correlation, series,
};
use crate::error::Result;
use crate::state::AppState;

/// From nothing to all.
const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// What to show of a session's data.
#[derive(Debug, Args)]
pub struct DataArgs {
    #[command(subcommand)]
    shape: Shape,
}

#[derive(Debug, Subcommand)]
enum Shape {
    /// Points of a plot, no extreme lost
    Series(SeriesArgs),
    /// How often which values occur
    Histogram(HistogramArgs),
    /// A usual day, week or year
    Profile(ProfileArgs),
    /// How much of each point is there, day by day
    Coverage(CoverageArgs),
    /// How full a version is, in equal parts of its time
    Strip(StripArgs),
    /// The plant's power against its load: kW/RT
    Efficiency(EfficiencyArgs),
    /// For which share of the time each value is reached
    Duration(DurationArgs),
    /// Correlation of columns
    Correlation(CorrelationArgs),
}

/// What each takes.
#[derive(Debug, Args)]
struct Common {
    #[command(flatten)]
    which: Which,
    #[command(flatten)]
    window: WindowArgs,
}

#[derive(Debug, Args)]
struct SeriesArgs {
    #[command(flatten)]
    common: Common,
    /// Columns, separated by commas
    #[arg(long)]
    columns: String,
    /// Points a column, 10 to 20 000
    #[arg(long, default_value_t = 2000)]
    points: i64,
}

#[derive(Debug, Args)]
struct HistogramArgs {
    #[command(flatten)]
    common: Common,
    /// The column
    #[arg(long)]
    column: String,
    /// Number of bins; by the Freedman–Diaconis rule when left out
    #[arg(long)]
    bins: Option<i64>,
    /// First edge; the least value when left out
    #[arg(long, allow_negative_numbers = true)]
    min: Option<f64>,
    /// Last edge; the greatest value when left out
    #[arg(long, allow_negative_numbers = true)]
    max: Option<f64>,
}

#[derive(Debug, Args)]
struct ProfileArgs {
    #[command(flatten)]
    common: Common,
    /// Columns, separated by commas; the first 50 of numbers when left out
    #[arg(long)]
    columns: Option<String>,
    /// What rows are put together by
    #[arg(long, default_value = "hour")]
    by: ProfileBy,
}

#[derive(Debug, Args)]
struct CoverageArgs {
    #[command(flatten)]
    common: Common,
    /// Columns, separated by commas; all when left out
    #[arg(long)]
    columns: Option<String>,
    /// How long a period is
    #[arg(long, default_value = "day")]
    by: CoverageBy,
}

#[derive(Debug, Args)]
struct StripArgs {
    #[command(flatten)]
    which: Which,
    /// Parts, 1 to 500
    #[arg(long, default_value_t = 48)]
    slices: i64,
}

#[derive(Debug, Args)]
struct EfficiencyArgs {
    #[command(flatten)]
    common: Common,
    /// The plant's power: columns that add up, separated by commas; as names suggest when left out
    #[arg(long)]
    power: Option<String>,
    /// Its load, likewise; without one by flow and temperatures
    #[arg(long)]
    load: Option<String>,
    /// Full load, RT; the 99 % quantile of the loads when left out
    #[arg(long, value_name = "RT")]
    full_load_rt: Option<f64>,
    /// Bins of part load
    #[arg(long)]
    bins: Option<i64>,
    /// Loads below this are none, RT [default: 1]
    #[arg(long, value_name = "RT")]
    min_load_rt: Option<f64>,
    /// A better COP than this is impossible [default: 8]
    #[arg(long, value_name = "COP")]
    max_cop: Option<f64>,
}

#[derive(Debug, Args)]
struct DurationArgs {
    #[command(flatten)]
    common: Common,
    /// The column
    #[arg(long)]
    column: String,
    /// Points of the curve, 10 to 20 000
    #[arg(long, default_value_t = 101)]
    points: i64,
}

#[derive(Debug, Args)]
struct CorrelationArgs {
    #[command(flatten)]
    common: Common,
    /// Columns, separated by commas; the first 50 of numbers when left out
    #[arg(long)]
    columns: Option<String>,
    /// How it is told
    #[arg(long, default_value = "pearson")]
    method: Method,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Method {
    /// Pearson's r
    Pearson,
    /// Spearman's ρ, of ranks
    Spearman,
}

/// Shows it.
///
/// # Errors
/// As the use case of each.
pub async fn run(state: &AppState, args: DataArgs, json: bool) -> Result<()> {
    match args.shape {
        Shape::Series(SeriesArgs { common, columns, points }) => {
            let query = SeriesQuery { columns: Some(columns), points: Some(points) };
            let selector = common.which.selector(state).await?;
            show(series::series(state, &selector, &query, &common.window.query()).await?, json, series_text)
        }
        Shape::Histogram(HistogramArgs { common, column, bins, min, max }) => {
            let query = HistogramQuery { column: Some(column), bins, min, max };
            let selector = common.which.selector(state).await?;
            show(histogram::histogram(state, &selector, &query, &common.window.query()).await?, json, histogram_text)
        }
        Shape::Profile(ProfileArgs { common, columns, by }) => {
            let query = ProfileQuery { columns, by: Some(by) };
            let selector = common.which.selector(state).await?;
            show(profile::profile(state, &selector, &query, &common.window.query()).await?, json, profile_text)
        }
        Shape::Coverage(CoverageArgs { common, columns, by }) => {
            let query = CoverageQuery { columns, by: Some(by) };
            let selector = common.which.selector(state).await?;
            show(coverage::coverage(state, &selector, &query, &common.window.query()).await?, json, coverage_text)
        }
        Shape::Strip(StripArgs { which, slices }) => {
            let query = StripQuery { slices: Some(slices) };
            show(strip::strip(state, &which.selector(state).await?, &query).await?, json, strip_text)
        }
        Shape::Efficiency(EfficiencyArgs { common, power, load, full_load_rt, bins, min_load_rt, max_cop }) => {
            let query = EfficiencyQuery { power, load, full_load_rt, bins, min_load_rt, max_cop };
            let selector = common.which.selector(state).await?;
            show(efficiency::efficiency(state, &selector, &query, &common.window.query()).await?, json, efficiency_text)
        }
        Shape::Duration(DurationArgs { common, column, points }) => {
            let query = DurationQuery { column: Some(column), points: Some(points) };
            let selector = common.which.selector(state).await?;
            show(duration::duration(state, &selector, &query, &common.window.query()).await?, json, duration_text)
        }
        Shape::Correlation(CorrelationArgs { common, columns, method }) => {
            let method = match method {
                Method::Pearson => CorrelationMethod::Pearson,
                Method::Spearman => CorrelationMethod::Spearman,
            };
            let query = CorrelationQuery { columns, method: Some(method) };
            let selector = common.which.selector(state).await?;
            let answer = correlation::correlation(state, &selector, &query, &common.window.query()).await?;
            show(answer, json, correlation_text)
        }
    }
}

fn show<T: DeserializeOwned>(answer: Answer<T>, json: bool, text: fn(&T) -> String) -> Result<()> {
    if json { print_json_text(&answer.body) } else { print(text(&answer.decode()?)) }
}

fn right<'a>(names: impl IntoIterator<Item = &'a str>) -> Vec<(&'a str, Align)> {
    names.into_iter().map(|name| (name, Align::Right)).collect()
}

fn left_first(mut header: Vec<(&str, Align)>) -> Vec<(&str, Align)> {
    if let Some(first) = header.first_mut() {
        first.1 = Align::Left;
    }
    header
}

fn series_text(answer: &SeriesAnswer) -> String {
    let rows = answer.series.iter().flat_map(|line| {
        let points = line.timestamps.iter().zip(&line.values);
        points.map(|(at, value)| vec![line.column.clone(), at.clone(), number(*value)])
    });
    table(&[("COLUMN", Align::Left), ("TIME", Align::Left), ("VALUE", Align::Right)], &rows.collect::<Vec<_>>())
}

fn histogram_text(answer: &Histogram) -> String {
    let bins = answer.edges.iter().zip(answer.edges.iter().skip(1)).zip(&answer.counts);
    let rows: Vec<Vec<String>> =
        bins.map(|((from, to), count)| vec![number(Some(*from)), number(Some(*to)), count.to_string()]).collect();
    format!(
        "{}\n{} values of {} [{}], {} below, {} above, {} cells without a value",
        table(&right(["FROM", "TO", "COUNT"]), &rows),
        answer.count,
        answer.column,
        answer.unit.as_deref().unwrap_or("unit not known"),
        answer.below,
        answer.above,
        answer.null_count
    )
}

fn profile_text(answer: &Profile) -> String {
    let at = |list: &[Option<f64>], place: usize| number(list.get(place).copied().flatten());
    let rows = answer.columns.iter().flat_map(|of| {
        answer.groups.iter().enumerate().map(move |(place, group)| {
            let count = of.count.get(place).copied().unwrap_or_default();
            let lists = [&of.mean, &of.min, &of.p10, &of.median, &of.p90, &of.max];
            let numbers = lists.map(|list| at(list, place));
            [of.column.clone(), group.to_string(), count.to_string()].into_iter().chain(numbers).collect()
        })
    });
    let header = ["COLUMN", "GROUP", "COUNT", "MEAN", "MIN", "P10", "MEDIAN", "P90", "MAX"];
    table(&left_first(right(header)), &rows.collect::<Vec<_>>())
}

fn strip_text(answer: &CoverageStrip) -> String {
    let percent = |share: Option<f64>| share.map_or_else(|| "–".to_owned(), |share| format!("{share:.1} %"));
    let bar = |share: &Option<f64>| match share {
        None => '·',
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and 7")]
        Some(share) => BARS.get((share / 100.0 * 7.0).round() as usize).copied().unwrap_or('█'),
    };
    let strip: String = answer.slices.iter().map(bar).collect();
    let (percent, dead) = (percent(answer.percent), answer.dead_points);
    let points = if dead == 1 { "point" } else { "points" };
    format!("{strip}\n{percent} of what should be there is; {dead} {points} without a value")
}

fn coverage_text(answer: &PointCoverage) -> String {
    let percent = |share: Option<f64>| share.map_or_else(|| "–".to_owned(), |share| format!("{:.1}", share * 100.0));
    let worst = |shares: &[Option<f64>]| {
        let known = shares.iter().zip(&answer.periods).filter_map(|(share, period)| Some(((*share)?, period)));
        let least = known.min_by(|a, b| a.0.total_cmp(&b.0));
        least.map_or_else(String::new, |(share, period)| format!("{period} {}", percent(Some(share))))
    };
    let rows: Vec<Vec<String>> = answer
        .points
        .iter()
        .map(|of| {
            let samples = of.samples.to_string();
            vec![of.column.clone(), number(of.interval_s), samples, percent(of.share), worst(&of.shares)]
        })
        .collect();
    table(&left_first(right(["COLUMN", "INTERVAL S", "SAMPLES", "THERE %", "WORST"])), &rows)
}

fn efficiency_text(answer: &Efficiency) -> String {
    let rows: Vec<Vec<String>> = answer
        .bins
        .iter()
        .map(|bin| {
            let numbers =
                [Some(bin.load_from_rt), bin.load_to_rt, Some(bin.hours), bin.p25, bin.median, bin.p75, bin.kw_rt];
            let numbers = numbers.map(number);
            let part = |share: f64| format!("{:.0} %", share * 100.0);
            [part(bin.part_load_from), bin.count.to_string()].into_iter().chain(numbers).collect()
        })
        .collect();
    let header = ["PART LOAD", "ROWS", "FROM RT", "TO RT", "HOURS", "P25", "MEDIAN", "P75", "KW/RT"];
    let roles: Vec<String> =
        answer.roles.iter().map(|of| format!("{}: {} ({})", of.role, of.columns.join(" + "), of.evidence)).collect();
    let counted = &answer.rows;
    format!(
        "{}\n{}\n{} kW/RT over {} h: {} kWh for {} RT·h\n{} of {} rows; {} without a value, {} without load, {} impossible",
        table(&left_first(right(header)), &rows),
        roles.join("\n"),
        number(answer.kw_rt),
        number(Some(answer.hours)),
        number(Some(answer.energy_kwh)),
        number(Some(answer.cooling_rth)),
        counted.used,
        counted.all,
        counted.missing,
        counted.no_load,
        counted.impossible
    )
}

fn duration_text(answer: &DurationCurve) -> String {
    let rows: Vec<Vec<String>> = answer
        .shares
        .iter()
        .zip(&answer.values)
        .map(|(share, value)| vec![format!("{:.2}", share * 100.0), number(Some(*value))])
        .collect();
    let known = format!("{} of {} h known", number(Some(answer.hours)), number(Some(answer.span_hours)));
    format!("{}\n{known}", table(&right(["TIME %", "REACHED"]), &rows))
}

fn correlation_text(answer: &Correlation) -> String {
    let header = std::iter::once("").chain(answer.columns.iter().map(String::as_str));
    let row = |(name, row): (&String, &Vec<Option<f64>>)| {
        std::iter::once(name.clone())
            .chain(row.iter().map(|r| r.map_or_else(String::new, |r| format!("{r:.3}"))))
            .collect()
    };
    let rows: Vec<Vec<String>> = answer.columns.iter().zip(&answer.matrix).map(row).collect();
    table(&left_first(right(header)), &rows)
}
