"""Reports that are made up: a plant whose points are called as no list calls them, and a year of minutes."""

import math
from datetime import datetime, timedelta


def strange(folder):
    """Three weeks of a plant of two chillers: its power is the sum of its parts, each of which would tell it."""
    path = folder / "strange.csv"
    lines = ["Time,RT,kW_Tot,kW_RT,CH1,CH2,kW_CHH,kW_CHP,kW_CT,GPM,DeltaCHW,CHWS,CHWR,CDHI,CDLO,WBT,Hz_CHP,Hz_CT"]
    for step in range(21 * 144):
        at = datetime(2023, 12, 1) + timedelta(minutes=10 * step)
        hour = at.hour + at.minute / 60
        warmth = 68 + 5 * math.sin((hour - 9) / 24 * 2 * math.pi) + 3 * math.sin(step / 500)
        load = 220 + 140 * max(0, math.sin((hour - 6) / 24 * 2 * math.pi)) + 2 * (warmth - 68) + 12 * math.sin(step * 1.7)
        speed, fan = 38 + load / 40, 30 + (warmth - 60)
        chiller = load * (0.5 + 0.006 * (warmth - 60)) + 6 * math.sin(step * 0.9)
        pump, tower = 30 * (speed / 50) ** 3, 25 * (fan / 50) ** 3
        total, flow = chiller + pump + tower, 24 * speed
        delta = load * 24 / flow
        lines.append(",".join([f"{at:%Y-%m-%dT%H:%M:%S}"] + [f"{number:.5g}" for number in (
            load, total, total / load, 1, int(load > 300), chiller, pump, tower, flow, delta, 45.0, 45.0 + delta, warmth + 11, warmth + 6, warmth, speed, fan)]))
    path.write_text("\n".join(lines) + "\n")
    return path


def year(folder):
    path = folder / "year.csv"
    with path.open("w") as report:
        report.write("time,kW,RT,CHWST,CHWRT\n")
        for day in range(365):
            date = (datetime(2023, 1, 1) + timedelta(days=day)).strftime("%Y-%m-%d")
            summer = int(200 * math.sin(day / 365 * 2 * math.pi))
            report.writelines(
                f"{date} {minute // 60:02}:{minute % 60:02},{300 + summer + (minute * 7 + day) % 60},{500 - summer + minute % 60},{7 + minute % 97 / 200:.3f},{12 + minute % 89 / 160:.3f}\n"
                for minute in range(1440))
    return path


def doubtful(folder):
    """A week of a plant whose sensors stand still, jump and contradict each other, in a report with something to know."""
    path = folder / "doubtful.csv"
    lines = ["Time,CH_1_S,CH_1_KW,CH_0_RT,CHP_1_S,CHP_1_HZ,CHP_1_KW,CHWST (C),CHWRT (C),CH_0_LPM,CT_1_S,WBT (C),OAT (C)"]
    for step in range(7 * 144):
        at, hour = datetime(2024, 3, 28) + timedelta(minutes=10 * step), step / 6 % 24
        runs = 7 <= hour < 19
        load = 300 + 80 * math.sin(hour / 4) + step % 7 if runs else 0
        supply = 7 + step % 5 / 10 if runs else 12.0
        row = [int(runs), 200 + load / 5 if runs else 0, load, int(runs), 45 if runs else 0, 22 if runs else 0, supply,
               supply + load / 100 if runs else 12.5, 4500 if runs else 0, int(runs), 25 + math.sin(hour) + step % 3 / 10, 30 + math.sin(hour)]
        if step % 211 == 100:
            row[6] = 99.0
        if step % 97 == 60:
            row[10] = 21.5
        if 300 < step < 380:
            row[10], row[11] = 24.4, 23.0
        lines.append(",".join([f"{at:%Y-%m-%d %H:%M}"] + [f"{number:.5g}" for number in row]))
    lines[40] = f"2024-03-28 xx:xx{lines[40][16:]}"
    lines[41] = lines[41].rsplit(",", 2)[0]
    path.write_text("\n".join(lines) + "\n")
    return path
