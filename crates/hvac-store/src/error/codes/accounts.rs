//! Codes of who asks: accounts and what they show, what they may, and what is noted of it.

use super::Code;
use crate::error::ErrorKind;

table! {
    Unauthenticated {
        BAD_CREDENTIALS "bad_credentials" "The key, the token, or the name and password are not valid here."
            "Show others: `hvac-analytics keys create` makes a key, `hvac-analytics users passwd` sets a password.";
        BAD_LINK "bad_link" "The link is none that is known, or it has ended."
            "Ask for a new one; `POST /api/v1/sessions/{id}/links` makes links.";
        EXPIRED_CREDENTIALS "expired_credentials" "The key or token is right, but its time is over."
            "Have a new one made.";
        NO_CREDENTIALS "no_credentials" "The server wants to know who asks."
            "Show a key (`Authorization: Bearer hvac_…` or `X-API-Key`), or log in at /login; `hvac-analytics keys create` makes keys.";
    }
    Forbidden {
        CSRF "csrf" "A browser that is logged in would change something without its login's CSRF token."
            "Send the `csrf_token` of `GET /api/account` as the header `X-CSRF-Token`.";
        FORBIDDEN "forbidden" "Who asks may not do this."
            "Ask an admin for the role that `detail` names, or the session's owner.";
    }
    NotFound {
        UNKNOWN_ACCOUNT "unknown_account" "There is no account of this name or id."
            "`GET /api/v1/users` or `hvac-analytics users list` lists them.";
        UNKNOWN_KEY "unknown_key" "There is no key of this name or id."
            "`GET /api/keys` and `hvac-analytics keys list` list them.";
        UNKNOWN_LINK "unknown_link" "The session has no such link."
            "`GET /api/v1/sessions/{id}/links` lists its links.";
        UNKNOWN_LOGIN "unknown_login" "The account has no login of this id."
            "`GET /api/users/{id}/sessions` lists them.";
    }
    Conflict {
        ACCOUNT_DISABLED "account_disabled" "The account is disabled."
            "Enable it first, `hvac-analytics users enable NAME`.";
        ACCOUNT_EXISTS "account_exists" "There is an account of this name already."
            "Choose another name, or change that account.";
        AMBIGUOUS_KEY "ambiguous_key" "Several keys have this name."
            "Name one by an id that `errors` tells.";
        AUDIT_BROKEN "audit_broken" "The list of what was done is not what was noted."
            "Compare it with an export or a backup of before; whoever can write the database's file can change it.";
        LAST_ADMIN "last_admin" "The account is the last one that may do everything."
            "Make another account admin first.";
        NO_PASSWORD "no_password" "The account has no password: it shows who it is by keys or tokens."
            "Have an admin set one, if it is a person's.";
        SET_UP_ALREADY "set_up_already" "There is an admin account already, or the one-time token was used."
            "Log in as an admin, or use `hvac-analytics users create`.";
    }
    Invalid {
        ROLE_TOO_HIGH "role_too_high" "A key would be allowed more than its account."
            "Give it the account's role or less, or raise the account's first.";
        WEAK_PASSWORD "weak_password" "The password is too short, too long, or the name itself."
            "Choose another, by the rule that `detail` tells.";
    }
    Unavailable {
        ISSUER_UNREACHABLE "issuer_unreachable" "The keys that tokens are checked with cannot be read."
            "See to JWT_JWKS and to the server of the issuer; the log says why.";
        PASSWORDS_BUSY "passwords_busy" "More passwords are to be checked than can be in time."
            "Try again in a moment (`Retry-After`).";
    }
}
