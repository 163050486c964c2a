//! `users`: make, list, change, disable accounts; a lost admin comes back by these.

use clap::{Args, Subcommand, ValueEnum};

use super::out::{Align, plain, print, print_json, table, tell, watched};
use super::password;
use crate::accounts::Account;
use crate::accounts::people::{self, AccountFilter, AccountPatch, AccountRequest};
use crate::accounts::setup;
use crate::error::Result;
use crate::limits::Page;
use crate::principal::Role;
use crate::state::AppState;

/// What to do with which accounts; without a word, list them.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct UsersArgs {
    #[command(subcommand)]
    action: Option<Action>,
    #[command(flatten)]
    list: ListArgs,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List accounts (also without this word)
    List(ListArgs),
    /// Make a person's account; the password is asked for, or read from standard input
    Create {
        /// Its name
        name: String,
        /// The most it may do
        #[arg(long)]
        role: RoleArg,
    },
    /// Give an account another password; its logins end
    Passwd {
        /// Its name or id
        name: String,
    },
    /// Give an account another role
    Role {
        /// Its name or id
        name: String,
        /// The most it may do
        role: RoleArg,
    },
    /// Disable an account: its logins, keys and links end
    Disable {
        /// Its name or id
        name: String,
    },
    /// Enable an account; its keys and links stay ended
    Enable {
        /// Its name or id
        name: String,
    },
}

#[derive(Debug, Args)]
struct ListArgs {
    /// Page, from 1
    #[arg(long)]
    page: Option<u64>,
    /// Accounts a page, 1 to 100
    #[arg(long)]
    page_size: Option<u64>,
}

/// A role.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum RoleArg {
    /// Looks at everything it sees
    Viewer,
    /// Uploads, parses, cleans, trains, changes and deletes too
    Operator,
    /// Does everything: all sessions, accounts, settings, and what was done
    Admin,
}

impl From<RoleArg> for Role {
    fn from(role: RoleArg) -> Self {
        match role {
            RoleArg::Viewer => Self::Viewer,
            RoleArg::Operator => Self::Operator,
            RoleArg::Admin => Self::Admin,
        }
    }
}

/// Runs the command.
///
/// # Errors
/// As the use cases have them.
pub async fn run(state: &AppState, args: UsersArgs, json: bool) -> Result<()> {
    let (name, patch) = match args.action.unwrap_or(Action::List(args.list)) {
        Action::List(ListArgs { page, page_size }) => {
            let listed = people::list(state, &AccountFilter { page, page_size }).await?;
            return if json { print_json(&listed) } else { print(listing(&listed)) };
        }
        Action::Create { name, role } => {
            let password = Some(password::ask(&name)?);
            let made = people::create(state, AccountRequest { name, role: role.into(), password }).await?;
            return show(&made, json);
        }
        Action::Passwd { name } => {
            let password = Some(password::ask(&name)?);
            (name, AccountPatch { password, ..AccountPatch::default() })
        }
        Action::Role { name, role } => (name, AccountPatch { role: Some(role.into()), ..AccountPatch::default() }),
        Action::Disable { name } => (name, AccountPatch { disabled: Some(true), ..AccountPatch::default() }),
        Action::Enable { name } => (name, AccountPatch { disabled: Some(false), ..AccountPatch::default() }),
    };
    let id = people::find(state, &name).await?;
    show(&people::change(state, &id, patch).await?, json)
}

/// Where it matters who asks, and nobody is admin yet: shows the terminal, and nothing else, with what the first one is
/// made.
///
/// # Errors
/// When the database cannot be read.
pub async fn tell_of_first_admin(state: &AppState) -> Result<()> {
    let config = &state.config;
    let is_open = config.is_of_this_machine() && config.anonymous_role.is_some();
    if is_open || !setup::is_due(state).await? {
        return Ok(());
    }
    if watched() {
        let token = setup::offer(state)?;
        tell(&format!("there is no admin yet: make one at /login with this token, which holds once: {token}"));
    } else {
        tracing::warn!("there is no admin yet: `hvac-analytics users create NAME --role admin` makes one");
    }
    Ok(())
}

fn state_of(account: &Account) -> &'static str {
    if account.disabled_at.is_some() { "disabled" } else { "enabled" }
}

fn show(account: &Account, json: bool) -> Result<()> {
    if json {
        return print_json(account);
    }
    let Account { id, name, kind, role, .. } = account;
    let name = plain(name, false);
    print(format!("{name}: {}, {}, {} ({id})", kind.as_str(), role.as_str(), state_of(account)))
}

fn listing(page: &Page<Account>) -> String {
    if page.total == 0 {
        return "no accounts; `hvac-analytics users create NAME --role admin` makes one".to_owned();
    }
    let row = |account: &Account| {
        vec![
            account.id.clone(),
            account.name.clone(),
            account.kind.as_str().to_owned(),
            account.role.as_str().to_owned(),
            state_of(account).to_owned(),
            if account.has_password { "yes" } else { "no" }.to_owned(),
            account.created_at.clone(),
        ]
    };
    let header = ["ID", "NAME", "KIND", "ROLE", "STATE", "PASSWORD", "CREATED"].map(|name| (name, Align::Left));
    let rows: Vec<Vec<String>> = page.items.iter().map(row).collect();
    let mut text = table(&header, &rows);
    if page.total_pages > 1 {
        let Page { page, total_pages, total, .. } = page;
        text.push_str(&format!("\npage {page} of {total_pages}, {total} accounts in all; --page shows another"));
    }
    text
}
