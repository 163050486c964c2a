//! The values of features: for every row of a stored frame, or for one that a user gives.

use std::collections::BTreeMap;

use chrono::{Datelike, TimeZone, Timelike};
use chrono_tz::Tz;

use super::super::role::Role;
use super::super::samples::{Matrix, Samples};
use super::super::words::did_you_mean;
use super::super::{ModelError, Problem};
use super::{Feature, FeatureRange, FeatureSource, past};
use hvac_points::physics::{STANDARD_PRESSURE_PA, fahrenheit_to_celsius, wet_bulb_c};

/// The features of every row.
///
/// # Errors
/// `wrong_features`, one problem a column that is not there.
pub fn matrix(features: &[Feature], samples: &Samples) -> Result<Matrix, ModelError> {
    let names = || samples.columns.iter().map(|column| column.name.as_str());
    let needed = features.iter().flat_map(|feature| feature.source.columns().map(move |column| (feature, column)));
    let absent = needed.filter(|(_, column)| samples.column(column).is_none());
    let problem = |(feature, column): (&Feature, &str)| {
        let advice = did_you_mean(names(), column, "use data with the columns that the model was made from");
        let message = format!("feature '{}' needs the column '{column}', which is not there; {advice}", feature.name);
        Problem { field: feature.name.clone(), message }
    };
    match ModelError::of("wrong_features", absent.map(problem).collect()) {
        Some(error) => Err(error),
        None => Ok(Matrix { columns: features.iter().map(|feature| column(feature, features, samples)).collect() }),
    }
}

/// The values of one feature; `features` tell units.
pub(crate) fn column(feature: &Feature, features: &[Feature], samples: &Samples) -> Vec<f64> {
    let cells = |name: &str| samples.column(name).map_or(&[][..], |column| column.values.as_slice());
    let times = samples.times_ms.as_slice();
    let by_clock =
        |of: fn(&Clock) -> f64| times.iter().map(move |time| clock(*time, samples.zone).map_or(f64::NAN, |c| of(&c)));
    match &feature.source {
        FeatureSource::Column { column } => cells(column).iter().map(|value| finite(*value)).collect(),
        FeatureSource::Hour => by_clock(|clock| clock.hour).collect(),
        FeatureSource::Weekday => by_clock(|clock| clock.weekday).collect(),
        FeatureSource::Month => by_clock(|clock| clock.month).collect(),
        FeatureSource::Lag { column, seconds } => past::lag(times, samples.interval_ms, cells(column), *seconds),
        FeatureSource::RollingMean { column, seconds } => {
            past::rolling_mean(times, samples.interval_ms, cells(column), *seconds)
        }
        FeatureSource::WetBulb { dry_bulb, humidity } => {
            let unit = unit_of(features, dry_bulb);
            let unit = unit.or_else(|| samples.column(dry_bulb).and_then(|column| column.unit.as_deref()));
            let both = cells(dry_bulb).iter().zip(cells(humidity));
            both.map(|(air, humidity)| wet_bulb(*air, unit, *humidity)).collect()
        }
        FeatureSource::Difference { warm, cold } => {
            cells(warm).iter().zip(cells(cold)).map(|(warm, cold)| finite(warm - cold)).collect()
        }
    }
}

impl FeatureSource {
    /// The columns that it is made of.
    pub fn columns(&self) -> impl Iterator<Item = &str> {
        let (first, second) = match self {
            Self::Column { column } | Self::Lag { column, .. } | Self::RollingMean { column, .. } => {
                (Some(column), None)
            }
            Self::WetBulb { dry_bulb, humidity } => (Some(dry_bulb), Some(humidity)),
            Self::Difference { warm, cold } => (Some(warm), Some(cold)),
            Self::Hour | Self::Weekday | Self::Month => (None, None),
        };
        first.into_iter().chain(second).map(String::as_str)
    }
}

struct Clock {
    hour: f64,
    weekday: f64,
    month: f64,
}

fn clock(time_ms: i64, zone: Tz) -> Option<Clock> {
    let local = zone.timestamp_millis_opt(time_ms).single()?;
    Some(Clock {
        hour: f64::from(local.num_seconds_from_midnight()) / 3600.0,
        weekday: f64::from(local.weekday().num_days_from_monday()),
        month: f64::from(local.month()),
    })
}

fn finite(value: f64) -> f64 {
    if value.is_finite() { value } else { f64::NAN }
}

fn wet_bulb(dry_bulb: f64, unit: Option<&str>, humidity: f64) -> f64 {
    let celsius = match unit {
        Some("°F") => fahrenheit_to_celsius(dry_bulb),
        Some("K") => dry_bulb - 273.15,
        _ => dry_bulb,
    };
    wet_bulb_c(celsius, humidity, STANDARD_PRESSURE_PA).unwrap_or(f64::NAN)
}

/// The feature that is that column itself.
fn itself<'f>(features: &'f [Feature], wanted: &str) -> Option<&'f Feature> {
    features.iter().find(|feature| matches!(&feature.source, FeatureSource::Column { column } if column == wanted))
}

fn unit_of<'f>(features: &'f [Feature], column: &str) -> Option<&'f str> {
    itself(features, column).and_then(|feature| feature.unit.as_deref())
}

/// The features of one row that a user gives: by feature name, by column name, or by role (`load_rt`), the more
/// particular first; calendar features from `time_ms`, derived ones from what they are made of. What is not given is
/// NaN. A column's present value says nothing of its past: lags and rolling means are given by feature name.
#[must_use]
pub fn row(features: &[Feature], given: &BTreeMap<String, f64>, time_ms: Option<i64>, zone: Tz) -> Vec<f64> {
    let clock = time_ms.and_then(|time| clock(time, zone));
    let by_clock = |of: fn(&Clock) -> f64| clock.as_ref().map(of);
    let get = |name: &str| given.get(name).copied().filter(|value| value.is_finite());
    let by_role = |role: Role| role.may_be_given().then(|| get(role.as_str())).flatten();
    let cell = |column: &str| {
        let as_feature = itself(features, column);
        let by_name = as_feature.and_then(|feature| get(&feature.name)).or_else(|| get(column));
        by_name.or_else(|| as_feature.and_then(|feature| by_role(feature.role)))
    };
    let value = |feature: &Feature| {
        let derived = || match &feature.source {
            FeatureSource::Column { column } => cell(column),
            FeatureSource::Hour => by_clock(|clock| clock.hour),
            FeatureSource::Weekday => by_clock(|clock| clock.weekday),
            FeatureSource::Month => by_clock(|clock| clock.month),
            FeatureSource::Lag { .. } | FeatureSource::RollingMean { .. } => None,
            FeatureSource::WetBulb { dry_bulb, humidity } => by_role(feature.role)
                .or_else(|| Some(wet_bulb(cell(dry_bulb)?, unit_of(features, dry_bulb), cell(humidity)?))),
            FeatureSource::Difference { warm, cold } => Some(cell(warm)? - cell(cold)?),
        };
        get(&feature.name).or_else(derived).unwrap_or(f64::NAN)
    };
    features.iter().map(value).collect()
}

/// Every name by which [`row`] finds a value: features, their columns, and roles that one of them plays.
#[must_use]
pub(crate) fn known_names(features: &[Feature]) -> Vec<&str> {
    let mut names: Vec<&str> = Vec::new();
    for feature in features {
        names.push(&feature.name);
        if feature.role != Role::History {
            names.extend(feature.source.columns());
        }
        if feature.role.may_be_given() {
            names.push(feature.role.as_str());
        }
    }
    names.sort_unstable();
    names.dedup();
    names
}

/// Fills in each feature's [`FeatureRange`]; all 0 for a feature that has no value at all.
pub fn measure(features: &mut [Feature], matrix: &Matrix) {
    for (feature, values) in features.iter_mut().zip(&matrix.columns) {
        let mut finite: Vec<f64> = values.iter().copied().filter(|value| value.is_finite()).collect();
        finite.sort_unstable_by(f64::total_cmp);
        let share = |q: f64| quantile(&finite, q).unwrap_or(0.0);
        feature.range = FeatureRange {
            min: share(0.0),
            p01: share(0.01),
            median: share(0.5),
            p99: share(0.99),
            max: share(1.0),
            present: finite.len() as f64 / values.len().max(1) as f64,
        };
    }
}

/// Linearly between order statistics at h = (n − 1)·q (type 7 of Hyndman & Fan, as NumPy's); none without values.
fn quantile(sorted: &[f64], q: f64) -> Option<f64> {
    let h = sorted.len().checked_sub(1)? as f64 * q;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 ≤ h < length")]
    let below = h.floor() as usize;
    let (low, high) = (sorted.get(below)?, sorted.get(below + 1).or(sorted.last())?);
    Some(low + (high - low) * (h - h.floor()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

    use super::super::super::samples::SampleColumn;
    use super::*;

    fn feature(name: &str, source: FeatureSource, role: Role, unit: Option<&str>) -> Feature {
        Feature { name: name.to_owned(), source, role, unit: unit.map(str::to_owned), range: FeatureRange::default() }
    }

    fn own(name: &str, role: Role, unit: Option<&str>) -> Feature {
        feature(name, FeatureSource::Column { column: name.to_owned() }, role, unit)
    }

    fn samples(zone: Tz, times_ms: &[i64], columns: &[(&str, &[f64])]) -> Samples {
        let column = |(name, values): &(&str, &[f64])| SampleColumn {
            name: (*name).to_owned(),
            unit: None,
            values: values.to_vec(),
        };
        let columns = columns.iter().map(column).collect();
        Samples { times_ms: times_ms.to_vec(), zone, interval_ms: 600_000, columns }
    }

    fn calendar() -> [Feature; 3] {
        [("hour", FeatureSource::Hour), ("weekday", FeatureSource::Weekday), ("month", FeatureSource::Month)]
            .map(|(name, source)| feature(name, source, Role::Calendar, None))
    }

    /// By hand: in Berlin, 2024-03-31 00:45 UTC is 01:45 and 01:00 UTC is already 03:00; on 2024-10-27 both 00:15 and 01:15
    /// UTC are 02:15; all Sundays. In Taipei, 2023-12-31 16:07:30 UTC is Monday, the New Year, 00:07:30.
    #[test]
    fn the_clock_is_the_sites() {
        let times = [1_711_845_900_000, 1_711_846_800_000, 1_729_988_100_000, 1_729_991_700_000];
        let x = matrix(&calendar(), &samples(Tz::Europe__Berlin, &times, &[])).unwrap();
        assert_eq!(x.columns, [vec![1.75, 3.0, 2.25, 2.25], vec![6.0; 4], vec![3.0, 3.0, 10.0, 10.0]]);
        let new_year = 1_704_038_850_000;
        let x = matrix(&calendar(), &samples(Tz::Asia__Taipei, &[new_year], &[])).unwrap();
        assert_eq!(x.columns, [[0.125], [0.0], [1.0]]);
        assert_eq!(row(&calendar(), &BTreeMap::new(), Some(new_year), Tz::Asia__Taipei), [0.125, 0.0, 1.0]);
    }

    fn derived() -> Vec<Feature> {
        let difference =
            |warm: &str, cold: &str| FeatureSource::Difference { warm: warm.to_owned(), cold: cold.to_owned() };
        let wet_bulb = FeatureSource::WetBulb { dry_bulb: "OAT".to_owned(), humidity: "OAH".to_owned() };
        vec![
            own("OAT", Role::DryBulb, Some("°F")),
            own("OAH", Role::Humidity, Some("%")),
            own("CHWST", Role::ChwSupplyTemp, Some("°C")),
            own("CWST", Role::CwSupplyTemp, Some("°C")),
            feature("wet_bulb", wet_bulb, Role::WetBulb, Some("°C")),
            feature("lift", difference("CWST", "CHWST"), Role::Other, Some("K")),
            feature(
                "CWST_lag_600s",
                FeatureSource::Lag { column: "CWST".to_owned(), seconds: 600 },
                Role::History,
                Some("°C"),
            ),
        ]
    }

    /// PsychroLib 2.5.0: 30 °C (86 °F), 60 %, 101.325 kPa has 23.8125 °C wet-bulb.
    #[test]
    fn derived_values_come_from_their_columns() {
        let nan = f64::NAN;
        let columns: [(&str, &[f64]); 4] = [
            ("OAT", &[86.0, nan, 86.0]),
            ("OAH", &[60.0, 60.0, 101.0]),
            ("CHWST", &[7.0, nan, f64::INFINITY]),
            ("CWST", &[29.5, 29.0, 28.0]),
        ];
        let x = matrix(&derived(), &samples(Tz::UTC, &[0, 600_000, 1_200_000], &columns)).unwrap();
        assert!((x.columns[4][0] - 23.8125).abs() < 0.01, "{:?}", x.columns[4]);
        assert!(x.columns[4][1].is_nan() && x.columns[4][2].is_nan());
        assert_eq!(x.columns[5][0], 22.5);
        assert!(x.columns[5][1].is_nan() && x.columns[5][2].is_nan() && x.columns[2][2].is_nan());
        assert_eq!(x.columns[6][1..], [29.5, 29.0]);
    }

    #[test]
    fn a_row_is_given_by_feature_column_or_role() {
        let given = |pairs: &[(&str, f64)]| -> BTreeMap<String, f64> {
            pairs.iter().map(|(name, value)| ((*name).to_owned(), *value)).collect()
        };
        let of = |pairs: &[(&str, f64)]| row(&derived(), &given(pairs), None, Tz::UTC);
        let by_role = of(&[("dry_bulb", 86.0), ("humidity", 60.0), ("chw_supply_temp", 7.0), ("CWST", 29.5)]);
        assert_eq!(by_role[..4], [86.0, 60.0, 7.0, 29.5]);
        assert!((by_role[4] - 23.8125).abs() < 0.01);
        assert_eq!(by_role[5], 22.5);
        assert!(by_role[6].is_nan(), "the present says nothing of the past");
        // The more particular name wins; what is derived may be given itself; one input alone derives nothing.
        let mixed =
            of(&[("cw_supply_temp", 1.0), ("CWST", 2.0), ("lift", 3.0), ("wet_bulb", 4.0), ("CWST_lag_600s", 5.0)]);
        assert_eq!(mixed[3..], [2.0, 4.0, 3.0, 5.0]);
        assert!(of(&[("CWST", 2.0), ("history", 1.0), ("other", 1.0)])[5..].iter().all(|value| value.is_nan()));
        assert!(of(&[("CWST", f64::INFINITY)])[3].is_nan());
        let two = [own("P1", Role::ChwPumpHz, None), own("P2", Role::ChwPumpHz, None)];
        assert_eq!(row(&two, &given(&[("chw_pump_hz", 48.0), ("P2", 40.0)]), None, Tz::UTC), [48.0, 40.0]);
    }

    #[test]
    fn known_names_are_what_a_row_may_be_given_by() {
        let names = known_names(&derived()).join(" ");
        assert_eq!(
            names,
            "CHWST CWST CWST_lag_600s OAH OAT chw_supply_temp cw_supply_temp dry_bulb humidity lift wet_bulb"
        );
    }

    #[test]
    fn a_column_that_is_not_there_is_named() {
        let error = matrix(&derived(), &samples(Tz::UTC, &[0], &[("OAT", &[1.0]), ("CWSTT", &[1.0])])).unwrap_err();
        assert_eq!(error.code, "wrong_features");
        assert!(
            error.problems.iter().any(|p| p.field == "CWST" && p.message.contains("did you mean CWSTT")),
            "{error:?}"
        );
    }

    /// NumPy: `np.quantile([3, 1, 4, 1, 5, 9, 2, 6], [0, .01, .5, .99, 1])` is 1, 1, 3.5, 8.79, 9.
    #[test]
    fn ranges_agree_with_numpy() {
        let values = vec![3.0, 1.0, f64::NAN, 4.0, 1.0, 5.0, 9.0, 2.0, 6.0, f64::NAN];
        let mut features = [own("A", Role::Other, None), own("B", Role::Other, None)];
        measure(&mut features, &Matrix { columns: vec![values.clone(), vec![f64::NAN; 10]] });
        let FeatureRange { min, p01, median: middle, p99, max, present } = features[0].range;
        assert_eq!((min, p01, middle, max, present), (1.0, 1.0, 3.5, 9.0, 0.8));
        assert!((p99 - 8.79).abs() < 1e-12);
        assert_eq!(features[1].range, FeatureRange::default());
    }
}
