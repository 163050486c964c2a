"""The server beside a bare route: requests a second and latencies by `wrk`, the start, long lists."""

import json
import os
import re
import shutil
import sqlite3
import statistics
import subprocess
import tempfile
import time
import urllib.request
import uuid
from contextlib import contextmanager

CONNECTIONS, SECONDS, TURNS = 8, 4, 3
# Every request asks for other rows, so no answer is in a cache.
OTHER_ROWS = "local i = 0\nrequest = function() i = i + 1; return wrk.format('GET', wrk.path .. '&offset=' .. (i * 53 % {rows})) end\n"


@contextmanager
def serving(command, cwd, pattern):
    """Starts a server and gives what it says of its address."""
    child = subprocess.Popen([str(c) for c in command], cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        yield re.search(pattern, child.stdout.readline())[1]
    finally:
        child.terminate()
        child.wait()


def get(url):
    with urllib.request.urlopen(url) as answer:
        return answer.read()


def wrk(url, script=None):
    """Requests a second, and latencies in ms."""
    command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{SECONDS}s", "--latency", "--timeout", "10s", *(["-s", script] if script else []), url]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    if re.search("Non-2xx|connect [1-9]|read [1-9]|write [1-9]", said):
        raise SystemExit(f"wrk met errors at {url}:\n{said}")
    unit = {"us": 1e-3, "ms": 1.0, "s": 1e3}
    latency = {name: float(n) * unit[u] for name, n, u in re.findall(r"(50|99)%\s+([\d.]+)(us|ms|s)\b", said)}
    return {"rps": float(re.search(r"Requests/sec:\s+([\d.]+)", said)[1]), "p50_ms": latency["50"], "p99_ms": latency["99"]}


def median(figures):
    return {key: statistics.median(f[key] for f in figures) for key in figures[0]}


def preview(tools, store, answer, title, report):
    if not shutil.which("wrk"):
        print("compare: wrk is not installed: no figures of previews")
        return
    with tempfile.NamedTemporaryFile() as body, tempfile.NamedTemporaryFile("w", suffix=".lua") as other_rows:
        other_rows.write(OTHER_ROWS.format(rows=answer["row_count"] - 50))
        other_rows.flush()
        at = r"at (http://\S+)"
        with serving([tools.hvac, "serve", "--port", "0"], store, at) as base:
            # The frame that was parsed: the newest version may be a cleaned one of fewer rows.
            url = f"{base}/api/data/preview?session_id={answer['session_id']}&version=parsed"
            body.write(get(url))
            body.flush()
            with serving([tools.benchmark, "--bare", body.name], store, r"(\d+)") as port:
                # Both take as many turns, and both have medians: they share the machine with their client.
                turns = [(wrk(url), wrk(f"http://127.0.0.1:{port}/")) for _ in range(TURNS)]
            uncached = median([wrk(url, other_rows.name) for _ in range(TURNS)])
    cached, bare = (median(list(side)) for side in zip(*turns))
    report.raw[f"{title}preview"] = {"cached": cached, "not cached": uncached, "bare": bare}
    note = "(p50 {p50_ms:.1f}, p99 {p99_ms:.1f} ms, {rps:.0f}/s)".format
    report.goal(f"{title}preview, cached: p99", cached["p99_ms"], "<2", "ms", note(**cached))
    report.goal(f"{title}preview, cached: requests/s / bare route's", cached["rps"] / bare["rps"], None)
    report.goal(f"{title}preview, not cached: p99", uncached["p99_ms"], "<10", "ms", note(**uncached))


def many_sessions(tools, store, report, count=10_000):
    """The same session under many ids: what start and list cost, whatever is in them."""
    to = store.with_name(f"{store.name}-many")
    shutil.copytree(store, to)
    base = sqlite3.connect(to / "data" / "hvac_analytics.db")
    base.row_factory = sqlite3.Row
    one = lambda table: dict(base.execute(f"SELECT * FROM {table} LIMIT 1").fetchone())
    session, dataset = one("upload_sessions"), one("parsed_datasets")
    insert = lambda table, row: base.execute(
        f"INSERT INTO {table} ({','.join(row)}) VALUES ({','.join('?' * len(row))})", list(row.values()))
    with base:
        for number in range(count):
            id = str(uuid.UUID(int=uuid.UUID(session["id"]).int + number + 1))
            insert("upload_sessions", session | {"id": id, "name": f"session {number}"})
            insert("parsed_datasets", dataset | {"id": str(uuid.uuid4()), "session_id": id,
                                                 "file_path": f"{id}/parsed-v1.parquet", "report": "{}"})
    base.close()
    begun = time.perf_counter()
    with serving([tools.hvac, "serve", "--port", "0"], to, r"at (http://\S+)") as url:
        get(f"{url}/api/health")
        start = time.perf_counter() - begun
        # The check of all files runs beside the first requests.
        time.sleep(5)
        medians = {}
        for page in (1, 500):
            times = []
            for _ in range(21):
                begun = time.perf_counter()
                answer = json.loads(get(f"{url}/api/sessions?page_size=20&page={page}"))
                times.append((time.perf_counter() - begun) * 1e3)
            assert answer["total"] == count + 1 and len(answer["items"]) == 20, answer
            medians[page] = sorted(times)[10]
    report.goal(f"{count} sessions: start to first answer", start, "<1.0", "s")
    report.goal(f"{count} sessions: list, page 1", medians[1], "<10", "ms")
    report.goal(f"{count} sessions: list, page 500", medians[500], "<10", "ms")


def stripped(binary):
    with tempfile.TemporaryDirectory() as folder:
        shutil.copy(binary, folder)
        copy = os.path.join(folder, binary.name)
        if shutil.which("strip"):
            subprocess.run(["strip", copy], check=True)
        return os.path.getsize(copy)
