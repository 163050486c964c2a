#!/usr/bin/env python3
"""Sets statements of `POST /api/query` beside DuckDB's, on the same stored Parquet file, in one run.

    benches/compare/queries.py [--binary FILE] [--benchmark FILE] [--scale 10] [--runs 7]

Needs the built program and benchmark-persistence (target/release, or as told) and Python 3.11; makes a virtual environment
in the target folder. The reference job with `--scale` times its rows is parsed twice, into two sessions; each statement is
asked of the server over HTTP, answers as JSON included, and of DuckDB within the process, rows fetched, in turns. Medians;
the ratio is ours by DuckDB's. Answers are compared first. Then: the time to the first byte of the whole session as CSV, and
the most memory that the server took.
"""

import argparse
import json
import math
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
import venv
from datetime import datetime
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")).resolve()
PACKAGES = ["duckdb==1.5.5", "pytz"]

try:
    import duckdb
except ImportError:
    if os.environ.get("COMPARE_QUERIES_AGAIN"):
        raise
    os.environ["COMPARE_QUERIES_AGAIN"] = "1"
    place = TARGET / "compare-queries"
    if not (place / "bin" / "python").exists():
        venv.create(place, with_pip=True)
    subprocess.run([place / "bin" / "python", "-m", "pip", "install", "-q", "--disable-pip-version-check", *PACKAGES], check=True)
    os.execv(place / "bin" / "python", [str(place / "bin" / "python"), *sys.argv])

ZONE = "Asia/Taipei"


def statements(a, b, c, d):
    """Twelve, of four columns of numbers; {other} is the second session."""
    return {
        "count": f'SELECT count(*), count("{a}") FROM parsed',
        "sum of one": f'SELECT sum("{a}") FROM parsed',
        "averages of four": f'SELECT avg("{a}"), avg("{b}"), avg("{c}"), avg("{d}") FROM parsed',
        "by month": f"SELECT date_trunc('month', timestamp) AS m, avg(\"{a}\"), max(\"{b}\") FROM parsed GROUP BY m ORDER BY m",
        "by hour of day": f'SELECT extract(hour FROM timestamp) AS h, avg("{a}") FROM parsed GROUP BY h ORDER BY h',
        "filter, project": f'SELECT timestamp, "{a}", "{b}" FROM parsed WHERE "{a}" > (SELECT avg("{a}") * 1.2 FROM parsed) ORDER BY timestamp LIMIT 5000',
        "a day": f"SELECT timestamp, \"{a}\" FROM parsed WHERE timestamp >= '{{day}}' AND timestamp < '{{next}}' ORDER BY timestamp",
        "join of two sessions": f'SELECT count(*), sum(p."{a}" - q."{b}") FROM parsed p JOIN {{other}} q ON q.timestamp = p.timestamp',
        "window": f'SELECT max(x) FROM (SELECT avg("{a}") OVER (ORDER BY timestamp ROWS BETWEEN 95 PRECEDING AND CURRENT ROW) AS x FROM parsed) AS w',
        "percentile": f'SELECT median("{a}"), median("{b}") FROM parsed',
        "top ten": f'SELECT timestamp, "{a}" FROM parsed WHERE "{a}" IS NOT NULL ORDER BY "{a}" DESC, timestamp LIMIT 10',
        "distinct days": "SELECT count(DISTINCT date_trunc('day', timestamp)) FROM parsed",
    }


def plain(value):
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, str) and re.match(r"\d{4}-\d\d-\d\dT", value):
        return datetime.fromisoformat(value).timestamp()
    if isinstance(value, datetime):
        return value.timestamp()
    return float(value)


def same(ours, theirs):
    return len(ours) == len(theirs) and all(
        (x is None) == (y is None) and (x is None or math.isclose(x, y, rel_tol=1e-7, abs_tol=1e-9))
        for row, other in zip(ours, theirs)
        for x, y in zip(map(plain, row), map(plain, other))
    )


def main():
    asked = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    asked.add_argument("--binary", default=TARGET / "release" / "hvac-analytics")
    asked.add_argument("--benchmark", default=TARGET / "release" / "benchmark-persistence")
    asked.add_argument("--scale", type=int, default=10)
    asked.add_argument("--runs", type=int, default=7)
    asked = asked.parse_args()
    binary = str(Path(asked.binary).resolve())
    with tempfile.TemporaryDirectory() as folder:
        job = os.path.join(folder, "job")
        subprocess.run([str(Path(asked.benchmark).resolve()), "--write-reference", job, "--scale-rows", str(asked.scale)], check=True, stdout=subprocess.DEVNULL)
        reports = sorted(os.path.join(job, name) for name in os.listdir(job))
        for name in ("one", "two"):
            subprocess.run([binary, "parse", *reports, "--name", name, "--timezone", ZONE], cwd=folder, check=True, stdout=subprocess.DEVNULL)
        server = subprocess.Popen([binary, "serve", "--port", "0"], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env={**os.environ, "RUST_LOG": "warn"})
        try:
            url = next(found[0] for line in server.stdout if (found := re.search(r"http://[0-9.:]+", line)))
            measure(url, folder, server.pid, asked.runs)
        finally:
            server.terminate()
            server.wait()


def ask(url, path, body=None):
    request = urllib.request.Request(url + path, None if body is None else json.dumps(body).encode(), {"Content-Type": "application/json"})
    return urllib.request.urlopen(request, timeout=600)


def measure(url, folder, pid, runs):
    sessions = {s["name"]: s for s in json.load(ask(url, "/api/sessions"))["items"]}
    one, two = sessions["one"], sessions["two"]
    files = {name: os.path.join(folder, "data", "sessions", sessions[name]["session_id"], "parsed-v1.parquet") for name in ("one", "two")}
    query = {"session_id": one["session_id"], "timeout_ms": 300_000}
    known = json.load(ask(url, "/api/query", {**query, "sql": "SELECT * FROM parsed LIMIT 1"}))["columns"]
    numbers = [c["name"] for c in known if c["type"] == "double"]
    picked = [numbers[len(numbers) * k // 5] for k in range(1, 5)]
    db = duckdb.connect()
    db.execute(f"SET TimeZone = '{ZONE}'")
    db.execute(f"CREATE VIEW parsed AS SELECT * FROM read_parquet('{files['one']}')")
    db.execute(f"CREATE VIEW other AS SELECT * FROM read_parquet('{files['two']}')")
    day = one["start_at"][:10]
    following = str(datetime.fromisoformat(day).date().fromordinal(datetime.fromisoformat(day).toordinal() + 1))
    print(f"{one['total_rows']} rows, {one['column_count']} columns, {os.path.getsize(files['one']) / 2**20:.1f} MiB; medians of {runs}")
    ratios = []
    for name, sql in statements(*picked).items():
        sql = sql.replace("{day}", day).replace("{next}", following)
        ours_sql, theirs_sql = sql.replace("{other}", '"two".parsed'), sql.replace("{other}", "other")
        body = {**query, "sql": ours_sql, "limit": 100_000}
        ours, theirs = json.load(ask(url, "/api/query", body))["rows"], db.execute(theirs_sql).fetchall()
        assert same(ours, theirs), f"{name}: {ours[:2]} is not {theirs[:2]}"
        taken = {"ours": [], "theirs": []}
        for _ in range(runs):
            begun = time.perf_counter()
            ask(url, "/api/query", body).read()
            taken["ours"].append(time.perf_counter() - begun)
            begun = time.perf_counter()
            db.execute(theirs_sql).fetchall()
            taken["theirs"].append(time.perf_counter() - begun)
        a, b = (statistics.median(taken[side]) * 1000 for side in ("ours", "theirs"))
        ratios.append(a / b)
        print(f"{name:22} {a:9.1f} ms   DuckDB {b:9.1f} ms   {a / b:5.2f}")
    print(f"{'geometric mean':22} {math.exp(statistics.mean(map(math.log, ratios))):45.2f}, worst {max(ratios):.2f}")
    first = []
    for _ in range(3):
        begun = time.perf_counter()
        answer = ask(url, "/api/query", {**query, "sql": "SELECT * FROM parsed", "format": "csv"})
        answer.read(1)
        first.append(time.perf_counter() - begun)
        length = 1 + len(answer.read())
    print(f"first byte of {length / 1e6:.0f} MB of CSV after {statistics.median(first) * 1000:.0f} ms")
    peak = next(int(line.split()[1]) for line in open(f"/proc/{pid}/status") if line.startswith("VmHWM"))
    print(f"most memory of the server: {peak / 1024:.0f} MiB")


if __name__ == "__main__":
    main()
