//! TLS to other servers: whose certificates are taken, and why one was not.

use std::error::Error as StdError;
use std::io;
use std::path::Path;
use std::sync::Arc;

use rustls::CertificateError;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use crate::error::{Error, Result, codes};

/// The bytes of a PEM file of authorities.
///
/// # Errors
/// `bad_setting`, by the setting that names it, when it cannot be read or holds no certificate.
pub fn authorities(variable: &str, path: &Path) -> Result<Vec<u8>> {
    let wrong = |why: &str| {
        let message = format!("{variable} names {}, {why}: it must be a PEM file of certificates", path.display());
        Error::invalid(variable, codes::BAD_SETTING, message)
    };
    let bytes = std::fs::read(path).map_err(|error| wrong(&format!("which cannot be read ({})", error.kind())))?;
    let mut certificates = 0;
    for certificate in CertificateDer::pem_slice_iter(&bytes) {
        certificate.map_err(|_| wrong("which is damaged"))?;
        certificates += 1;
    }
    if certificates == 0 { Err(wrong("which holds no certificate")) } else { Ok(bytes) }
}

/// Why a connection's TLS failed, in words that tell nothing of its address; none when it failed for something else.
#[must_use]
pub fn refused(failure: &(dyn StdError + 'static)) -> Option<&'static str> {
    Some(match cause(failure)? {
        rustls::Error::InvalidCertificate(why) => match why {
            CertificateError::UnknownIssuer | CertificateError::BadSignature => {
                "nobody who is trusted has signed its certificate"
            }
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                "its certificate is of another name"
            }
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => "its certificate has expired",
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                "its certificate is not valid yet"
            }
            _ => "its certificate cannot be used",
        },
        rustls::Error::InvalidMessage(_) => "it does not speak TLS",
        rustls::Error::AlertReceived(_) => "it ended the TLS handshake",
        _ => "TLS",
    })
}

fn cause<'a>(mut failure: &'a (dyn StdError + 'static)) -> Option<&'a rustls::Error> {
    loop {
        if let Some(found) = failure.downcast_ref() {
            return Some(found);
        }
        // Neither of the two names what it holds as its source.
        let held =
            match (failure.downcast_ref::<io::Error>(), failure.downcast_ref::<Arc<dyn StdError + Send + Sync>>()) {
                (Some(error), _) => error.get_ref().map(|held| held as &(dyn StdError + 'static)),
                (_, Some(shared)) => Some(&**shared as &(dyn StdError + 'static)),
                _ => None,
            };
        failure = match held {
            Some(held) => held,
            None => failure.source()?,
        };
    }
}
