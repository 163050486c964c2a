//! What a client can connect to: a session by its id or name, a site, or all.

use chrono_tz::Tz;
use sea_orm::{ConnectionTrait, DbBackend, Statement};

use super::Failed;
use super::listing::Listing;
use crate::error::{Context, codes};
use crate::query::catalogue;
use crate::query::tables::session_of;
use crate::state::AppState;
use hvac_query::postgres::Refusal;

/// What a connection is to.
#[derive(Debug, Clone)]
pub struct Database {
    /// As the client calls it.
    pub name: String,
    of: Of,
    zone: Tz,
}

#[derive(Debug, Clone)]
enum Of {
    All,
    Session(String),
    Site(String),
}

impl Database {
    /// The database of that name.
    ///
    /// # Errors
    /// `3D000` when there is none, or when it is the name of several sessions.
    pub async fn open(state: &AppState, name: &str) -> Result<Self, Failed> {
        let made = |of, zone| Self { name: name.to_owned(), of, zone };
        let site_zone = state.config.site_timezone;
        if name.eq_ignore_ascii_case("all") {
            return Ok(made(Of::All, site_zone));
        }
        match session_of(state, name).await {
            Ok(id) => {
                let zone = zone_of(state, &id).await?.unwrap_or(site_zone);
                return Ok(made(Of::Session(id), zone));
            }
            Err(error) if error.code == codes::UNKNOWN_SESSION => {}
            Err(error) if error.code == codes::AMBIGUOUS_SESSION => {
                return Err(Failed::Refused(Refusal::new("3D000", error.to_string())));
            }
            Err(error) => return Err(error.into()),
        }
        if sites(state).await?.iter().any(|site| site == name) {
            return Ok(made(Of::Site(name.to_owned()), site_zone));
        }
        let message = format!(
            "database \"{name}\" does not exist: connect to a session by its id or name, to a site, or to \"all\", whose table sessions lists them"
        );
        Err(Failed::Refused(Refusal::new("3D000", message)))
    }

    /// Whose tables need no schema before their names.
    pub(super) fn session_id(&self) -> Option<&str> {
        match &self.of {
            Of::Session(id) => Some(id),
            _ => None,
        }
    }

    /// The clock of its times, where nothing that is read has one.
    #[must_use]
    pub fn zone(&self) -> Tz {
        self.zone
    }

    /// Whether it says which columns the tables of sessions have.
    pub(super) fn has_columns(&self) -> bool {
        !matches!(self.of, Of::All)
    }

    pub(super) async fn listing(&self, state: &AppState) -> Result<Listing, Failed> {
        let (condition, value) = match &self.of {
            Of::All => ("", None),
            Of::Session(id) => (" AND s.id = ?", Some(id.clone())),
            Of::Site(site) => (" AND s.site = ?", Some(site.clone())),
        };
        Listing::load(state, condition, value, self.session_id().is_some()).await
    }
}

async fn zone_of(state: &AppState, id: &str) -> Result<Option<Tz>, Failed> {
    let sql = "SELECT timezone FROM upload_sessions WHERE id = ?";
    let statement = Statement::from_sql_and_values(DbBackend::Sqlite, sql, [id.into()]);
    let doing = "asking for a session's zone";
    let row = state.store.db.read().query_one_raw(statement).await.internal(doing)?;
    let zone = row.map(|row| row.try_get_by_index::<Option<String>>(0)).transpose().internal(doing)?;
    Ok(zone.flatten().and_then(|zone| zone.parse().ok()))
}

/// Names of sites, each once.
pub(super) async fn sites(state: &AppState) -> Result<Vec<String>, Failed> {
    let sql = format!(
        "SELECT DISTINCT s.site FROM upload_sessions s WHERE s.deleted_at IS NULL AND NOT s.unconfirmed AND s.site IS NOT NULL{} \
         ORDER BY s.site",
        catalogue::seen(state.principal())
    );
    let doing = "listing sites";
    let rows =
        state.store.db.read().query_all_raw(Statement::from_string(DbBackend::Sqlite, sql)).await.internal(doing)?;
    let names = rows.iter().map(|row| row.try_get_by_index::<String>(0).internal(doing));
    Ok(names.collect::<Result<Vec<_>, _>>()?)
}
