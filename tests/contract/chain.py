"""The whole chain with the generated client: upload, parse, clean, train, name, predict, optimise, look, delete."""

import io
import sys
from pathlib import Path


def ok(answer, *statuses):
    """The parsed answer, when its status is one of those expected."""
    status = int(answer.status_code)
    if status not in (statuses or (200,)):
        sys.exit(f"contract: the client got {status}: {answer.content[:600]!r}")
    if answer.content and answer.parsed is None:
        sys.exit(f"contract: the client could not read its {status}: {answer.content[:300]!r}")
    return answer.parsed


def drive(url: str, samples: Path) -> dict:
    """Walks the chain; answers the ids of what it made, by the path that they belong to."""
    from client import Client
    from client.api.accounts import (
        delete_key, get_account, get_preferences, get_user, list_audit, list_keys, list_logins, list_users, patch_user, post_key, post_login, post_user,
        put_preferences, verify_audit,
    )
    from client.api.cleaning import get_cleaning_job, get_comparison, list_cleaning_rules, list_findings, post_clean
    from client.api.data import (
        get_correlation, get_coverage, get_coverage_strip, get_duration, get_efficiency, get_histogram, get_preview, get_profile, get_quality, get_query,
        get_series, get_stats, list_events, list_queries, post_query, post_saved_query, put_query, suggest_mapping,
    )
    from client.api.export import get_bundle, list_raw_files
    from client.api.files import list_files
    from client.api.graphql import post_graphql, post_root_graphql
    from client.api.health import get_health, get_ready, get_root_health
    from client.api.jobs import cancel_job, get_job, list_jobs
    from client.api.models import get_evaluation, get_model, get_named_model, list_models, post_predict, post_train, put_alias
    from client.api.optimization import (
        get_conditions, get_optimization, get_optimization_summary, list_optimizations, post_optimize, post_outcome,
    )
    from client.api.records import (
        delete_work_orders, flush_hvac, get_equipment, get_work_orders, list_collections, list_equipment, list_hvac_rejected,
        list_incomplete_work_orders, list_work_orders, list_work_orders_of_equipment, post_equipment, post_work_orders_batch,
        restore_hvac,
    )
    from client.api.system import get_metrics, get_status, get_system_config, get_system_metrics, invalidate_cache
    from client.api.sessions import (
        delete_link, delete_session, get_lineage, get_overrides, get_session, get_sharing, get_site, get_site_sharing, list_links, list_sessions,
        patch_session, post_demo, post_import, post_link, post_parse, post_upload, put_override, put_sharing, put_site, put_site_sharing, restore_session,
    )
    from client.models import (
        AccountPatch, AccountRequest, KeyRequest, LinkRequest, LoginRequest, Preferences, SharingRequest, SiteSharingRequest,
        AliasRequest, CleanRequest, ColumnOverride, OptimizeBody, OptimizeBodyConditions, OutcomeRequest, ParseRequest, PredictRequest, PredictRequestRowsItem,
        EquipmentRecord, WorkOrdersBatch,
        GraphQuery, ImportForm, InvalidateRequest, QueryRequest, QueryToSave, QueryOptions,
        SessionPatch, StatedSettings, TrainRequest, UploadForm,
    )
    from client.api.storage import delete_stored_file, list_stored_files, post_file_link, post_stored_file
    from client.models import FileLinkRequest, StoredFileForm
    from client.types import File

    client = Client(base_url=url, timeout=120)
    answers = {}

    def call(operation, *statuses, **arguments):
        """Calls an operation, and remembers its answer as an example."""
        answer = operation.sync_detailed(client=client, **arguments)
        parsed = ok(answer, *statuses)
        answers.setdefault(f"{operation.__name__.rsplit('.', 1)[1]} {int(answer.status_code)}", answer.content)
        return parsed

    def uploaded(name: str, pattern: str) -> str:
        files = [File(path.open("rb"), path.name, "text/csv") for path in sorted(samples.glob(pattern))]
        assert files, f"no samples in {samples}"
        form = UploadForm(files=files, name=name, site="DEMO", timezone="Asia/Taipei")
        return call(post_upload, 201, body=form).session_id

    call(get_health)
    call(get_root_health)
    call(get_ready)
    call(get_status)
    call(get_system_metrics)
    call(get_system_config)
    assert "hvac_build_info{" in ok(get_metrics.sync_detailed(client=client))
    call(list_files)
    assert call(post_demo).row_count == 1344
    session = uploaded("Contract", "TR_DEMO_*.csv")
    parsed = call(post_parse, body=ParseRequest(session_id=session))
    assert (parsed.row_count, parsed.column_count) == (1344, 18), parsed
    call(patch_session, id=session, body=SessionPatch(name="Contract, renamed"))
    call(put_override, id="DEMO", body=ColumnOverride(column="OAT", unit="°C"))
    call(get_overrides, id="DEMO")
    more = UploadForm(files=[File(io.BytesIO(b"time,kW\n2024-07-01 00:00,1\n"), "more.csv", "text/csv")])
    assert call(post_upload, 201, body=more, session_id=uploaded("Added", "TR_DEMO_METER_*.csv")).status == "uploaded"
    assert {"spike_z", "running_kw"} < {limit.name for limit in call(list_cleaning_rules).thresholds}
    tried = CleanRequest(session_id=session, resample_interval=None, detect_spikes=True, dry_run=True)
    assert ok(post_clean.sync_detailed(client=client, body=tried)).forecast.rules
    cleaned = call(post_clean, body=CleanRequest(session_id=session, resample_interval=None, detect_spikes=True))
    assert cleaned.version == "cleaned-v1" and cleaned.original_rows == 1344, cleaned
    call(get_cleaning_job, id=cleaned.job_id)
    call(get_comparison, id=session, a="parsed-v1", b="cleaned-v1")
    call(list_events, session_id=session)
    call(suggest_mapping, session_id=session)
    assert len(call(get_preview, session_id=session, rows=3, at="2024-07-02", reasons=True).preview) == 3
    call(get_stats, session_id=session, column="CHWRT")
    call(get_series, session_id=session, columns="CHWRT,OAT", points=10)
    call(get_quality, session_id=session)
    call(list_findings, id=session)
    call(post_query, body=QueryRequest(sql="SELECT timestamp, CHWST FROM cleaned ORDER BY timestamp", session_id=session, limit=1))
    call(put_site, id="DEMO", body=StatedSettings.from_dict({"energy_price": {"currency": "TWD", "per_kwh": 3.5}}))
    call(get_site, id="DEMO")
    call(get_correlation, session_id=session, columns="CHWRT,OAT")
    call(get_histogram, session_id=session, column="CHWRT")
    call(get_duration, session_id=session, column="CHWRT")
    call(get_profile, session_id=session, columns="CHWRT")
    call(get_coverage, session_id=session, columns="CHWRT")
    assert len(call(get_coverage_strip, session_id=session, slices=12).slices) == 12
    call(get_efficiency, session_id=session)
    call(put_query, id="Rows", body=QueryToSave(sql="SELECT count(*) AS n FROM parsed", description="How many", session_id=session))
    call(get_query, id="Rows")
    call(list_queries)
    call(post_saved_query, id="Rows", body=QueryOptions(limit=1))
    call(list_raw_files, id=session)
    request = TrainRequest(model_name="contract", session_id=session, interval="30m", wait=True)
    trained = call(post_train, body=request)
    assert trained.status == "completed" and trained.model.metrics is not None, trained
    call(get_job, id=trained.job_id)
    call(list_jobs)
    call(put_alias, name="contract", alias="production", body=AliasRequest(version="v1"))
    model = call(get_model, id="contract:production")
    assert model.id == trained.model_id and model.features, model
    assert call(get_evaluation, id="contract").rows
    assert call(get_conditions, model="contract").inputs
    call(get_named_model, name="contract")
    call(list_models)
    values = {"load_rt": 400, "wet_bulb": 25, "chw_pump_hz": 36}
    predicted = call(post_predict, id="contract", body=PredictRequest(rows=[PredictRequestRowsItem.from_dict(values)]))
    assert predicted.count == 1 and predicted.predictions[0].predicted_power > 0, predicted
    conditions = OptimizeBodyConditions.from_dict({"load_rt": 400})
    best = call(post_optimize, body=OptimizeBody(model="contract", conditions=conditions))
    assert best.predicted_power <= best.baseline_power, best
    call(get_optimization, id=best.run_id)
    call(post_outcome, id=best.run_id, body=OutcomeRequest(applied=True, applied_at="2024-07-12T00:00:00Z"))
    call(list_optimizations)
    call(get_optimization_summary)
    call(get_lineage, id=session)
    graph = GraphQuery(query="{ sessions(page_size: 1) { total items { name versions { version row_count } models_made { name version } } } }")
    for post in (post_graphql, post_root_graphql):
        assert call(post, body=graph).data["sessions"]["total"] >= 1
    call(invalidate_cache, body=InvalidateRequest(pattern="answer/*"))
    person = call(post_user, 201, body=AccountRequest.from_dict({"name": "anna", "role": "operator", "password": "a password of some length"}))
    # With its own jar of cookies: the other client goes on as nobody.
    login = post_login.sync_detailed(client=Client(base_url=url), body=LoginRequest(name="anna", password="a password of some length"))
    ok(login)
    answers["post_login 200"] = login.content
    call(list_logins, id=person.id)
    call(get_account)
    call(list_users)
    call(get_user, id=person.id)
    call(patch_user, id=person.id, body=AccountPatch.from_dict({"role": "viewer"}))
    call(put_preferences, id=person.id, body=Preferences.from_dict({"language": "en"}))
    call(get_preferences, id=person.id)
    key = call(post_key, 201, body=KeyRequest.from_dict({"name": "notebook", "role": "viewer", "expires": "90d"}))
    call(list_keys)
    ok(delete_key.sync_detailed(client=client, id=key.id), 204)
    call(put_sharing, id=session, body=SharingRequest(people=["anna"]))
    call(get_sharing, id=session)
    call(put_site_sharing, id="DEMO", body=SiteSharingRequest(people=["anna"]))
    call(get_site_sharing, id="DEMO")
    link = call(post_link, 201, id=session, body=LinkRequest(hours=24, note="for the monthly notebook"))
    call(list_links, id=session)
    ok(delete_link.sync_detailed(client=client, id=session, link=link.id), 204)
    call(list_collections)
    ok(post_equipment.sync_detailed(client=client, body=EquipmentRecord.from_dict({"equipment_id": "CH-1", "name": "Chiller 1", "kind": "chiller"})), 202)
    batch = {"work_orders": [{"work_order_id": f"W-{n}", "equipment_id": "CH-1", "title": "Clean the condenser"} for n in range(3)]}
    assert ok(post_work_orders_batch.sync_detailed(client=client, body=WorkOrdersBatch.from_dict(batch)), 202).count == 3
    ok(flush_hvac.sync_detailed(client=client))
    assert ok(list_work_orders.sync_detailed(client=client, page_size=2)).total == 3
    assert ok(list_work_orders_of_equipment.sync_detailed(client=client, id="CH-1")).total == 3
    assert ok(get_work_orders.sync_detailed(client=client, id="W-1")).status == "open"
    assert ok(list_incomplete_work_orders.sync_detailed(client=client)).total == 3
    ok(restore_hvac.sync_detailed(client=client, id="W-1"))
    ok(delete_work_orders.sync_detailed(client=client, id="W-2"), 204)
    ok(get_equipment.sync_detailed(client=client, id="CH-1"))
    ok(list_equipment.sync_detailed(client=client))
    ok(list_hvac_rejected.sync_detailed(client=client))
    files = [
        call(post_stored_file, 201, body=StoredFileForm(file=File(io.BytesIO(b"bytes"), "photo.jpg", "image/jpeg"), expires_in_hours="24"))
        for _ in range(2)
    ]
    assert call(list_stored_files).total == 2
    call(post_file_link, 201, id=files[0].id, body=FileLinkRequest(minutes=5))
    ok(delete_stored_file.sync_detailed(client=client, id=files[1].id), 204)
    call(list_audit)
    call(verify_audit)

    def brought(status: int, bytes_: bytes, name: str):
        return call(post_import, status, body=ImportForm(file=File(io.BytesIO(bytes_), name, "application/octet-stream")))

    assert not brought(200, get_bundle.sync_detailed(client=client, id=session).content, "bundle.zip").imported
    data = client.get_httpx_client().get(f"/api/sessions/{session}/data.parquet", params={"version": "parsed"}).content
    assert brought(201, data, "table.parquet").imported

    spare = [uploaded(f"Spare {n}", "TR_DEMO_METER_*.csv") for n in range(5)]
    ok(delete_session.sync_detailed(client=client, id=spare[0]), 204)
    call(restore_session, id=spare[0])
    call(get_session, id=session)
    call(list_sessions)
    call(post_parse, 202, body=ParseRequest(session_id=spare[1], wait=False, force=True))
    call(post_clean, 202, body=CleanRequest(session_id=session, resample_interval=None, wait=False))
    queued = call(post_train, 202, body=TrainRequest(model_name="later", session_id=session, interval="1h"))
    call(cancel_job, id=queued.job_id)
    return {
        "sessions": [session], "spare_sessions": spare, "models": ["contract", trained.model_id], "columns": parsed.columns,
        "jobs": [trained.job_id, queued.job_id], "cleaning-jobs": [cleaned.job_id], "optimizations": [best.run_id], "queries": ["Rows"], "users": [person.id], "storage": [files[0].id],
        "answers": answers,
    }
