//! `hvac-analytics audit`: who did what, and whether the list is what was noted.

use clap::{Args, Subcommand};

use super::out;
use crate::accounts::audit_log::{self, AuditExport, AuditFormat};
use crate::audit::{AuditEntry, AuditFilter, AuditPaging};
use crate::error::{Error, Result, codes};
use crate::state::AppState;

/// Which entries.
#[derive(Debug, Args)]
pub struct AuditArgs {
    #[command(subcommand)]
    command: Option<AuditCommand>,
    /// Only of this account's name
    #[arg(long)]
    who: Option<String>,
    /// Only this, such as session.delete; session.* for all that begins so
    #[arg(long)]
    action: Option<String>,
    /// Only of this session
    #[arg(long, value_name = "ID")]
    session: Option<String>,
    /// done, a refusal's code, or refused for all of them
    #[arg(long)]
    result: Option<String>,
    /// Words, each somewhere in an entry
    #[arg(long, short = 'q', value_name = "WORDS")]
    query: Option<String>,
    /// At or after this time (ISO 8601)
    #[arg(long, value_name = "TIME")]
    from: Option<String>,
    /// Before this time
    #[arg(long, value_name = "TIME")]
    to: Option<String>,
    /// Page, from 1, the newest first
    #[arg(long)]
    page: Option<u64>,
    /// Entries a page, 1 to 100
    #[arg(long)]
    page_size: Option<u64>,
}

#[derive(Debug, Subcommand)]
enum AuditCommand {
    /// Look whether every entry is what was noted
    Verify,
    /// Write all entries that match, the oldest first
    Export {
        /// ndjson or csv
        #[arg(long, value_enum, default_value = "ndjson")]
        format: WrittenAs,
    },
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum WrittenAs {
    Ndjson,
    Csv,
}

/// Carries it out.
///
/// # Errors
/// What the use case says; when the list is not what was noted.
pub async fn run(state: &AppState, args: AuditArgs, json: bool) -> Result<()> {
    let filter = AuditFilter {
        who: args.who,
        action: args.action,
        session_id: args.session,
        result: args.result,
        q: args.query,
        from: args.from,
        to: args.to,
        ..AuditFilter::default()
    };
    match args.command {
        None => {
            let page =
                audit_log::list(state, &filter, &AuditPaging { page: args.page, page_size: args.page_size }).await?;
            if json {
                return out::print_json(&page);
            }
            for entry in &page.items {
                out::print(line(entry))?;
            }
            out::print(format!("{} of {} entries, the newest first", page.items.len(), page.total))
        }
        Some(AuditCommand::Export { format }) => {
            let format = match format {
                WrittenAs::Ndjson => AuditFormat::Ndjson,
                WrittenAs::Csv => AuditFormat::Csv,
            };
            let mut written = AuditExport::new(state, filter, format);
            while let Some(piece) = written.next().await? {
                out::print_bytes(&piece)?;
            }
            Ok(())
        }
        Some(AuditCommand::Verify) => {
            let verified = audit_log::verify(state).await?;
            if json {
                out::print_json(&verified)?;
            } else if verified.intact {
                out::print(format!(
                    "{} entries, each as it was noted; the last hash is {}",
                    verified.entries, verified.last_hash
                ))?;
            }
            match verified.broken_at {
                None => Ok(()),
                Some(seq) => {
                    let message = format!(
                        "entry {seq} does not follow from the one before: it was changed, or one before it was taken out; {} \
                         entries before it are as they were noted",
                        verified.entries
                    );
                    Err(Error::new(codes::AUDIT_BROKEN, message))
                }
            }
        }
    }
}

fn line(entry: &AuditEntry) -> String {
    let of = entry.object_id.as_deref().unwrap_or_default();
    let from = entry.address.as_ref().map(|address| format!(" from {address}")).unwrap_or_default();
    format!(
        "{:>6}  {}  {} ({}{from})  {}  {} {of}  {}",
        entry.seq, entry.at, entry.who, entry.via, entry.action, entry.object_kind, entry.result
    )
}
