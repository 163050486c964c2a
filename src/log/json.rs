//! A line of the log as JSON: what every line has, then the fields of the spans around it, then its own.
//!
//! No name comes twice – collectors refuse such lines: an inner field wins over an outer one, and what every line has is
//! nobody's to say otherwise.

use std::fmt::{self, Write};

use chrono::{SecondsFormat, Utc};
use serde_json::{Map, Number, Value};
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::fmt::format::{FormatEvent, JsonFields, Writer};
use tracing_subscriber::fmt::{FmtContext, FormattedFields};
use tracing_subscriber::registry::LookupSpan;

/// Of every line.
const OF_ALL: [&str; 5] = ["timestamp", "level", "service", "instance", "target"];
/// What the program calls itself.
pub(super) const SERVICE: &str = "hvac-analytics";

/// The form of a line.
pub(super) struct JsonLine {
    /// As JSON.
    instance: String,
}

impl JsonLine {
    pub(super) fn new(instance: &str) -> Self {
        Self { instance: Value::from(instance).to_string() }
    }
}

impl<S> FormatEvent<S, JsonFields> for JsonLine
where
    S: Subscriber + for<'lookup> LookupSpan<'lookup>,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, JsonFields>,
        mut line: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut fields = Fields::default();
        for span in context.event_scope().into_iter().flat_map(|scope| scope.from_root()) {
            let extensions = span.extensions();
            let of_span = extensions.get::<FormattedFields<JsonFields>>();
            if let Some(Ok(of_span)) = of_span.map(|fields| serde_json::from_str::<Map<String, Value>>(&fields.fields))
            {
                fields.0.extend(of_span);
            }
        }
        event.record(&mut fields);
        let metadata = event.metadata();
        // Records of the `log` crate say where they are from in a field.
        let target = fields.0.remove("log.target").unwrap_or_else(|| metadata.target().into());
        write!(
            line,
            "{{\"timestamp\":\"{}\",\"level\":\"{}\",\"service\":\"{SERVICE}\",\"instance\":{},\"target\":{target}",
            Utc::now().to_rfc3339_opts(SecondsFormat::Micros, true),
            metadata.level(),
            self.instance,
        )?;
        for (name, value) in &fields.0 {
            if !OF_ALL.contains(&name.as_str()) && !name.starts_with("log.") {
                write!(line, ",{}:{value}", Value::from(name.as_str()))?;
            }
        }
        line.write_str("}\n")
    }
}

/// Fields by name.
#[derive(Default)]
struct Fields(Map<String, Value>);

impl Fields {
    fn put(&mut self, field: &Field, value: impl Into<Value>) {
        self.0.insert(field.name().trim_start_matches("r#").to_owned(), value.into());
    }
}

impl Visit for Fields {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field, Number::from_f64(value).map_or(Value::Null, Value::Number));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, value);
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, value);
    }

    /// With all its causes.
    fn record_error(&mut self, field: &Field, value: &(dyn std::error::Error + 'static)) {
        let mut text = value.to_string();
        let mut cause = value.source();
        while let Some(error) = cause {
            let _ = write!(text, ": {error}");
            cause = error.source();
        }
        self.put(field, text);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.put(field, format!("{value:?}"));
    }
}

/// How the fields of a span are kept until a line needs them.
pub(super) fn fields() -> JsonFields {
    JsonFields::new()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests {
    use std::sync::{Arc, Mutex};

    use serde_json::json;
    use tracing_subscriber::layer::SubscriberExt;

    use super::*;
    use crate::log::{record_session, record_user, request_span};

    /// The lines that were written meanwhile.
    fn lines(write: impl FnOnce()) -> Vec<Value> {
        let text = Arc::new(Mutex::new(Vec::<u8>::new()));
        let writer = {
            let text = Arc::clone(&text);
            move || Shared(Arc::clone(&text))
        };
        let layer = tracing_subscriber::fmt::layer().with_writer(writer);
        let layer = layer.fmt_fields(fields()).event_format(JsonLine::new("plant \"7\""));
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), write);
        let text = String::from_utf8(text.lock().unwrap().clone()).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    struct Shared(Arc<Mutex<Vec<u8>>>);

    impl std::io::Write for Shared {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_line_says_whose_request_it_is_about_once_that_is_known() {
        let [before, after] = &lines(|| {
            let span = request_span("GET", "/api/sessions/{id}", "abc", Some("no id: <script>"));
            span.in_scope(|| {
                tracing::warn!("before");
                record_user("mei");
                record_session("0199");
                record_session("no id: <script>");
                tracing::warn!(duration_ms = 1.5, done = true, "after");
            });
        })[..] else {
            panic!("two lines")
        };
        assert!(before.get("user").is_none() && before.get("session_id").is_none(), "{before}");
        let mut after = after.clone();
        let timestamp = after.as_object_mut().unwrap().remove("timestamp").unwrap();
        chrono::DateTime::parse_from_rfc3339(timestamp.as_str().unwrap()).unwrap();
        assert_eq!(
            after,
            json!({
                "level": "WARN", "service": "hvac-analytics", "instance": "plant \"7\"", "target": "hvac_analytics::log::json::tests",
                "request_id": "abc", "method": "GET", "endpoint": "/api/sessions/{id}", "session_id": "0199", "user": "mei",
                "duration_ms": 1.5, "done": true, "message": "after",
            })
        );
    }

    #[test]
    fn no_name_comes_twice_and_an_error_tells_its_causes() {
        let error = std::io::Error::other(serde_json::from_str::<Value>("{").unwrap_err());
        let [line] = &lines(|| {
            let outer = tracing::info_span!("outer", session_id = "outer", level = "outer");
            let _outer = outer.enter();
            let inner = tracing::info_span!("inner", session_id = "inner");
            let _inner = inner.enter();
            tracing::info!(
                service = "event",
                error = &error as &(dyn std::error::Error + 'static),
                not_a_number = f64::NAN,
                "x"
            );
        })[..] else {
            panic!("one line")
        };
        assert_eq!(
            (&line["session_id"], &line["level"], &line["service"]),
            (&json!("inner"), &json!("INFO"), &json!(SERVICE))
        );
        assert!(line["error"].as_str().unwrap().contains("EOF while parsing"), "{line}");
        assert_eq!(line["not_a_number"], Value::Null);
    }
}
