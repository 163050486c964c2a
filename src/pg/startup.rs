//! How a connection begins: encryption is begun where there is a certificate and declined where there is none, a request
//! to cancel is passed on, a database is opened, and a client is told what it may count on.

use std::net::IpAddr;
use std::sync::Arc;

use hvac_query::postgres::Refusal;
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::Shared;
use super::connection::Connection;
use super::failure::Trouble;
use super::login;
use super::settings::Settings;
use super::wire::{Fields, Gone, Wire, text};
use crate::observability::refused;
use crate::query::postgres::Database;
use crate::state::AppState;

const SSL: i32 = 80_877_103;
const GSS: i32 = 80_877_104;
const CANCEL: i32 = 80_877_102;
/// Version 3.0.
const PROTOCOL: i32 = 3 << 16;

/// What a client says first.
struct Said {
    minor: i32,
    parameters: Vec<(String, String)>,
}

/// Carries a connection from its first byte to its last.
pub async fn begin(stream: TcpStream, address: IpAddr, shared: &Shared) -> Result<(), Gone> {
    let config = &shared.state.config;
    let wire = Wire::new(stream, config.stall_timeout);
    let said = tokio::select! {
        () = shared.stopping.cancelled() => return Ok(()),
        said = timeout(config.header_timeout, first(wire, shared)) => said.map_err(|_| Gone)??,
    };
    let Some((mut wire, said)) = said else { return Ok(()) };
    let Ok(_place) = Arc::clone(&shared.places).try_acquire_owned() else {
        refused("postgresql", "full");
        return fatal(wire, &Refusal::new("53300", "sorry, too many clients already")).await;
    };
    let entered = async {
        let user = user_of(&said);
        let login = login::begin(&mut wire, shared, &user, address).await?;
        let state = shared.state.asked_by(Arc::new(login.principal.clone()));
        let (database, settings) = opened(&state, &said, &user).await?;
        Ok((state, login, database, user, settings))
    };
    let (state, login, database, user, settings) = match entered.await {
        Ok(entered) => entered,
        Err(Trouble::Say(refusal)) => return fatal(wire, &refusal).await,
        Err(Trouble::Gone) => return Err(Gone),
    };
    let unknown: Vec<&String> =
        said.parameters.iter().map(|(name, _)| name).filter(|name| name.starts_with("_pq_.")).collect();
    if said.minor > 0 || !unknown.is_empty() {
        wire.write(b'v', |out| {
            out.extend(0_i32.to_be_bytes());
            out.extend(i32::try_from(unknown.len()).unwrap_or(0).to_be_bytes());
            unknown.iter().for_each(|name| text(out, name));
        });
    }
    let registered = shared.register();
    // AuthenticationOk
    wire.write(b'R', |out| out.extend(0_i32.to_be_bytes()));
    settings.told().for_each(|(name, value)| wire.parameter(name, value));
    wire.write(b'K', |out| {
        out.extend(registered.key.0.to_be_bytes());
        out.extend(registered.key.1.to_be_bytes());
    });
    Connection::new(wire, shared, &registered, (state, login), database, user, settings).run().await
}

async fn fatal(mut wire: Wire, refusal: &Refusal) -> Result<(), Gone> {
    wire.error("FATAL", refusal);
    wire.flush().await
}

/// The first message that is more than a question; none when there is nothing more to do.
async fn first(mut wire: Wire, shared: &Shared) -> Result<Option<(Wire, Said)>, Gone> {
    loop {
        let body = wire.startup().await?;
        let mut fields = Fields(&body);
        match fields.i32().ok_or(Gone)? {
            code @ (SSL | GSS) => {
                let tls = shared.state.tls.as_ref().filter(|_| code == SSL && !wire.is_secure());
                wire.out.push(if tls.is_some() { b'S' } else { b'N' });
                wire.flush().await?;
                if let Some(tls) = tls {
                    wire = wire.encrypted(&tls.postgres()).await?;
                }
            }
            CANCEL => {
                let (process, secret) = (fields.i32().ok_or(Gone)?, fields.i32().ok_or(Gone)?);
                shared.cancel((process, secret));
                return Ok(None);
            }
            version if version >> 16 == PROTOCOL >> 16 => {
                let mut parameters = Vec::new();
                while let Some(name) = fields.text().filter(|name| !name.is_empty()) {
                    parameters.push((name, fields.text().ok_or(Gone)?));
                }
                return Ok(Some((wire, Said { minor: version & 0xffff, parameters })));
            }
            version => {
                let message = format!("unsupported frontend protocol {}.{}", version >> 16, version & 0xffff);
                wire.error("FATAL", &Refusal::new("0A000", message));
                wire.flush().await?;
                return Ok(None);
            }
        }
    }
}

/// A parameter that is not empty.
fn parameter<'s>(said: &'s Said, wanted: &str) -> Option<&'s str> {
    let found = said.parameters.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.as_str());
    found.filter(|value| !value.is_empty())
}

fn user_of(said: &Said) -> String {
    parameter(said, "user").unwrap_or("hvac").to_owned()
}

/// The database that is asked for, and the settings to begin with.
async fn opened(state: &AppState, said: &Said, user: &str) -> Result<(Database, Settings), Trouble> {
    // A client that names none means one of its user's name.
    let name = parameter(said, "database").unwrap_or(user);
    let database = Database::open(state, name).await?;
    let mut settings = Settings::new(user, database.zone());
    for (name, value) in &said.parameters {
        match name.as_str() {
            "user" | "database" => {}
            "replication" if ["false", "off", "no", "0"].contains(&value.as_str()) => {}
            "replication" => return Err(Refusal::new("0A000", "there is no replication here").into()),
            "options" => {
                for (name, value) in options(value) {
                    settings.set(&name, Some(&value))?;
                }
            }
            name if name.starts_with("_pq_.") => {}
            name => drop(settings.set(name, Some(value))?),
        }
    }
    settings.settled();
    Ok((database, settings))
}

/// `-c name=value`, `--name=value`, with blanks behind backslashes.
fn options(text: &str) -> Vec<(String, String)> {
    let (mut words, mut word, mut letters) = (Vec::new(), String::new(), text.chars());
    while let Some(letter) = letters.next() {
        match letter {
            '\\' => word.extend(letters.next()),
            ' ' => words.push(std::mem::take(&mut word)),
            other => word.push(other),
        }
    }
    words.push(word);
    let stripped = words.iter().filter(|word| !word.is_empty() && *word != "-c");
    let bare = |word: &String| word.trim_start_matches("--").trim_start_matches("-c").to_owned();
    let pairs = stripped.map(bare).collect::<Vec<_>>();
    pairs.iter().filter_map(|pair| pair.split_once('=')).map(|(n, v)| (n.replace('-', "_"), v.to_owned())).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests {
    #[test]
    fn options_are_settings() {
        let of = |text| super::options(text);
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(of("-c statement_timeout=5s -cjit=off"), [pair("statement_timeout", "5s"), pair("jit", "off")]);
        assert_eq!(of("--search_path=a\\ b"), [pair("search_path", "a b")]);
        assert_eq!(of(""), []);
    }
}
