//! Texts that hold readings, or might, and are no table: told by how they begin, and what to do with them.

/// Characters of the head in which a kind's words are looked for.
const HEAD: usize = 65_536;

/// What a text is, and the way out; none for what may be a table.
pub(crate) fn kind(text: &str) -> Option<&'static str> {
    let start = text.trim_start();
    match start.as_bytes() {
        [b'{', b'\\', b'r', b't', b'f', ..] => {
            Some("this is a document (RTF), not a trend report: save the table in it as .xlsx or CSV")
        }
        [b'<', ..] if is_marked_up(start) => Some(marked_up(start)),
        [b'{' | b'[', ..] if is_json(start) => {
            Some("this is JSON, which is not read: export CSV, or write its readings as lines of time, point and value")
        }
        [b'%', b'!', b'P', b'S', ..] => Some("this is a page to print (PostScript), not a trend report: export CSV"),
        _ if ["INSERT INTO ", "CREATE TABLE ", "-- MySQL dump", "-- PostgreSQL database dump"]
            .iter()
            .any(|words| start.get(..words.len()).is_some_and(|head| head.eq_ignore_ascii_case(words))) =>
        {
            Some("these are statements of a database (SQL), which are not read: export the table as CSV")
        }
        _ => None,
    }
}

/// A header such as `<DATE>,<TIME>` or `<>Date` is none.
fn is_marked_up(text: &str) -> bool {
    let tag = text.as_bytes().get(1).is_some_and(u8::is_ascii_alphabetic);
    text.starts_with("<?xml") || text.starts_with("<!") || tag && text.trim_end().ends_with('>')
}

fn marked_up(text: &str) -> &'static str {
    let head: String = text.chars().take(HEAD).collect::<String>().to_ascii_lowercase();
    if head.contains("naesb.org/espi") || head.contains("<intervalreading") || head.contains("<intervalblock") {
        "this is Green Button data (XML), which is not read: take the CSV or spreadsheet that the utility offers beside it, or turn it into lines of time and value"
    } else if head.contains("<html") || head.contains("<table") || head.contains("<!doctype html") {
        "this is a page (HTML), whatever its name says: open it in a spreadsheet and save it as .xlsx or CSV"
    } else {
        "this is XML, which is not read: export CSV or .xlsx, or turn it into lines of time, point and value"
    }
}

fn is_json(text: &str) -> bool {
    let inner = text.get(1..).unwrap_or_default().trim_start().as_bytes();
    match (text.as_bytes().first(), inner.first()) {
        (Some(b'{'), Some(next)) => matches!(next, b'"' | b'}'),
        // [1] may be a name.
        (Some(b'['), Some(next)) => matches!(next, b'{' | b'[' | b'"' | b']') || text.trim_end().ends_with(']'),
        _ => false,
    }
}

/// Whether lines are cut into columns by blanks alone.
pub(crate) fn is_fixed_width(text: &str) -> bool {
    let columns = |line: &str| line.trim().split("  ").filter(|part| !part.trim().is_empty()).count();
    let lines = || text.lines().filter(|line| !line.trim().is_empty()).take(20);
    lines().filter(|line| columns(line) > 1).count() * 2 > lines().count()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn what_is_no_table_is_named_with_the_way_out() {
        for (text, word) in [
            (
                "<?xml version=\"1.0\"?>\n<feed xmlns=\"http://www.w3.org/2005/Atom\" xmlns:espi=\"http://naesb.org/espi\">",
                "Green Button",
            ),
            ("<feed>\n<entry><content><IntervalBlock></IntervalBlock></content></entry></feed>\n", "Green Button"),
            ("<ns1:UsagePoint><espi:IntervalReading>1</espi:IntervalReading></ns1:UsagePoint>", "XML"),
            ("\n<obj><list><real val=\"1\"/></list></obj>\n", "XML"),
            ("<!-- made by -->\n<report/>", "XML"),
            ("<div><table><tr><td>Time</td></tr></table></div>", "HTML"),
            ("{\"rows\":[{\"ts\":\"2024-05-01T00:00:00Z\",\"v\":1}]}", "JSON"),
            ("[\n  {\"ts\": 1}\n]\n", "JSON"),
            ("[[\"2024-05-01 00:00\",1],[\"2024-05-01 00:15\",2]]", "JSON"),
            ("{ \"ts\": 1, \"v\": 2 }\n{ \"ts\": 2, \"v\": 2 }\n", "JSON"),
            ("{\\rtf1\\ansi Time\\tab kW}", "RTF"),
            ("INSERT INTO trend VALUES ('2024-05-01 00:00', 1);", "SQL"),
            ("%!PS-Adobe-3.0", "PostScript"),
        ] {
            let words = kind(text).unwrap_or_default();
            assert!(words.contains(word), "{text}: {words}");
        }
    }

    #[test]
    fn tables_that_begin_alike_are_tables() {
        for text in [
            "<DATE>,<TIME>,<VALUE>\n2024-05-01,00:00,1\n",
            "<>Date,Time,Point_1\n",
            "[Time],[kW]\n2024-05-01 00:00,1\n",
            "{site},Time,kW\nHQ,2024-05-01 00:00,1\n",
            "\"Time\",\"kW\"\n",
            "Inserted,Time,kW\n",
        ] {
            assert_eq!(kind(text), None, "{text}");
        }
    }

    #[test]
    fn columns_parted_by_blanks() {
        assert!(is_fixed_width("Time              CHWST   KW\n2024-05-01 00:00  6.8     310\n"));
        assert!(!is_fixed_width("The chiller ran all day.\nNobody complained.\n"));
    }
}
