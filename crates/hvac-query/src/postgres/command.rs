//! What a client of PostgreSQL sends: queries, and the few words about its session that mean something here.

use std::sync::Arc;

use datafusion::sql::sqlparser::ast::Statement as Sql;
use datafusion::sql::sqlparser::dialect::{Dialect, GenericDialect, PostgreSqlDialect};
use datafusion::sql::sqlparser::parser::{Parser, ParserError};
use datafusion::sql::sqlparser::tokenizer::{Location, Token, TokenWithSpan, Tokenizer, TokenizerError};

use super::query::PgQuery;
use super::refusal::{self, Refusal};
use crate::statement::{DEEPEST, LONGEST_STATEMENT, PARSER_STACK_BYTES};

/// One statement.
#[derive(Debug, Clone)]
pub enum Command {
    /// A query.
    Query(Arc<PgQuery>),
    /// `SET name TO value`; none for `DEFAULT`.
    Set(String, Option<String>),
    /// `RESET ALL`.
    ResetAll,
    /// `SHOW name`.
    Show(String),
    /// `BEGIN`.
    Begin,
    /// `COMMIT`.
    Commit,
    /// `ROLLBACK`.
    Rollback,
    /// `SAVEPOINT`, `RELEASE`.
    Savepoint(&'static str),
    /// `ROLLBACK TO`.
    RollbackTo,
    /// `DISCARD ALL`.
    Discard,
    /// `UNLISTEN`: nobody listens.
    Unlisten,
    /// `DEALLOCATE name`; none for all.
    Deallocate(Option<String>),
    /// `DECLARE name CURSOR FOR query`.
    Declare(String, Arc<PgQuery>),
    /// `FETCH`, or `MOVE`, rows from a cursor: how many (none: all), which, and whether they are answered.
    Fetch(Option<usize>, String, bool),
    /// `CLOSE name`; none for all.
    Close(Option<String>),
}

impl Command {
    /// Each statement of a text.
    ///
    /// # Errors
    /// What is no SQL, with its place, or would change something.
    pub fn all(text: &str) -> Result<Vec<Self>, Refusal> {
        if text.len() > LONGEST_STATEMENT {
            let message = format!("the statement has {} bytes; at most {LONGEST_STATEMENT} are taken", text.len());
            return Err(Refusal::new(refusal::TOO_COMPLEX, message));
        }
        // As for Statement::parse: what is deep is dropped where it was made.
        stacker::grow(PARSER_STACK_BYTES, || {
            let tokens = Tokenizer::new(&PostgreSqlDialect {}, text).tokenize_with_location();
            let tokens = tokens.map_err(|TokenizerError { message, location }| {
                Refusal::new(refusal::SYNTAX, message).at(position(text, location))
            })?;
            let statements = tokens.split(|token| token.token == Token::SemiColon);
            let statements = statements.filter(|tokens| tokens.iter().any(|token| !is_blank(&token.token)));
            statements.map(|tokens| one(text, tokens)).collect()
        })
    }
}

fn is_blank(token: &Token) -> bool {
    matches!(token, Token::Whitespace(_) | Token::EOF)
}

/// The character that a location is, from 1.
fn position(text: &str, location: Location) -> usize {
    let (line, column) = (usize::try_from(location.line).unwrap_or(1), usize::try_from(location.column).unwrap_or(1));
    let before: usize = text.split_inclusive('\n').take(line.saturating_sub(1)).map(|line| line.chars().count()).sum();
    before + column
}

fn one(text: &str, tokens: &[TokenWithSpan]) -> Result<Command, Refusal> {
    let words: Vec<String> = tokens.iter().filter(|token| !is_blank(&token.token)).map(word).collect();
    let upper: Vec<String> = words.iter().map(|word| word.to_uppercase()).collect();
    let upper: Vec<&str> = upper.iter().map(String::as_str).collect();
    let name = |at: usize| words.get(at).cloned().unwrap_or_default();
    let rest = |from: usize| words.get(from..).unwrap_or_default().join(" ");
    let first = tokens.iter().find(|token| !is_blank(&token.token));
    let unknown = || {
        let message = format!("syntax error at or near \"{}\"", name(0));
        let refusal = Refusal::new(refusal::SYNTAX, message);
        Err(first.map_or_else(|| refusal.clone(), |token| refusal.clone().at(position(text, token.span.start))))
    };
    Ok(match upper.as_slice() {
        ["SELECT" | "WITH" | "VALUES" | "EXPLAIN" | "TABLE" | "(", ..] => Command::Query(query(text, tokens)?),
        ["SET", "SESSION" | "LOCAL", "TIME", "ZONE", ..] => Command::Set("timezone".to_owned(), value(rest(4))),
        ["SET", "TIME", "ZONE", ..] => Command::Set("timezone".to_owned(), value(rest(3))),
        ["SET", "NAMES", ..] => Command::Set("client_encoding".to_owned(), value(rest(2))),
        // Many clients say READ WRITE by habit; what would write is refused when it comes.
        ["SET", "SESSION", "CHARACTERISTICS", "AS", "TRANSACTION", ..] | ["SET", "TRANSACTION", ..] => {
            Command::Set("transaction".to_owned(), None)
        }
        ["SET", "SESSION" | "LOCAL", _, "=" | "TO", ..] => Command::Set(name(2), value(rest(4))),
        ["SET", _, "=" | "TO", ..] => Command::Set(name(1), value(rest(3))),
        ["RESET", "ALL"] => Command::ResetAll,
        ["RESET", _] => Command::Set(name(1), None),
        ["SHOW", "TIME", "ZONE"] => Command::Show("timezone".to_owned()),
        ["SHOW", "TRANSACTION", "ISOLATION", "LEVEL"] => Command::Show("transaction_isolation".to_owned()),
        ["SHOW", _] => Command::Show(name(1)),
        ["BEGIN" | "START", ..] => Command::Begin,
        ["COMMIT" | "END", ..] => Command::Commit,
        ["ROLLBACK", "TO", ..] | ["ROLLBACK", "WORK" | "TRANSACTION", "TO", ..] => Command::RollbackTo,
        ["ROLLBACK" | "ABORT", ..] => Command::Rollback,
        ["SAVEPOINT", _] => Command::Savepoint("SAVEPOINT"),
        ["RELEASE", ..] => Command::Savepoint("RELEASE"),
        ["DISCARD", "ALL" | "PLANS" | "TEMP" | "TEMPORARY" | "SEQUENCES"] => Command::Discard,
        ["UNLISTEN", ..] => Command::Unlisten,
        ["DEALLOCATE", "ALL"] | ["DEALLOCATE", "PREPARE", "ALL"] => Command::Deallocate(None),
        ["DEALLOCATE", "PREPARE", _] => Command::Deallocate(Some(name(2))),
        ["DEALLOCATE", _] => Command::Deallocate(Some(name(1))),
        ["CLOSE", "ALL"] => Command::Close(None),
        ["CLOSE", _] => Command::Close(Some(name(1))),
        ["DECLARE", _, ..] => {
            let is = |token: &TokenWithSpan, text: &str| word(token).eq_ignore_ascii_case(text);
            let cursor = tokens.iter().position(|token| is(token, "CURSOR")).unwrap_or(tokens.len());
            let from = tokens.iter().skip(cursor).position(|token| is(token, "FOR")).map(|at| cursor + at + 1);
            match from.and_then(|from| tokens.get(from..)) {
                Some(tokens) => Command::Declare(name(1), query(text, tokens)?),
                None => return unknown(),
            }
        }
        ["FETCH" | "MOVE", how @ ..] => {
            let answered = upper.first() == Some(&"FETCH");
            let how: Vec<&str> = how.iter().copied().filter(|word| !["FROM", "IN", "FORWARD"].contains(word)).collect();
            let count = match how.as_slice() {
                [_] | ["NEXT" | "RELATIVE", _] => Some(1),
                ["ALL", _] => None,
                [count, _] if count.parse::<usize>().is_ok() => count.parse().ok(),
                ["RELATIVE", count, _] if count.parse::<usize>().is_ok() => count.parse().ok(),
                _ => {
                    let message = "a cursor only goes forward: FETCH n FROM name, FETCH ALL FROM name";
                    return Err(Refusal::new(refusal::NOT_SUPPORTED, message));
                }
            };
            Command::Fetch(count, words.last().cloned().unwrap_or_default(), answered)
        }
        ["COPY", ..] => {
            let message =
                "COPY is not taken: ask by SELECT; for files there is POST /api/query with format csv or parquet";
            return Err(Refusal::new(refusal::NOT_SUPPORTED, message));
        }
        ["LISTEN" | "NOTIFY" | "PREPARE" | "EXECUTE" | "LOAD" | "CHECKPOINT", ..] => {
            return Err(Refusal::new(refusal::NOT_SUPPORTED, format!("{} is not taken", name(0).to_uppercase())));
        }
        [
            "INSERT" | "UPDATE" | "DELETE" | "MERGE" | "CREATE" | "DROP" | "ALTER" | "TRUNCATE" | "GRANT" | "REVOKE"
            | "COMMENT" | "SECURITY" | "REINDEX" | "CLUSTER" | "VACUUM" | "ANALYZE" | "REFRESH" | "IMPORT" | "DO"
            | "CALL" | "LOCK" | "REASSIGN",
            ..,
        ] => return Err(refusal::read_only(&name(0))),
        _ => return unknown(),
    })
}

/// The text of a token without its quotes.
fn word(token: &TokenWithSpan) -> String {
    match &token.token {
        Token::Word(word) => word.value.clone(),
        Token::SingleQuotedString(text) | Token::EscapedStringLiteral(text) => text.clone(),
        other => other.to_string(),
    }
}

/// What a setting is set to.
fn value(text: String) -> Option<String> {
    (!text.eq_ignore_ascii_case("default")).then(|| text.replace("- ", "-").replace(" , ", ", "))
}

fn query(text: &str, tokens: &[TokenWithSpan]) -> Result<Arc<PgQuery>, Refusal> {
    let parsed = match parse(&PostgreSqlDialect {}, tokens) {
        Ok(parsed) => parsed,
        // What HTTP's queries may say beyond PostgreSQL, such as `* EXCLUDE (…)`.
        Err(error) => parse(&GenericDialect {}, tokens).map_err(|_| syntax(text, error))?,
    };
    Ok(Arc::new(PgQuery::new(parsed)?))
}

fn parse(dialect: &dyn Dialect, tokens: &[TokenWithSpan]) -> Result<Sql, ParserError> {
    let mut parser = Parser::new(dialect).with_recursion_limit(DEEPEST).with_tokens_with_locations(tokens.to_vec());
    let mut statements = parser.parse_statements()?;
    statements.pop().ok_or_else(|| ParserError::ParserError("there is no statement".to_owned()))
}

fn syntax(text: &str, error: ParserError) -> Refusal {
    let message = match error {
        ParserError::TokenizerError(text) | ParserError::ParserError(text) => text,
        ParserError::RecursionLimitExceeded => {
            return Refusal::new(refusal::TOO_COMPLEX, "the statement is nested too deeply");
        }
    };
    let Some((said, place)) = message.rsplit_once(" at Line: ") else { return Refusal::new(refusal::SYNTAX, message) };
    let mut numbers = place.split(", Column: ").map(|number| number.trim().parse().unwrap_or(1));
    let (line, column) = (numbers.next().unwrap_or(1), numbers.next().unwrap_or(1));
    Refusal::new(refusal::SYNTAX, format!("syntax error: {said}")).at(position(text, Location { line, column }))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_several_statements_and_says_where_it_is_wrong() {
        let all = Command::all(" ; SELECT ';' ; set session statement_timeout = '5s';;show time zone").unwrap();
        assert!(matches!(&all[0], Command::Query(_)));
        assert!(matches!(&all[1], Command::Set(name, Some(value)) if name == "statement_timeout" && value == "5s"));
        assert!(matches!(&all[2], Command::Show(name) if name == "timezone"));
        assert_eq!(all.len(), 3);
        assert!(Command::all("-- nothing\n").unwrap().is_empty());
        let wrong = Command::all("SELECT 1;\nSELECT é FROM x WHERE )").unwrap_err();
        assert_eq!((wrong.sqlstate, wrong.position), ("42601", Some(33)), "{}", wrong.message);
        assert_eq!(Command::all("SELEC 1").unwrap_err().position, Some(1));
        for (text, state) in [
            ("COPY t TO '/tmp/x'", "0A000"),
            ("insert into t values (1)", "25006"),
            ("WITH x AS (SELECT 1) INSERT INTO t SELECT * FROM x", "25006"),
            ("SELECT 1 INTO t", "25006"),
            ("EXPLAIN DELETE FROM t", "25006"),
        ] {
            assert_eq!(Command::all(text).unwrap_err().sqlstate, state, "{text}");
        }
    }

    #[test]
    fn cursors_are_declared_and_fetched() {
        let all = Command::all("DECLARE \"My c\" NO SCROLL CURSOR WITHOUT HOLD FOR SELECT 1");
        assert!(matches!(&all.unwrap()[0], Command::Declare(name, _) if name == "My c"));
        let fetched = |text: &str| Command::all(text).unwrap().remove(0);
        assert!(
            matches!(fetched("FETCH FORWARD 100 FROM \"c\""), Command::Fetch(Some(100), name, true) if name == "c")
        );
        assert!(matches!(fetched("FETCH ALL IN c"), Command::Fetch(None, name, true) if name == "c"));
        assert!(matches!(fetched("FETCH c"), Command::Fetch(Some(1), _, true)));
        assert_eq!(Command::all("FETCH BACKWARD 1 FROM c").unwrap_err().sqlstate, "0A000");
    }
}
