"""The page in a real browser: every view (views.py), every journey (journeys.py) and what goes wrong meanwhile (trouble.py), against the built program.

`scripts/page` calls it; with `--screens` it takes pictures of all views instead, in both themes and three widths, with one
contact sheet."""

import argparse
import os
import sys
import tempfile
import time
import traceback
from pathlib import Path

sys.dont_write_bytecode = True

import journeys  # noqa: E402
import reading  # noqa: E402
import reports  # noqa: E402
import screens  # noqa: E402
import tongue  # noqa: E402
import trouble  # noqa: E402
import views  # noqa: E402
from harness import ROOT, Browser, Server  # noqa: E402


def filled(server, real_reports):
    """A demo, cleaned and with a model; sessions whose every text is hostile; a building of other names; a year of minutes."""
    server.run("demo")
    server.start()
    demo = next(iter(server.sessions().values()))
    identity = {"session_id": demo["session_id"]}
    server.ask("POST", "clean", {**identity, "resample_interval": "15m", "detect_frozen": True})
    suggestion = server.ask("GET", f"feature-mapping/suggest?session_id={demo['session_id']}")
    server.ask("POST", "models/train?wait=true", {"model_name": "demo-model", "feature_mapping": suggestion["mapping"], **identity})
    server.stop()
    views.hostile(server)
    server.run("parse", reports.strange(server.folder), "--name", "strange building")
    server.run("parse", reports.year(server.folder), "--name", "year")
    if real_reports:
        server.run("parse", real_reports / "apogee/kmuh", "--name", "kmuh", "--site", "KMUH", "--timezone", "Asia/Taipei")
    server.start()
    server.ask("PATCH", f"sessions/{server.sessions()[views.HOSTILE]['session_id']}", {"tags": ["<b>tag</b>"], "notes": views.HOSTILE})
    return server


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--binary", required=True)
    arguments.add_argument("--only", default="", help="journeys whose name contains this")
    arguments.add_argument("--screens", action="store_true")
    arguments.add_argument("--sources", action="store_true", help="the page as it stands in src/web, not the built one")
    chosen = arguments.parse_args()
    real_reports = Path(os.environ.get("HVAC_REAL_DATA") or ROOT.parent / "shared/data")
    real_reports = real_reports if real_reports.is_dir() else None
    failed = []
    with tempfile.TemporaryDirectory() as folder:
        server = Server(chosen.binary, f"{folder}/plant", chosen.sources)
        browser = Browser(server)
        try:
            filled(server, real_reports)
            work = screens.ALL if chosen.screens else views.ALL + tongue.ALL + reading.ALL + journeys.ALL + trouble.ALL
            for journey in work:
                if chosen.only not in journey.__name__:
                    continue
                started = time.monotonic()
                try:
                    journey(server, browser)
                    print(f"page: {journey.__name__} ({time.monotonic() - started:.1f} s)", flush=True)
                except Exception:
                    failed.append(journey.__name__)
                    print(f"page: {journey.__name__} FAILED\n{traceback.format_exc(limit=-4)}", flush=True)
                    server.back()
        finally:
            browser.end()
            server.end()
    if failed:
        sys.exit(f"page: {len(failed)} failed: {', '.join(failed)}")
    print("page: all well")


if __name__ == "__main__":
    main()
