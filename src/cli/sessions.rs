//! `sessions`: list, show, rename, delete, restore, purge.

use clap::{Args, Subcommand, ValueEnum};

use super::confirm::confirm;
use super::out::{Align, plain, print, print_json, print_said, table};
use crate::error::{Context, Result};
use crate::sessions::sites::{self, SiteOverrides};
use crate::sessions::{
    ColumnOverride, Page, SessionDetail, SessionFilter, SessionPatch, SessionSummary, Status, catalogue, lineage,
};
use crate::state::AppState;

/// What to do with which sessions; without a word, list them.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct SessionsArgs {
    #[command(subcommand)]
    action: Option<Action>,
    #[command(flatten)]
    list: ListArgs,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List sessions (also without this word)
    List(Box<ListArgs>),
    /// Show one session with its files and versions
    Show {
        /// Its id, the beginning of it, or its name
        session: String,
    },
    /// Give a session another name
    Rename {
        /// Its id, the beginning of it, or its name
        session: String,
        /// The new name
        name: String,
    },
    /// Sort a session under tags
    Tag {
        /// Its id, the beginning of it, or its name
        session: String,
        /// The tags; they come to those that it has
        tags: Vec<String>,
        /// Take these off
        #[arg(long, value_name = "TAG")]
        remove: Vec<String>,
    },
    /// Say something of a session
    Note {
        /// Its id, the beginning of it, or its name
        session: String,
        /// The new notes, in place of those that it has; - reads them from standard input
        text: String,
    },
    /// Draw what was made of what in a session, as SVG
    Lineage {
        /// Its id, the beginning of it, or its name
        session: String,
    },
    /// Delete a session; `restore` brings it back
    Delete {
        /// Its id, the beginning of it, or its name
        session: String,
    },
    /// Bring a deleted session back
    Restore {
        /// Its id, the beginning of it, or its name
        session: String,
    },
    /// Show what is remembered of a site's reports and points, state what a point is, or forget some of it
    Overrides {
        /// The site
        site: String,
        /// State what you know better of a point, in place of what was stated: 'NAME:unit=kWh,kind=counter,name=MAIN_KWH'
        #[arg(long, value_name = "NAME:KEY=VALUE,…", value_parser = super::parse::column, conflicts_with_all = ["forget_report", "forget_column", "forget_all"])]
        column: Option<ColumnOverride>,
        /// Forget how reports of this shape are read
        #[arg(long, value_name = "SHAPE")]
        forget_report: Option<String>,
        /// Forget what is known better of this point
        #[arg(long, value_name = "NAME")]
        forget_column: Option<String>,
        /// Forget all of the site
        #[arg(long, conflicts_with_all = ["forget_report", "forget_column"])]
        forget_all: bool,
    },
    /// Remove a session and its files for ever
    Purge {
        /// Its id, the beginning of it, or its name
        session: String,
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
}

#[derive(Debug, Args)]
struct ListArgs {
    /// Only sessions that have come this far
    #[arg(long)]
    status: Option<StatusArg>,
    /// Only sessions that have come at least this far
    #[arg(long)]
    status_at_least: Option<StatusArg>,
    /// Only sessions of this site
    #[arg(long)]
    site: Option<String>,
    /// Words, each somewhere in a name, site, tag, note, point, unit, file name or warning
    #[arg(long, short)]
    query: Option<String>,
    /// Only sessions with this tag, or all of several with commas between them
    #[arg(long)]
    tag: Option<String>,
    /// Only sessions with a point of this name; * stands for any letters
    #[arg(long)]
    point: Option<String>,
    /// Only sessions with a point of this unit
    #[arg(long)]
    unit: Option<String>,
    /// Only sessions with this in their free data: key, or key=value
    #[arg(long)]
    metadata: Option<String>,
    /// Only sessions made at or after this time
    #[arg(long)]
    created_from: Option<String>,
    /// Only sessions made before this time
    #[arg(long)]
    created_to: Option<String>,
    /// Only sessions with data at or after this time
    #[arg(long)]
    from: Option<String>,
    /// Only sessions with data before this time
    #[arg(long)]
    to: Option<String>,
    /// created_at, updated_at, name, site or total_rows
    #[arg(long)]
    sort: Option<String>,
    /// desc or asc
    #[arg(long)]
    order: Option<String>,
    /// Page, from 1
    #[arg(long)]
    page: Option<u64>,
    /// Sessions a page, 1 to 100
    #[arg(long)]
    page_size: Option<u64>,
    /// Deleted sessions instead of the others
    #[arg(long)]
    deleted: bool,
    /// Instead of the others, sessions that a rebuilt catalogue has found and no answer ever told of
    #[arg(long)]
    unconfirmed: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum StatusArg {
    Uploaded,
    Parsed,
    Cleaned,
    Failed,
}

impl From<StatusArg> for Status {
    fn from(status: StatusArg) -> Self {
        match status {
            StatusArg::Uploaded => Self::Uploaded,
            StatusArg::Parsed => Self::Parsed,
            StatusArg::Cleaned => Self::Cleaned,
            StatusArg::Failed => Self::Failed,
        }
    }
}

/// Runs the command.
///
/// # Errors
/// As the use cases have them.
pub async fn run(state: &AppState, args: SessionsArgs, json: bool) -> Result<()> {
    match args.action.unwrap_or(Action::List(Box::new(args.list))) {
        Action::List(list) => {
            let page = catalogue::list(state, &filter(*list)).await?;
            if json { print_json(&page) } else { print(listing(&page)) }
        }
        Action::Show { session } => {
            let detail = catalogue::get(state, &catalogue::find(state, &session).await?).await?;
            show(&detail, json)
        }
        Action::Rename { session, name } => {
            let id = catalogue::find(state, &session).await?;
            let patch = SessionPatch { name: Some(name), ..SessionPatch::default() };
            show(&catalogue::update(state, &id, patch).await?, json)
        }
        Action::Tag { session, tags, remove } => {
            let id = catalogue::find(state, &session).await?;
            let same = |a: &String, b: &String| a.trim().to_lowercase() == b.trim().to_lowercase();
            let mut all = catalogue::get(state, &id).await?.summary.tags;
            all.retain(|tag| !remove.iter().any(|gone| same(tag, gone)));
            all.extend(tags);
            let patch = SessionPatch { tags: Some(all), ..SessionPatch::default() };
            show(&catalogue::update(state, &id, patch).await?, json)
        }
        Action::Note { session, text } => {
            let id = catalogue::find(state, &session).await?;
            let notes = match text.as_str() {
                "-" => std::io::read_to_string(std::io::stdin()).internal("reading the notes")?,
                text => text.to_owned(),
            };
            let patch = SessionPatch { notes: Some(notes), ..SessionPatch::default() };
            show(&catalogue::update(state, &id, patch).await?, json)
        }
        Action::Lineage { session } => {
            let id = catalogue::find(state, &session).await?;
            let lineage = lineage::of(state, &id).await?;
            if json { print_json(&lineage) } else { print(lineage::svg(&lineage)) }
        }
        Action::Delete { session } => {
            let id = catalogue::find(state, &session).await?;
            catalogue::delete(state, &id).await?;
            done(json, &format!("deleted {id}; `hvac-analytics sessions restore {id}` brings it back"))
        }
        Action::Restore { session } => {
            let id = catalogue::find(state, &session).await?;
            show(&catalogue::restore(state, &id).await?, json)
        }
        Action::Overrides { site, column, forget_report, forget_column, forget_all } => {
            if let Some(said) = column {
                let known = sites::state_column(state, &site, said).await?;
                return if json { print_json(&known) } else { print(remembered(&known)) };
            }
            if forget_all || forget_report.is_some() || forget_column.is_some() {
                sites::forget(state, &site, forget_report.as_deref(), forget_column.as_deref()).await?;
                return done(json, "forgotten; datasets stay as they are");
            }
            let known = sites::overrides(state, &site).await?;
            if json { print_json(&known) } else { print(remembered(&known)) }
        }
        Action::Purge { session, yes } => {
            let id = catalogue::find(state, &session).await?;
            let SessionSummary { name, created_at, .. } = catalogue::get(state, &id).await?.summary;
            confirm(&format!("Remove session {id} ({name}, made {created_at}) and its files"), yes)?;
            catalogue::purge(state, &id).await?;
            done(json, &format!("purged {id}"))
        }
    }
}

fn filter(list: ListArgs) -> SessionFilter {
    SessionFilter {
        status: list.status.map(Into::into),
        status_at_least: list.status_at_least.map(Into::into),
        tag: list.tag,
        point: list.point,
        unit: list.unit,
        metadata: list.metadata,
        created_from: list.created_from,
        created_to: list.created_to,
        site: list.site,
        q: list.query,
        from: list.from,
        to: list.to,
        sort: list.sort,
        order: list.order,
        page: list.page,
        page_size: list.page_size,
        deleted: list.deleted,
        unconfirmed: list.unconfirmed,
    }
}

fn remembered(known: &SiteOverrides) -> String {
    let reports =
        known.reports.iter().map(|r| format!("report {}  {}  from {}", r.shape, r.options.in_words(), r.file_name));
    let columns = known.columns.iter().map(|column| {
        let kind = column.kind.and_then(|kind| serde_json::to_value(kind).ok());
        let kind = kind.as_ref().and_then(serde_json::Value::as_str).map(str::to_owned);
        let said = [("name", &column.name), ("unit", &column.unit), ("kind", &kind)];
        let said = said.into_iter().filter_map(|(key, value)| Some(format!("{key}={}", value.as_ref()?)));
        format!("column {}  {}", column.column, said.collect::<Vec<_>>().join(", "))
    });
    let lines: Vec<String> = reports.chain(columns).collect();
    if lines.is_empty() { format!("nothing is remembered of site {}", known.site) } else { lines.join("\n") }
}

/// The API answers 204 without a body, so with `--json` nothing is printed.
fn done(json: bool, message: &str) -> Result<()> {
    if json { Ok(()) } else { print(message) }
}

fn show(detail: &SessionDetail, json: bool) -> Result<()> {
    if json { print_said(detail) } else { print(description(detail)) }
}

fn word(status: Status) -> &'static str {
    match status {
        Status::Uploaded => "uploaded",
        Status::Parsed => "parsed",
        Status::Cleaned => "cleaned",
        Status::Failed => "failed",
    }
}

fn time_range(start_at: Option<&String>, end_at: Option<&String>) -> String {
    match (start_at, end_at) {
        (Some(start), Some(end)) => format!("{start} – {end}"),
        _ => String::new(),
    }
}

fn listing(page: &Page<SessionSummary>) -> String {
    if page.total == 0 {
        return "no sessions; `hvac-analytics parse FILES…` makes one, `hvac-analytics demo` too".to_owned();
    }
    let rows: Vec<Vec<String>> = page
        .items
        .iter()
        .map(|s| {
            vec![
                s.session_id.clone(),
                s.name.clone(),
                s.site.clone().unwrap_or_default(),
                word(s.status).to_owned(),
                s.total_rows.to_string(),
                s.column_count.to_string(),
                time_range(s.start_at.as_ref(), s.end_at.as_ref()),
            ]
        })
        .collect();
    let header = [
        ("ID", Align::Left),
        ("NAME", Align::Left),
        ("SITE", Align::Left),
        ("STATUS", Align::Left),
        ("ROWS", Align::Right),
        ("COLUMNS", Align::Right),
        ("TIME RANGE", Align::Left),
    ];
    let mut text = table(&header, &rows);
    if page.total_pages > 1 {
        let Page { page, total_pages, total, .. } = page;
        text.push_str(&format!("\npage {page} of {total_pages}, {total} sessions in all; --page shows another"));
    }
    text
}

fn description(detail: &SessionDetail) -> String {
    let s = &detail.summary;
    let mut lines = vec![
        format!("id        {}", s.session_id),
        format!("name      {}", plain(&s.name, false)),
        format!("site      {}", plain(s.site.as_deref().unwrap_or("–"), false)),
        format!("timezone  {}", s.timezone),
        format!("status    {}", word(s.status)),
        format!("created   {}", s.created_at),
    ];
    lines.extend(s.deleted_at.as_ref().map(|at| format!("deleted   {at}")));
    if !s.tags.is_empty() {
        lines.push(format!("tags      {}", plain(&s.tags.join(", "), false)));
    }
    lines.extend(detail.notes.lines().enumerate().map(|(index, line)| {
        format!("{}{}", if index == 0 { "notes     " } else { "          " }, plain(line, false))
    }));
    if !detail.versions.is_empty() {
        let rows: Vec<Vec<String>> = detail
            .versions
            .iter()
            .map(|v| {
                vec![
                    v.version.clone(),
                    v.id.clone(),
                    v.row_count.to_string(),
                    v.column_count.to_string(),
                    v.size_bytes.to_string(),
                    v.integrity.clone(),
                    time_range(v.start_at.as_ref(), v.end_at.as_ref()),
                ]
            })
            .collect();
        let header = [
            ("VERSION", Align::Left),
            ("ID", Align::Left),
            ("ROWS", Align::Right),
            ("COLUMNS", Align::Right),
            ("BYTES", Align::Right),
            ("FILE", Align::Left),
            ("TIME RANGE", Align::Left),
        ];
        lines.extend([String::new(), table(&header, &rows)]);
    }
    if !detail.files.is_empty() {
        let count = |n: Option<u64>| n.map_or_else(String::new, |n| n.to_string());
        let rows: Vec<Vec<String>> = detail
            .files
            .iter()
            .map(|f| {
                let member = f.archive_member.as_ref().map(|member| format!("/{member}")).unwrap_or_default();
                vec![
                    format!("{}{member}", f.file_name),
                    f.format.clone().unwrap_or_default(),
                    count(f.row_count),
                    count(f.point_count),
                    f.size_bytes.to_string(),
                    f.integrity.clone(),
                    time_range(f.first_at.as_ref(), f.last_at.as_ref()),
                ]
            })
            .collect();
        let header = [
            ("REPORT", Align::Left),
            ("FORMAT", Align::Left),
            ("ROWS", Align::Right),
            ("POINTS", Align::Right),
            ("BYTES", Align::Right),
            ("FILE", Align::Left),
            ("TIME RANGE", Align::Left),
        ];
        lines.extend([String::new(), table(&header, &rows)]);
    }
    lines.join("\n")
}
