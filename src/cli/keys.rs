//! `keys`: make, list, revoke.

use clap::{Args, Subcommand};

use super::out::{Align, print, print_json, table, tell};
use super::users::RoleArg;
use crate::accounts::keys::{self, ApiKey, KeyFilter, KeyRequest, NewKey};
use crate::error::Result;
use crate::limits::Page;
use crate::state::AppState;

/// What to do with which keys; without a word, list them.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct KeysArgs {
    #[command(subcommand)]
    action: Option<Action>,
    #[command(flatten)]
    list: ListArgs,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List keys (also without this word)
    List(ListArgs),
    /// Make a key and show it, this once
    Create {
        /// What it is called; without --user also the service that it is of, made when it is not there
        name: String,
        /// The most it may do
        #[arg(long)]
        role: RoleArg,
        /// How long it holds: 36h, 90d, 4w; for ever without this
        #[arg(long, value_name = "TIME")]
        expires: Option<String>,
        /// The account that it is of
        #[arg(long, value_name = "NAME")]
        user: Option<String>,
    },
    /// End a key for good
    Revoke {
        /// Its name or id
        key: String,
    },
}

#[derive(Debug, Args)]
struct ListArgs {
    /// Those too that were revoked
    #[arg(long)]
    revoked: bool,
    /// Page, from 1
    #[arg(long)]
    page: Option<u64>,
    /// Keys a page, 1 to 100
    #[arg(long)]
    page_size: Option<u64>,
}

/// Runs the command.
///
/// # Errors
/// As the use cases have them.
pub async fn run(state: &AppState, args: KeysArgs, json: bool) -> Result<()> {
    match args.action.unwrap_or(Action::List(args.list)) {
        Action::List(ListArgs { revoked, page, page_size }) => {
            let listed = keys::list(state, &KeyFilter { revoked, page, page_size }).await?;
            if json { print_json(&listed) } else { print(listing(&listed)) }
        }
        Action::Create { name, role, expires, user } => {
            let made = keys::create(state, KeyRequest { name, role: role.into(), expires, user }).await?;
            if json {
                return print_json(&made);
            }
            let NewKey { told, key } = made;
            // Alone on standard output, for KEY=$(hvac-analytics keys create …).
            print(key)?;
            let until = told.expires_at.map_or("until it is revoked".to_owned(), |at| format!("until {at}"));
            tell(&format!("a key of {} ({}), {until}; it is shown this once", told.user, told.role.as_str()));
            Ok(())
        }
        Action::Revoke { key } => {
            let id = keys::find(state, &key).await?;
            keys::revoke(state, &id).await?;
            // The API answers 204 without a body.
            if json { Ok(()) } else { print(format!("revoked {id}")) }
        }
    }
}

fn listing(page: &Page<ApiKey>) -> String {
    if page.total == 0 {
        return "no keys; `hvac-analytics keys create NAME --role viewer` makes one".to_owned();
    }
    let row = |key: &ApiKey| {
        vec![
            key.id.clone(),
            key.name.clone(),
            key.user.clone(),
            key.role.as_str().to_owned(),
            key.expires_at.clone().unwrap_or_else(|| "never".to_owned()),
            key.last_used_at.clone().unwrap_or_default(),
            key.revoked_at.clone().unwrap_or_default(),
        ]
    };
    let header = ["ID", "NAME", "USER", "ROLE", "EXPIRES", "LAST USED", "REVOKED"].map(|name| (name, Align::Left));
    let rows: Vec<Vec<String>> = page.items.iter().map(row).collect();
    let mut text = table(&header, &rows);
    if page.total_pages > 1 {
        let Page { page, total_pages, total, .. } = page;
        text.push_str(&format!("\npage {page} of {total_pages}, {total} keys in all; --page shows another"));
    }
    text
}
