//! Version numbers and how one becomes a published version: reserved in the database, held while its files are made,
//! published with the rows of what was made, or abandoned. The one way for datasets, cleanings and models.

use chrono::{DateTime, TimeDelta, Utc};
use sea_orm::sea_query::{Expr, Query};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, Condition, ConnectionTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder,
    Select,
};

use super::db::{Db, Transaction};
use super::entity::{ArtefactKind, VersionState, WorkStatus, cleaning_job, job, parsed_dataset, version};
use super::{new_id, now};
use crate::error::{Context, Error, Result, codes};

/// How long a number stays reserved without a heartbeat.
const LEASE: TimeDelta = TimeDelta::seconds(60);
/// What is counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Series<'a> {
    /// The parsed datasets of that session, made one at a time.
    Parsed(&'a str),
    /// The cleaned versions of that session.
    Cleaned(&'a str),
    /// The models of that name.
    Model(&'a str),
}

impl Series<'_> {
    fn kind(self) -> ArtefactKind {
        match self {
            Self::Parsed(_) => ArtefactKind::Parsed,
            Self::Cleaned(_) => ArtefactKind::Cleaned,
            Self::Model(_) => ArtefactKind::Model,
        }
    }

    fn find(self) -> Select<version::Entity> {
        let of_kind = version::Entity::find().filter(version::Column::Kind.eq(self.kind()));
        match self {
            Self::Parsed(session_id) | Self::Cleaned(session_id) => {
                of_kind.filter(version::Column::SessionId.eq(session_id))
            }
            Self::Model(name) => of_kind.filter(version::Column::ModelName.eq(name)),
        }
    }

    /// A row that is in no database yet.
    #[must_use]
    pub fn number(self, version: i32, state: VersionState) -> version::Model {
        let (session_id, model_name) = match self {
            Self::Parsed(session_id) | Self::Cleaned(session_id) => (Some(session_id.to_owned()), None),
            Self::Model(name) => (None, Some(name.to_owned())),
        };
        let (owner, lease_until) = (None, None);
        let (id, kind) = (new_id(), self.kind());
        version::Model { id, kind, session_id, model_name, version, state, owner, lease_until, created_at: now() }
    }
}

/// In words: a parse, a cleaning, a training.
fn work(kind: ArtefactKind) -> &'static str {
    match kind {
        ArtefactKind::Parsed => "parse",
        ArtefactKind::Cleaned => "cleaning",
        ArtefactKind::Model => "training",
    }
}

/// Who makes a version.
#[derive(Debug, Clone, Copy)]
pub enum Owner<'a> {
    /// A job: the number stays its own however often its process dies.
    Job(&'a str),
    /// This process, until its lease ends.
    Process,
}

impl Owner<'_> {
    fn name(self) -> String {
        match self {
            Self::Job(id) => format!("job {id}"),
            Self::Process => format!("process {}", std::process::id()),
        }
    }
}

/// Reserves the next number above `taken`, without a lease: it waits with its job.
///
/// # Errors
/// When the database cannot be written.
pub async fn reserve(
    txn: &impl ConnectionTrait,
    series: Series<'_>,
    owner: Owner<'_>,
    taken: i32,
) -> Result<version::Model> {
    let last = series.find().order_by_desc(version::Column::Version).one(txn).await;
    let last = last.internal("looking for the last version number")?.map_or(0, |last| last.version);
    let number = series.number(last.max(taken) + 1, VersionState::Reserved);
    let number = version::Model { owner: Some(owner.name()), ..number };
    number.into_active_model().reset_all().insert(txn).await.internal("reserving a version number")
}

/// Reserves the session's next parsed number, until a lease ends. A job keeps the number it has reserved.
///
/// # Errors
/// 409 while somebody else parses it.
async fn reserve_parse(txn: &impl ConnectionTrait, session_id: &str, owner: Owner<'_>) -> Result<version::Model> {
    let series = Series::Parsed(session_id);
    let reserved = series.find().filter(version::Column::State.eq(VersionState::Reserved)).one(txn).await;
    if let Some(held) = reserved.internal("looking for a parse under way")? {
        let own = matches!(owner, Owner::Job(_)) && held.owner.as_deref() == Some(&owner.name());
        if own {
            heartbeat(txn, &held.id).await?;
            return Ok(held);
        }
        if held.lease_until.is_some_and(|until| until > now()) {
            let message = format!("session '{session_id}' is being parsed already; ask again when that is done");
            return Err(Error::new(codes::PARSE_UNDER_WAY, message).with_retry_after(5));
        }
        settle(txn, &held, VersionState::Abandoned).await?;
    }
    let reserved = reserve(txn, series, owner, 0).await?;
    heartbeat(txn, &reserved.id).await?;
    Ok(reserved)
}

/// The number that a job was promised, held by a lease from now on.
///
/// # Errors
/// When the database cannot be written.
pub async fn take_up(
    txn: &impl ConnectionTrait,
    series: Series<'_>,
    job_id: &str,
    taken: i32,
) -> Result<version::Model> {
    let number = match promised(txn, job_id).await? {
        Some(own) => own,
        // An earlier version of this program gave the number of a job up when its process died.
        None => reserve(txn, series, Owner::Job(job_id), taken).await?,
    };
    heartbeat(txn, &number.id).await?;
    Ok(number)
}

/// Gives up the number that a job was promised, if it still holds one.
///
/// # Errors
/// When the database cannot be written.
pub async fn give_up(txn: &impl ConnectionTrait, job_id: &str) -> Result<()> {
    match promised(txn, job_id).await? {
        Some(number) => settle(txn, &number, VersionState::Abandoned).await,
        None => Ok(()),
    }
}

async fn promised(txn: &impl ConnectionTrait, job_id: &str) -> Result<Option<version::Model>> {
    version::Entity::find()
        .filter(version::Column::Owner.eq(Owner::Job(job_id).name()))
        .filter(version::Column::State.eq(VersionState::Reserved))
        .one(txn)
        .await
        .internal("looking up a reservation")
}

/// Books a number that needs no reservation, for nobody else can know its session yet.
///
/// # Errors
/// When the database cannot be written.
pub async fn book(txn: &impl ConnectionTrait, number: version::Model) -> Result<version::Model> {
    number.into_active_model().reset_all().insert(txn).await.internal("booking a version number")
}

/// The session's numbers that stand for no version: reserved or abandoned ones.
///
/// # Errors
/// When the database cannot be read.
pub async fn without_version(db: &impl ConnectionTrait, session_id: &str) -> Result<Vec<version::Model>> {
    let parsed = Query::select()
        .column(parsed_dataset::Column::Version)
        .from(parsed_dataset::Entity)
        .and_where(parsed_dataset::Column::SessionId.eq(session_id))
        .to_owned();
    let cleaned = Query::select()
        .column(cleaning_job::Column::Version)
        .from(cleaning_job::Entity)
        .and_where(cleaning_job::Column::SessionId.eq(session_id))
        .and_where(cleaning_job::Column::Status.eq(WorkStatus::Completed))
        .to_owned();
    let none_of = |kind: ArtefactKind, made| {
        Condition::any().add(version::Column::Kind.ne(kind)).add(version::Column::Version.not_in_subquery(made))
    };
    version::Entity::find()
        .filter(version::Column::SessionId.eq(session_id))
        .filter(none_of(ArtefactKind::Parsed, parsed))
        .filter(none_of(ArtefactKind::Cleaned, cleaned))
        .order_by_asc(version::Column::CreatedAt)
        .all(db)
        .await
        .internal("listing a session's version numbers")
}

/// That number of a model's name, if it was ever given.
///
/// # Errors
/// When the database cannot be read.
pub async fn of_model(db: &impl ConnectionTrait, name: &str, version: i32) -> Result<Option<version::Model>> {
    let numbers = Series::Model(name).find().filter(version::Column::Version.eq(version));
    numbers.one(db).await.internal("looking up a model's number")
}

/// Takes the number of a model that is deleted back, for ever.
///
/// # Errors
/// When the database cannot be written.
pub async fn withdraw(txn: &impl ConnectionTrait, name: &str, version: i32) -> Result<()> {
    version::Entity::update_many()
        .col_expr(version::Column::State, Expr::value(VersionState::Abandoned))
        .filter(version::Column::ModelName.eq(name))
        .filter(version::Column::Version.eq(version))
        .exec(txn)
        .await
        .internal("taking back a model's number")?;
    Ok(())
}

/// Gives up what a process that died had reserved; a job's number stays the job's, for it was answered and goes on.
///
/// # Errors
/// When the database cannot be written.
pub(super) async fn recover(txn: &impl ConnectionTrait) -> Result<u64> {
    let living = Query::select()
        .expr(Expr::cust("'job ' || id"))
        .from(job::Entity)
        .and_where(job::Column::Status.is_in([WorkStatus::Queued, WorkStatus::Running]))
        .to_owned();
    let owner = version::Column::Owner;
    let abandoned = version::Entity::update_many()
        .col_expr(version::Column::State, Expr::val(VersionState::Abandoned.as_str()))
        .filter(version::Column::State.eq(VersionState::Reserved))
        .filter(version::Column::LeaseUntil.is_not_null())
        .filter(Condition::any().add(owner.is_null()).add(owner.not_in_subquery(living)))
        .exec(txn)
        .await
        .internal("giving up reserved versions")?;
    Ok(abandoned.rows_affected)
}

/// Holds a reservation for another lease.
async fn heartbeat(txn: &impl ConnectionTrait, number_id: &str) -> Result<()> {
    version::Entity::update_many()
        .col_expr(version::Column::LeaseUntil, Expr::value(now() + LEASE))
        .filter(version::Column::Id.eq(number_id))
        .filter(version::Column::State.eq(VersionState::Reserved))
        .exec(txn)
        .await
        .internal("holding a reservation")?;
    Ok(())
}

/// Ends a reservation: published, or abandoned.
///
/// # Errors
/// 409 when it had lapsed and somebody else took over.
async fn settle(txn: &impl ConnectionTrait, number: &version::Model, state: VersionState) -> Result<()> {
    let result = version::Entity::update_many()
        .col_expr(version::Column::State, Expr::value(state))
        .col_expr(version::Column::LeaseUntil, Expr::value(Option::<DateTime<Utc>>::None))
        .filter(version::Column::Id.eq(&number.id))
        .filter(version::Column::State.eq(VersionState::Reserved))
        .exec(txn)
        .await
        .internal("ending a reservation")?;
    if result.rows_affected == 0 && state == VersionState::Published {
        let message = format!(
            "this {} stood still for over a minute and lost its version number: ask for it again",
            work(number.kind)
        );
        return Err(Error::new(codes::LEASE_LOST, message));
    }
    Ok(())
}

/// A reserved number while its version is made: held by a heartbeat until it is dropped.
pub struct Held {
    /// The number.
    pub number: version::Model,
    db: Db,
    beating: tokio::task::JoinHandle<()>,
}

impl Held {
    /// Holds the number from now on.
    #[must_use]
    pub fn new(db: &Db, number: version::Model) -> Self {
        let (beat, id) = (db.clone(), number.id.clone());
        let every = (LEASE / 4).to_std().unwrap_or_default();
        let beating = tokio::spawn(async move {
            loop {
                tokio::time::sleep(every).await;
                let held = async {
                    let txn = beat.begin().await?;
                    heartbeat(&txn, &id).await?;
                    txn.commit().await.internal("holding a reservation")
                };
                if let Err(error) = held.await {
                    tracing::warn!(%error, "a reservation could not be held");
                }
            }
        });
        Self { number, db: db.clone(), beating }
    }

    /// In the transaction that stores what was made: the number is a version with its commit.
    ///
    /// # Errors
    /// 409 when the reservation had lapsed and somebody else took over.
    pub async fn publish(&self, txn: &Transaction) -> Result<()> {
        settle(txn, &self.number, VersionState::Published).await
    }

    /// Gives the number of a parse up. Where nothing can be written, the session's next parse in this process does it, or
    /// the lease lapses by itself.
    pub async fn abandon(self) {
        let released = async {
            let txn = self.db.begin().await?;
            settle(&txn, &self.number, VersionState::Abandoned).await?;
            txn.commit().await.internal("releasing a version")
        };
        if let Err(error) = released.await {
            tracing::warn!(%error, "a reservation was not released; the next parse of the session does it, or it lapses by itself");
            self.db.given_up().push(self.number.clone());
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.beating.abort();
    }
}

/// Reserves a session's next parsed number, those first released that could not be before; held from now on.
///
/// # Errors
/// 409 while somebody else parses it; what `allowed` says.
#[tracing::instrument(level = "debug", name = "store.hold_version", skip_all)]
pub async fn hold_parse(
    db: &Db,
    session_id: &str,
    owner: Owner<'_>,
    allowed: impl AsyncFnOnce(&Transaction) -> Result<()>,
) -> Result<Held> {
    let given_up = db.given_up().clone();
    let of_session = |number: &version::Model| number.session_id.as_deref() == Some(session_id);
    let txn = db.begin().await?;
    allowed(&txn).await?;
    for number in given_up.iter().filter(|number| of_session(number)) {
        settle(&txn, number, VersionState::Abandoned).await?;
    }
    let reserved = reserve_parse(&txn, session_id, owner).await?;
    txn.commit().await.internal("reserving a version")?;
    db.given_up().retain(|number| !of_session(number) || given_up.iter().all(|gone| gone.id != number.id));
    Ok(Held::new(db, reserved))
}
