//! The demonstration session: made of the sample reports, which are part of the program.

use bytes::Bytes;
use include_dir::{Dir, include_dir};

use crate::error::Result;
use crate::sessions::parse::{Caller, parse};
use crate::sessions::upload::{Upload, UploadFields};
use crate::sessions::{ParseRequest, Parsed, SessionFilter, Status, catalogue};
use crate::state::AppState;
use hvac_simulation::samples;

static SAMPLES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/data/samples");
/// The session's name.
pub const NAME: &str = "Demo plant";

/// Makes the session, or answers the one there is.
///
/// # Errors
/// When it cannot be stored.
pub async fn make(state: &AppState, caller: Caller) -> Result<Parsed> {
    let session_id = match existing(state).await? {
        Some(session_id) => session_id,
        None => upload(state).await?,
    };
    let request = ParseRequest { session_id: Some(session_id), ..ParseRequest::default() };
    parse(state, request, caller).await
}

/// The session made before, unless it was deleted.
async fn existing(state: &AppState) -> Result<Option<String>> {
    let filter = SessionFilter {
        site: Some(samples::SITE.to_owned()),
        q: Some(NAME.to_owned()),
        page_size: Some(100),
        ..SessionFilter::default()
    };
    let found = catalogue::list(state, &filter).await?.items;
    Ok(found.into_iter().find(|s| s.name == NAME && s.status != Status::Failed).map(|s| s.session_id))
}

async fn upload(state: &AppState) -> Result<String> {
    let mut upload = Upload::begin(state, None).await?;
    for file in SAMPLES.files().filter(|file| file.path().extension().is_some_and(|ending| ending == "csv")) {
        let name = file.path().to_string_lossy();
        let bytes = Ok::<_, std::io::Error>(Bytes::from_static(file.contents()));
        upload.add_file(&name, futures_util::stream::iter([bytes])).await?;
    }
    let fields = UploadFields {
        name: Some(NAME.to_owned()),
        site: Some(samples::SITE.to_owned()),
        timezone: Some(samples::TIMEZONE.to_owned()),
    };
    Ok(upload.commit(fields).await?.session_id)
}
