//! Carries statements out: one memory and one folder for what does not fit in it, for all of them; a time and a context
//! of its own for each; on threads of their own, so that whoever does not ask feels little of it.

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use arrow_array::RecordBatch;
use arrow_schema::{Field, Schema, SchemaRef};
use chrono_tz::Tz;
use datafusion::catalog::{CatalogProvider, MemoryCatalogProvider, MemorySchemaProvider, SchemaProvider};
use datafusion::common::{ParamValues, ScalarValue};
use datafusion::execution::context::SQLOptions;
use datafusion::execution::disk_manager::{DiskManagerBuilder, DiskManagerMode};
use datafusion::execution::memory_pool::FairSpillPool;
use datafusion::execution::runtime_env::{RuntimeEnv, RuntimeEnvBuilder};
use datafusion::execution::{SessionState, SessionStateBuilder, SessionStateDefaults};
use datafusion::logical_expr::{LogicalPlan, ScalarUDF};
use datafusion::physical_plan::execute_stream;
use datafusion::prelude::SessionConfig;
use futures_util::StreamExt;
use serde_json::Value;
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio::time::{Instant, timeout_at};

use crate::error::QueryError;
use crate::functions;
use crate::minutes;
use crate::names::{OWN_SCHEMA, TableName, apart};
#[cfg(feature = "postgres")]
use crate::postgres::{self, Names, Parameter, PgQuery};
use crate::statement::Statement;
use crate::stores::OneStore;
use crate::tables::Table;
use crate::watch::{Watch, watched};

/// Of each thread: a plan is walked to its depth, which a statement's text bounds. Taken only as far as it is used.
const STACK_BYTES: usize = 64 << 20;

/// What all statements share.
#[derive(Debug, Clone)]
pub struct EngineSettings {
    /// The folder that keys of stored files are below.
    pub sessions: PathBuf,
    /// What all statements may hold, bytes.
    pub memory_bytes: usize,
    /// A folder for what does not fit: made when the engine is, removed with it. None where nothing can be written: then
    /// what does not fit is refused.
    pub spill: Option<PathBuf>,
    /// What statements may put there, bytes.
    pub spill_bytes: u64,
    /// Threads.
    pub threads: usize,
    /// Statements that are carried out at once; others wait.
    pub at_once: usize,
}

/// What a statement may take.
#[derive(Debug, Clone)]
pub struct Limits {
    /// How long it may take.
    pub time: Duration,
    /// Rows that are answered; all when none.
    pub rows: Option<usize>,
    /// The clock that times without an offset are on.
    pub zone: Tz,
}

/// The engine. Dropped, it gives up what it is doing.
#[derive(Debug)]
pub struct Engine {
    env: Arc<RuntimeEnv>,
    runtime: Option<tokio::runtime::Runtime>,
    settings: EngineSettings,
    turns: Arc<Semaphore>,
    running: Arc<AtomicU64>,
}

/// Rows; none behind the last. What ends without saying so broke off.
type Sent = Result<Option<RecordBatch>, QueryError>;

/// A statement under way.
#[derive(Debug)]
pub struct Answer {
    /// Of every batch.
    pub schema: SchemaRef,
    watch: Arc<Watch>,
    batches: mpsc::Receiver<Sent>,
    rows_left: Option<usize>,
    /// Rows that were answered.
    pub rows: usize,
    /// Whether there are more than were answered.
    pub truncated: bool,
}

impl Drop for Answer {
    fn drop(&mut self) {
        self.watch.leave();
    }
}

impl Answer {
    /// The next rows; none behind the last. Dropping the answer ends the work.
    ///
    /// # Errors
    /// As [`Engine::run`].
    pub async fn next(&mut self) -> Result<Option<RecordBatch>, QueryError> {
        while !self.truncated {
            let Some(batch) = self.batches.recv().await.unwrap_or_else(|| Err(broken_off()))? else { return Ok(None) };
            let take = self.rows_left.map_or(batch.num_rows(), |left| left.min(batch.num_rows()));
            self.truncated = take < batch.num_rows();
            self.rows_left = self.rows_left.map(|left| left - take);
            self.rows += take;
            if take > 0 {
                let batch = batch.slice(0, take).with_schema(Arc::clone(&self.schema));
                return batch.map(Some).map_err(|error| QueryError::Internal(error.to_string()));
            }
        }
        Ok(None)
    }
}

impl Engine {
    /// With no statement under way.
    ///
    /// # Errors
    /// [`QueryError::File`] when the folder of sessions cannot be opened.
    pub fn new(settings: EngineSettings) -> Result<Self, QueryError> {
        let mode = match &settings.spill {
            Some(folder) => {
                std::fs::create_dir_all(folder).map_err(|error| QueryError::File(error.to_string()))?;
                DiskManagerMode::Directories(vec![folder.clone()])
            }
            None => DiskManagerMode::Disabled,
        };
        let disk = DiskManagerBuilder::default().with_mode(mode).with_max_temp_directory_size(settings.spill_bytes);
        let env = RuntimeEnvBuilder::new()
            .with_object_store_registry(Arc::new(OneStore::below(&settings.sessions)?))
            .with_memory_pool(Arc::new(FairSpillPool::new(settings.memory_bytes)))
            .with_disk_manager_builder(disk)
            .build_arc()?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(settings.threads.max(1))
            .thread_name("query")
            .thread_stack_size(STACK_BYTES)
            .enable_time()
            .build()
            .map_err(|error| QueryError::Internal(format!("starting threads for statements: {error}")))?;
        Ok(Self {
            env,
            runtime: Some(runtime),
            turns: Arc::new(Semaphore::new(settings.at_once.max(1))),
            running: Arc::default(),
            settings,
        })
    }

    /// Statements under way.
    #[must_use]
    pub fn running(&self) -> u64 {
        self.running.load(Ordering::Relaxed)
    }

    /// Bytes that statements hold now.
    #[must_use]
    pub fn held_bytes(&self) -> usize {
        self.env.memory_pool.reserved()
    }

    /// Begins a statement that reads those tables, with `params` for `$1`, `$2` (a list) or `$name` (an object).
    ///
    /// # Errors
    /// [`QueryError`] for what cannot be planned; what goes wrong later is told by [`Answer::next`].
    pub async fn run(
        &self,
        statement: Statement,
        tables: Vec<(TableName, Table)>,
        params: Option<&Value>,
        limits: Limits,
    ) -> Result<Answer, QueryError> {
        let params = params.map(param_values).transpose()?;
        let state = self.state(limits.zone, Vec::new());
        self.begin(Work { state, statement, tables, params }, &limits).await
    }

    /// Begins what a client of PostgreSQL asks, with its parameters written into it.
    ///
    /// # Errors
    /// As [`Self::run`].
    #[cfg(feature = "postgres")]
    pub async fn run_for_postgres(
        &self,
        query: &PgQuery,
        tables: Vec<(TableName, Table)>,
        values: &[Parameter],
        names: &Arc<Names>,
        limits: Limits,
    ) -> Result<Answer, QueryError> {
        let statement = query.with_values(values).map_err(|refusal| QueryError::Given(Arc::new(refusal)))?;
        let state = self.state(limits.zone, postgres::functions(names));
        self.begin(Work { state, statement, tables, params: None }, &limits).await
    }

    async fn begin(&self, work: Work, limits: &Limits) -> Result<Answer, QueryError> {
        let watch = Arc::new(Watch::new(limits.time));
        let (planned, plan) = oneshot::channel();
        let (sender, batches) = mpsc::channel(2);
        let task = Task { work, watch: Arc::clone(&watch), turns: Arc::clone(&self.turns) };
        let running = Running::begun(&self.running);
        let work = async move {
            let _running = running;
            tokio::select! {
                () = task.carry_out(planned, &sender) => {}
                () = sender.closed() => {}
            }
        };
        self.runtime.as_ref().ok_or_else(broken_off)?.spawn(work);
        // From here on the work ends when nobody waits for it any more.
        let schema = Arc::new(Schema::empty());
        let mut answer = Answer { schema, watch, batches, rows_left: limits.rows, rows: 0, truncated: false };
        answer.schema = told_apart(&*plan.await.map_err(|_| broken_off())??);
        Ok(answer)
    }

    /// What a query of a client of PostgreSQL answers and takes, `kinds` being the types of parameters where they are known.
    ///
    /// # Errors
    /// As [`Self::run`].
    #[cfg(feature = "postgres")]
    pub async fn describe_for_postgres(
        &self,
        query: &Arc<PgQuery>,
        tables: Vec<(TableName, Table)>,
        kinds: &[u32],
        names: &Arc<Names>,
        limits: Limits,
    ) -> Result<Described, QueryError> {
        let watch = Watch::new(limits.time);
        let state = self.state(limits.zone, postgres::functions(names));
        let (turns, query, kinds) = (Arc::clone(&self.turns), Arc::clone(query), kinds.to_vec());
        let running = Running::begun(&self.running);
        let (sender, receiver) = oneshot::channel();
        let deadline = watch.deadline();
        let work = async move {
            let _running = running;
            let mut sender = sender;
            let describing = async {
                let _turn = turns.acquire_owned().await;
                described(&state, &query, tables, kinds).await
            };
            tokio::select! {
                found = timeout_at(deadline, describing) => {
                    let _ = sender.send(found.unwrap_or_else(|_| Err(watch.out_of_time())));
                }
                () = sender.closed() => {}
            }
        };
        self.runtime.as_ref().ok_or_else(broken_off)?.spawn(work);
        receiver.await.map_err(|_| broken_off())?
    }

    fn state(&self, zone: Tz, more: Vec<Arc<ScalarUDF>>) -> SessionState {
        let mut config = SessionConfig::new()
            .with_default_catalog_and_schema("stored", OWN_SCHEMA)
            .with_create_default_catalog_and_schema(false)
            .with_information_schema(false)
            .with_target_partitions(self.settings.threads.max(1))
            .with_collect_statistics(true)
            .with_parquet_pruning(true);
        let options = config.options_mut();
        options.execution.time_zone = Some(zone.name().to_owned());
        options.execution.parquet.pushdown_filters = true;
        options.execution.parquet.schema_force_view_types = false;
        options.sql_parser.enable_ident_normalization = false;
        options.sql_parser.map_string_types_to_utf8view = false;
        SessionStateBuilder::new()
            .with_config(config)
            .with_runtime_env(Arc::clone(&self.env))
            .with_expr_planners(SessionStateDefaults::default_expr_planners())
            .with_scalar_functions(
                [SessionStateDefaults::default_scalar_functions(), functions::scalar(), more].concat(),
            )
            .with_aggregate_functions(SessionStateDefaults::default_aggregate_functions())
            .with_window_functions([SessionStateDefaults::default_window_functions(), functions::window()].concat())
            .with_table_function_list(SessionStateDefaults::default_table_functions())
            .build()
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
        // Swept at the next start where it cannot be removed now.
        if let Some(folder) = &self.settings.spill {
            let _ = std::fs::remove_dir_all(folder);
        }
    }
}

/// A schema in which no two columns of a join have one name.
fn told_apart(schema: &Schema) -> SchemaRef {
    let mut taken = HashSet::new();
    let fields =
        schema.fields().iter().map(|field| Arc::new(Field::clone(field).with_name(apart(field.name(), &mut taken))));
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}

/// What is to be carried out.
struct Work {
    state: SessionState,
    statement: Statement,
    tables: Vec<(TableName, Table)>,
    params: Option<ParamValues>,
}

/// A statement that is to be carried out.
struct Task {
    work: Work,
    watch: Arc<Watch>,
    turns: Arc<Semaphore>,
}

impl Task {
    /// Waits for its turn, plans and sends rows. What it waits for a client to take them is no time of its own.
    async fn carry_out(self, planned: oneshot::Sender<Result<SchemaRef, QueryError>>, rows: &mpsc::Sender<Sent>) {
        let Self { work: Work { state, statement, tables, params }, watch, turns } = self;
        let planning = async {
            let turn = turns.acquire_owned().await;
            let logical = plan_of(&state, statement, tables, params).await?;
            let physical = watched(state.create_physical_plan(&logical).await?, &watch)?;
            Ok::<_, QueryError>((turn, execute_stream(physical, state.task_ctx())?))
        };
        let (_turn, mut stream) = match timeout_at(watch.deadline(), planning).await {
            Ok(Ok(begun)) => begun,
            Ok(Err(error)) => return drop(planned.send(Err(error))),
            Err(_) => return drop(planned.send(Err(watch.out_of_time()))),
        };
        if planned.send(Ok(stream.schema())).is_err() {
            return;
        }
        loop {
            let batch = match timeout_at(watch.deadline(), stream.next()).await {
                Ok(batch) => batch.transpose().map_err(QueryError::from),
                Err(_) => Err(watch.out_of_time()),
            };
            let (last, sent) = (!matches!(batch, Ok(Some(_))), Instant::now());
            if rows.send(batch).await.is_err() || last {
                return;
            }
            watch.waited(sent.elapsed());
        }
    }
}

/// A panic within the work, or the end of the program.
fn broken_off() -> QueryError {
    QueryError::Internal("the statement broke off".to_owned())
}

/// Counted while it lasts.
struct Running(Arc<AtomicU64>);

impl Running {
    fn begun(count: &Arc<AtomicU64>) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(count))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The plan of a statement whose tables alone are there, and which only reads.
async fn plan_of(
    state: &SessionState,
    statement: Statement,
    tables: Vec<(TableName, Table)>,
    params: Option<ParamValues>,
) -> Result<LogicalPlan, QueryError> {
    let catalog = MemoryCatalogProvider::new();
    catalog.register_schema(OWN_SCHEMA, Arc::new(MemorySchemaProvider::new()))?;
    let mut columns = Vec::new();
    for (name, table) in tables {
        let provider = table.provider(state).await?;
        let names = provider.schema().fields().iter().map(|field| field.name().clone()).collect();
        columns.push((name.clone(), names));
        let reference = name.reference();
        let schema_name = reference.schema().unwrap_or(OWN_SCHEMA);
        let schema = match catalog.schema(schema_name) {
            Some(schema) => schema,
            None => {
                let schema: Arc<dyn SchemaProvider> = Arc::new(MemorySchemaProvider::new());
                catalog.register_schema(schema_name, Arc::clone(&schema))?;
                schema
            }
        };
        schema.register_table(reference.table().to_owned(), provider)?;
    }
    state.catalog_list().register_catalog("stored".to_owned(), Arc::new(catalog));
    let spelled = statement.spelled(&columns)?;
    let plan = minutes::with_seconds(state.statement_to_plan(spelled).await?)?;
    SQLOptions::new()
        .with_allow_ddl(false)
        .with_allow_dml(false)
        .with_allow_statements(false)
        .verify_plan(&plan)
        .map_err(|error| QueryError::NotAQuery(format!("only queries are taken: {}", QueryError::from(error))))?;
    match params {
        Some(params) => Ok(plan.with_param_values(params)?),
        None => Ok(plan),
    }
}

/// What a query answers and takes.
#[cfg(feature = "postgres")]
#[derive(Debug, Clone)]
pub struct Described {
    /// Of every batch.
    pub schema: SchemaRef,
    /// Numbers of the types of its parameters.
    pub parameters: Vec<u32>,
}

/// Plans a query twice: with its parameters, which says what they are compared with, and with nulls in their place.
#[cfg(feature = "postgres")]
async fn described(
    state: &SessionState,
    query: &PgQuery,
    tables: Vec<(TableName, Table)>,
    mut kinds: Vec<u32>,
) -> Result<Described, QueryError> {
    kinds.resize(query.parameters().max(kinds.len()), 0);
    let mut planned = None;
    if kinds.contains(&0)
        && let Ok(plan) = plan_of(state, query.statement().clone(), tables.clone(), None).await
    {
        let found = plan.get_parameter_types().unwrap_or_default();
        for (index, kind) in kinds.iter_mut().enumerate().filter(|(_, kind)| **kind == 0) {
            if let Some(Some(found)) = found.get(&format!("${}", index + 1)) {
                *kind = postgres::oid_of(found);
            }
        }
        planned = Some(plan);
    }
    let values: Vec<Parameter> = kinds.iter().map(|oid| Parameter { oid: *oid, text: None }).collect();
    let statement = query.with_values(&values).map_err(|refusal| QueryError::Given(Arc::new(refusal)))?;
    let plan = match (plan_of(state, statement, tables, None).await, planned) {
        (Ok(plan), _) | (Err(_), Some(plan)) => plan,
        (Err(error), None) => return Err(error),
    };
    // What nobody could tell is a text.
    kinds.iter_mut().filter(|kind| **kind == 0).for_each(|kind| *kind = postgres::PgType::Text.oid());
    Ok(Described { schema: told_apart(plan.schema().as_arrow()), parameters: kinds })
}

fn param_values(params: &Value) -> Result<ParamValues, QueryError> {
    match params {
        Value::Array(list) => Ok(ParamValues::from(list.iter().map(scalar).collect::<Result<Vec<_>, _>>()?)),
        Value::Object(map) => {
            let named = map.iter().map(|(name, value)| Ok((name.as_str(), scalar(value)?)));
            Ok(ParamValues::from(named.collect::<Result<Vec<_>, QueryError>>()?))
        }
        _ => Err(QueryError::Invalid("params: give a list for $1, $2, or an object for $name".to_owned())),
    }
}

fn scalar(value: &Value) -> Result<ScalarValue, QueryError> {
    Ok(match value {
        Value::Null => ScalarValue::Null,
        Value::Bool(flag) => ScalarValue::from(*flag),
        Value::Number(number) => match number.as_i64() {
            Some(whole) => ScalarValue::from(whole),
            None => ScalarValue::from(number.as_f64()),
        },
        Value::String(text) => ScalarValue::from(text.as_str()),
        _ => return Err(QueryError::Invalid("params: each is a number, a text, true, false or null".to_owned())),
    })
}
