"""Reads every file that the server answers with pandas, Polars, DuckDB and pyarrow, and compares with the sample reports,
and parts of them with what pandas makes of the whole.

    python scripts/readers.py BINARY        (scripts/readers installs what it needs)
"""

import csv
import glob
import json
import math
import os
import re
import subprocess
import sys
import tempfile
import urllib.parse
import urllib.request

import duckdb
import duckdb_extension_httpfs
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

SAMPLES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "data", "samples")
# One per point group, without a fault in it.
COLUMNS = ["CHWST", "CH_SYS_TOTAL_KW", "CHW_FLOW_LPM"]


def expected():
    """Sum and count of some columns, straight from the reports, with nothing of the program's."""
    cells = {name: [] for name in COLUMNS}
    for path in sorted(glob.glob(os.path.join(SAMPLES, "*.csv"))):
        points, reading = {}, False
        for row in csv.reader(open(path, encoding="utf-8")):
            if row and row[0].startswith("Point_"):
                points[row[0].rstrip(":")] = re.sub(r"[^0-9A-Za-z_]", "_", row[1])
            elif row and row[0] == "<>Date":
                names, reading = [points.get(title) for title in row], True
            elif reading and len(row) == len(names):
                for name, cell in zip(names, row):
                    if name in cells:
                        cells[name].append(float(cell))
    return {name: (len(values), math.fsum(values)) for name, values in cells.items()}


def check(what, found, wanted):
    (count, total), (rows, sum_) = found, wanted
    assert int(count) == rows and math.isclose(float(total), sum_, rel_tol=1e-9), f"{what}: {found}, not {wanted}"


class Server:
    """The program on stores of its own, with the samples in them."""

    def __init__(self, binary, folder):
        here = {name: value for name, value in os.environ.items() if not name.startswith(("DATA", "MODELS"))}
        self.environment = {**here, "RUST_LOG": "warn"}
        self.process = subprocess.Popen(
            [binary, "serve", "--demo", "--port", "0"],
            cwd=folder, env=self.environment, stdout=subprocess.PIPE, text=True,
        )
        self.url = None
        for line in self.process.stdout:
            found = re.search(r"http://[0-9.:]+", line)
            if found:
                self.url = found[0]
                break
        assert self.url, "the server did not say where it is"

    def ask(self, path, body=None):
        request = urllib.request.Request(
            self.url + path,
            None if body is None else json.dumps(body).encode(),
            {"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=300) as answer:
            return json.load(answer)


def main(binary):
    wanted = expected()
    assert all(count == 1344 for count, _ in wanted.values()), wanted
    with tempfile.TemporaryDirectory() as folder:
        server = Server(binary, folder)
        try:
            read_all(server, wanted)
        finally:
            server.process.terminate()
            server.process.wait()


def read_all(server, wanted):
    session = server.ask("/api/sessions")["items"][0]["session_id"]
    server.ask("/api/clean", {"session_id": session})
    server.ask("/api/models/train?wait=true", {"model_name": "plant", "session_id": session, "algorithm": "physics"})
    data = f"{server.url}/api/sessions/{session}/data"
    events = f"{server.url}/api/sessions/{session}/events.parquet"
    model = f"{server.url}/api/models/plant/file"
    scoring = f"{server.url}/api/models/plant/scoring-table.csv"
    duck = duckdb.connect()
    extension = glob.glob(os.path.join(os.path.dirname(duckdb_extension_httpfs.__file__), "extensions/*/*"))[0]
    duck.execute(f"LOAD '{extension}'")
    parsed = "?version=parsed"

    # Each reader is the first to ask for some made file: it is then made for a HEAD, a range or a plain GET.
    for name in COLUMNS:
        sql = f'SELECT count("{name}"), sum("{name}") FROM'
        check("DuckDB, CSV", duck.sql(f"{sql} read_csv('{data}.csv{parsed}')").fetchone(), wanted[name])
        check("DuckDB, Parquet", duck.sql(f"{sql} read_parquet('{data}.parquet{parsed}')").fetchone(), wanted[name])
    of_polars = {
        "Polars, scanned Parquet": lambda: pl.scan_parquet(data + ".parquet" + parsed).select(COLUMNS).collect(),
        "Polars, Parquet": lambda: pl.read_parquet(data + ".parquet" + parsed),
        "Polars, Arrow": lambda: pl.read_ipc(data + ".arrow" + parsed),
        "Polars, scanned Arrow": lambda: pl.scan_ipc(data + ".arrow" + parsed).select(COLUMNS).collect(),
        "Polars, CSV": lambda: pl.read_csv(data + ".csv" + parsed, infer_schema_length=None),
        "Polars, scanned CSV": lambda: pl.scan_csv(data + ".csv" + parsed, infer_schema_length=None)
        .select(COLUMNS)
        .collect(),
    }
    of_pandas = {
        "pandas, Parquet": lambda: pd.read_parquet(data + ".parquet" + parsed),
        "pandas, Arrow": lambda: pd.read_feather(data + ".arrow" + parsed),
        "pandas, CSV": lambda: pd.read_csv(data + ".csv" + parsed),
    }
    for what, read in of_polars.items():
        frame = read()
        for name in COLUMNS:
            check(what, (frame[name].count(), frame[name].sum()), wanted[name])
    for what, read in of_pandas.items():
        frame = read()
        for name in COLUMNS:
            check(what, (frame[name].count(), frame[name].sum()), wanted[name])
    times = pd.read_parquet(data + ".parquet")["timestamp"]
    assert str(times.min()) == "2024-06-30 16:00:00+00:00", times.min()

    read_parts(data, duck)

    counts = {
        "DuckDB": duck.sql(f"SELECT count(*), min(rule) FROM read_parquet('{events}')").fetchone(),
        "Polars": pl.read_parquet(events).select(pl.len(), pl.col("rule").min()).row(0),
        "pandas": (len(pd.read_parquet(events)), pd.read_parquet(events)["rule"].min()),
    }
    # The sensor that stood still, as data/samples/README.md says.
    assert set(counts.values()) == {(1, "frozen")}, counts

    rows = {
        "DuckDB": duck.sql(f"SELECT count(*) FROM read_csv('{scoring}')").fetchone()[0],
        "Polars": len(pl.read_csv(scoring)),
        "pandas": len(pd.read_csv(scoring)),
    }
    lines = sum(1 for _ in csv.reader(urllib.request.urlopen(scoring).read().decode().splitlines())) - 1
    assert lines > 3 and set(rows.values()) == {lines}, (rows, lines)

    names = set(json.load(urllib.request.urlopen(model)))
    assert set(pd.read_json(model, typ="series").index) == names, names
    assert set(duck.sql(f"SELECT * FROM read_json('{model}')").columns) == names
    print(f"scripts/readers: pandas {pd.__version__}, Polars {pl.__version__}, DuckDB {duckdb.__version__}: all files")


def read_parts(data, duck):
    """Parts of the data, against what pandas makes of the whole."""
    whole = pd.read_parquet(data + ".parquet?version=parsed").set_index("timestamp").tz_convert("Asia/Taipei")
    day = whole[(whole.index >= "2024-07-03 06:00+08:00") & (whole.index < "2024-07-05 18:30+08:00")]
    some = ["CH_SYS_TOTAL_KW", "CHWST"]
    parts = {
        "columns=CH_SYS_TOTAL_KW,CHWST": whole[some],
        "from=2024-07-03 06:00&to=2024-07-05 18:30": day,
        "from=2024-07-02T22:00:00Z&to=2024-07-05T10:30:00Z&columns=CH_SYS_TOTAL_KW,CHWST": day[some],
        # Readings all: their mean, of bins on the site's clock; bins without a row are left out.
        "every=1h&columns=CH_SYS_TOTAL_KW,CHWST": whole[some].resample("1h").mean(),
        "every=1d&columns=CH_SYS_TOTAL_KW,CHWST&to=2024-07-05 18:30": whole[some][
            whole.index < "2024-07-05 18:30+08:00"
        ].resample("1D").mean(),
        "from=2030-01-01&columns=CH_SYS_TOTAL_KW,CHWST": whole[some].iloc[:0],
    }
    for part, wanted in parts.items():
        query = "?version=parsed&" + urllib.parse.quote(part, safe="=&,")
        found = {}
        for form, sql in [("parquet", "read_parquet"), ("csv", "read_csv")]:
            url = f"{data}.{form}{query}"
            # DuckDB takes columns of an empty CSV for texts.
            if len(wanted) or form == "parquet":
                found[f"DuckDB, {form}"] = duck.sql(f"SELECT * FROM {sql}('{url}')").pl().to_pandas()
        found["Polars, Parquet"] = pl.read_parquet(f"{data}.parquet{query}").to_pandas()
        found["Polars, scanned Parquet"] = pl.scan_parquet(f"{data}.parquet{query}").collect().to_pandas()
        found["Polars, Arrow"] = pl.read_ipc(f"{data}.arrow{query}").to_pandas()
        found["Polars, CSV"] = pl.read_csv(f"{data}.csv{query}", infer_schema_length=None).to_pandas()
        found["pandas, Parquet"] = pd.read_parquet(f"{data}.parquet{query}")
        found["pandas, Arrow"] = pd.read_feather(f"{data}.arrow{query}")
        found["pandas, CSV"] = pd.read_csv(f"{data}.csv{query}")
        bytes_ = urllib.request.urlopen(f"{data}.arrow{query}").read()
        table = pa.ipc.open_file(bytes_).read_all()
        found["pyarrow, Arrow"] = table.to_pandas()
        parquet = pq.read_schema(pa.BufferReader(urllib.request.urlopen(f"{data}.parquet{query}").read()))
        assert table.schema.metadata == parquet.metadata, (table.schema.metadata, parquet.metadata)
        assert json.loads(parquet.metadata[b"hvac.window"])["rows"] == len(wanted), part
        for what, frame in found.items():
            times = pd.to_datetime(frame.pop("timestamp"), utc=True)
            assert list(frame.columns) == list(wanted.columns), f"{what}, {part}: {list(frame.columns)}"
            assert len(frame) == len(wanted), f"{what}, {part}: {len(frame)} rows, not {len(wanted)}"
            assert list(times) == list(wanted.index.tz_convert("UTC")), f"{what}, {part}"
            for name in wanted.select_dtypes("number"):
                ours, theirs = pd.to_numeric(frame[name]).to_numpy(float), wanted[name].to_numpy(float)
                assert np.allclose(ours, theirs, rtol=1e-12, equal_nan=True), f"{what}, {part}: {name}"


if __name__ == "__main__":
    main(sys.argv[1])
