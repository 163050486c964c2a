//! Where handed-over files lie. Looks at texts only.

use std::path::PathBuf;

use url::Url;

use super::{Secret, bad, check};
use crate::error::{Error, Result, codes};

/// Where handed-over files lie.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FilePlace {
    /// In a folder of this machine.
    Folder(PathBuf),
    /// In a bucket of an S3 server.
    S3(Bucket),
}

/// A bucket of an S3 server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bucket {
    /// Its name.
    pub name: String,
    /// Where its server is; none: Amazon's of the region.
    pub endpoint: Option<String>,
    /// Its region.
    pub region: String,
    /// Who asks.
    pub access_key_id: Secret,
    /// What shows it.
    pub secret_access_key: Secret,
}

/// The place that the settings name.
pub fn of(some: impl Fn(&'static str) -> Option<String>) -> Result<FilePlace> {
    let Some(name) = some("FILES_S3_BUCKET") else {
        return Ok(FilePlace::Folder(check::folder("FILES_PATH", &some("FILES_PATH").unwrap_or_default())?));
    };
    let is_name = |c: char| c.is_ascii_alphanumeric() || "-._".contains(c);
    if !name.chars().all(is_name) {
        return Err(bad("FILES_S3_BUCKET", &name, "the name of a bucket: letters, digits, - . _"));
    }
    let needed = |variable: &'static str| {
        some(variable).map(Secret::new).ok_or_else(|| {
            let message = format!("{variable} is not set: a bucket is asked with a key and its secret");
            Error::invalid(variable, codes::BAD_SETTING, message)
        })
    };
    let endpoint = some("FILES_S3_ENDPOINT")
        .map(|text| {
            let url = Url::parse(&text).ok().filter(|url| url.username().is_empty() && url.password().is_none());
            match url.filter(|url| ["http", "https"].contains(&url.scheme()) && url.host().is_some()) {
                Some(_) => Ok(text.trim_end_matches('/').to_owned()),
                None => Err(bad("FILES_S3_ENDPOINT", "…", "an address such as https://s3.example.org")),
            }
        })
        .transpose()?;
    Ok(FilePlace::S3(Bucket {
        name,
        endpoint,
        region: some("FILES_S3_REGION").unwrap_or_default(),
        access_key_id: needed("FILES_S3_ACCESS_KEY_ID")?,
        secret_access_key: needed("FILES_S3_SECRET_ACCESS_KEY")?,
    }))
}
