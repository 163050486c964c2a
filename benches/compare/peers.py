"""What the program is compared with: the same job by hand, in Polars, DuckDB and pandas.

Each function does a whole job as well as we know how. The variants that were tried and lost are named where
they would stand. `run` starts this file in an environment that has the packages of requirements.txt:

    peers.py SIDE parse FOLDER OUT            reports -> one fsynced Parquet file
    peers.py SIDE load FILE RUNS              Parquet -> frame, RUNS times
    peers.py SIDE clean FILE RUNS EVERY OUT   frame -> resampled frame, RUNS times with the frozen samples and RUNS
                                              times without; OUT keeps it
    peers.py polars check FILE...             shape, and sum and nulls of every column, of each file

The peers are told what the program finds out for itself: that the files are APOGEE reports, ASCII, comma
separated, year first; the zone and that it has no daylight saving time; which points are counters; that no
report overlaps another of its group. They keep no reason of a null, no raw bytes and no catalogue.
"""

import csv
import glob
import json
import os
import re
import sys
import time

ZONE = "Asia/Taipei"
# Below this change a sensor stands still; for so many samples, and it is frozen.
STILL, SAMPLES = 0.001, 6
LOST = ["No Data", "Data Loss", "?", "---", "#VALUE!", "", *(f"TIME ({n})" for n in range(-4, 8))]


def groups(folder):
    """Reports of the same points: their names, which of them are states, lines to skip, files."""
    found = {}
    for path in sorted(glob.glob(f"{folder}/*.csv")):
        names, skip = [], 0
        with open(path, "rb") as file:
            for line in file:
                skip += 1
                if line.startswith(b'"Point_'):
                    names.append(re.sub(r"\W", "_", line.decode().split('","')[1]))
                elif line.startswith(b'"<>Date"'):
                    break
            first = next(csv.reader([file.readline().decode()]))[2:]
        states = {name for name, value in zip(names, first) if value in ("ON", "OFF")}
        found.setdefault(tuple(names), (names, states, skip, []))[3].append(path)
    return list(found.values())


def fsync(path):
    with open(path, "rb") as file:
        os.fsync(file.fileno())


def timed(runs, work):
    """Wall and CPU seconds of each of the runs, and the last result."""
    wall, cpu = [], []
    for _ in range(runs):
        begun = time.perf_counter(), time.process_time()
        result = work()
        wall.append(time.perf_counter() - begun[0])
        cpu.append(time.process_time() - begun[1])
    return {"wall_s": wall, "cpu_s": cpu}, result


# --- Polars -----------------------------------------------------------------------------------------------

def polars_parse(folder, out):
    """Lost: strings cast afterwards, in-memory engine, read_csv in threads, one lazy plan sunk as a stream,
    full joins, `align_full`, a left join of every group also where its times are the axis already."""
    import polars as pl

    def lazy(names, states, skip, paths):
        schema = {"d": pl.String, "t": pl.String} | {n: pl.String if n in states else pl.Float64 for n in names}
        # `ignore_errors` makes null of every loss marker; the last line has one field, so its time is null.
        frame = pl.scan_csv(paths, has_header=False, skip_rows=skip, schema=schema, ignore_errors=True,
                            truncate_ragged_lines=True, glob=False).filter(pl.col("t").is_not_null())
        at = (pl.col("d") + " " + pl.col("t")).str.to_datetime("%Y/%m/%d %H:%M:%S", time_unit="ms")
        state = lambda n: pl.when(pl.col(n) == "ON").then(1.0).when(pl.col(n) == "OFF").then(0.0).alias(n)
        return frame.select(at.alias("timestamp"), *(state(n) if n in states else n for n in names))

    frames = pl.collect_all([lazy(*group) for group in groups(folder)], engine="streaming")
    axis = pl.concat([frame.select("timestamp") for frame in frames]).unique().sort("timestamp")
    parts = [axis]
    for frame in frames:
        if not frame["timestamp"].equals(axis["timestamp"]):
            frame = axis.join(frame, on="timestamp", how="left", maintain_order="left")
        parts.append(frame.drop("timestamp"))
    frame = pl.concat(parts, how="horizontal")
    frame = frame.with_columns(pl.col("timestamp").dt.replace_time_zone(ZONE).dt.convert_time_zone("UTC"))
    frame.write_parquet(out, compression="zstd")
    fsync(out)


def polars_load(file, runs):
    """Lost: `scan_parquet` collected by the streaming engine, memory_map=False."""
    import polars as pl

    return timed(runs, lambda: pl.read_parquet(file))[0]


def kinds(file):
    """Kind of each column, as the program's own file tells it."""
    import pyarrow.parquet as pq

    columns = json.loads(pq.read_metadata(file).metadata[b"hvac.columns"])
    return {column["name"]: column["kind"] for column in columns}


def polars_clean(file, runs, every, out):
    """Lost: rolling_std, rolling_max - rolling_min, rolling_sum of the stills, run lengths, the streaming engine;
    `group_by_dynamic` where it is slower than grouping by the truncated time."""
    import polars as pl

    kind = kinds(file)
    frame = pl.read_parquet(file)

    def binned(name):
        column = pl.col(name)
        match kind[name]:
            case "counter": return column.drop_nulls().last()
            case "interval_total": return column.sum()
            case "status": return column.max()
            case _: return column.mean()

    def frozen(name):
        still = pl.col(name).diff().abs() < STILL
        run = still
        for back in range(1, SAMPLES - 1):
            run = run & still.shift(back)
        return run.sum()

    def resampled():
        at = pl.col("timestamp")
        cells = [binned(name) for name in kind]
        if every == "15m":
            return frame.lazy().group_by_dynamic(at, every=every).agg(cells)
        return frame.lazy().group_by(at.dt.truncate(every), maintain_order=True).agg(cells)

    def clean():
        flags = frame.lazy().select(frozen(name) for name in kind if kind[name] == "instantaneous")
        return pl.collect_all([resampled(), flags], engine="in-memory")

    whole, _ = timed(runs, clean)
    alone, bins = timed(runs, lambda: resampled().collect(engine="in-memory"))
    bins.write_parquet(out)
    return {"clean": whole, "bins": alone}


def polars_check(*files):
    """Sums are of the finite doubles; times as milliseconds since 1970, so that zones do not matter."""
    import polars as pl

    said = {}
    for file in files:
        frame = pl.read_parquet(file)
        at = frame["timestamp"].cast(pl.Datetime("ms")).to_physical()
        said[file] = {
            "rows": frame.height,
            "columns": frame.width,
            "times": [at.is_sorted(), at.n_unique(), at.min(), at.max(), at.cast(pl.Float64).sum()],
            "cells": {c: [frame[c].sum(), frame[c].null_count()] for c in frame.columns if c != "timestamp"},
        }
    return said


# --- DuckDB -----------------------------------------------------------------------------------------------

def quoted(text):
    return "'" + text.replace("'", "''") + "'"


def duckdb_parse(folder, out):
    """Lost: all columns as text with TRY_CAST, strptime, a table for each group, left joins onto the axis,
    POSITIONAL JOIN, UNION ALL BY NAME with GROUP BY, one row group, Parquet V2, unordered insertion."""
    import duckdb

    base = duckdb.connect()
    lost = ",".join(map(quoted, LOST))
    columns = []
    tables = groups(folder)
    for index, (names, states, skip, paths) in enumerate(tables):
        types = {"d": "DATE", "t": "TIME"} | {n: "VARCHAR" if n in states else "DOUBLE" for n in names}
        schema = ",".join(f"{quoted(name)}: '{kind}'" for name, kind in types.items())
        state = lambda n: f"""CASE "{n}" WHEN 'ON' THEN 1.0::DOUBLE WHEN 'OFF' THEN 0.0::DOUBLE END AS "{n}" """
        cells = ",".join(state(n) if n in states else f'"{n}"' for n in names)
        # ignore_errors leaves out the last line, which is no row.
        base.sql(f"""CREATE TEMP VIEW g{index} AS SELECT d + t - INTERVAL 8 HOUR AS ts, {cells}
            FROM read_csv([{",".join(map(quoted, paths))}], skip={skip}, header=false, auto_detect=false, delim=',',
                quote='"', escape='"', columns={{{schema}}}, dateformat='%Y/%m/%d', nullstr=[{lost}],
                ignore_errors=true)""")
        columns += [f'"{n}"' for n in names]
    joined = "g0 " + " ".join(f"FULL JOIN g{index} USING (ts)" for index in range(1, len(tables)))
    base.sql(f"""COPY (SELECT CAST(ts AS TIMESTAMP_MS) AS timestamp, {",".join(columns)} FROM {joined} ORDER BY ts)
        TO {quoted(out)} (FORMAT parquet, COMPRESSION zstd)""")
    fsync(out)


def duckdb_load(file, runs):
    """As an Arrow table, without a copy into rows; lost: a table of its own."""
    import duckdb

    base = duckdb.connect()
    return timed(runs, lambda: base.sql(f"FROM read_parquet({quoted(file)})").to_arrow_table())[0]


def duckdb_clean(file, runs, every, out):
    """Lost: stddev or max - min over a window of six rows, lag five times, windows with an order (a table keeps
    its own), `last(... ORDER BY ...)`, and grouping by the milliseconds."""
    import duckdb

    kind = kinds(file)
    base = duckdb.connect()
    base.sql(f"CREATE TEMP TABLE frame AS FROM read_parquet({quoted(file)})")
    binned = {"counter": 'arg_max("{0}", timestamp)', "interval_total": 'sum("{0}")', "status": 'max("{0}")'}
    cells = ",".join(binned.get(kind[n], 'avg("{0}")').format(n) + f' AS "{n}"' for n in kind)
    minutes = {"15m": 15, "1h": 60}[every]
    sensors = [n for n in kind if kind[n] == "instantaneous"]
    stills = ",".join(f'abs("{n}" - lag("{n}") OVER ()) < {STILL} AS "{n}"' for n in sensors)
    before = lambda n: " AND ".join(f'lag("{n}", {back}) OVER ()' for back in range(1, SAMPLES - 1))
    runs_of = ",".join(f'"{n}" AND {before(n)} AS "{n}"' for n in sensors)
    counts = ",".join(f'count(*) FILTER ("{n}")' for n in sensors)

    def resampled():
        return base.sql(f"""SELECT time_bucket(INTERVAL {minutes} MINUTE, timestamp) AS timestamp, {cells}
            FROM frame GROUP BY 1 ORDER BY 1""").to_arrow_table()

    def clean():
        base.sql(f"""WITH stills AS (SELECT {stills} FROM frame), runs AS (SELECT {runs_of} FROM stills)
            SELECT {counts} FROM runs""").fetchall()
        return resampled()

    whole, _ = timed(runs, clean)
    alone, bins = timed(runs, resampled)
    import pyarrow.parquet as pq

    pq.write_table(bins, out)
    return {"clean": whole, "bins": alone}


# --- pandas -----------------------------------------------------------------------------------------------

def pandas_parse(folder, out):
    """As most would write it first: for information, it is no goal's measure."""
    import pandas as pd

    frames = []
    for names, states, skip, paths in groups(folder):
        # Numbers are written with a leading blank when they are negative, and markers only mean null.
        parts = [pd.read_csv(path, header=None, skiprows=skip, skipfooter=0, names=["d", "t", *names], dtype=str,
                             na_values=LOST, keep_default_na=False, on_bad_lines="skip") for path in paths]
        frame = pd.concat(parts, ignore_index=True)
        frame = frame[frame["t"].notna()]
        at = pd.to_datetime(frame["d"] + " " + frame["t"], format="%Y/%m/%d %H:%M:%S")
        cells = {n: frame[n].map({"ON": 1.0, "OFF": 0.0}) if n in states else pd.to_numeric(frame[n]) for n in names}
        frames.append(pd.DataFrame(cells).set_index(pd.DatetimeIndex(at, name="timestamp")))
    frame = pd.concat(frames, axis=1).sort_index().tz_localize(ZONE).tz_convert("UTC").reset_index()
    frame["timestamp"] = frame["timestamp"].dt.as_unit("ms")
    frame.to_parquet(out, compression="zstd", index=False)
    fsync(out)


def main(side, job, *args):
    args = [int(arg) if arg.isdigit() else arg for arg in args]
    __import__(side)
    begun = time.perf_counter()
    answer = globals()[f"{side}_{job}"](*args)
    print(json.dumps({"inner_s": time.perf_counter() - begun, "answer": answer}))


if __name__ == "__main__":
    main(*sys.argv[1:])
