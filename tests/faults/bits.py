"""One bit of a stored file is another: nobody is given it as good, and the file put back is good again."""

import os
import random

from calls import Run


def flip(path, dice, quietly=False):
    """Flips a bit, and gives what flips it back. Quietly: as a bad sector does, with the times of the file as they were."""
    at, bit, times = dice.randrange(path.stat().st_size), 1 << dice.randrange(8), path.stat()

    def turn():
        with open(path, "r+b") as file:
            file.seek(at)
            byte = file.read(1)[0]
            file.seek(at)
            file.write(bytes([byte ^ bit]))
        if quietly:
            os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))

    turn()
    return turn


def readers(ledger, path):
    """Every way to the bytes of a stored file, and the thing that says how they are."""
    session, name = ledger.of_name("plant"), path.name
    of = lambda what, more="": f"/api/data/{what}?session_id={session.id}{more}"
    if name.endswith(".events.parquet"):
        return [f"{session.path}/events.parquet", of("events")], None
    if name.endswith(".parquet"):
        version = f"&version={name.split('.')[0]}"
        files = [f"{session.path}/data.{kind}?{version[1:]}" for kind in ("parquet", "csv", "arrow")]
        return files + [of("preview", version), of("stats", version), of("quality", version)], session.path
    if name.endswith(".json") and "models" in path.parts:
        id = next(id for id, version in ledger.models["power"].promised.items() if path.stem.endswith(f"-{version}"))
        return [f"/api/models/{id}/file", f"/api/models/{id}/scoring-table.csv"], f"/api/models/{id}"
    return [], None


def one(tools, dice, path, quietly):
    run = Run(tools, tools.store, tools.ledger)
    path = run.store / path.relative_to(tools.store)
    urls, _ = readers(run.ledger, path)
    run.must_serve()
    good = {url: run.server.get(url).body for url in urls}
    back = flip(path, dice, quietly)
    what, problems = f"{path.relative_to(run.store)}{', quietly' if quietly else ''}", []
    found = run.command("doctor", "--json") if quietly else None
    if quietly and not found.json["damaged"]:
        problems.append(f"{what}: doctor finds nothing: {found.out.decode()[:300]}")
    for url in urls:
        answer = run.server.ask("GET", url)
        # What was computed from the good bytes is still true.
        computed = "preview" in url or "stats" in url or "quality" in url or "events?" in url
        if answer.status != 409 and not (computed and answer.status == 200 and answer.body == good[url]):
            problems.append(f"{what}: GET {url} answers {answer.status}{', with other bytes' if answer.body != good[url] else ''}")
    back()
    found = run.command("doctor", "--json")
    if found.code != 0:
        problems.append(f"{what}, put back: doctor: {found.err}")
    for url in urls:
        answer = run.server.ask("GET", url)
        if answer.status != 200 or answer.body != good[url]:
            problems.append(f"{what}, put back: GET {url} answers {answer.status}")
    problems += [f"{what}, put back: {wrong}" for wrong in run.ledger.check(run.server, run.store)]
    run.close()
    return problems


def database(tools, dice):
    """A database that cannot be read says what to do, and that does it."""
    run, problems = Run(tools, tools.store, tools.ledger), []
    file = run.store / "data/hvac_analytics.db"
    with open(file, "r+b") as writing:
        writing.write(bytes(dice.randrange(256) for _ in range(4096)))
    run.serve()
    if run.server.address or "doctor --rebuild" not in run.log:
        problems.append(f"a database of random bytes: {'it starts' if run.server.address else run.log[-300:]}")
    file.rename(run.folder / "aside")
    for more in file.parent.glob(f"{file.name}-*"):
        more.unlink()
    run.ledger.runs.clear()
    rebuilt = run.command("doctor", "--rebuild")
    if rebuilt.code != 0:
        problems.append(f"doctor --rebuild: {rebuilt.err}")
    run.must_serve()
    problems += run.ledger.check(run.server, run.store)
    run.close()
    return problems


def bits(tools, args):
    dice, problems, files = random.Random(args.seed), [], []
    plant = tools.ledger.of_name("plant")
    for folder in (tools.store / "data/sessions" / plant.id, tools.store / "models"):
        files += [path for path in sorted(folder.rglob("*")) if path.is_file() and path.suffix in (".parquet", ".csv", ".json")
                  and path.name != "session.json"]
    for path in files:
        for quietly in (False, True):
            if quietly or readers(tools.ledger, path)[0]:
                problems += one(tools, dice, path, quietly)
    problems += database(tools, dice)
    print(f"{len(files)} files, one bit each", *problems, sep="\n  ", flush=True)
    return len(problems)
