//! Messages of PostgreSQL's protocol, version 3: read one by one, written into one buffer that is sent when it is full.

use std::time::Duration;

use hvac_query::postgres::PgType;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_util::either::Either;

/// Longest message that a client may send: a statement with its parameters.
const LONGEST_MESSAGE: usize = 4 << 20;
/// Longest first message.
const LONGEST_STARTUP: usize = 10_000;
/// When what is written is sent.
pub const FULL: usize = 64 * 1024;

/// The client is gone, or sends what is no message: there is nobody to say it to.
#[derive(Debug)]
pub struct Gone;

/// Both directions of a connection.
pub struct Wire {
    stream: BufReader<Either<TcpStream, TlsStream<TcpStream>>>,
    /// What is to be sent.
    pub out: Vec<u8>,
    /// How long a client may stand still while it takes an answer.
    stall: Duration,
}

impl Wire {
    pub fn new(stream: TcpStream, stall: Duration) -> Self {
        Self { stream: BufReader::new(Either::Left(stream)), out: Vec::new(), stall }
    }

    /// Whether it is encrypted.
    pub fn is_secure(&self) -> bool {
        matches!(self.stream.get_ref(), Either::Right(_))
    }

    /// The same connection, encrypted, once its client was told to begin. What it sent before would be taken for a part of
    /// what it says in secret, whoever has sent it (CVE-2021-23214).
    pub async fn encrypted(self, tls: &TlsAcceptor) -> Result<Self, Gone> {
        if !self.stream.buffer().is_empty() {
            return Err(Gone);
        }
        let Either::Left(stream) = self.stream.into_inner() else { return Err(Gone) };
        let stream = tls.accept(stream).await.map_err(|_| Gone)?;
        Ok(Self { stream: BufReader::new(Either::Right(stream)), out: Vec::new(), stall: self.stall })
    }

    /// The body of a first message, which has no type.
    pub async fn startup(&mut self) -> Result<Vec<u8>, Gone> {
        self.body(LONGEST_STARTUP).await
    }

    /// Ready when the next message begins, or the client has left.
    pub async fn arrived(&mut self) {
        let _ = self.stream.fill_buf().await;
    }

    /// The next message: its type and body, which comes without long rests.
    pub async fn message(&mut self) -> Result<(u8, Vec<u8>), Gone> {
        let stall = self.stall;
        let reading = async {
            let kind = self.stream.read_u8().await.map_err(|_| Gone)?;
            Ok((kind, self.body(LONGEST_MESSAGE).await?))
        };
        tokio::time::timeout(stall, reading).await.map_err(|_| Gone)?
    }

    async fn body(&mut self, longest: usize) -> Result<Vec<u8>, Gone> {
        let length = self.stream.read_i32().await.map_err(|_| Gone)?;
        let length = usize::try_from(length).ok().and_then(|length| length.checked_sub(4)).ok_or(Gone)?;
        if length > longest {
            return Err(Gone);
        }
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body).await.map_err(|_| Gone)?;
        Ok(body)
    }

    /// Ready when the client has left; never while it has sent more.
    pub async fn left(&mut self) {
        if !matches!(self.stream.fill_buf().await, Ok([_, ..])) {
            return;
        }
        std::future::pending().await
    }

    /// Sends what was written.
    pub async fn flush(&mut self) -> Result<(), Gone> {
        let sent = async {
            for piece in self.out.chunks(FULL / 4) {
                let writing = self.stream.write_all(piece);
                tokio::time::timeout(self.stall, writing).await.map_err(|_| Gone)?.map_err(|_| Gone)?;
            }
            tokio::time::timeout(self.stall, self.stream.flush()).await.map_err(|_| Gone)?.map_err(|_| Gone)
        };
        let done = sent.await;
        self.out.clear();
        // A wide answer's room is not kept.
        self.out.shrink_to(4 * FULL);
        done
    }

    /// Writes a message.
    pub fn write(&mut self, kind: u8, body: impl FnOnce(&mut Vec<u8>)) {
        self.out.push(kind);
        let begun = self.out.len();
        self.out.extend_from_slice(&[0; 4]);
        body(&mut self.out);
        let length = i32::try_from(self.out.len() - begun).unwrap_or(i32::MAX);
        if let Some(place) = self.out.get_mut(begun..begun + 4) {
            place.copy_from_slice(&length.to_be_bytes());
        }
    }

    /// `CommandComplete`
    pub fn complete(&mut self, tag: &str) {
        self.write(b'C', |out| text(out, tag));
    }

    /// `RowDescription`
    pub fn row_description(&mut self, columns: &[(String, PgType, bool)]) {
        self.write(b'T', |out| {
            out.extend(i16::try_from(columns.len()).unwrap_or(i16::MAX).to_be_bytes());
            for (name, kind, binary) in columns {
                text(out, name);
                // No table's column.
                out.extend([0; 6]);
                out.extend(kind.oid().to_be_bytes());
                out.extend(kind.size().to_be_bytes());
                out.extend((-1_i32).to_be_bytes());
                out.extend(i16::from(*binary).to_be_bytes());
            }
        });
    }

    /// A `DataRow` of one text.
    pub fn row_of(&mut self, cell: &str) {
        self.write(b'D', |out| {
            out.extend(1_i16.to_be_bytes());
            out.extend(i32::try_from(cell.len()).unwrap_or(i32::MAX).to_be_bytes());
            out.extend_from_slice(cell.as_bytes());
        });
    }

    /// `ParameterStatus`
    pub fn parameter(&mut self, name: &str, value: &str) {
        self.write(b'S', |out| {
            text(out, name);
            text(out, value);
        });
    }
}

/// A text with its end; a null within would end it before.
pub fn text(out: &mut Vec<u8>, text: &str) {
    out.extend(text.bytes().filter(|byte| *byte != 0));
    out.push(0);
}

/// Reads the fields of a message.
pub struct Fields<'m>(pub &'m [u8]);

impl<'m> Fields<'m> {
    pub fn take(&mut self, count: usize) -> Option<&'m [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    pub fn byte(&mut self) -> Option<u8> {
        self.take(1)?.first().copied()
    }

    pub fn i16(&mut self) -> Option<i16> {
        self.take(2)?.try_into().ok().map(i16::from_be_bytes)
    }

    pub fn i32(&mut self) -> Option<i32> {
        self.take(4)?.try_into().ok().map(i32::from_be_bytes)
    }

    pub fn u32(&mut self) -> Option<u32> {
        self.take(4)?.try_into().ok().map(u32::from_be_bytes)
    }

    /// How many follow.
    pub fn count(&mut self) -> Option<usize> {
        usize::try_from(self.i16()?).ok()
    }

    /// A text up to its end.
    pub fn text(&mut self) -> Option<String> {
        let end = self.0.iter().position(|byte| *byte == 0)?;
        let taken = self.take(end)?;
        self.take(1)?;
        String::from_utf8(taken.to_vec()).ok()
    }
}
