"""What the generated requests are given to work with, and what a refusal of a valid one may be about."""

import json
import os

import schemathesis

# Ids of what exists: made by `run` before the requests begin.
KNOWN = json.loads(os.environ["CONTRACT_KNOWN"])

# A request that is valid by the document may still name what is not stored, or stored data may not allow what it asks:
# no schema can tell. Every other refusal of a valid request means that the document promises too much.
OF_DATA = {
    # names of columns, folders, zones and encodings that are not there
    "unknown_column", "unknown_target", "wrong_features", "unknown_timezone", "unknown_encoding", "path_outside_data_dir", "no_files",
    # what the stored data are not, or not enough for
    "not_a_parsed_dataset", "not_numeric", "target_not_numeric", "constant_target", "too_few_rows", "no_features", "leakage",
    "no_control", "infeasible", "nonexistent_local_time",
    # two fields that do not go together
    "bad_role", "bad_columns", "bad_time_range", "bad_threshold", "dry_run_waits", "bad_column_override",
}


@schemathesis.check
def valid_requests_are_not_refused(ctx, response, case):
    """400, 413, 415 and 422 are for requests that break the document, or for what only data can tell."""
    meta = case.meta
    if meta is None or not meta.generation.mode.is_positive or response.status_code not in (400, 413, 415, 422):
        return
    problem = response.json()
    if problem["code"] not in OF_DATA:
        raise AssertionError(f"valid by the document, but refused: {problem['code']}: {problem['detail']}")


def pick(given, known):
    """Half of the made-up names become ones that exist: the same always the same."""
    return known[hash(str(given)) % len(known)] if known and hash(str(given)) % 2 else given


@schemathesis.hook
def map_path_parameters(ctx, path_parameters):
    if not path_parameters:
        return path_parameters
    operation = ctx.operation
    kind = operation.path.split("/")[2]
    known = KNOWN.get("spare_" + kind if operation.method == "delete" else kind, [])
    return {name: pick(value, known) if name in ("id", "name") else value for name, value in path_parameters.items()}


@schemathesis.hook
def map_query(ctx, query):
    if query and "session_id" in query:
        query["session_id"] = pick(query["session_id"], KNOWN["sessions"])
    for name in ("column", "columns"):
        if query and name in query:
            query[name] = pick(query[name], KNOWN["columns"])
    return query


@schemathesis.hook
def map_body(ctx, body):
    if isinstance(body, dict):
        if "session_id" in body:
            body["session_id"] = pick(body["session_id"], KNOWN["sessions"])
        for name in ("model", "model_name", "model_id"):
            if name in body and ctx.operation.path == "/api/optimize":
                body[name] = pick(body[name], KNOWN["models"])
    return body
