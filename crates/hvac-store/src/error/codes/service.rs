//! Codes of what the program or the machine under it cannot do, now or at all.

use super::Code;
use crate::error::ErrorKind;

table! {
    Internal {
        INTERNAL "internal" "The program failed at this: a defect, or a broken machine."
            "Look up the cause in the log, under the answer's `request_id`.";
        JOB_POISONED "job_poisoned" "The process ended each time that this job was begun; it is not begun again."
            "Look for memory or disk running out in the system's log, then ask again with less at once.";
    }
    Unavailable {
        CANNOT_LISTEN "cannot_listen" "The address to listen on cannot be used."
            "Free it, or choose another, as `detail` says.";
        DATABASE_BUSY "database_busy" "The metadata database is busy."
            "Try again in a moment.";
        DATABASE_CORRUPT "database_corrupt" "The metadata database is damaged; nothing was stored."
            "Stop the server, move the database file away, and run `hvac-analytics doctor --rebuild`.";
        DATABASE_REPLACED "database_replaced" "The metadata database's file was removed or replaced under the server."
            "Put that very file back, or start again with the database that belongs to the folder.";
        DISK_FULL "disk_full" "The disk of the storage folder is full; nothing was stored."
            "Free some space, or purge deleted sessions, and try again.";
        FILES_NOT_REMOVED "files_not_removed" "It is purged, but its files could not be removed yet."
            "It is tried again by itself; see to the disk and to the rights of DATA_STORAGE_PATH and MODELS_PATH.";
        MANIFEST_NOT_WRITTEN "manifest_not_written" "The change is made, but session.json could not be rewritten yet."
            "It is tried again by itself; see to the disk and to the rights of DATA_STORAGE_PATH.";
        NO_THREADS "no_threads" "The system gives no threads."
            "Raise the limit of processes and threads, or stop others.";
        NOT_READY "not_ready" "Database or storage cannot be used."
            "The log says why.";
        OVERLOADED "overloaded" "The server is busy with as much as its memory allows."
            "Try again soon, or ask for less at once.";
        PROBE_UNAVAILABLE "probe_unavailable" "A job of the kind that only tests enqueue was told to be unavailable."
            "None is needed.";
        READ_ONLY "read_only" "The store can only be read."
            "Make the folders of DATABASE_URL and DATA_STORAGE_PATH writable and start again.";
        STOPPING "stopping" "The server is stopping; the job is kept and goes on when it starts again."
            "Follow the job when the server is back.";
        STORAGE_REPLACED "storage_replaced" "The storage folder is not the one that the server was started with."
            "Put it back (is its disk mounted?), or start again with the database that belongs to this folder.";
        STORAGE_UNAVAILABLE "storage_unavailable" "The disk of the storage folder or of the metadata database cannot be used."
            "See that both are mounted, writable and sound, then try again.";
        STORE_LOCKED "store_locked" "The storage folder is being repaired by another process."
            "Try again when that has ended.";
        STORE_SLOW "store_slow" "The store took too long to write a little."
            "See to the disk; try again.";
        TIMEOUT "timeout" "The request took longer than requests may."
            "Try again, or ask for less at once.";
        TOO_MANY_OPEN_FILES "too_many_open_files" "The system lets the server open no more files and connections."
            "Try again in a moment; if it stays so, raise its limit (`ulimit -n`).";
        UNWRITABLE "unwritable" "The output cannot be written."
            "See to the path, its rights and the disk.";
    }
}
