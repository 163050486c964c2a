//! Codes of what is refused before any handler looks at it: by where it comes from, whom it is for, and how often it comes.

use super::Code;
use crate::error::ErrorKind;

table! {
    Malformed {
        TLS_ONLY "tls_only" "The request came without TLS to a port where nothing else is served."
            "Ask with https:// instead of http://.";
    }
    Forbidden {
        FOREIGN_ORIGIN "foreign_origin" "A web page of another origin asked to change something."
            "Add the page's origin to CORS_ALLOWED_ORIGINS if it may; behind a proxy, see to TRUSTED_PROXIES.";
    }
    NotFound {
        NO_SUCH_ROUTE "no_such_route" "There is nothing at this path."
            "See `/docs`, which lists every route.";
    }
    MethodNotAllowed {
        METHOD_NOT_ALLOWED "method_not_allowed" "The path exists, but not with this method."
            "Use a method that the `Allow` header names.";
    }
    Misdirected {
        MISDIRECTED_HOST "misdirected_host" "The request is for a host name that is not known to be this server's."
            "Ask by its address or by localhost, or add the name to ALLOWED_HOSTS.";
    }
    TooMany {
        LOCKED_OUT "locked_out" "There were too many wrong passwords or keys from this address or for this name."
            "Try again after the time that `Retry-After` tells.";
        RATE_LIMITED "rate_limited" "There were more requests a minute than allowed."
            "Try again after the time that `Retry-After` tells, or raise the limit: RATE_LIMIT_ANONYMOUS, RATE_LIMIT_KEY, RATE_LIMIT_HEAVY.";
        TOO_MANY_CONNECTIONS "too_many_connections" "This client has as many connections as it may."
            "Close some, or raise MAX_CONNECTIONS_PER_CLIENT.";
    }
    Unavailable {
        NO_CONNECTION_LEFT "no_connection_left" "All connections of this server are in use."
            "Try again soon, or raise MAX_CONNECTIONS.";
    }
}
