//! A report of measured savings as a page to print: one file of HTML, with its style and its chart in it and no script.
//! PURE.
//!
//! Every text that a user or a file can have written is escaped; numbers are the program's own.

use std::fmt::Write;
use std::sync::LazyLock;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::NaiveDate;
use sha2::{Digest, Sha256};

use super::verify::Verification;
use crate::markup::escaped;
use hvac_modelling::savings::{BaselineForm, Cusum, CusumDay, Step};

const STYLE: &str = include_str!("page.css");

/// The page may load nothing and run nothing; its style is known by its hash.
pub static CONTENT_SECURITY_POLICY: LazyLock<String> = LazyLock::new(|| {
    let hash = STANDARD.encode(Sha256::digest(STYLE));
    format!(
        "default-src 'none'; style-src 'sha256-{hash}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
});

/// A number with so many decimals, a true minus, and nothing where it is none.
fn number(value: f64, decimals: usize) -> String {
    if value.is_finite() { format!("{value:.decimals$}").replace('-', "−") } else { "–".to_owned() }
}

fn row(page: &mut String, name: &str, value: &str) {
    // Writing to a String cannot fail.
    let _ = writeln!(page, "<tr><th scope=\"row\">{}</th><td>{}</td></tr>", escaped(name), escaped(value));
}

/// The whole page.
#[must_use]
pub fn page(report: &Verification) -> String {
    let mut page = String::with_capacity(32 * 1024);
    let title = format!("Savings of {} {}", report.model_name, report.model_version);
    let _ = write!(
        page,
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width, \
         initial-scale=1\">\n<title>{0}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<h1>{0}</h1>\n",
        escaped(&title)
    );
    let site = report.site.as_ref().map(|site| format!("{site}, ")).unwrap_or_default();
    let _ = writeln!(
        page,
        "<p class=\"small\">{}recommendation {}; measured after ASHRAE Guideline 14-2014 and IPMVP option {:?}</p>",
        escaped(&site),
        escaped(&report.run_id),
        report.boundary.option
    );
    let _ = writeln!(page, "<p class=\"lead\">{}</p>", escaped(&report.measured.conclusion));
    savings(&mut page, report);
    guideline(&mut page, report);
    let _ = writeln!(page, "<h2>How it came about</h2>\n<figure>\n{}", chart(&report.measured.cusum));
    let _ = writeln!(page, "<figcaption>{}</figcaption>\n</figure>", escaped(&turned(&report.measured.cusum)));
    change(&mut page, report);
    baseline(&mut page, report);
    if !report.measured.notes.is_empty() {
        page.push_str("<h2>Notes</h2>\n<ul>\n");
        for note in &report.measured.notes {
            let _ = writeln!(page, "<li>{}</li>", escaped(note));
        }
        page.push_str("</ul>\n");
    }
    page.push_str(SOURCES);
    page.push_str("</body>\n</html>\n");
    page
}

fn savings(page: &mut String, report: &Verification) {
    let savings = &report.measured.savings;
    let share = |kwh: f64| number(100.0 * kwh / savings.adjusted_baseline_kwh, 1);
    page.push_str("<h2>Savings</h2>\n<table>\n");
    row(page, "Would have been used (adjusted baseline)", &format!("{} kWh", number(savings.adjusted_baseline_kwh, 0)));
    row(page, "Was used (measured)", &format!("{} kWh", number(savings.measured_kwh, 0)));
    row(page, "Avoided", &format!("{} kWh, {} %", number(savings.avoided_kwh, 0), number(savings.percent, 1)));
    let sure = format!(
        "± {} kWh, ± {} % ({} to {} kWh) at {} % confidence",
        number(savings.uncertainty_kwh, 0),
        share(savings.uncertainty_kwh),
        number(savings.lower_kwh, 0),
        number(savings.upper_kwh, 0),
        number(100.0 * savings.confidence, 0)
    );
    row(page, "Uncertainty", &sure);
    let how = format!(
        "t = {}, k = {}, CV(RMSE) = {} %, n = {}, m = {}, ρ = {}, n′ = {}: ± {} kWh by Guideline 14, ± {} kWh by least squares; the \
         larger counts",
        number(savings.t, 3),
        number(savings.k, 4),
        number(savings.cv_rmse, 2),
        savings.n,
        savings.m,
        number(savings.autocorrelation, 2),
        number(savings.effective_n, 1),
        number(savings.uncertainty_guideline14_kwh, 0),
        number(savings.uncertainty_least_squares_kwh, 0)
    );
    let step = match savings.step {
        Step::Day => "Uncertainty, by days",
        Step::Hour => "Uncertainty, by hours",
    };
    row(page, step, &how);
    row(page, "The model had said", &format!("{} %", number(report.predicted_percent, 1)));
    page.push_str("</table>\n");
}

fn guideline(page: &mut String, report: &Verification) {
    let compliance = &report.measured.guideline14;
    let (class, word) = if compliance.compliant { ("ok", "complies") } else { ("not", "does not comply") };
    let _ = writeln!(page, "<h2>Guideline 14: <span class=\"{class}\">{word}</span></h2>\n<table>");
    for check in &compliance.checks {
        let name = match check.name {
            "cv_rmse" => "CV(RMSE) of the baseline",
            "nmbe" => "NMBE of the baseline",
            _ => "Uncertainty by savings, at 68 % confidence",
        };
        let value = check.value.map_or_else(|| "–".to_owned(), |value| number(value, 1));
        let (class, word) = if check.ok { ("ok", "holds") } else { ("not", "does not hold") };
        let _ = writeln!(
            page,
            "<tr><th scope=\"row\">{name}</th><td class=\"number\">{value} %</td><td class=\"number\">at most {} %</td><td \
             class=\"{class}\">{word}</td></tr>",
            number(check.limit, 0)
        );
    }
    page.push_str("</table>\n");
}

fn change(page: &mut String, report: &Verification) {
    page.push_str("<h2>What was changed</h2>\n<table>\n");
    for change in &report.changes {
        let unit = change.unit.as_deref().unwrap_or_default();
        let from = change.from.map_or_else(|| "?".to_owned(), |from| number(from, 1));
        row(page, &change.parameter, &format!("{from} → {} {unit}", number(change.to, 1)));
    }
    let outcome = &report.outcome;
    row(page, "Applied at", outcome.applied_at.as_deref().unwrap_or_default());
    row(page, "Applied until", outcome.applied_until.as_deref().unwrap_or("still"));
    if let Some(note) = &outcome.note {
        row(page, "Note", note);
    }
    let option = format!("{:?}: {}", report.boundary.option, report.boundary.reason);
    row(page, "IPMVP option", &option);
    row(page, "Measured", &report.boundary.power_columns.join(" + "));
    page.push_str("</table>\n");
}

fn baseline(page: &mut String, report: &Verification) {
    let (baseline, reporting) = (&report.measured.baseline, &report.measured.reporting);
    page.push_str("<h2>What it is counted from</h2>\n<table>\n");
    let form = match baseline.form {
        BaselineForm::LoadAndWeather => "load and weather",
        BaselineForm::Load => "load",
        BaselineForm::TimeOfWeekAndTemperature => "time of week and temperature",
    };
    row(page, "Baseline", &format!("{form}: {}", baseline.equation));
    let time = |from: &str, until: &str, days: usize, hours: f64| {
        format!("{from} to {until}: {days} days, {} h", number(hours, 0))
    };
    row(page, "Before", &time(&baseline.from, &baseline.until, baseline.days, baseline.hours));
    row(page, "After", &time(&reporting.from, &reporting.until, reporting.days, reporting.hours));
    let left_out = format!(
        "{} h; {} % of the measured hours lay outside the conditions before",
        number(reporting.hours_left_out, 0),
        number(100.0 * reporting.outside_share, 1)
    );
    row(page, "Left out after", &left_out);
    for one in &baseline.conditions {
        let told = format!(
            "{} to {} before, {} to {} after",
            number(one.min, 1),
            number(one.max, 1),
            number(one.after_min, 1),
            number(one.after_max, 1)
        );
        row(page, &one.name, &told);
    }
    row(page, "Fit", &format!("R² = {}", number(baseline.r2, 3)));
    if let Some(placebo) = &baseline.placebo {
        let told = format!(
            "its last {} days, foretold by the rest, would have been called {} % saved (± {} %)",
            placebo.days,
            number(placebo.percent, 1),
            number(placebo.uncertainty_percent, 1)
        );
        row(page, "When nothing was changed", &told);
    }
    let data: Vec<String> =
        report.datasets.iter().map(|data| format!("{} of session {}", data.version, data.session_id)).collect();
    row(page, "Data", &data.join(", "));
    page.push_str("</table>\n");
}

fn turned(cusum: &Cusum) -> String {
    let dated = |day: Option<NaiveDate>| day.map(|day| day.to_string());
    let first = match dated(cusum.turned) {
        Some(day) => format!("By the data alone, consumption changed on {day}"),
        None => "By the data alone no change can be told from chance".to_owned(),
    };
    let again = dated(cusum.turned_again).map(|day| format!(", and again on {day}")).unwrap_or_default();
    format!("Sum of what was not used, kWh (CUSUM). {first}{again}. Dashed: when it was applied.")
}

const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 260.0;
const LEFT: f64 = 64.0;
const RIGHT: f64 = 12.0;
const TOP: f64 = 12.0;
const BOTTOM: f64 = 28.0;

/// The sums as a line over the days.
fn chart(cusum: &Cusum) -> String {
    let (Some(first), Some(last)) = (cusum.days.first(), cusum.days.last()) else { return String::new() };
    let days = |day: NaiveDate| (day - first.day).num_days() as f64;
    let span = days(last.day).max(1.0);
    let x = |day: NaiveDate| LEFT + (WIDTH - LEFT - RIGHT) * days(day) / span;
    let sums = || cusum.days.iter().map(|day| day.cumulative_kwh);
    let step = tick(sums().fold(0.0, f64::max) - sums().fold(0.0, f64::min));
    let low = (sums().fold(0.0, f64::min) / step).floor() * step;
    let high = (sums().fold(0.0, f64::max) / step).ceil() * step;
    let tall = (high - low).max(step);
    let y = |kwh: f64| TOP + (HEIGHT - TOP - BOTTOM) * (low + tall - kwh) / tall;
    let mut svg = format!(
        "<svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"Cumulative sum of what was not used\">\n"
    );
    let mut at = low;
    while at <= low + tall + step / 2.0 {
        let class = if at.abs() < step / 2.0 { "zero" } else { "grid" };
        let _ = writeln!(
            svg,
            "<line class=\"{class}\" x1=\"{LEFT}\" x2=\"{}\" y1=\"{1:.1}\" y2=\"{1:.1}\"/><text x=\"{2}\" y=\"{3:.1}\" \
             text-anchor=\"end\">{4}</text>",
            WIDTH - RIGHT,
            y(at),
            LEFT - 6.0,
            y(at) + 4.0,
            number(at, 0)
        );
        at += step;
    }
    let upright = |svg: &mut String, class: &str, day: NaiveDate| {
        let _ = writeln!(
            svg,
            "<line class=\"{class}\" x1=\"{0:.1}\" x2=\"{0:.1}\" y1=\"{TOP}\" y2=\"{1}\"/>",
            x(day),
            HEIGHT - BOTTOM
        );
    };
    if let Some(applied) = cusum.days.iter().find(|day| day.after) {
        upright(&mut svg, "applied", applied.day);
    }
    if let Some(day) = cusum.turned {
        upright(&mut svg, "turned", day);
    }
    let point = |day: &CusumDay| format!("{:.1},{:.1}", x(day.day), y(day.cumulative_kwh));
    let points: Vec<String> = cusum.days.iter().map(point).collect();
    let _ = writeln!(svg, "<polyline class=\"sum\" points=\"{}\"/>", points.join(" "));
    for (day, anchor) in [(first.day, "start"), (last.day, "end")] {
        let _ = writeln!(svg, "<text x=\"{:.1}\" y=\"{}\" text-anchor=\"{anchor}\">{day}</text>", x(day), HEIGHT - 8.0);
    }
    svg.push_str("</svg>");
    svg
}

/// 1, 2 or 5 times a power of ten, so that some five fit into the span.
fn tick(span: f64) -> f64 {
    let wanted = (span / 5.0).max(1e-6);
    let power = 10_f64.powf(wanted.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0].into_iter().find(|step| step * power >= wanted).unwrap_or(10.0);
    step * power
}

const SOURCES: &str = "<h2>Sources</h2>\n<p class=\"small\">ASHRAE Guideline 14-2014, Annex B; Reddy and Claridge 2000, HVAC&amp;R \
    Research 6(1); Sun and Baltazar 2013, ASHRAE Transactions 119(2); IPMVP Core Concepts and its statistics guide; Mathieu et \
    al. 2011, IEEE Trans. Smart Grid 2(3). What each figure means: docs/SAVINGS.md.</p>\n";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_is_written_out() {
        assert_eq!(
            escaped("<script>'a' & \"b\"</script>"),
            "&lt;script&gt;&#39;a&#39; &amp; &quot;b&quot;&lt;/script&gt;"
        );
    }

    #[test]
    fn ticks_are_round() {
        assert_eq!([tick(4_900.0), tick(12.0), tick(0.9), tick(100_000.0)], [1_000.0, 5.0, 0.2, 20_000.0]);
    }

    /// What the policy allows is the style that is sent.
    #[test]
    fn the_policy_names_the_style() {
        let policy = CONTENT_SECURITY_POLICY.as_str();
        assert!(policy.contains(&STANDARD.encode(Sha256::digest(STYLE))) && !policy.contains("unsafe"), "{policy}");
    }
}
