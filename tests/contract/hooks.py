"""What the generated requests are given to work with, and what a refusal of a valid one may be about."""

import json
import os

import requests
import schemathesis

# Ids of what exists: made by `run` before the requests begin.
KNOWN = json.loads(os.environ["CONTRACT_KNOWN"])

TRAIN = "/api/models/train"

# A request that is valid by the document may still name what is not stored, or stored data may not allow what it asks:
# no schema can tell. Every other refusal of a valid request means that the document promises too much.
OF_DATA = {
    # names of columns, folders, zones and encodings that are not there
    "unknown_column", "unknown_target", "wrong_features", "unknown_timezone", "unknown_encoding", "path_outside_data_dir", "no_files",
    # what the stored data are not, or not enough for
    "not_a_parsed_dataset", "not_numeric", "target_not_numeric", "constant_target", "too_few_rows", "too_few_days", "outside_baseline", "no_conditions", "not_power", "no_features", "leakage",
    "no_control", "infeasible", "missing_role", "unknown_unit", "no_rows", "unreadable_file", "too_much_at_once",
    "nonexistent_local_time", "timezone_fixed", "conflicting_values",
    # what reports hold all together, and overrides that fit none of them
    "would_lose_readings", "bad_override", "ambiguous_role", "window_shorter_than_rows", "no_time_column", "ambiguous_time_column",
    # an account that may less than its key should
    "role_too_high",
    # files that are no bundle, or a broken one
    "not_a_bundle", "bundle_damaged", "bundle_contradicts",
    # what is no statement, or none of what is stored
    "sql_syntax", "not_a_query", "unknown_table", "bad_sql", "query_memory", "query_timeout",
    # two fields that do not go together
    "weak_password", "bad_role", "bad_columns", "bad_time_range", "bad_threshold", "dry_run_waits", "bad_column_override", "bad_edges", "bad_offset",
}


@schemathesis.check
def valid_requests_are_not_refused(ctx, response, case):
    """400, 413, 415 and 422 are for requests that break the document, or for what only data can tell."""
    meta = case.meta
    if meta is None or not meta.generation.mode.is_positive or response.status_code not in (400, 413, 415, 422):
        return
    problem = response.json()
    of_a_file = any("file" in error for error in problem.get("errors", []))
    if problem["code"] not in OF_DATA and not of_a_file:
        raise AssertionError(f"valid by the document, but refused: {problem['code']}: {problem['detail']}")


def pick(given, known):
    """Half of the made-up names become ones that exist: the same always the same."""
    return known[hash(str(given)) % len(known)] if known and hash(str(given)) % 2 else given


@schemathesis.hook
def before_call(ctx, case, kwargs):
    """Gives a request something to work with. Models are made by the chain: here nobody waits for one."""
    path, query, body = case.operation.path, case.query, case.body
    # Nobody need say who he is here; made-up keys would be all that is tried.
    for name in ("Authorization", "X-API-Key"):
        if case.headers:
            case.headers.pop(name, None)
    kind = path.split("/")[2] if path.count("/") > 1 else ""
    known = KNOWN.get("spare_" + kind if case.method == "DELETE" else kind, [])
    for name in ("id", "name"):
        if case.path_parameters and name in case.path_parameters:
            # "%1E" within a name would be sent as the character it stands for, not as those three.
            case.path_parameters[name] = pick(case.path_parameters[name].replace("%", ""), known)
    if path == "/api/models/{id}/file" and case.headers:
        # A part of a JSON file is no JSON; parts are tried elsewhere.
        case.headers.pop("Range", None)
    for given in (query, body):
        if not isinstance(given, dict):
            continue
        if path == TRAIN:
            given.pop("wait", None)
        if "session_id" in given:
            given["session_id"] = pick(given["session_id"], KNOWN["sessions"])
    for name in ("column", "columns"):
        if query and name in query:
            query[name] = pick(query[name], KNOWN["columns"])
    for name in ("model", "model_name", "model_id"):
        if path == "/api/optimize" and isinstance(body, dict) and name in body:
            body[name] = pick(body[name], KNOWN["models"])


@schemathesis.hook
def after_call(ctx, case, response):
    """None that a request began goes on being made."""
    if case.operation.path == TRAIN and response.status_code == 202:
        job = response.json()["job_id"]
        requests.post(f"{os.environ['CONTRACT_URL']}/api/jobs/{job}/cancel", timeout=60)
