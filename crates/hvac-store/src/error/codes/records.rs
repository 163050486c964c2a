//! Codes of declared collections: their declarations, their records and what keeps them.

use super::Code;
use crate::error::ErrorKind;

table! {
    NotFound {
        UNKNOWN_COLLECTION "unknown_collection" "There is no collection of this name."
            "Take the closest that `detail` names; `GET /api/collections` lists them.";
        UNKNOWN_STORED_FILE "unknown_stored_file" "There is no such stored file."
            "List the files; it may be deleted, or its time over.";
        UNKNOWN_RECORD "unknown_record" "The collection has no record of this key."
            "List the collection; it may be deleted, or older than records of it live.";
    }
    Invalid {
        BACKEND_CANNOT "backend_cannot" "What keeps the collection cannot find or sort records that way."
            "Ask by the key or by a field that is declared with `index = true`, or keep the collection in a database.";
        BACKEND_REFUSED "backend_refused" "The server that keeps the collection does not take a record."
            "See `detail` for its reason, and mend the record or the server.";
        BAD_DECLARATION "bad_declaration" "A declaration of collections cannot be used; what was declared before goes on."
            "Mend it where `detail` says; it is read again by itself.";
        INVALID_RECORDS "invalid_records" "Records of the batch are wrong; none was stored."
            "Mend those that `errors` names, or send `?partial=true` to have the others stored.";
        SCAN_TOO_LARGE "scan_too_large" "The list would look at every record of a large collection."
            "Filter and sort by fields that are declared with `index = true`, or declare this one so.";
        TOO_MANY_RECORDS "too_many_records" "A batch has more records than one may have."
            "Send at most 1000 at once.";
    }
    Unavailable {
        BACKEND_DOWN "backend_down" "The server that keeps the collection cannot be asked now; what was accepted is safe."
            "Try again soon; `GET /api/health` says when it is back.";
        BACKEND_NOT_SET_UP "backend_not_set_up" "The collection is kept by a server that the settings do not name."
            "Set the address of that server, or declare another `backend`.";
        FILES_UNAVAILABLE "files_unavailable" "The server that keeps files cannot be used now."
            "Try again soon; if it stays so, check FILES_S3_BUCKET and the settings beside it.";
        OUTBOX_FULL "outbox_full" "As many records as may wait for a server that keeps collections."
            "See to that server; send again after the time that `Retry-After` tells.";
        RECORDS_BUSY "records_busy" "More records arrive than can be written."
            "Send again after the time that `Retry-After` tells, in larger batches.";
    }
}
