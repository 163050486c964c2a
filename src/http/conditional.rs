//! Conditional and range requests (RFC 9110 §13, §14), as pure functions of header texts.

use std::ops::Range;

/// What a `Range` header asks of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RangeAsked {
    /// All of it: no range, one that cannot be read, or several (a server may ignore those).
    Whole,
    /// These bytes.
    Part(Range<u64>),
    /// None that exists.
    Unsatisfiable,
}

/// Settles which bytes of a file of `size` bytes a `Range` header asks for.
#[must_use]
pub fn range_asked(header: Option<&str>, size: u64) -> RangeAsked {
    let Some((unit, spec)) = header.and_then(|text| text.split_once('=')) else {
        return RangeAsked::Whole;
    };
    let Some((first, last)) = spec.trim().split_once('-') else {
        return RangeAsked::Whole;
    };
    if !unit.trim().eq_ignore_ascii_case("bytes") || spec.contains(',') {
        return RangeAsked::Whole;
    }
    match (position(first), position(last)) {
        (Position::Absent, Position::At(suffix)) => match suffix.min(size) {
            0 => RangeAsked::Unsatisfiable,
            length => RangeAsked::Part(size - length..size),
        },
        (Position::At(first), Position::Absent) => part(first, size, size),
        (Position::At(first), Position::At(last)) if last >= first => part(first, last.saturating_add(1), size),
        _ => RangeAsked::Whole,
    }
}

fn part(first: u64, end: u64, size: u64) -> RangeAsked {
    if first >= size { RangeAsked::Unsatisfiable } else { RangeAsked::Part(first..end.min(size)) }
}

enum Position {
    Absent,
    At(u64),
    Unreadable,
}

fn position(text: &str) -> Position {
    let text = text.trim();
    if text.is_empty() {
        Position::Absent
    } else if text.bytes().all(|b| b.is_ascii_digit()) {
        // A number beyond u64 lies behind the end of any file.
        Position::At(text.parse().unwrap_or(u64::MAX))
    } else {
        Position::Unreadable
    }
}

/// Whether `If-None-Match` names this entity tag, by weak comparison: then the client has the answer.
#[must_use]
pub fn none_match_holds(header: Option<&str>, etag: &str) -> bool {
    header.is_some_and(|text| text.split(',').map(str::trim).any(|tag| tag == "*" || opaque(tag) == opaque(etag)))
}

/// Whether this entity is one that `If-Match` asks for, by strong comparison.
#[must_use]
pub fn match_holds(header: Option<&str>, etag: &str) -> bool {
    header.is_none_or(|text| text.split(',').map(str::trim).any(|tag| tag == "*" || (tag == etag && is_strong(etag))))
}

/// Whether a range may be answered with a part, by strong comparison of `If-Range`; a date never holds,
/// because no `Last-Modified` is sent.
#[must_use]
pub fn if_range_holds(header: Option<&str>, etag: &str) -> bool {
    header.is_none_or(|tag| is_strong(etag) && tag.trim() == etag)
}

/// Whether an entity tag stands for one sequence of bytes.
#[must_use]
pub fn is_strong(etag: &str) -> bool {
    !etag.starts_with("W/")
}

fn opaque(tag: &str) -> &str {
    tag.strip_prefix("W/").unwrap_or(tag)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_read_as_rfc_9110_has_them() {
        use RangeAsked::{Part, Unsatisfiable, Whole};
        for (header, asked) in [
            ("bytes=0-499", Part(0..499 + 1)),
            ("bytes=500-999", Part(500..1000)),
            ("bytes=-500", Part(9500..10_000)),
            ("bytes=9500-", Part(9500..10_000)),
            ("bytes=0-0", Part(0..1)),
            ("bytes=-1", Part(9999..10_000)),
            ("Bytes = 0-5", Part(0..6)),
            ("bytes=9999-10000", Part(9999..10_000)),
            ("bytes=-20000", Part(0..10_000)),
            ("bytes=0-99999999999999999999999", Part(0..10_000)),
            ("bytes=10000-", Unsatisfiable),
            ("bytes=99999999999999999999999-", Unsatisfiable),
            ("bytes=-0", Unsatisfiable),
            ("bytes=5-4", Whole),
            ("bytes=-", Whole),
            ("bytes=a-b", Whole),
            ("bytes=+1-2", Whole),
            ("bytes=0-1,5-6", Whole),
            ("rows=0-1", Whole),
            ("bytes", Whole),
        ] {
            assert_eq!(range_asked(Some(header), 10_000), asked, "{header}");
        }
        assert_eq!(range_asked(None, 10), Whole);
        assert_eq!(range_asked(Some("bytes=0-"), 0), Unsatisfiable);
        assert_eq!(range_asked(Some("bytes=-5"), 0), Unsatisfiable);
    }

    #[test]
    fn tags_are_compared_weakly_for_none_match() {
        assert!(none_match_holds(Some(r#""a""#), r#""a""#));
        assert!(none_match_holds(Some(r#"W/"a""#), r#""a""#));
        assert!(none_match_holds(Some(r#""x", W/"a""#), r#"W/"a""#));
        assert!(none_match_holds(Some("*"), r#""a""#));
        assert!(!none_match_holds(Some(r#""b""#), r#""a""#));
        assert!(!none_match_holds(None, r#""a""#));
    }

    #[test]
    fn tags_are_compared_strongly_for_if_match() {
        assert!(
            match_holds(None, r#""a""#)
                && match_holds(Some("*"), r#""a""#)
                && match_holds(Some(r#""b", "a""#), r#""a""#)
        );
        assert!(!match_holds(Some(r#""b""#), r#""a""#) && !match_holds(Some(r#"W/"a""#), r#"W/"a""#));
    }

    #[test]
    fn tags_are_compared_strongly_for_if_range() {
        assert!(if_range_holds(None, r#""a""#));
        assert!(if_range_holds(Some(r#""a""#), r#""a""#));
        assert!(!if_range_holds(Some(r#"W/"a""#), r#""a""#));
        assert!(!if_range_holds(Some(r#"W/"a""#), r#"W/"a""#));
        assert!(!if_range_holds(Some("Wed, 21 Oct 2015 07:28:00 GMT"), r#""a""#));
    }
}
