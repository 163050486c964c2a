//! Energy models and set-points: from rows of numbers to numbers. PURE.
//!
//! [`mapping`] says which columns play which part, [`target`] which is predicted; [`features`] makes a matrix of them and refuses what would leak
//! the target ([`leakage`]); [`fitted`] are the three algorithms ([`gbdt`], [`physics`], and trees on the residual
//! of physics); [`evaluate`] judges them honestly; [`train`] puts these together into a [`document`], the model
//! file. [`control`] is the part of a model that set-points are judged by, [`setpoint`] looks for better ones.
//!
//! Missing values are NaN in here, and nowhere in JSON. The same input and seed give the same model, bit for bit,
//! on any number of threads.

#![doc = include_str!("../README.md")]
#![warn(unreachable_pub)]

mod align;
mod category;
pub mod control;
pub mod document;
pub mod evaluate;
pub mod features;
mod fitted;
pub mod gbdt;
pub mod leakage;
mod linear;
pub mod mapping;
pub mod options;
mod physics;
pub mod role;
pub mod samples;
pub mod savings;
pub mod setpoint;
pub mod target;
pub mod train;
mod words;

/// Why a model cannot be made or asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelError {
    /// Stable, snake_case: `unknown_column`, `unknown_target`, `constant_target`, `target_not_numeric`,
    /// `too_few_rows`, `no_features`, `leakage`, `wrong_features`, `bad_option`, `infeasible`, `no_control`,
    /// `unreadable_model`, `cancelled`, `internal`.
    pub code: &'static str,
    /// One sentence: what is wrong and the way out.
    pub message: String,
    /// Each thing that is wrong; the first is in the message.
    pub problems: Vec<Problem>,
}

/// One thing that is wrong about a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Field of the request, such as `feature_mapping.chiller_cols`.
    pub field: String,
    /// One sentence: what is wrong and the way out, naming the closest columns.
    pub message: String,
}

impl ModelError {
    /// An error about one field, or about none (`""`).
    #[must_use]
    pub fn new(code: &'static str, field: &str, message: impl Into<String>) -> Self {
        let message = message.into();
        let problem = Problem { field: field.to_owned(), message: message.clone() };
        let problems = if field.is_empty() { Vec::new() } else { vec![problem] };
        Self { code, message, problems }
    }

    /// The error of several problems of one code; none without any.
    #[must_use]
    pub fn of(code: &'static str, problems: Vec<Problem>) -> Option<Self> {
        let first = problems.first()?;
        let more = match problems.len() {
            1 => String::new(),
            n => format!(" (and {} more)", n - 1),
        };
        Some(Self { code, message: format!("{}{more}", first.message), problems })
    }
}

/// What goes on in a long computation: the share done (0…1) and what is being done; `Break` ends it as `cancelled`.
pub type Progress<'a> = &'a (dyn Fn(f64, &str) -> std::ops::ControlFlow<()> + Sync);
