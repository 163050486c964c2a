//! The command line: reads arguments, calls a use case, prints the result. No logic.
//!
//! One file a command. Every command works on the same stores as a server, with or without one beside it.
//! Results go to standard output, progress and failures to standard error.

use std::collections::BTreeMap;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::app;
use crate::config::Config;
use crate::demo;
use crate::error::{Error, Result, codes};
use crate::log;
use crate::sessions::parse::Caller;
use crate::state::AppState;
use hvac_points::Lexicon;

mod audit;
mod bundle;
mod clean;
mod confirm;
mod data;
mod doctor;
mod export;
mod fail;
mod findings;
mod keys;
mod models;
mod optimizations;
mod optimize;
mod out;
mod parse;
mod password;
mod progress;
#[cfg(feature = "sql")]
mod query;
mod sessions;
mod shape;
mod sharing;
mod simulate;
mod sites;
mod system;
mod train;
mod users;
mod verdict;

pub use fail::Answers;
use fail::asks_for_json;

/// Does what the process's command line says: starts tracing, calls the use case.
#[must_use]
pub fn main() -> ExitCode {
    let cli = match Cli::read() {
        Ok(cli) => cli,
        Err(code) => return code,
    };
    let answers = cli.answers();
    let (config, notices) = match cli.config() {
        Ok(found) => found,
        Err(error) => return answers.report(&error),
    };
    if let Err(error) = log::start(&config) {
        return answers.report(&error);
    }
    notices.iter().for_each(|notice| tracing::warn!("{notice}"));
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => return answers.no_threads(error),
    };
    let ended = match runtime.block_on(cli.run(config)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => answers.report(&error),
    };
    log::stop();
    ended
}

/// Durable analytics sessions from building-automation trend reports.
#[derive(Debug, Parser)]
#[command(name = "hvac-analytics", version, max_term_width = 100)]
pub struct Cli {
    #[command(flatten)]
    settings: Settings,
    /// Print what the API would answer
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    command: Command,
}

/// Flags that are settings: each wins over its environment variable and over `.env`.
#[derive(Debug, clap::Args)]
struct Settings {
    /// Address to listen on [HOST, default 127.0.0.1]
    #[arg(long, global = true, value_name = "ADDRESS", help_heading = "Settings")]
    host: Option<String>,
    /// Port to listen on; 0 takes a free one [PORT, default 8000]
    #[arg(long, global = true, help_heading = "Settings")]
    port: Option<String>,
    /// Metadata database [DATABASE_URL, default sqlite://data/hvac_analytics.db]
    #[arg(long, global = true, value_name = "URL", help_heading = "Settings")]
    database_url: Option<String>,
    /// Folder of server-side reports [DATA_DIR, default ./data]
    #[arg(long, global = true, value_name = "FOLDER", help_heading = "Settings")]
    data_dir: Option<String>,
    /// Folder of all sessions [DATA_STORAGE_PATH, default ./data/sessions]
    #[arg(long, global = true, value_name = "FOLDER", help_heading = "Settings")]
    data_storage_path: Option<String>,
    /// Folder of all models [MODELS_PATH, default ./models]
    #[arg(long, global = true, value_name = "FOLDER", help_heading = "Settings")]
    models_path: Option<String>,
    /// Second cache level [REDIS_URL, default none]
    #[arg(long, global = true, value_name = "URL", help_heading = "Settings")]
    redis_url: Option<String>,
    /// Zone of reports that do not say theirs [SITE_TIMEZONE, default UTC]
    #[arg(long, global = true, value_name = "ZONE", help_heading = "Settings")]
    site_timezone: Option<String>,
    /// pretty or json [LOG_FORMAT, default pretty]
    #[arg(long, global = true, value_name = "FORMAT", help_heading = "Settings")]
    log_format: Option<String>,
    /// Kills the process at the named step, for crash tests.
    #[cfg(debug_assertions)]
    #[arg(long, global = true, hide = true, value_name = "NAME")]
    crash_at: Option<String>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve the API and the web page
    Serve {
        /// Make a session from the samples, if there is none yet
        #[arg(long)]
        demo: bool,
        /// Serve beyond this machine though nobody has a key: everyone may do everything [INSECURE]
        #[arg(long)]
        insecure: bool,
    },
    /// Parse trend reports into a session
    Parse(Box<parse::ParseArgs>),
    /// Clean a session's data into a new version
    Clean(Box<clean::CleanArgs>),
    /// Train a model of a plant's power on a session's data, or straight from reports
    Train(Box<train::TrainArgs>),
    /// List models; show, delete, name or export one
    Models(Box<models::ModelsArgs>),
    /// Predict rows with a model
    Predict(models::PredictArgs),
    /// Recommend set-points that save power, by a stored model
    Optimize(Box<optimize::OptimizeArgs>),
    /// List recommendations; show one, or state what became of it
    Optimizations(Box<optimizations::OptimizationsArgs>),
    /// Measure what a recommendation that was applied has saved
    Verify(optimizations::VerifyArgs),
    /// List sessions; show, rename, delete, restore or purge one
    Sessions(Box<sessions::SessionsArgs>),
    /// Write a session's data as Parquet, Arrow IPC or CSV
    Export(export::ExportArgs),
    /// Write a whole session as one file, for another machine
    Bundle(bundle::BundleArgs),
    /// Bring in sessions from bundles, and Parquet or Arrow files
    Import(bundle::ImportArgs),
    /// Show rows of a session's data
    Preview(data::PreviewArgs),
    /// Show statistics of a session's columns
    Stats(data::StatsArgs),
    /// Show the shape of a session's data: curves, histograms, usual days, coverage, efficiency
    Data(Box<shape::DataArgs>),
    /// Ask in SQL: versions of sessions, the catalogue, all history
    #[cfg(feature = "sql")]
    Query(query::QueryArgs),
    /// List saved queries; save or forget one
    #[cfg(feature = "sql")]
    Queries(query::QueriesArgs),
    /// Show faults of machines in a session's data, with the energy they waste
    Findings(Box<findings::FindingsArgs>),
    /// Show what electricity costs at a site, or state it
    Sites(sites::SitesArgs),
    /// Show or state who sees a session, or all sessions of a site
    Share(sharing::ShareArgs),
    /// List links to a session; make or end one
    Links(sharing::LinksArgs),
    /// Show who did what; look whether that is what was noted
    Audit(Box<audit::AuditArgs>),
    /// List keys; make or revoke one
    Keys(keys::KeysArgs),
    /// List accounts; make, change, disable or enable one
    Users(users::UsersArgs),
    /// Show how the service is, in short
    Status,
    /// Show every setting that is in force, and where it came from
    Settings,
    /// Check every stored file; bring the catalogue back from the files
    Doctor(doctor::DoctorArgs),
    /// Make a session from the sample reports
    Demo,
    /// Write reports of a plant whose faults are known, and the truth about them
    Simulate(Box<simulate::SimulateArgs>),
}

impl Settings {
    fn flags(&self) -> BTreeMap<&'static str, String> {
        [
            ("HOST", &self.host),
            ("PORT", &self.port),
            ("DATABASE_URL", &self.database_url),
            ("DATA_DIR", &self.data_dir),
            ("DATA_STORAGE_PATH", &self.data_storage_path),
            ("MODELS_PATH", &self.models_path),
            ("REDIS_URL", &self.redis_url),
            ("SITE_TIMEZONE", &self.site_timezone),
            ("LOG_FORMAT", &self.log_format),
        ]
        .into_iter()
        .filter_map(|(variable, value)| Some((variable, value.clone()?)))
        .collect()
    }
}

/// Makes this process read the names of points by the site's own words first.
fn install_point_words(config: &Config) -> Result<()> {
    let Some(path) = &config.point_words else { return Ok(()) };
    let refused = |why: String| {
        let message = format!(
            "POINT_WORDS: {} {why}; give a file of the form of crates/hvac-points/src/lexicon.tsv",
            path.display()
        );
        Error::invalid("POINT_WORDS", codes::BAD_SETTING, message)
    };
    let text = std::fs::read_to_string(path).map_err(|error| refused(format!("cannot be read ({error})")))?;
    let lexicon = Lexicon::with(&text).map_err(|error| refused(format!("is no file of point words: {error}")))?;
    hvac_points::install(lexicon);
    Ok(())
}

impl Cli {
    /// The arguments of this process.
    ///
    /// # Errors
    /// The exit code when there is nothing to carry out: it is told what is wrong with them, or help was asked for.
    pub fn read() -> Result<Self, ExitCode> {
        Self::try_parse().map_err(|said| Answers { json: asks_for_json(std::env::args_os()) }.usage(&said))
    }

    /// How this run answers.
    #[must_use]
    pub fn answers(&self) -> Answers {
        Answers { json: self.json }
    }

    /// The settings that these arguments, the environment and `.env` make, and what is to be said of them.
    ///
    /// # Errors
    /// The first setting whose value cannot be used.
    pub fn config(&self) -> Result<(Config, Vec<String>)> {
        let mut flags = self.settings.flags();
        if matches!(self.command, Command::Serve { insecure: true, .. }) {
            flags.insert("INSECURE", "true".to_owned());
        }
        let (config, notices) = Config::load(&flags)?;
        install_point_words(&config)?;
        Ok((config, notices))
    }

    /// Carries the command out.
    ///
    /// # Errors
    /// What the use case says.
    pub async fn run(self, config: Config) -> Result<()> {
        #[cfg(debug_assertions)]
        if let Some(name) = &self.settings.crash_at {
            app::arm_crash_point(name);
        }
        let json = self.json;
        // Only a server shows its certificate; a command works without.
        let config = match self.command {
            Command::Serve { .. } => config,
            _ => Config { tls_files: None, ..config },
        };
        match self.command {
            Command::Serve { demo, .. } => serve(config, demo).await,
            Command::Doctor(args) => Box::pin(doctor::run(config, &args, json)).await,
            Command::Simulate(args) => simulate::run(&args, json),
            Command::Settings => system::run_settings(&config, json),
            Command::Status => on_stores(config, async |state| system::run_status(state, json).await).await,
            Command::Parse(args) => on_stores(config, async |state| parse::run(state, *args, json).await).await,
            Command::Clean(args) => on_stores(config, async |state| clean::run(state, *args, json).await).await,
            Command::Train(args) => on_stores(config, async |state| train::run(state, *args, json).await).await,
            Command::Models(args) => on_stores(config, async |state| models::run(state, *args, json).await).await,
            Command::Predict(args) => {
                on_stores(config, async |state| models::run_predict(state, args, json).await).await
            }
            Command::Optimize(args) => on_stores(config, async |state| optimize::run(state, *args, json).await).await,
            Command::Optimizations(args) => {
                on_stores(config, async |state| optimizations::run(state, *args, json).await).await
            }
            Command::Verify(args) => {
                on_stores(config, async |state| optimizations::run_verify(state, args, json).await).await
            }
            Command::Sessions(args) => on_stores(config, async |state| sessions::run(state, *args, json).await).await,
            Command::Export(args) => on_stores(config, async |state| export::run(state, args, json).await).await,
            Command::Bundle(args) => on_stores(config, async |state| bundle::run(state, args, json).await).await,
            Command::Import(args) => on_stores(config, async |state| bundle::run_import(state, args, json).await).await,
            Command::Preview(args) => on_stores(config, async |state| data::run_preview(state, args, json).await).await,
            Command::Stats(args) => on_stores(config, async |state| data::run_stats(state, args, json).await).await,
            Command::Data(args) => on_stores(config, async |state| shape::run(state, *args, json).await).await,
            #[cfg(feature = "sql")]
            Command::Query(args) => on_stores(config, async |state| query::run(state, args, json).await).await,
            #[cfg(feature = "sql")]
            Command::Queries(args) => on_stores(config, async |state| query::queries(state, args, json).await).await,
            Command::Findings(args) => on_stores(config, async |state| findings::run(state, *args, json).await).await,
            Command::Sites(args) => on_stores(config, async |state| sites::run(state, args, json).await).await,
            Command::Share(args) => on_stores(config, async |state| sharing::run(state, args, json).await).await,
            Command::Links(args) => on_stores(config, async |state| sharing::run_links(state, args, json).await).await,
            Command::Audit(args) => on_stores(config, async |state| audit::run(state, *args, json).await).await,
            Command::Keys(args) => on_stores(config, async |state| keys::run(state, args, json).await).await,
            Command::Users(args) => on_stores(config, async |state| users::run(state, args, json).await).await,
            Command::Demo => {
                on_stores(config, async |state| parse::show(&demo::make(state, Caller::Cli).await?, json)).await
            }
        }
    }
}

/// Opens the stores, runs, and closes them also when the command failed. What it awaits is boxed: the compiler lays one
/// future out in the other, down to a depth.
async fn on_stores(config: Config, run: impl AsyncFnOnce(&AppState) -> Result<()>) -> Result<()> {
    let state = Box::pin(app::build(config)).await?;
    let result = Box::pin(run(&state)).await;
    let closed = Box::pin(app::close(state)).await;
    result.and(closed)
}

async fn serve(config: Config, demo: bool) -> Result<()> {
    let prepare = async |state: &AppState| {
        if demo {
            Box::pin(demo::make(state, Caller::Cli)).await?;
        }
        users::tell_of_first_admin(state).await
    };
    Box::pin(app::serve(config, prepare, |address| {
        // Nobody may be there to read it; the log has it too.
        let _ = out::print(format!("HVAC Analytics is at {address} (API: /docs)"));
    }))
    .await
}
