//! A file that arrives: staged as it comes, then told by its first bytes to be a bundle or a table.

use std::path::PathBuf;

use bytes::Bytes;
use futures_util::{Stream, StreamExt};

use super::{Imported, import};
use crate::error::{Context, Error, Result, codes};
use crate::limits;
use crate::sessions::parse::{Caller, parse_files};
use crate::sessions::{OnConflict, ParseRequest, Progress};
use crate::state::AppState;
use hvac_store::objects::Objects;
use hvac_store::staged::Finished;

/// A file that has arrived, under a staging name; gone when it is dropped.
pub struct Arrived {
    objects: Objects,
    staged: Finished,
    file_name: Option<String>,
}

/// What a request says of a table that becomes a session. A bundle tells all of that itself.
#[derive(Debug, Clone, Default)]
pub struct TableFields {
    /// Name for people.
    pub name: Option<String>,
    /// Site.
    pub site: Option<String>,
    /// IANA zone of times that do not say theirs.
    pub timezone: Option<String>,
    /// The column of its times.
    pub time_column: Option<String>,
    /// Which of two different values for one time stays.
    pub on_conflict: Option<OnConflict>,
    /// Go on where more than 2 % of the readings would be lost.
    pub accept_loss: bool,
}

impl TableFields {
    fn given(&self) -> Option<&'static str> {
        let fields = [
            ("name", &self.name),
            ("site", &self.site),
            ("timezone", &self.timezone),
            ("time_column", &self.time_column),
        ];
        let mut given = fields.into_iter().filter(|(_, value)| value.is_some()).map(|(field, _)| field);
        let others = [("on_conflict", self.on_conflict.is_some()), ("accept_loss", self.accept_loss)];
        given.next().or_else(|| others.into_iter().find(|(_, given)| *given).map(|(field, _)| field))
    }
}

/// What a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Bundle,
    Parquet,
    Arrow,
}

fn form_of(head: &[u8]) -> Option<Form> {
    if head.starts_with(b"PK\x03\x04") || head.starts_with(b"PK\x05\x06") {
        Some(Form::Bundle)
    } else if head.starts_with(b"PAR1") {
        Some(Form::Parquet)
    } else if head.starts_with(b"ARROW1") || head.starts_with(b"\xff\xff\xff\xff") {
        Some(Form::Arrow)
    } else {
        None
    }
}

/// Stages the bytes of a body; memory does not grow with them.
///
/// # Errors
/// 400 when the body breaks off, 413 when it grows over `MAX_UPLOAD_BYTES`, 503 for a full disk.
pub async fn receive<E>(
    state: &AppState,
    file_name: Option<String>,
    mut body: impl Stream<Item = Result<Bytes, E>> + Unpin + Send,
) -> Result<Arrived>
where
    E: std::error::Error + Send + Sync + 'static,
{
    if let Some(name) = &file_name {
        limits::path("file", name)?;
    }
    let (objects, limit) = (state.store.objects.clone(), state.config.max_upload_bytes);
    objects.check_free_space(1 << 20)?;
    let mut staged = objects.stage("").await?;
    while let Some(chunk) = body.next().await {
        let chunk = chunk.map_err(|source| {
            Error::new(codes::BROKEN_UPLOAD, "the file broke off: nothing was stored, send it again")
                .with_source(source)
        })?;
        if staged.size_bytes() + chunk.len() as u64 > limit {
            let message = format!("the file is larger than {limit} bytes: nothing was stored; raise MAX_UPLOAD_BYTES");
            return Err(Error::new(codes::UPLOAD_TOO_LARGE, message));
        }
        staged.write(chunk).await?;
    }
    let staged = staged.finish().await?;
    Ok(Arrived { objects, staged, file_name })
}

impl Arrived {
    /// Makes a session of it.
    ///
    /// # Errors
    /// As [`import::bundle`] and a parse; 415 when it is neither a bundle nor a table.
    pub async fn import(self, state: &AppState, fields: TableFields) -> Result<Imported> {
        let path = self.objects.path(self.staged.key())?;
        let name = self.file_name.clone();
        import(state, path, name, fields, state.config.max_upload_bytes, Caller::Http).await
    }
}

/// Makes a session of a file of this machine.
///
/// # Errors
/// As [`Arrived::import`]; when it cannot be read.
pub async fn import_file(state: &AppState, path: PathBuf, fields: TableFields) -> Result<Imported> {
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
    import(state, path, name, fields, u64::MAX, Caller::Cli).await
}

async fn import(
    state: &AppState,
    path: PathBuf,
    file_name: Option<String>,
    fields: TableFields,
    most_bytes: u64,
    caller: Caller,
) -> Result<Imported> {
    let opening = {
        let path = path.clone();
        move || {
            use std::io::{Read, Seek};
            let mut file = std::fs::File::open(&path)?;
            if file.metadata()?.is_dir() {
                return Err(std::io::ErrorKind::IsADirectory.into());
            }
            let mut head = Vec::new();
            (&mut file).take(8).read_to_end(&mut head)?;
            file.rewind()?;
            Ok((file, head))
        }
    };
    let shown = file_name.clone().unwrap_or_else(|| "the file".to_owned());
    let opened = tokio::task::spawn_blocking(opening).await.internal("opening a file")?;
    let (file, head) = opened.map_err(|error: std::io::Error| {
        let why = match error.kind() {
            std::io::ErrorKind::NotFound => "there is no such file",
            std::io::ErrorKind::PermissionDenied => "this program may not read it",
            std::io::ErrorKind::IsADirectory => "it is a folder",
            _ => "reading it failed",
        };
        Error::new(codes::UNREADABLE_FILE, format!("{shown}: {why}; nothing was stored")).with_source(error)
    })?;
    match form_of(&head) {
        Some(Form::Bundle) => {
            if let Some(field) = fields.given() {
                let message = format!("{field}: a bundle tells this itself, and comes in as it is: leave {field} out");
                return Err(Error::invalid(field, codes::INVALID_FIELD, message));
            }
            import::bundle(state, file, most_bytes).await
        }
        Some(form) => table(state, path, file_name, form, fields, caller).await,
        None if head.is_empty() => {
            let message = format!("{shown} is empty; nothing was stored");
            Err(Error::new(codes::EMPTY_FILE, message))
        }
        None => {
            let message = format!(
                "{shown} is neither a bundle of a session (GET /api/sessions/{{id}}/bundle.zip) nor a Parquet or Arrow \
                 file; reports go to POST /api/uploads, or `hvac-analytics parse`"
            );
            Err(Error::new(codes::NOT_A_BUNDLE, message))
        }
    }
}

/// A table becomes a session as a report does: its bytes are kept, and parsed.
async fn table(
    state: &AppState,
    path: PathBuf,
    file_name: Option<String>,
    form: Form,
    fields: TableFields,
    caller: Caller,
) -> Result<Imported> {
    let ending = if form == Form::Parquet { "parquet" } else { "arrow" };
    let file_name = file_name.unwrap_or_else(|| format!("{}.{ending}", fields.name.as_deref().unwrap_or("table")));
    let request = ParseRequest {
        name: fields.name,
        site: fields.site,
        timezone: fields.timezone,
        time_column: fields.time_column,
        on_conflict: fields.on_conflict,
        accept_loss: fields.accept_loss,
        ..ParseRequest::default()
    };
    let parsed = parse_files(state, vec![(file_name, path)], request, caller, &Progress::none()).await?;
    let detail = crate::sessions::catalogue::get(state, &parsed.session_id).await?;
    Ok(Imported {
        session_id: parsed.session_id,
        imported: !parsed.reused,
        name: detail.summary.name,
        files: parsed.files.len() as u64,
        size_bytes: parsed.files.iter().map(|file| file.size_bytes).sum(),
        versions: vec![parsed.version],
        models: Vec::new(),
        notes: parsed.warnings.into_iter().map(|warning| warning.message).collect(),
    })
}
