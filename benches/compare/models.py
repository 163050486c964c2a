#!/usr/bin/env python3
"""Sets the program's energy models beside LightGBM's defaults, on the same rows of real plants, judged in time order.

    HVAC_REAL_DATA=FOLDER benches/compare/models.py [--binary FILE] [--json FILE] [--quick]

Needs the built program (target/release or target/debug, or --binary) and Python 3.11; makes a virtual environment
with the packages below in the target folder. Real reports are read from HVAC_REAL_DATA: `plant` (a chiller plant,
10 min, December and March; the last 20 % of each month held out) and `apogee/kmuh` (a hospital's main meter, 15 min;
the last 20 % of all rows held out).

Fair means: one frame, made here, is written as CSV for the program and handed to LightGBM as it is. The rows of both
splits must be as many, and the mean of the training rows must score the same on the held-out ones in both (that
takes the same targets in the same rows), or the run fails. Columns that leak the target are none's features, and
the program must leave them out and name them. Ours adds the clock and the lift of its own accord, so LightGBM is run with the
columns alone, and with hour, weekday and month beside them; the better of the two is what ours is set against.
`auto` picks without having seen the held-out rows; all of ours are printed.
"""

import argparse
import json
import math
import os
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")).resolve()
PACKAGES = ["lightgbm==4.7.0", "pandas==3.1.1", "scikit-learn==1.9.1"]
SHARE = 0.2
PLANT = ["RT", "GPM", "CHWS", "CDHI", "CDLO", "WBT", "Hz_CHP", "Hz_CHS", "Hz_CDS", "Hz_CT"]
PLANT_LEAKS = ["kW_RT", "kW_CHH", "kW_CHP", "Precent_CH"]
KMUH = ["TR_KH_MMCB_161010-161210.csv", "TR_KH_T_161110-161210.csv", "TR_KH_ZWP_161010-161210.csv"]


def say(text):
    print(f"models: {text}", file=sys.stderr, flush=True)


def within_an_environment():
    """Runs this file again by a Python that has the packages."""
    place = TARGET / "compare-models"
    python = place / "bin" / "python"
    if not python.exists():
        say(f"making {place}")
        venv.create(place, with_pip=True)
    subprocess.run([python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *PACKAGES], check=True)
    os.execv(python, [str(python), *sys.argv])


try:
    import lightgbm
    import numpy as np
    import pandas as pd
except ImportError:
    if os.environ.get("COMPARE_MODELS_AGAIN"):
        raise
    os.environ["COMPARE_MODELS_AGAIN"] = "1"
    within_an_environment()


class Program:
    """The program with a store of its own."""

    def __init__(self, binary, folder):
        self.binary = binary
        self.folder = Path(folder)
        own = {"DATABASE_URL": f"sqlite://{folder}/x.db", "DATA_STORAGE_PATH": f"{folder}/sessions"}
        own |= {"MODELS_PATH": f"{folder}/models", "DATA_DIR": str(folder)}
        self.environment = os.environ | own

    def run(self, *arguments):
        command = [str(self.binary), "--json", *map(str, arguments)]
        done = subprocess.run(command, env=self.environment, cwd=self.folder, capture_output=True, text=True)
        if done.returncode != 0:
            sys.exit(f"{' '.join(command)}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}")
        return json.loads(done.stdout)

    def train(self, csv, name, target, features, zone, rule, *more):
        named = [part for feature in features for part in ("--feature", feature)]
        rule = ["--holdout", rule, "--holdout-share", SHARE]
        return self.run("train", csv, "--name", name, "--timezone", zone, "--target", target, *named, *rule, *more)


def plant(folder):
    """Wide reports of two months; local times without a zone, of which UTC is as good as any."""
    files = ["TableData23_12.csv", "TableData24_03.csv"]
    frames = [pd.read_csv(folder / "plant" / file, parse_dates=["Time"], index_col="Time") for file in files]
    frame = pd.concat(frames).rename(columns=lambda name: name.replace(" ", ""))
    return frame.tz_localize("UTC")


def kmuh(folder, program):
    """The joined session, as the program parses and exports it; numeric columns."""
    files = [folder / "apogee" / "kmuh" / file for file in KMUH]
    session = program.run("parse", *files, "--name", "kmuh", "--timezone", "Asia/Taipei")["session_id"]
    csv = program.folder / "kmuh.csv"
    program.run("export", session, "--format", "csv", "--output", csv)
    frame = pd.read_csv(csv, index_col=0, low_memory=False)
    frame.index = pd.to_datetime(frame.index, utc=True).tz_convert("Asia/Taipei")
    return frame.select_dtypes("number").dropna(axis="columns", how="all")


def held_out(index, rule):
    """Row numbers to learn from and to be judged by: of n rows, the last ⌊n × share⌋, of all or of each month."""
    months = [0] * len(index) if rule == "end" else list(zip(index.year, index.month))
    train, test = [], []
    for month in dict.fromkeys(months):
        rows = [row for row, own in enumerate(months) if own == month]
        cut = len(rows) - math.floor(len(rows) * SHARE)
        train += rows[:cut]
        test += rows[cut:]
    return train, test


def scores(actual, predicted):
    actual, predicted = np.asarray(actual), np.asarray(predicted)
    some = actual != 0
    mape = 100 * np.mean(np.abs((actual - predicted)[some] / actual[some]))
    return {"mape": mape, "cv_rmse": 100 * math.sqrt(np.mean((actual - predicted) ** 2)) / abs(actual.mean())}


def peer(frame, target, features, train, test, clock):
    x = frame[features].copy()
    if clock:
        x["hour"] = frame.index.hour + frame.index.minute / 60
        x["weekday"] = frame.index.day_of_week
        x["month"] = frame.index.month
    model = lightgbm.LGBMRegressor(n_jobs=2, verbose=-1, deterministic=True)
    model.fit(x.iloc[train].to_numpy(), frame[target].iloc[train].to_numpy())
    return scores(frame[target].iloc[test], model.predict(x.iloc[test].to_numpy()))


def compare(program, name, frame, target, features, zone, rule, width, *more):
    """One set at one width of rows."""
    frame = frame[[target, *features]]
    frame = frame.resample(width).mean().dropna(subset=[target]).dropna(subset=features, how="all")
    csv = program.folder / f"{name}-{width}.csv"
    frame.to_csv(csv, index_label="Time", date_format="%Y-%m-%dT%H:%M:%S%z")
    answer = program.train(csv, f"{name}-{width}", target, features, zone, rule, "--algorithm", "auto", *more)
    metrics = answer["model"]["metrics"]

    train, test = held_out(frame.index, rule)
    counts = (metrics["holdout"]["train_rows"], metrics["holdout"]["test_rows"])
    if counts != (len(train), len(test)):
        sys.exit(f"{name} {width}: ours has {counts} rows, here are {(len(train), len(test))}")
    rules = {rule["rule"]: rule for rule in metrics["baselines"]}
    actual = frame[target].iloc[test]
    mean = scores(actual, np.full(len(test), frame[target].iloc[train].mean()))
    for key, value in mean.items():
        if not math.isclose(value, rules["mean"]["scores"][key], rel_tol=1e-9):
            sys.exit(f"{name} {width}: the rows differ: mean rule's {key} is {value} here, {rules['mean']['scores']}")

    tried = {tried["algorithm"]: tried for tried in metrics["candidates"] if tried["refused"] is None}
    ours = {key: {k: tried[key]["time_ordered"][k] for k in mean} for key in tried}
    peers = {
        "lightgbm": peer(frame, target, features, train, test, clock=False),
        "lightgbm+clock": peer(frame, target, features, train, test, clock=True),
    }
    week = rules["same_time_last_week"]["scores"]
    return {
        "set": name,
        "width": width,
        "train_rows": len(train),
        "test_rows": len(test),
        "columns": len(features),
        "auto": answer["model"]["algorithm"],
        "ours": ours,
        "peers": peers,
        "last_week": {key: week[key] for key in mean},
        "interval": metrics["interval"],
        "beats_baselines": metrics["beats_baselines"],
        "verdict": metrics["verdict"],
        "choice": metrics["choice"],
    }


def interval(found):
    held = f"held {100 * found['interval']['coverage']:.1f} %"
    return held + (", calibrated" if found["interval"]["calibrated"] else ", marked as not calibrated")


def table(results):
    columns = ["auto", "gbdt", "hybrid", "physics", "lightgbm", "lightgbm+clock", "last week"]
    heading = f"{'set':<12}{'rows':>12}" + "".join(f"{c:>16}" for c in columns) + "   90 % interval"
    lines = ["MAPE / CV(RMSE), % of the held-out rows; share of them that the interval held", heading]
    for found in results:
        all_scores = found["ours"] | found["peers"] | {"last week": found["last_week"]}
        all_scores["auto"] = found["ours"][found["auto"]]
        cell = lambda s: "–" if s is None or s["mape"] is None else f"{s['mape']:.2f} / {s['cv_rmse']:.2f}"
        cells = [f"{cell(all_scores.get(column)):>16}" for column in columns]
        rows = f"{found['train_rows']}+{found['test_rows']}"
        lines.append(f"{found['set'] + ' ' + found['width']:<12}{rows:>12}" + "".join(cells) + f"   {interval(found)}; auto: {found['auto']}")
    return "\n".join(lines)


def ratio(found):
    """auto's error ÷ the better peer's, by both measures."""
    auto = found["ours"][found["auto"]]
    return {key: auto[key] / min(scores[key] for scores in found["peers"].values()) for key in auto}


def leaves_leaks_out(program, frame):
    """That columns which tell the target are left out and named."""
    csv = program.folder / "leaks.csv"
    frame[["kW_Tot", *PLANT, *PLANT_LEAKS]].to_csv(csv, index_label="Time", date_format="%Y-%m-%dT%H:%M:%S%z")
    said = program.train(csv, "leaks", "kW_Tot", PLANT + PLANT_LEAKS, "UTC", "each-month", "--algorithm", "physics")
    silent = [name for name in PLANT_LEAKS if not any(left.startswith(f"{name} is left out") for left in said["warnings"])]
    if silent:
        sys.exit(f"leaks that were not named: {silent}\n{said['warnings']}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", type=Path)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--quick", action="store_true", help="hourly rows only")
    arguments = parser.parse_args()
    real = os.environ.get("HVAC_REAL_DATA")
    if not real:
        sys.exit("models: set HVAC_REAL_DATA to the folder of real reports")
    real = Path(real).resolve()
    built = [TARGET / profile / "hvac-analytics" for profile in ("release", "debug")]
    binary = arguments.binary or next((path for path in built if path.exists()), None)
    if not binary:
        sys.exit("models: build the program first, or name it with --binary")

    results = []
    with tempfile.TemporaryDirectory() as folder:
        program = Program(Path(binary).resolve(), folder)
        whole = plant(real)
        leaves_leaks_out(program, whole)
        for width in ["1h"] if arguments.quick else ["10min", "30min", "1h"]:
            say(f"plant, {width}")
            results.append(compare(program, "plant", whole, "kW_Tot", PLANT, "UTC", "each-month", width))
        meter = kmuh(real, program)
        others = [name for name in meter.columns if "MMCB" not in name]
        target = next(name for name in meter.columns if name.endswith("MMCB_KW"))
        for width in ["1h"] if arguments.quick else ["15min", "30min", "1h"]:
            say(f"kmuh, {width}")
            # ZWP_*_PCT are speeds of zone pumps in percent: their names could as well be shares of power
            more = [part for name in others if name.endswith("_PCT") for part in ("--role", f"{name}=other")]
            results.append(compare(program, "kmuh", meter, target, others, "Asia/Taipei", "end", width, *more))
    for found in results:
        found["ratio_to_better_peer"] = ratio(found)
    print(table(results))
    for found in results:
        ratios = found["ratio_to_better_peer"]
        print(f"{found['set']} {found['width']}: auto ÷ better peer: MAPE {ratios['mape']:.3f}, CV(RMSE) {ratios['cv_rmse']:.3f}; {found['verdict']}")
    if arguments.json:
        arguments.json.write_text(json.dumps(results, indent=2) + "\n")


if __name__ == "__main__":
    main()
