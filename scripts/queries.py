"""Asks the program and DuckDB the same statements of the same stored files, and compares their answers.

    python scripts/queries.py BINARY        (scripts/queries installs what it needs)
"""

import json
import math
import os
import re
import sys
import tempfile
import urllib.error
import urllib.request
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal

import duckdb

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from readers import Server  # noqa: E402

HERE = os.path.dirname(os.path.abspath(__file__))
STATEMENTS = os.path.join(HERE, "..", "tests", "query", "statements.sql")


def statements():
    text = "\n".join(line for line in open(STATEMENTS, encoding="utf-8").read().splitlines() if not line.startswith("--"))
    return [statement.strip() for statement in re.split(r"\n\s*\n", text) if statement.strip()]


def of_duck(sql):
    """A statement as DuckDB understands it: its buckets are UTC's unless it is told a zone."""
    return re.sub(r"time_bucket\((INTERVAL '[^']+'), (\w+)\)", r"time_bucket(\1, \2, 'Asia/Taipei')", sql)


def plain(value):
    """A value of either, in one form."""
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, (int, float, Decimal)):
        return float(value)
    if isinstance(value, datetime):
        return value.astimezone(timezone.utc)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, str) and re.match(r"\d{4}-\d\d-\d\dT", value):
        return datetime.fromisoformat(value.replace("Z", "+00:00")).astimezone(timezone.utc)
    return value


def same(found, wanted):
    if isinstance(found, float) and isinstance(wanted, float):
        return math.isclose(found, wanted, rel_tol=1e-9, abs_tol=1e-9)
    return found == wanted


def duck(server, session, folder):
    """DuckDB with the same tables under the same names, on the site's clock."""
    db = duckdb.connect()
    db.execute("SET TimeZone = 'Asia/Taipei'")
    db.execute('CREATE SCHEMA "Demo plant"')
    for table, path in [("parsed", "data.parquet?version=parsed"), ("cleaned", "data.parquet?version=cleaned"), ("events", "events.parquet")]:
        file = os.path.join(folder, f"{table}.parquet")
        urllib.request.urlretrieve(f"{server.url}/api/sessions/{session}/{path}", file)
        for name in (table, f'"Demo plant".{table}', f'"Demo plant".{table}_v1'):
            db.execute(f"CREATE VIEW {name} AS SELECT * FROM '{file}'")
    return db


def main(binary):
    with tempfile.TemporaryDirectory() as folder:
        server = Server(binary, folder)
        try:
            session = server.ask("/api/sessions")["items"][0]["session_id"]
            server.ask("/api/clean", {"session_id": session})
            db = duck(server, session, folder)
            wrong = 0
            asked = statements()
            for sql in asked:
                try:
                    answer = server.ask("/api/query", {"sql": sql, "session_id": session})
                    rows = [[plain(cell) for cell in row] for row in answer["rows"]]
                except urllib.error.HTTPError as error:
                    rows = error.read().decode()
                table = db.execute(of_duck(sql)).to_arrow_table()
                columns = [[plain(cell) for cell in column.to_pylist()] for column in table.columns]
                wanted = [list(row) for row in zip(*columns)]
                fits = len(rows) == len(wanted) and all(
                    len(a) == len(b) and all(same(x, y) for x, y in zip(a, b)) for a, b in zip(rows, wanted)
                )
                if not fits:
                    wrong += 1
                    print(f"queries: {sql}\n  the program: {str(rows)[:600]}\n  DuckDB:      {str(wanted)[:600]}")
            print(f"queries: {len(asked) - wrong} of {len(asked)} statements are answered as DuckDB answers them")
            sys.exit(wrong > 0)
        finally:
            server.process.terminate()
            server.process.wait()


if __name__ == "__main__":
    main(sys.argv[1])
