"""One fault at a time, at the n-th call of one step: what each step does, and what must hold after any fault."""

import copy
import errno
import random
import shutil
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import layer as layers
from layer import Layer
from ledger import Ledger, defects, plant, report
from program import UNFINISHED, Command, Server, Unanswered, Wrong

# How many cases also make the catalogue anew.
REBUILT = 0.25
KILLS = (layers.KILL_BEFORE, layers.KILL_AFTER)
ALL = layers.CHANGES | layers.OPEN | layers.READ
WRITING = layers.CREATE | layers.WRITE | layers.TRUNCATE | layers.NAME
FAIL = layers.FAIL
# Which calls, and what becomes of the n-th. With a +: of all from the n-th on, for a while.
FAULTS = {
    "ENOSPC": (WRITING | layers.SYNC, FAIL, errno.ENOSPC),
    "EIO": (ALL, FAIL, errno.EIO),
    "EROFS": (WRITING | layers.REMOVE, FAIL, errno.EROFS),
    "EMFILE": (layers.OPEN | layers.CREATE, FAIL, errno.EMFILE),
    "short": (layers.WRITE, layers.SHORT, 0),
    "kill": (layers.CHANGES, layers.KILL_BEFORE, 0),
    "killed": (layers.CHANGES, layers.KILL_AFTER, 0),
    "power": (layers.CHANGES, layers.KILL_BEFORE, 0),
    "powered": (layers.CHANGES, layers.KILL_AFTER, 0),
}
FAULTS |= {f"{name}+": fault for name, fault in FAULTS.items() if fault[1] == FAIL}


def over_http(of, do, state="live"):
    """A step that a server does; only while its subject is surely in that state."""
    def step(run):
        session = run.ledger.of_name(of)
        if session and session.states == {state}:
            do(run.ledger, run.server, session)
    return step


def delete_model(run):
    model = run.ledger.models["power"]
    for id, version in model.promised.items():
        if version == "v1" and id not in model.gone:
            run.ledger.delete_model(run.server, "power", id)


STEPS = {
    "upload": lambda run: run.ledger.upload(run.server, report(901)),
    "parse": over_http("raw", lambda ledger, server, s: ledger.parse(server, s)),
    "parse-job": over_http("raw", lambda ledger, server, s: ledger.parse(server, s, wait=False, force=True)),
    "parse-placed": lambda run: run.ledger.parse_placed(run.server, run.folder / "reports", report(902)),
    "clean": over_http("parsed", lambda ledger, server, s: ledger.clean(server, s)),
    "clean-job": over_http("parsed", lambda ledger, server, s: ledger.clean(server, s, wait=False)),
    "train": over_http("plant", lambda ledger, server, s: ledger.train(server, s, "power", wait=True)),
    "train-job": over_http("plant", lambda ledger, server, s: ledger.train(server, s, "power")),
    "alias": lambda run: run.ledger.alias(run.server, "power", "production", "v2"),
    "delete-model": delete_model,
    "optimize": lambda run: run.ledger.optimize(run.server, "power"),
    "rename": over_http("parsed", lambda ledger, server, s: ledger.rename(server, s, "renamed")),
    "move": over_http("parsed", lambda ledger, server, s: ledger.move(server, s, "ELSEWHERE")),
    "delete": over_http("parsed", lambda ledger, server, s: ledger.delete(server, s)),
    "restore": over_http("gone", lambda ledger, server, s: ledger.restore(server, s), "deleted"),
    "purge": over_http("gone", lambda ledger, server, s: ledger.purge(server, s), "deleted"),
}


def command_parse(run):
    session = run.ledger.new(report(903))
    session.perhaps["parsed"] += 1
    (name, data), = session.report.files.items()
    (run.folder / name).write_bytes(data)
    done = run.command("parse", run.folder / name, "--name", session.named, "--timezone", "UTC", "--json")
    if run.ledger.run(done):
        session.id, session.certain, session.perhaps["parsed"] = done.json["session_id"], True, 0
        run.ledger.promise(session, done.json, "dataset_id", True)


def command_clean(run):
    session = run.ledger.of_name("parsed")
    session.perhaps["cleaned"] += 1
    done = run.command("clean", session.id, "--interval", "1h", "--force", "--json")
    if run.ledger.run(done):
        session.perhaps["cleaned"] -= 1
        run.ledger.promise(session, done.json, "job_id", True)


def by_command(of, state, possible, value, *arguments):
    """A step that a command does, without a server."""
    def do(run):
        session = run.ledger.of_name(of)
        if session and session.states == {state}:
            said = [session.id if word == "ID" else word for word in arguments]
            run.ledger.change(session, possible, value, lambda: run.ledger.run(run.command(*said)))
    return do


def rebuild(run):
    for path in (run.store / "data").glob("hvac_analytics.db*"):
        path.unlink()
    run.ledger.runs.clear()
    run.ledger.run(run.command("doctor", "--rebuild"))


COMMANDS = {
    "command-parse": command_parse,
    "command-clean": command_clean,
    "command-rename": by_command("parsed", "live", "names", "renamed", "sessions", "rename", "ID", "renamed"),
    "command-delete": by_command("parsed", "live", "states", "deleted", "sessions", "delete", "ID"),
    "command-restore": by_command("gone", "deleted", "states", "live", "sessions", "restore", "ID"),
    "command-purge": by_command("gone", "deleted", "states", "purged", "sessions", "purge", "ID", "--yes"),
    "doctor": lambda run: run.ledger.run(run.command("doctor", "--repair")),
    "rebuild": rebuild,
}
START = "start"
NAMES = [*STEPS, *COMMANDS, START]


@dataclass
class Tools:
    program: Path
    library: Path
    work: Path
    keep: bool = False
    store: Path = None
    ledger: Ledger = None
    counts: dict = None


class Run:
    """A copy of the prepared store, its ledger, and what is running on it."""

    def __init__(self, tools, store=None, ledger=None):
        self.tools, self.server, self.layer, self.problems = tools, None, None, []
        self.folder = Path(tempfile.mkdtemp(dir=tools.work))
        self.store = self.folder / "store"
        if store:
            shutil.copytree(store, self.store)
        self.take(ledger or Ledger())
        (self.store / "data").mkdir(parents=True, exist_ok=True)
        (self.folder / "reports").mkdir()

    def take(self, ledger):
        self.ledger = copy.deepcopy(ledger)

    def under_faults(self, synced=False):
        self.layer = Layer(self.tools.library, self.folder, self.store, synced)

    def without_faults(self):
        self.layer.close()
        self.layer = None

    @property
    def more(self):
        return self.layer.variables if self.layer else None

    def serve(self):
        self.server = Server(self.tools.program, self.store, self.folder / "log", self.more)
        return self.server

    def must_serve(self):
        if self.serve().address is None:
            raise Wrong(f"the server does not start: {self.log[-500:]}")
        if self.layer:
            # What it looks at behind its start is no part of a step.
            before = None
            while before != self.layer.seen:
                before = self.layer.seen
                time.sleep(0.04)

    @property
    def log(self):
        return (self.folder / "log").read_text(errors="replace")

    def command(self, *arguments):
        return Command(self.tools.program, self.store, *arguments, more=self.more)

    def calm(self):
        """The faults go. The layer stays in a process that lives, for it cannot be taken out."""
        self.layer.disarm()

    def wait_until_quiet(self, patience=30, until=lambda: False):
        """Until no job is under way, or the server is dead."""
        end = time.monotonic() + patience
        while time.monotonic() < end and not until() and self.server.alive:
            answers = [self.ledger.ask(self.server, "GET", f"/api/jobs?status={status}") for status in UNFINISHED]
            if all(answer and answer.json["total"] == 0 for answer in answers):
                return
            time.sleep(0.05)

    def becomes_ready(self, patience=15):
        end, answer = time.monotonic() + patience, None
        while time.monotonic() < end:
            answer = self.server.ask("GET", "/api/ready")
            if answer.status == 200:
                return
            time.sleep(0.2)
        self.problems.append(f"not ready {patience} s after the fault has gone: {answer}")

    def works(self, turn):
        """A request of another kind is acknowledged, and another process sees it."""
        spare, name = self.ledger.of_name("spare"), f"spare {turn}"
        if spare is None:
            return
        before = len(self.ledger.refused)
        self.ledger.rename(self.server, spare, name)
        if len(self.ledger.refused) > before:
            self.problems.append(f"{turn}: a rename is refused: {self.ledger.refused.pop()[2]}")
            return
        seen = Command(self.tools.program, self.store, "sessions", "show", spare.id, "--json")
        if seen.code != 0 or seen.json["name"] != name:
            self.problems.append(f"{turn}: another process does not see what was acknowledged: {seen.err or seen.json['name']}")

    def close(self, keep=False):
        if self.server and self.server.alive:
            self.server.kill()
        if self.layer:
            self.layer.close()
        if not keep:
            shutil.rmtree(self.folder, ignore_errors=True)


def prepare(tools, counting=True):
    """A store with something of everything, and how many calls each step makes on it, by kind."""
    run = Run(tools)
    run.must_serve()
    ledger, server = run.ledger, run.server
    for seed, name in enumerate(("raw", "parsed", "gone", "spare")):
        session = ledger.upload(server, report(seed), name)
        if name != "raw":
            ledger.parse(server, session)
    ledger.delete(server, session if name == "gone" else ledger.of_name("gone"))
    session = ledger.upload(server, plant(), "plant")
    ledger.parse(server, session)
    ledger.clean(server, session)
    ledger.train(server, session, "power", wait=True)
    ledger.train(server, session, "power", wait=True)
    ledger.alias(server, "power", "production", "v1")
    ledger.optimize(server, "power")
    if problems := [str(refused) for refused in ledger.refused] + ledger.check(server, run.store):
        raise SystemExit("faults: the store to begin with is wrong:\n" + "\n".join(problems) + "\n" + run.log)
    server.stop()
    tools.store, tools.ledger = run.store, ledger
    tools.counts = {name: count(tools, name) for name in NAMES} if counting else None


def count(tools, name):
    run = Run(tools, tools.store, tools.ledger)
    run.under_faults()
    before = dict.fromkeys(run.layer.seen, 0)
    if name in STEPS or name == START:
        run.must_serve()
    if name in STEPS:
        before = run.layer.seen
        STEPS[name](run)
        run.wait_until_quiet()
    elif name in COMMANDS:
        COMMANDS[name](run)
    if run.ledger.refused:
        raise SystemExit(f"faults: {name} is refused without a fault: {run.ledger.refused}\n{run.log}")
    counts = {kind: seen - before[kind] for kind, seen in run.layer.seen.items()}
    run.close()
    return counts


def calls_of(tools, name, fault):
    """Which calls may be hit. A kill may also come when all is done."""
    kinds, action, _ = FAULTS[fault]
    calls = sum(count for kind, count in tools.counts[name].items() if kind & kinds)
    return [*range(1, calls + 1), *([calls * 10] if action in KILLS else [])]


def inject(tools, name, fault, n, seed):
    """What is wrong after that fault at the n-th call of that step, and which call it was; none if it was not reached."""
    kinds, action, error = FAULTS[fault]
    stays, dice = fault.endswith("+"), random.Random(f"{seed}/{name}/{fault}/{n}")
    run = Run(tools, tools.store, tools.ledger)
    run.under_faults(synced=fault.startswith("power"))
    ledger, problems = run.ledger, run.problems
    arm = lambda: run.layer.arm(kinds, n, layers.EVER if stays else n, action, error)
    try:
        if name in COMMANDS:
            arm()
            COMMANDS[name](run)
        elif name == START:
            arm()
            if run.serve().address is None and action == FAIL and not run.log.strip():
                problems.append("it does not start and does not say why")
        else:
            run.must_serve()
            if action in KILLS:
                # What the cut must not undo.
                ledger.rename(run.server, ledger.of_name("spare"), "spare before")
                ledger.parse(run.server, ledger.upload(run.server, report(904)))
            arm()
            STEPS[name](run)
            run.wait_until_quiet(until=lambda: stays and run.layer.hits)
            if stays and run.layer.hits:
                ledger.rename(run.server, ledger.of_name("spare"), "spare under the fault")
                ledger.ask(run.server, "GET", f"/api/data/preview?session_id={ledger.of_name('spare').id}&rows=7")
                time.sleep(0.3)
        run.calm()
        hits, where = run.layer.hits, run.layer.where
        if not hits and action not in KILLS:
            return None, []
        if not hits and run.server:
            run.server.kill()
        if action == FAIL:
            problems += defects(ledger)
        if run.server and run.server.address and action not in KILLS:
            if name == START and "can only be read" in str(run.server.ask("GET", "/api/ready")):
                # Nothing could be written when it started: it says so, until it is started again.
                run.server.stop()
            elif run.server.alive:
                run.becomes_ready()
                problems += after("the same server", run, STEPS.get(name))
                run.server.kill() if dice.random() < 0.5 else run.server.stop()
            else:
                problems.append(f"the server is dead: {run.log[-500:]}")
        if fault.startswith("power"):
            run.layer.cut_power(dice)
        run.without_faults()
        if name == "rebuild":
            rebuild(run)
        run.must_serve()
        problems += after("after a restart", run, None if name in ("doctor", "rebuild", START) else (STEPS | COMMANDS)[name])
        if not run.server.stop():
            problems.append("the server does not stop in order")
        problems += doctor(run)
        if dice.random() < REBUILT:
            problems += from_the_files(run)
        return where, problems
    except (Wrong, Unanswered) as wrong:
        return run.layer.where if run.layer else "", [*problems, repr(wrong)]
    finally:
        run.close(keep=problems and tools.keep)


def after(when, run, step=None):
    """Everything acknowledged is there; what was refused succeeds when it is asked for again; another process sees it."""
    for wrong in run.ledger.check(run.server, run.store):
        yield f"{when}: {wrong}"
    run.ledger.refused.clear()
    if step:
        step(run)
    run.works(when)
    for wrong in run.ledger.check(run.server, run.store):
        yield f"{when}, asked again: {wrong}"
    for refused in run.ledger.refused:
        yield f"{when}: refused without a fault: {refused[0]}: {refused[2]}"
    run.ledger.refused.clear()


def from_the_files(run):
    """A catalogue made anew knows what was acknowledged, and nothing else."""
    rebuild(run)
    yield from (f"doctor --rebuild: {said}" for _, _, said in run.ledger.refused)
    run.must_serve()
    for wrong in run.ledger.check(run.server, run.store):
        yield f"after doctor --rebuild: {wrong}"
    run.server.kill()


def doctor(run):
    found = run.command("doctor", "--json")
    if found.code != 0:
        yield f"doctor: {found.err} {found.out.decode()[:500]}"
    elif found.json["outdated_snapshots"]:
        yield f"doctor: session.json is out of date: {found.json['outdated_snapshots']}"
    left = [str(path.relative_to(run.store)) for path in run.store.rglob("*") if ".staging" in path.name or "#" in path.name]
    if left:
        yield f"leftovers under staging names: {left}"
