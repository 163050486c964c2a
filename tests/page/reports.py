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
