//! Codes of what is asked of the bus of events, and of the graph.

use super::Code;
use crate::error::ErrorKind;

table! {
    Malformed {
        BROKEN_MESSAGE "broken_message" "A message of a WebSocket is no JSON object."
            "Send texts such as `{\"action\":\"subscribe\",\"types\":[\"session_parsed\"]}`.";
        NO_WEBSOCKET "no_websocket" "The request asks for a WebSocket, but lacks what that needs."
            "Use a WebSocket client, or leave out `Upgrade` to get server-sent events.";
    }
    NotFound {
        NO_SUCH_SUBSCRIPTION "no_such_subscription" "There is no subscription by that filter."
            "Name the types, collection and session as they were subscribed to, or none for all subscriptions.";
    }
    Invalid {
        QUERY_TOO_COSTLY "query_too_costly" "A query of the graph may answer more values than one answer has."
            "Ask for fewer fields, or smaller pages: `page_size` multiplies.";
        QUERY_TOO_DEEP "query_too_deep" "A query of the graph nests deeper than is answered."
            "Ask for what is far below by a query of its own.";
        TOO_MANY_SUBSCRIPTIONS "too_many_subscriptions" "One connection has as many subscriptions as it may."
            "Unsubscribe from some, or ask for several types by one.";
        UNKNOWN_ACTION "unknown_action" "A message of a WebSocket asks for something that there is not."
            "Use `subscribe`, `unsubscribe` or `ping`.";
        UNKNOWN_EVENT_TYPE "unknown_event_type" "A subscription names a type of event that there is not."
            "Use a type that `detail` gives; docs/EVENTS.md lists them.";
    }
    TooMany {
        TOO_SLOW "too_slow" "The client is so far behind that some of what it asked for is gone."
            "Subscribe again with `since`, ask for fewer events, or raise EVENTS_KEPT.";
        TOO_MANY_STREAMS "too_many_streams" "This client has as many streams of events as it may."
            "Close some, ask for several types by one stream, or raise MAX_STREAMS_PER_CLIENT.";
    }
}
