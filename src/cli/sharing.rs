//! `share` and `links`: who sees a session, or all sessions of a site; links to a session.

use clap::Args;

use super::out::{Align, print, print_json, table};
use crate::accounts::links::LinkRequest;
use crate::error::Result;
use crate::sessions::sharing::{self, Sharing, SharingRequest, SiteSharing, SiteSharingRequest};
use crate::sessions::{catalogue, links};
use crate::state::AppState;

/// What to share, and with whom; with nothing said, it is shown.
#[derive(Debug, Args)]
pub struct ShareArgs {
    /// The session: its id, the beginning of it, or its name
    #[arg(required_unless_present = "site", conflicts_with = "site")]
    session: Option<String>,
    /// All sessions of this site instead, those to come too
    #[arg(long)]
    site: Option<String>,
    /// Whom it shall belong to
    #[arg(long, value_name = "NAME", conflicts_with = "site")]
    owner: Option<String>,
    /// Who else shall see it, in place of those before (repeatable)
    #[arg(long = "with", value_name = "NAME")]
    people: Vec<String>,
    /// Everyone shall see it
    #[arg(long)]
    everyone: bool,
    /// Nobody else shall see it any more
    #[arg(long, conflicts_with_all = ["people", "everyone"])]
    nobody: bool,
}

/// Shows or states who sees it.
///
/// # Errors
/// As [`sharing::put`].
pub async fn run(state: &AppState, args: ShareArgs, json: bool) -> Result<()> {
    let ShareArgs { session, site, owner, people, everyone, nobody } = args;
    let says_who = !people.is_empty() || everyone || nobody;
    if let Some(site) = site {
        let shared = if says_who {
            sharing::put_site(state, &site, SiteSharingRequest { everyone, people }).await?
        } else {
            sharing::of_a_site(state, &site).await?
        };
        let SiteSharing { site, everyone, people } = &shared;
        return if json { print_json(&shared) } else { print(format!("{site}: {}", seen_by(*everyone, people))) };
    }
    let session_id = catalogue::find(state, &session.unwrap_or_default()).await?;
    let before = sharing::of(state, &session_id).await?;
    let shared = match (says_who, owner) {
        (false, None) => before,
        // A new owner takes it over with those who see it.
        (false, owner) => {
            let Sharing { everyone, people, .. } = before;
            sharing::put(state, &session_id, SharingRequest { owner, everyone, people }).await?
        }
        (true, owner) => sharing::put(state, &session_id, SharingRequest { owner, everyone, people }).await?,
    };
    if json {
        return print_json(&shared);
    }
    let Sharing { owner, everyone, people } = &shared;
    let whose = owner.as_ref().map_or_else(|| "everyone's".to_owned(), |owner| format!("{owner}'s"));
    print(format!("{session_id} is {whose}: {}", seen_by(*everyone, people)))
}

fn seen_by(everyone: bool, people: &[String]) -> String {
    match (everyone, people) {
        (true, _) => "everyone sees it".to_owned(),
        (false, []) => "nobody else sees it but admins".to_owned(),
        (false, people) => format!("{} see it too", people.join(", ")),
    }
}

/// Which session, and what to do with its links; with nothing said, they are listed.
#[derive(Debug, Args)]
pub struct LinksArgs {
    /// The session: its id, the beginning of it, or its name
    session: String,
    /// Make a link
    #[arg(long)]
    create: bool,
    /// How long it is to last, hours [168]
    #[arg(long, requires = "create")]
    hours: Option<u32>,
    /// What it is for
    #[arg(long, requires = "create", default_value = "")]
    note: String,
    /// End the link of this id
    #[arg(long, value_name = "ID", conflicts_with = "create")]
    revoke: Option<String>,
}

/// Lists, makes or ends links.
///
/// # Errors
/// As [`links::make`] and [`links::revoke`].
pub async fn run_links(state: &AppState, args: LinksArgs, json: bool) -> Result<()> {
    let session_id = catalogue::find(state, &args.session).await?;
    if args.create {
        let made = links::make(state, &session_id, LinkRequest { hours: args.hours, note: args.note }).await?;
        return if json {
            print_json(&made)
        } else {
            print(format!("{}\nuntil {}; the link is shown this once", made.data_path, made.link.expires_at))
        };
    }
    if let Some(id) = args.revoke {
        links::revoke(state, &session_id, &id).await?;
        return print(format!("link {id} has ended"));
    }
    let found = links::list(state, &session_id).await?;
    if json {
        return print_json(&found);
    }
    let header = ["id", "made by", "made", "until", "ended", "for"].map(|name| (name, Align::Left));
    let row = |link: &crate::accounts::links::Link| {
        let by = link.made_by.clone().unwrap_or_default();
        let ended = link.revoked_at.clone().unwrap_or_default();
        vec![link.id.clone(), by, link.created_at.clone(), link.expires_at.clone(), ended, link.note.clone()]
    };
    print(table(&header, &found.links.iter().map(row).collect::<Vec<_>>()))
}
