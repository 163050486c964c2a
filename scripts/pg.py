"""Has PostgreSQL's clients ask the program, and compares their answers with HTTP's.

    python scripts/pg.py BINARY        (scripts/pg installs what it needs)
"""

import json
import os
import re
import socket
import sqlite3
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from datetime import datetime, timezone

import pandas
import psycopg
import sqlalchemy

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from queries import plain, same, statements  # noqa: E402
from readers import Server  # noqa: E402

# What Grafana's PostgreSQL source sends, by its sources (pkg/tsdb/grafana-postgresql-datasource, public/app/plugins).
GRAFANA = {
    "version": "SELECT current_setting('server_version_num')::int/100 as version",
    "timescale": "SELECT extversion FROM pg_extension WHERE extname = 'timescaledb'",
    "tables": """select
  case when
    quote_ident(table_schema) IN (
      SELECT
        CASE WHEN trim(s[i]) = '"$user"' THEN user ELSE trim(s[i]) END
      FROM
        generate_series(
          array_lower(string_to_array(current_setting('search_path'),','),1),
          array_upper(string_to_array(current_setting('search_path'),','),1)
        ) as i,
        string_to_array(current_setting('search_path'),',') s
    )
    then quote_ident(table_name)
    else quote_ident(table_schema) || '.' || quote_ident(table_name)
  end as "table"
  from information_schema.tables
  where quote_ident(table_schema) NOT IN ('information_schema',
                             'pg_catalog',
                             '_timescaledb_cache',
                             '_timescaledb_catalog',
                             '_timescaledb_internal',
                             '_timescaledb_config',
                             'timescaledb_information',
                             'timescaledb_experimental')
  ORDER BY CASE WHEN quote_ident(table_schema) IN (
      SELECT
        CASE WHEN trim(s[i]) = '"$user"' THEN user ELSE trim(s[i]) END
      FROM
        generate_series(
          array_lower(string_to_array(current_setting('search_path'),','),1),
          array_upper(string_to_array(current_setting('search_path'),','),1)
        ) as i,
        string_to_array(current_setting('search_path'),',') s) THEN 0 ELSE 1 END, 1""",
    "columns": """select quote_ident(column_name) as "column", data_type as "type"
from information_schema.columns
where
  case
    when array_length(parse_ident('parsed'),1) = 2
    then quote_ident(table_schema) = (parse_ident('parsed'))[1]
      and quote_ident(table_name) = (parse_ident('parsed'))[2]
    else quote_ident(table_schema) IN (
      SELECT
        CASE WHEN trim(s[i]) = '"$user"' THEN user ELSE trim(s[i]) END
      FROM
        generate_series(
          array_lower(string_to_array(current_setting('search_path'),','),1),
          array_upper(string_to_array(current_setting('search_path'),','),1)
        ) as i,
        string_to_array(current_setting('search_path'),',') s
    )
    and quote_ident(table_name) = 'parsed' end""",
    "group": """SELECT floor(extract(epoch from "timestamp")/300)*300 AS "time", avg("CHWST") AS "value" FROM parsed
 WHERE "timestamp" BETWEEN '2024-07-01T00:00:00Z' AND '2024-07-02T00:00:00Z' GROUP BY 1 ORDER BY 1""",
    "alias": """SELECT (extract(epoch from "timestamp")/3600)::bigint*3600 AS "time", 'chwst' AS metric, max("CHWST") FROM parsed
 WHERE extract(epoch from "timestamp") >= 1719792000 AND extract(epoch from "timestamp") <= 1719878400 GROUP BY 1, 2 ORDER BY 1 LIMIT 1000""",
}

# What DBeaver sends when it opens a connection and a table, by its sources (org.jkiss.dbeaver.ext.postgresql).
DBEAVER = [
    "SELECT current_schema(),session_user",
    "SELECT n.oid,n.*,d.description FROM pg_catalog.pg_namespace n LEFT OUTER JOIN pg_catalog.pg_description d ON d.objoid=n.oid AND d.objsubid=0 AND d.classoid='pg_namespace'::regclass ORDER BY nspname",
    "SELECT db.oid,db.* FROM pg_catalog.pg_database db WHERE datallowconn AND NOT datistemplate OR db.datname ='all' ORDER BY db.datname",
    "SELECT t.oid,t.*,c.relkind,format_type(nullif(t.typbasetype, 0), t.typtypmod) as base_type_name, d.description FROM pg_catalog.pg_type t LEFT OUTER JOIN pg_catalog.pg_type et ON et.oid=t.typelem LEFT OUTER JOIN pg_catalog.pg_class c ON c.oid=t.typrelid LEFT OUTER JOIN pg_catalog.pg_description d ON t.oid=d.objoid WHERE t.typname IS NOT NULL AND (c.relkind IS NULL OR c.relkind = 'c') AND (et.typcategory IS NULL OR et.typcategory <> 'C') ORDER BY t.oid",
    "SELECT c.oid,c.*,d.description,pg_catalog.pg_get_expr(c.relpartbound, c.oid) as partition_expr,  pg_catalog.pg_get_partkeydef(c.oid) as partition_key FROM pg_catalog.pg_class c LEFT OUTER JOIN pg_catalog.pg_description d ON d.objoid=c.oid AND d.objsubid=0 AND d.classoid='pg_class'::regclass WHERE c.relnamespace=2200 AND c.relkind not in ('i','I','c')",
    "SELECT c.relname,a.*,pg_catalog.pg_get_expr(ad.adbin, ad.adrelid, true) as def_value,dsc.description,dep.objid FROM pg_catalog.pg_attribute a INNER JOIN pg_catalog.pg_class c ON (a.attrelid=c.oid) LEFT OUTER JOIN pg_catalog.pg_attrdef ad ON (a.attrelid=ad.adrelid AND a.attnum = ad.adnum) LEFT OUTER JOIN pg_catalog.pg_description dsc ON (c.oid=dsc.objoid AND a.attnum = dsc.objsubid) LEFT OUTER JOIN pg_depend dep on dep.refobjid = a.attrelid AND dep.deptype = 'i' and dep.refobjsubid = a.attnum and dep.classid = dep.refclassid WHERE NOT a.attisdropped AND c.relkind not in ('i','I','c') AND c.oid = (SELECT max(oid) FROM pg_class WHERE relname = 'parsed') ORDER BY a.attnum",
    "SELECT c.oid,c.*,t.relname as tabrelname,rt.relnamespace as refnamespace,d.description FROM pg_catalog.pg_constraint c INNER JOIN pg_catalog.pg_class t ON t.oid=c.conrelid LEFT OUTER JOIN pg_catalog.pg_class rt ON rt.oid=c.confrelid LEFT OUTER JOIN pg_catalog.pg_description d ON d.objoid=c.oid AND d.objsubid=0 AND d.classoid='pg_constraint'::regclass WHERE c.conrelid=1234 ORDER BY c.oid",
    "SELECT i.*,i.indkey as keys,c.relname,c.relnamespace,c.relam,c.reltablespace,tc.relname as tabrelname,dsc.description FROM pg_catalog.pg_index i INNER JOIN pg_catalog.pg_class c ON c.oid=i.indexrelid INNER JOIN pg_catalog.pg_class tc ON tc.oid=i.indrelid LEFT OUTER JOIN pg_catalog.pg_description dsc ON i.indexrelid=dsc.objoid WHERE i.indrelid=1234 ORDER BY tabrelname, c.relname",
    "select string_agg(word, ',') from pg_catalog.pg_get_keywords() where word <> ALL ('{a,abs,absolute,action}'::text[])",
    "SHOW search_path",
    "SELECT setting FROM pg_catalog.pg_settings WHERE name='standard_conforming_strings'",
]

# Ways out, and what has to be said of them.
REFUSED = {
    "COPY parsed TO '/tmp/out.csv'": "0A000",
    "COPY parsed FROM PROGRAM 'id'": "0A000",
    "CREATE TABLE t (x int)": "25006",
    "CREATE EXTERNAL TABLE t STORED AS CSV LOCATION '/etc/passwd'": "25006",
    "INSERT INTO parsed VALUES (1)": "25006",
    "UPDATE sessions SET name = 'x'": "25006",
    "DELETE FROM sessions": "25006",
    "DROP TABLE parsed": "25006",
    "TRUNCATE parsed": "25006",
    "WITH x AS (SELECT 1) DELETE FROM sessions": "25006",
    "EXPLAIN ANALYZE DELETE FROM sessions": "25006",
    "SELECT * INTO t FROM parsed": "25006",
    "SELECT pg_read_file('/etc/passwd')": "42883",
    "SELECT lo_import('/etc/passwd')": "42883",
    "SELECT pg_ls_dir('/')": "42883",
    "SELECT pg_sleep(100)": "42883",
    "SET data_directory = '/tmp'": "55P02",
    "SET ROLE postgres": "42601",
    "SELECT * FROM '/etc/passwd'": "42P01",
    "SELECT * FROM nowhere": "42P01",
    "SELECT nothing FROM parsed": "42703",
    "SELECT 1 FROM WHERE 1": "42601",
    "DO $$ BEGIN END $$": "25006",
    "CALL x()": "25006",
    "LISTEN x": "0A000",
    "SELECT 1/0": "22012",
}


class Checks:
    """What was tried, and what went wrong."""

    def __init__(self):
        self.count = 0
        self.wrong = 0

    def that(self, what, holds, found=""):
        self.count += 1
        if not holds:
            self.wrong += 1
            print(f"pg: {what}\n  {str(found)[:1500]}")

    def equal(self, what, found, wanted):
        self.that(what, found == wanted, f"found:  {found!r}\n  wanted: {wanted!r}")


def refused(connection, sql, parameters=None):
    """The SQLSTATE that a statement is refused by."""
    try:
        connection.execute(sql, parameters).fetchall()
        return None
    except psycopg.Error as error:
        return error.sqlstate or str(error)


def psql(checks, port, database, session):
    def ask(command, *more):
        done = subprocess.run(
            ["psql", "-X", "-h", "127.0.0.1", "-p", str(port), "-U", "ann", "-d", database, *more, "-c", command],
            capture_output=True, text=True, timeout=60,
        )
        return done.stdout + done.stderr

    for command, wanted in [
        (r"\l", [r"all\s+\| ann", "DEMO"]),
        (r"\dn", [r"public \| ann"]),
        (r"\dt", [r"public \| parsed\s+\| table \| ann", r"public \| sessions", r"public \| cleaned_v1", r"\(\d+ rows\)"]),
        (r"\d", [r"public \| all_readings\s+\| table"]),
        (r"\d+", [r"public \| parsed"]),
        (r"\d parsed", [r'Table "public.parsed"', r"timestamp\s+\| timestamp with time zone", r"CHWST\s+\| double precision"]),
        (r"\d cleaned", [r'Table "public.cleaned"', r"CHWST\s+\| double precision"]),
        (r"\d sessions", [r"total_rows\s+\| bigint", r"created_at\s+\| timestamp with time zone"]),
        (r"\d+ events", [r"rule\s+\| text"]),
        (r"\dv", ["Did not find any relations"]),
        (r"\di", ["Did not find any relations"]),
        (r"\df", [r"\(0 rows\)"]),
        (r"\du", ["ann"]),
        (r"\dT", ["."]),
        (r"\conninfo", [r'database "'] ),
        (r"\encoding", ["UTF8"]),
        (r"\dp", ["Access privileges"]),
        (r"\db", ["tablespaces"]),
        (r"\dx", ["extensions"]),
        (r"\d nowhere", ['Did not find any relation named "nowhere"']),
        ("SELECT count(*) FROM parsed", [r" count \n-------\n\s+\d+\n\(1 row\)"]),
        ("SELECT 1; SELECT 'a' AS b; SHOW timezone", [r"Asia/Taipei"]),
        ("SELECT timestamp FROM parsed ORDER BY timestamp LIMIT 1", [r"2024-07-01 00:00:00\+08"]),
        ("SET timezone = 'UTC'; SELECT timestamp FROM parsed ORDER BY timestamp LIMIT 1", [r"2024-06-30 16:00:00\+00"]),
        ("SELECT version()", [r"PostgreSQL 15\.0 \(HVAC Analytics"]),
        ("SELECT chwst FORM parsed", [r"LINE 1", r"\^"]),
        ("", []),
    ]:
        said = ask(command)
        for pattern in wanted:
            checks.that(f"psql {command}", re.search(pattern, said) and (r"LINE" in pattern or "ERROR" not in said or pattern == r"\^"), said)
    checks.that("psql names the databases there are", "database \"nobody\" does not exist" in subprocess.run(
        ["psql", "-X", "-h", "127.0.0.1", "-p", str(port), "-U", "ann", "-d", "nobody", "-c", "SELECT 1"], capture_output=True, text=True).stderr)


def over_psycopg(checks, port, server, session):
    at = dict(host="127.0.0.1", port=port, user="ann")
    with psycopg.connect(dbname=session, **at) as db:
        checks.equal("type of a count", db.execute("SELECT count(*) FROM parsed WHERE \"CHWST\" > %s", (7.5,)).description[0].type_code, 20)
        rows = db.execute("SELECT timestamp, \"CHWST\" FROM parsed WHERE timestamp >= %s AND timestamp < %s ORDER BY timestamp",
                          (datetime(2024, 6, 30, 16, tzinfo=timezone.utc), "2024-07-01 01:00")).fetchall()
        checks.equal("rows between times", (len(rows), rows[0][0]), (4, datetime(2024, 6, 30, 16, tzinfo=timezone.utc)))
        for binary in (False, True):
            cursor = db.cursor(binary=binary)
            row = cursor.execute(
                "SELECT %s::int8, %s::float8, %s::text, %s::bool, %s::date, DATE '2024-07-01', TIME '01:02:03', INTERVAL '1 month 2 days 3 hours', "
                "CAST(1.25 AS DECIMAL(10,2)), NULL, TIMESTAMP '2024-07-01 00:00:00'",
                (42, 1.5, "é'x", True, datetime(2024, 7, 1).date()),
            ).fetchone()
            texts = [str(cell) for cell in row]
            checks.equal(f"values, binary {binary}", texts, ["42", "1.5", "é'x", "True", "2024-07-01", "2024-07-01", "01:02:03",
                         "32 days, 3:00:00", "1.25", "None", "2024-07-01 00:00:00"])
            found = cursor.execute("SELECT min(timestamp), max(\"CHWST\"), count(*) FROM parsed").fetchone()
            checks.equal(f"first time, binary {binary}", found[0], datetime(2024, 6, 30, 16, tzinfo=timezone.utc))
        checks.equal("any of a list", db.execute("SELECT count(DISTINCT point) FROM all_readings WHERE point = ANY(%s)", (["CHWST", "CHWRT"],)).fetchone(), (2,))
        checks.equal("none", db.execute("SELECT %s::text IS NULL", (None,)).fetchone(), (True,))
        checks.equal("limit", len(db.execute("SELECT 1 FROM parsed LIMIT %s", (7,)).fetchall()), 7)
        # A prepared statement, asked again.
        for n in range(3):
            checks.equal("prepared", db.execute("SELECT count(*) FROM parsed WHERE \"CHWST\" > %s", (100 + n,), prepare=True).fetchone(), (0,))
    with psycopg.connect(dbname=session, **at) as db:
        with db.cursor(name="some rows") as cursor:
            cursor.itersize = 100
            cursor.execute("SELECT timestamp FROM parsed ORDER BY timestamp")
            first = cursor.fetchmany(150)
            checks.equal("a cursor's rows", (len(first), cursor.fetchone()[0] > first[-1][0]), (150, True))
        checks.equal("in a transaction", db.info.transaction_status.name, "INTRANS")
        checks.equal("fails", refused(db, "SELECT nothing FROM parsed"), "42703")
        checks.equal("behind a failure", refused(db, "SELECT 1"), "25P02")
        db.rollback()
        checks.equal("behind a rollback", db.execute("SELECT 1").fetchone(), (1,))
    with psycopg.connect(dbname=session, autocommit=True, **at) as db:
        for sql, state in REFUSED.items():
            checks.equal(sql, refused(db, sql), state)
        checks.equal("goes on", db.execute("SELECT 1").fetchone(), (1,))
        long = "SELECT count(*) FROM parsed a, parsed b, parsed c WHERE a.\"CHWST\" + b.\"CHWST\" + c.\"CHWST\" > 1000000"
        db.execute("SET statement_timeout = '300ms'")
        begun = time.monotonic()
        checks.equal("statement_timeout", refused(db, long), "57014")
        checks.that("in time", time.monotonic() - begun < 5, time.monotonic() - begun)
        checks.equal("too long a time", refused(db, "SET statement_timeout = '1h'"), "22023")
        db.execute("SET statement_timeout = 0")
        threading.Timer(0.5, db.cancel_safe).start()
        begun = time.monotonic()
        checks.equal("cancelled", refused(db, long), "57014")
        checks.that("at once", time.monotonic() - begun < 5, time.monotonic() - begun)
        checks.equal("and goes on", db.execute("SELECT 2").fetchone(), (2,))
        # Leaving ends the work.
        other = psycopg.connect(dbname=session, autocommit=True, **at)
        threading.Thread(target=lambda: refused(other, long), daemon=True).start()
        time.sleep(0.7)
        checks.equal("under way", server.ask("/api/health")["checks"]["queries"]["running"], 1)
        socket.socket(fileno=os.dup(other.fileno())).shutdown(socket.SHUT_RDWR)
        time.sleep(1)
        checks.equal("left", server.ask("/api/health")["checks"]["queries"]["running"], 0)
        # A stream that is left in its middle holds nothing.
        copied = psycopg.connect(dbname=session, **at)
        for count, _ in enumerate(copied.cursor().stream("SELECT * FROM all_readings")):
            if count > 10:
                break
        copied.close()
        time.sleep(0.5)
        checks.equal("left in its middle", server.ask("/api/health")["checks"]["queries"]["running"], 0)
    # More connections than there is room for.
    opened = []
    try:
        for _ in range(40):
            opened.append(psycopg.connect(dbname="all", **at))
        checks.that("a bound of connections", False, len(opened))
    except psycopg.OperationalError as error:
        checks.that("a bound of connections", len(opened) == 32 and "too many clients" in str(error), (len(opened), error))
    for one in opened:
        one.close()
    time.sleep(0.2)
    # What is no message.
    for junk in (b"\0\0\0\x08\0\0\0\0", b"GET / HTTP/1.1\r\n\r\n", b"\xff" * 100, b"\0\0\0\x04"):
        with socket.create_connection(("127.0.0.1", port)) as raw:
            raw.settimeout(5)
            raw.sendall(junk)
            try:
                raw.shutdown(socket.SHUT_WR)
                raw.recv(1000)
            except OSError:
                pass
    with psycopg.connect(dbname="all", **at) as db:
        checks.equal("lives on", db.execute("SELECT 3").fetchone(), (3,))


def same_as_http(checks, port, server, session):
    with psycopg.connect(dbname=session, host="127.0.0.1", port=port, user="ann", autocommit=True) as db:
        for binary in (False, True):
            for sql in statements():
                wanted = [[plain(cell) for cell in row] for row in server.ask("/api/query", {"sql": sql, "session_id": session})["rows"]]
                try:
                    rows = [[plain(cell) for cell in row] for row in db.cursor(binary=binary).execute(sql).fetchall()]
                except psycopg.Error as error:
                    rows = str(error)
                holds = len(rows) == len(wanted) and all(
                    len(a) == len(b) and all(same(x, y) or (y is None and x != x) or str(x) == str(y) for x, y in zip(a, b)) for a, b in zip(rows, wanted)
                )
                checks.that(f"binary {binary}: {sql}", holds, f"{str(rows)[:500]}\n  HTTP: {str(wanted)[:500]}")


def tools(checks, port, session):
    at = dict(host="127.0.0.1", port=port, user="ann", autocommit=True)
    with psycopg.connect(dbname=session, **at) as db:
        checks.equal("Grafana's version", db.execute(GRAFANA["version"]).fetchone(), (1500,))
        checks.equal("Grafana's extension", db.execute(GRAFANA["timescale"]).fetchall(), [])
        tables = [name for name, in db.execute(GRAFANA["tables"])]
        checks.that("Grafana's tables", {"parsed", "cleaned", "sessions", "all_readings"} <= set(tables), tables)
        columns = dict(db.execute(GRAFANA["columns"]).fetchall())
        checks.that("Grafana's columns", columns.get("timestamp") == "timestamp with time zone" and columns.get('"CHWST"') == "double precision", columns)
        rows = db.execute(GRAFANA["group"]).fetchall()
        checks.that("Grafana's time group", len(rows) == 97 and rows[0][0] == 1719792000, rows[:3])
        checks.that("Grafana's unix time", len(db.execute(GRAFANA["alias"]).fetchall()) > 20)
        for sql in DBEAVER:
            state = refused(db, sql)
            checks.equal(f"DBeaver: {sql}", state, None)
        described = db.execute(DBEAVER[5]).fetchall()
        checks.that("DBeaver's columns", len(described) > 5, described[:2])
    with psycopg.connect(dbname="DEMO", **at) as db:
        schemas = [name for name, in db.execute("SELECT schema_name FROM information_schema.schemata")]
        checks.that("a site's sessions are schemas", "Demo plant" in schemas, schemas)
        found = db.execute("SELECT count(*) FROM information_schema.columns WHERE table_schema = 'Demo plant' AND table_name = 'parsed'").fetchone()
        checks.that("with columns", found[0] > 5, found)
        checks.that("and rows", db.execute('SELECT count(*) FROM "Demo plant".parsed').fetchone()[0] > 1000)
    with psycopg.connect(dbname="all", **at) as db:
        found = db.execute("SELECT count(*) FROM information_schema.columns WHERE table_schema = 'Demo plant'").fetchone()
        checks.equal("all is without columns", found, (0,))
        checks.that("but with tables", ("Demo plant", "parsed") in db.execute("SELECT schemaname, tablename FROM pg_tables").fetchall())
    engine = sqlalchemy.create_engine(f"postgresql+psycopg://ann@127.0.0.1:{port}/{session}")
    with engine.connect() as db:
        frame = pandas.read_sql(sqlalchemy.text("SELECT timestamp, \"CHWST\" FROM parsed WHERE \"CHWST\" > :least ORDER BY timestamp"), db, params={"least": 0}, index_col="timestamp")
        checks.that("pandas", len(frame) > 1000 and str(frame["CHWST"].dtype) == "float64" and str(frame.index.tz) != "None", frame.head())
        inspector = sqlalchemy.inspect(engine)
        checks.that("SQLAlchemy's tables", "parsed" in inspector.get_table_names(), inspector.get_table_names())
        columns = {column["name"]: str(column["type"]) for column in inspector.get_columns("parsed")}
        checks.that("SQLAlchemy's columns", columns.get("timestamp") == "TIMESTAMP" and columns.get("CHWST") == "DOUBLE PRECISION", columns)
        table = sqlalchemy.Table("parsed", sqlalchemy.MetaData(), autoload_with=engine)
        count = db.execute(sqlalchemy.select(sqlalchemy.func.count()).select_from(table).where(table.c.CHWST > 0)).scalar()
        checks.that("SQLAlchemy's select", count > 1000, count)
        checks.equal("SQLAlchemy's keys", (inspector.get_pk_constraint("parsed")["constrained_columns"], inspector.get_foreign_keys("parsed"), inspector.get_indexes("parsed")), ([], [], []))


def many(checks, port, folder, session, sessions=10_000):
    """With so many sessions in the catalogue, `\\d` answers within 200 ms (of an optimised program)."""
    db = sqlite3.connect(os.path.join(folder, "data", "hvac_analytics.db"), timeout=30)
    names = [column[1] for column in db.execute("PRAGMA table_info(upload_sessions)")]
    others = [column[1] for column in db.execute("PRAGMA table_info(parsed_datasets)")]
    with db:
        one = dict(zip(names, db.execute("SELECT * FROM upload_sessions WHERE id = ?", (session,)).fetchone()))
        version = dict(zip(others, db.execute("SELECT * FROM parsed_datasets WHERE session_id = ?", (session,)).fetchone()))
        for n in range(sessions):
            made = f"01900000-0000-7000-8000-{n:012x}"
            row = {**one, "id": made, "name": f"Session {n}", "site": "MANY"}
            db.execute(f"INSERT INTO upload_sessions ({', '.join(names)}) VALUES ({', '.join('?' * len(names))})", [row[name] for name in names])
            row = {**version, "id": f"01900000-0000-7000-9000-{n:012x}", "session_id": made}
            db.execute(f"INSERT INTO parsed_datasets ({', '.join(others)}) VALUES ({', '.join('?' * len(others))})", [row[name] for name in others])
    db.close()
    describe = """SELECT n.nspname as "Schema", c.relname as "Name",
  CASE c.relkind WHEN 'r' THEN 'table' WHEN 'v' THEN 'view' END as "Type", pg_catalog.pg_get_userbyid(c.relowner) as "Owner"
FROM pg_catalog.pg_class c
     LEFT JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
     LEFT JOIN pg_catalog.pg_am am ON am.oid = c.relam
WHERE c.relkind IN ('r','p','v','m','S','f','')
      AND n.nspname <> 'pg_catalog' AND n.nspname !~ '^pg_toast' AND n.nspname <> 'information_schema'
  AND pg_catalog.pg_table_is_visible(c.oid)
ORDER BY 1,2"""
    for database in (session, "all", "MANY"):
        with psycopg.connect(dbname=database, host="127.0.0.1", port=port, user="ann", autocommit=True) as connection:
            times = []
            for _ in range(5):
                begun = time.monotonic()
                rows = connection.execute(describe).fetchall()
                times.append((time.monotonic() - begun) * 1000)
            print(f"pg: \\d of {'a session' if database == session else database} with {sessions} sessions: "
                  f"{min(times):.0f} ms at best, {max(times):.0f} at worst, {len(rows)} relations")
            checks.that("\\d with many sessions", len(rows) >= 7, rows[:3])
            # Tests build without optimising, where the engine is some five times slower.
            checks.that("\\d within its time", min(times) < 1500, times)


def over_tls(checks, binary, port):
    """A client of OpenSSL's that trusts the certificate, by both protocols; and one that does not."""
    with tempfile.TemporaryDirectory() as folder:
        certificate, key = (os.path.join(folder, name) for name in ("cert.pem", "key.pem"))
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost",
                        "-addext", "subjectAltName=DNS:localhost", "-keyout", key, "-out", certificate], check=True, capture_output=True)
        server = subprocess.Popen([binary, "serve", "--demo", "--port", "0"], cwd=folder, stdout=subprocess.PIPE, text=True,
                                  env={**os.environ, "RUST_LOG": "warn", "TLS_CERT": certificate, "TLS_KEY": key})
        try:
            url = next(found[0] for line in server.stdout if (found := re.search(r"https://[0-9.:]+", line)))
            for root, wanted in ((certificate, "SSL connection (protocol: TLSv1.3"), ("/dev/null", "certificate")):
                at = f"host=localhost hostaddr=127.0.0.1 port={port} user=ann dbname=all sslmode=verify-full sslrootcert={root}"
                asked = subprocess.run(["psql", "-X", at, "-c", "\\conninfo"], capture_output=True, text=True)
                checks.that(f"psql that trusts {root}", wanted in asked.stdout + asked.stderr, asked)
            with psycopg.connect(host="localhost", hostaddr="127.0.0.1", port=port, user="ann", dbname="all",
                                 sslmode="verify-full", sslrootcert=certificate) as db:
                checks.that("psycopg is encrypted", db.pgconn.ssl_in_use, "not")
                checks.equal("psycopg over TLS", db.execute("SELECT count(*) FROM sessions").fetchone(), (1,))
            context = ssl.create_default_context(cafile=certificate)
            with urllib.request.urlopen(f"https://localhost:{url.rsplit(':', 1)[1]}/api/sessions", context=context) as answer:
                checks.equal("HTTP over TLS", json.load(answer)["total"], 1)
            context.set_ciphers("DEFAULT@SECLEVEL=0")
            context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
            with socket.create_connection(("127.0.0.1", int(url.rsplit(":", 1)[1]))) as raw:
                try:
                    said = context.wrap_socket(raw, server_hostname="localhost")
                except ssl.SSLError as error:
                    said = error
                checks.that("TLS 1.1 is refused", "ALERT" in str(said), said)
        finally:
            server.kill()
            server.wait()


def main(binary):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    os.environ["PG_PORT"] = str(port)
    psycopg.Connection.cancel_safe = getattr(psycopg.Connection, "cancel_safe", psycopg.Connection.cancel)
    checks = Checks()
    with tempfile.TemporaryDirectory() as folder:
        server = Server(binary, folder)
        try:
            session = server.ask("/api/sessions")["items"][0]["session_id"]
            server.ask("/api/clean", {"session_id": session})
            psql(checks, port, "Demo plant", session)
            over_psycopg(checks, port, server, session)
            same_as_http(checks, port, server, session)
            tools(checks, port, session)
            many(checks, port, folder, session)
            idle = psycopg.connect(dbname="all", host="127.0.0.1", port=port, user="ann")
            server.process.terminate()
            checks.equal("a server with idle connections ends", server.process.wait(timeout=20), 0)
            idle.close()
        finally:
            server.process.kill()
            server.process.wait()
    over_tls(checks, binary, port)
    print(f"pg: {checks.count - checks.wrong} of {checks.count} checks hold")
    sys.exit(checks.wrong > 0)


if __name__ == "__main__":
    main(sys.argv[1])
