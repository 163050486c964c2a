"""Times of writing records, against one INSERT a record."""

import argparse
import glob
import http.client
import json
import os
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import tempfile
import threading
import time
from contextlib import contextmanager
from pathlib import Path

CLIENTS = 8


def record(number: int) -> dict:
    return {
        "work_order_id": f"W-{number:09}", "equipment_id": f"CH-{number % 7}", "title": f"Look at chiller {number % 7}",
        "status": ("open", "in_progress", "done")[number % 3], "priority": "normal", "cost": number % 1000 + 0.5,
        "description": "Approach rose by 1.2 K over the last month; clean the condenser and compare before and after.",
    }


def percentile(times: list, share: float) -> float:
    return sorted(times)[min(len(times) - 1, int(len(times) * share))] * 1000


def port_of(server: subprocess.Popen) -> int:
    for line in server.stdout:
        found = re.search(r"http://127\.0\.0\.1:(\d+)", line)
        if found:
            return int(found[1])
    raise SystemExit("records: the server did not start")


def figure(port: int, name: str) -> float:
    connection = http.client.HTTPConnection("127.0.0.1", port)
    connection.request("GET", "/metrics")
    text = connection.getresponse().read().decode()
    return sum(float(line.rsplit(" ", 1)[1]) for line in text.splitlines() if line.startswith(name))


def written(port: int, size: int, seconds: float, rate: float, first: int) -> tuple:
    """Times of requests, and records that were acknowledged, by several clients at once."""
    times, count, lock, ends = [], [0], threading.Lock(), time.monotonic() + seconds
    pause = CLIENTS * size * 60 / rate if rate else 0

    def write(client: int) -> None:
        connection, number = http.client.HTTPConnection("127.0.0.1", port), first + client * 10_000_000
        turn = time.monotonic() + client * pause / CLIENTS
        while time.monotonic() < ends:
            if pause:
                time.sleep(max(0, turn - time.monotonic()))
                turn += pause
            body = json.dumps({"work_orders": [record(number + at) for at in range(size)]})
            begun = time.monotonic()
            connection.request("POST", "/api/v1/work-orders/batch", body, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            answer.read()
            took = time.monotonic() - begun
            if answer.status != 202:
                raise SystemExit(f"records: {answer.status}")
            number += size
            with lock:
                times.append(took)
                count[0] += size

    threads = [threading.Thread(target=write, args=(client,)) for client in range(CLIENTS)]
    begun = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return times, count[0], time.monotonic() - begun


def inserted(folder: Path, seconds: float) -> tuple:
    """The same records, an INSERT and a commit each."""
    database = sqlite3.connect(folder / "plain.db", isolation_level=None)
    database.execute("PRAGMA journal_mode=WAL")
    database.execute("PRAGMA synchronous=FULL")
    database.execute("CREATE TABLE IF NOT EXISTS work_orders (id TEXT PRIMARY KEY, equipment_id TEXT, status TEXT, rest TEXT)")
    for column in ("equipment_id", "status"):
        database.execute(f"CREATE INDEX IF NOT EXISTS ix_{column} ON work_orders ({column})")
    times, begun = [], time.monotonic()
    number = database.execute("SELECT count(*) FROM work_orders").fetchone()[0]
    while time.monotonic() - begun < seconds:
        one = record(number)
        at = time.monotonic()
        database.execute("INSERT INTO work_orders VALUES (?, ?, ?, ?)", (one["work_order_id"], one["equipment_id"], one["status"], json.dumps(one)))
        times.append(time.monotonic() - at)
        number += 1
    database.close()
    return times, len(times), time.monotonic() - begun


PLAIN = """\\set n random(1, 1000000000000)
INSERT INTO plain VALUES ('W-' || :n::bigint, 'CH-' || :n::bigint % 7, 'open', '{"work_order_id": "W", "title": "Look at chiller", "description": "Approach rose by 1.2 K over the last month; clean the condenser and compare before and after.", "priority": "normal", "cost": 12.5}');
"""


def tool(name: str) -> list:
    """A program of PostgreSQL, which does not run as root."""
    found = sorted(glob.glob(f"/usr/lib/postgresql/*/bin/{name}"))
    program = found[-1] if found else shutil.which(name)
    if not program:
        raise SystemExit(f"records: {name} is not installed; scripts/test installs PostgreSQL")
    return (["setpriv", "--reuid", "postgres", "--regid", "postgres", "--clear-groups"] if os.getuid() == 0 else []) + [program]


@contextmanager
def postgres(folder: Path):
    """A PostgreSQL of its own with the settings of its distribution, fsync on; its port."""
    folder.mkdir()
    if os.getuid() == 0:
        shutil.chown(folder, "postgres")
        for above in (folder.parent, folder.parent.parent):
            above.chmod(above.stat().st_mode | 0o011)
    quiet = {"cwd": folder, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    subprocess.run([*tool("initdb"), "-U", "hvac", "-A", "trust", "-E", "UTF8", "--no-locale", "-D", folder / "data"], check=True, **quiet)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [*tool("postgres"), "-D", folder / "data", "-p", str(port), "-k", folder, "-c", "listen_addresses=127.0.0.1"]
    server = subprocess.Popen(command, **quiet)
    try:
        while subprocess.run([*tool("pg_isready"), "-h", "127.0.0.1", "-p", str(port)], **quiet).returncode:
            time.sleep(0.1)
        yield port
    finally:
        server.send_signal(signal.SIGINT)
        server.wait()


def plainly(port: int, folder: Path, seconds: float) -> tuple:
    """An INSERT and a commit a record, by as many clients: pgbench, which costs next to nothing itself."""
    where = ["-h", "127.0.0.1", "-p", str(port), "-U", "hvac"]
    table = "CREATE TABLE IF NOT EXISTS plain (id TEXT, equipment_id TEXT, status TEXT, rest JSONB, PRIMARY KEY (id)); CREATE INDEX IF NOT EXISTS ix_e ON plain (equipment_id); CREATE INDEX IF NOT EXISTS ix_s ON plain (status)"
    subprocess.run([*tool("psql"), *where, "-q", "-d", "postgres", "-c", table], check=True, stderr=subprocess.DEVNULL)
    with tempfile.TemporaryDirectory(dir=folder) as name:
        if os.getuid() == 0:
            shutil.chown(name, "postgres")
        script = Path(name) / "insert.sql"
        script.write_text(PLAIN)
        script.chmod(0o644)
        command = [*tool("pgbench"), *where, "-n", "-M", "prepared", "-c", str(CLIENTS), "-T", str(max(1, round(seconds))), "-l", "-f", script, "postgres"]
        subprocess.run(command, cwd=name, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        times = [int(line.split()[2]) / 1e6 for log in Path(name).glob("pgbench_log*") for line in log.read_text().splitlines()]
    return times, len(times), max(1, round(seconds))


def kept_by_postgres(given, folder: Path) -> None:
    """Batches into a collection that PostgreSQL keeps, until the last record is there; against plain INSERTs into it."""
    declarations = folder / "collections"
    declarations.mkdir()
    text = Path("collections/hvac.toml").read_text()
    (declarations / "hvac.toml").write_text(text.replace('name = "work_orders"', 'name = "work_orders"\nbackend = "postgres"'))
    with postgres(folder / "postgres") as port:
        environment = {
            **os.environ, "PORT": "0", "RUST_LOG": "warn", "COLLECTIONS_PATH": str(declarations),
            "RECORDS_POSTGRES_URL": f"postgres://hvac@127.0.0.1:{port}/postgres",
        }
        (folder / "server/data").mkdir(parents=True)
        server = subprocess.Popen([given.binary.resolve(), "serve"], cwd=folder / "server", env=environment, stdout=subprocess.PIPE, text=True)
        try:
            ours = port_of(server)
            print(f"\n{'PostgreSQL':24}{'P50 ms':>9}{'P95 ms':>9}{'P99 ms':>9}{'acknowledged/s':>16}{'there/s':>10}")
            for turn, size in enumerate((1, 100, 1000)):
                times, count, took = written(ours, size, given.seconds, given.rate, turn * 100_000_000)
                begun = time.monotonic()
                connection = http.client.HTTPConnection("127.0.0.1", ours)
                connection.request("POST", "/api/v1/hvac/flush", "{}", {"Content-Type": "application/json"})
                if connection.getresponse().status != 200:
                    raise SystemExit("records: PostgreSQL did not take what waited")
                there = took + time.monotonic() - begun
                shares = "".join(f"{percentile(times, share):9.2f}" for share in (0.5, 0.95, 0.99))
                print(f"{f'batches of {size}':24}{shares}{count / took:16.0f}{count / there:10.0f}")
                times, count, took = plainly(port, folder, given.seconds)
                shares = "".join(f"{percentile(times, share):9.2f}" for share in (0.5, 0.95, 0.99))
                print(f"{'one INSERT a record':24}{shares}{'':16}{count / took:10.0f}")
        finally:
            server.terminate()
            server.wait()


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--binary", type=Path, required=True)
    arguments.add_argument("--seconds", type=float, default=10)
    arguments.add_argument("--rate", type=float, default=0, help="records a minute; 0: as many as go")
    arguments.add_argument("--postgres", action="store_true", help="with PostgreSQL as what keeps them, too")
    given = arguments.parse_args()
    # On a disk: a folder in memory has no fsync worth the name.
    with tempfile.TemporaryDirectory(dir=os.environ.get("RECORDS_DIR", ".")) as name:
        folder = Path(name)
        (folder / "data").mkdir()
        environment = {**os.environ, "PORT": "0", "RUST_LOG": "warn"}
        server = subprocess.Popen([given.binary.resolve(), "serve"], cwd=folder, env=environment, stdout=subprocess.PIPE, text=True)
        try:
            port = port_of(server)
            print(f"{'':24}{'P50 ms':>9}{'P95 ms':>9}{'P99 ms':>9}{'records/s':>12}{'transactions':>14}{'a record':>10}")
            for turn, size in enumerate((1, 100, 1000)):
                before = figure(port, 'hvac_database_transactions_total{result="committed"}')
                times, count, took = written(port, size, given.seconds, given.rate, turn * 100_000_000)
                commits = figure(port, 'hvac_database_transactions_total{result="committed"}') - before
                shares = "".join(f"{percentile(times, share):9.2f}" for share in (0.5, 0.95, 0.99))
                print(f"{f'batches of {size}':24}{shares}{count / took:12.0f}{commits:14.0f}{commits / count:10.4f}")
                times, count, took = inserted(folder, given.seconds)
                shares = "".join(f"{percentile(times, share):9.2f}" for share in (0.5, 0.95, 0.99))
                print(f"{'one INSERT a record':24}{shares}{count / took:12.0f}{count:14}{1:10}")
        finally:
            server.terminate()
            server.wait()
        if given.postgres:
            kept_by_postgres(given, folder.resolve())


main()
