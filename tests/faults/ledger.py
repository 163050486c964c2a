"""What was asked of the program and what it acknowledged; and whether that, and nothing else, is there.

A request that was acknowledged has happened. One that was not – refused, or cut off – may have happened or not, but
wholly. So each thing has a set of what it may be, of one element after an acknowledgement; a look at a store that is
at rest narrows it again. Expected bytes and values come from the reports, which are made here."""

import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path

from program import Unanswered, Wrong, form

SAMPLES = Path(__file__).parents[2] / "data" / "samples"
DEFECTS = ("panicked", "failed while", "internal error", "RUST_BACKTRACE")


@dataclass
class Report:
    """Files to upload, the rows they make, and values of the first and the last row."""

    files: dict
    rows: int
    first: dict
    last: dict
    timezone: str = "UTC"


def report(seed, rows=48):
    value = lambda row: (row * 7 + seed * 13) % 997 + 0.5
    lines = [f"2020-01-{row // 24 + 1:02} {row % 24:02}:00,{value(row)}" for row in range(rows)]
    return Report({f"kw-{seed}.csv": ("time,kw\n" + "\n".join(lines) + "\n").encode()}, rows, {"kw": value(0)}, {"kw": value(rows - 1)})


def plant():
    files = {path.name: path.read_bytes() for path in SAMPLES.glob("*.csv")}
    return Report(files, 1344, {"CHWST": 6.48, "CHWRT": 13.35, "OAT": 26.3}, {}, "Asia/Taipei")


@dataclass
class Session:
    report: Report
    named: str
    """As it was uploaded: how it is known before its id is."""
    id: str = None
    certain: bool = False
    names: set = field(default_factory=set)
    sites: set = field(default_factory=lambda: {None})
    states: set = field(default_factory=lambda: {"live"})
    promised: dict = field(default_factory=dict)
    """Versions that must be there: id → label, or none where the answer had no label."""
    perhaps: dict = field(default_factory=lambda: {"parsed": 0, "cleaned": 0})
    seen: dict = field(default_factory=dict)

    @property
    def path(self):
        return f"/api/sessions/{self.id}"


@dataclass
class Model:
    name: str
    session: Session
    promised: dict = field(default_factory=dict)
    perhaps: int = 0
    gone: dict = field(default_factory=dict)
    """Versions that were deleted: id → whether that was acknowledged."""
    aliases: dict = field(default_factory=dict)
    seen: dict = field(default_factory=dict)


class Ledger:
    def __init__(self, prefix="session"):
        self.sessions, self.models, self.jobs, self.runs, self.made, self.prefix = [], {}, {}, [], 0, prefix
        self.jobs_may_fail = False
        """While a fault lasts longer than a job is tried."""
        self.refused, self.acknowledged = [], 0

    # Asking

    def ask(self, server, method, path, body=None, form=None):
        """The answer, if it acknowledges; a refusal is kept."""
        try:
            answer = server.ask(method, path, body, form=form)
        except Unanswered as cut_off:
            self.refused.append((f"{method} {path}", 0, str(cut_off)))
            return None
        if answer.status >= 300:
            self.refused.append((f"{method} {path}", answer.status, answer))
            return None
        self.acknowledged += 1
        return answer

    def run(self, command):
        """Whether a command did what it was told; else it is kept as a refusal."""
        if command.code != 0:
            self.refused.append((command.said, -1, command.err))
            return False
        self.acknowledged += 1
        return True

    def new(self, report, name=None):
        self.made += 1
        name = name or f"{self.prefix} {self.made}"
        session = Session(report, name, names={name})
        self.sessions.append(session)
        return session

    def of_name(self, name):
        """None when it was purged."""
        return next((s for s in self.sessions if s.named == name), None)

    def upload(self, server, report, name=None):
        session = self.new(report, name)
        body = form(list(report.files.items()), name=session.named, timezone=report.timezone)
        answer = self.ask(server, "POST", "/api/uploads", form=body)
        if answer:
            session.id, session.certain = answer.json["session_id"], True
        return session

    def parse(self, server, session, wait=True, force=False):
        session.perhaps["parsed"] += 1
        answer = self.ask(server, "POST", "/api/parse", {"session_id": session.id, "wait": wait, "force": force})
        if answer:
            session.perhaps["parsed"] -= 1
            self.promise(session, answer.json, "dataset_id", wait)

    def parse_placed(self, server, reports, report, name=None):
        """A server-side report, into a new session."""
        session = self.new(report, name)
        session.perhaps["parsed"] += 1
        for file, data in report.files.items():
            (reports / file).write_bytes(data)
        answer = self.ask(server, "POST", "/api/parse", {"files": list(report.files), "name": session.named, "timezone": report.timezone})
        if answer:
            session.id, session.certain = answer.json["session_id"], True
            session.perhaps["parsed"] -= 1
            self.promise(session, answer.json, "dataset_id", True)
        return session

    def clean(self, server, session, wait=True, force=True):
        session.perhaps["cleaned"] += 1
        answer = self.ask(server, "POST", "/api/clean", {"session_id": session.id, "wait": wait, "force": force, "resample_interval": "1h"})
        if answer:
            session.perhaps["cleaned"] -= 1
            self.promise(session, answer.json, "job_id", wait)

    def promise(self, session, answer, id, wait):
        id = answer[id] if wait else answer["job_id"]
        session.promised[id] = answer.get("version") if wait else None
        if not wait:
            self.jobs[id] = session

    def train(self, server, session, name, wait=False):
        model = self.models.setdefault(name, Model(name, session))
        model.perhaps += 1
        body = {"model_name": name, "session_id": session.id, "wait": wait, "force": True, "interval": "1h", "algorithm": "physics"}
        answer = self.ask(server, "POST", "/api/models/train", body)
        if answer:
            model.perhaps -= 1
            model.promised[answer.json["model_id"]] = answer.json["version"]
            self.jobs[answer.json["job_id"]] = session

    def alias(self, server, name, alias, version):
        possible = self.models[name].aliases.setdefault(alias, {None})
        possible.add(version)
        if self.ask(server, "PUT", f"/api/models/by-name/{name}/aliases/{alias}", {"version": version}):
            self.models[name].aliases[alias] = {version}

    def delete_model(self, server, name, id):
        """With its aliases."""
        model = self.models[name]
        model.gone[id] = bool(self.ask(server, "DELETE", f"/api/models/{id}?force=true"))
        for possible in model.aliases.values():
            if model.promised[id] in possible:
                possible.add(None)
                possible -= {model.promised[id]} if model.gone[id] else set()

    def optimize(self, server, name):
        answer = self.ask(server, "POST", "/api/optimize", {"model_name": name})
        if answer:
            self.runs.append(answer.json["run_id"])

    def change(self, session, possible, value, ask):
        """One value of a session for another, if that is acknowledged; else one of both."""
        getattr(session, possible).add(value)
        if ask():
            setattr(session, possible, {value})

    def rename(self, server, session, name):
        self.change(session, "names", name, lambda: self.ask(server, "PATCH", session.path, {"name": name}))

    def move(self, server, session, site):
        self.change(session, "sites", site, lambda: self.ask(server, "PATCH", session.path, {"site": site}))

    def delete(self, server, session):
        self.change(session, "states", "deleted", lambda: self.ask(server, "DELETE", session.path))

    def restore(self, server, session):
        self.change(session, "states", "live", lambda: self.ask(server, "POST", f"{session.path}/restore"))

    def purge(self, server, session):
        self.change(session, "states", "purged", lambda: self.ask(server, "DELETE", f"{session.path}?purge=true"))

    # Checking

    def check(self, server, store, patience=60):
        """Whether everything acknowledged is there and nothing else is; narrows what may be to what is."""
        problems = [f"job {job['job_id']} ({job['kind']}) is {job['status']} for ever: {job['error'] or job['message']}"
                    for job in server.settle(patience)]
        try:
            problems += self.check_jobs(server)
            problems += self.check_sessions(server, store)
            problems += self.check_models(server)
            for run in self.runs:
                server.get(f"/api/optimizations/{run}")
            server.get("/api/ready")
        except (Wrong, Unanswered, LookupError, OSError, json.JSONDecodeError) as wrong:
            problems.append(repr(wrong))
        return problems

    def check_jobs(self, server):
        for id, session in self.jobs.items():
            job = server.get(f"/api/jobs/{id}").json
            over = not session.certain or session.states != {"live"} or self.jobs_may_fail
            if job["status"] != "completed":
                lost = session.promised.pop(id, None) is None
                for model in self.models.values():
                    lost &= model.promised.pop(id, None) is None
                if not over:
                    yield f"job {id} ({job['kind']}), answered 202, is {job['status']}: {job['error']}"
        self.jobs.clear()

    def listed(self, server):
        for deleted in ("false", "true"):
            page = pages = 1
            while page <= pages:
                answer = server.get(f"/api/sessions?deleted={deleted}&page_size=100&page={page}").json
                pages, page = answer["total_pages"], page + 1
                yield from answer["items"]

    def check_sessions(self, server, store):
        problems, there = [], set()
        for item in self.listed(server):
            id = item["session_id"]
            session = next((s for s in self.sessions if s.id == id), None) or next(
                (s for s in self.sessions if s.id is None and s.named == item["name"]), None)
            if session is None:
                problems.append(f"session {id} ({item['name']}) is there, which nobody asked for")
            elif id in there:
                problems.append(f"session {id} is listed twice")
            else:
                session.id, session.certain = id, True
                problems += self.check_session(server, store, session)
            there.add(id)
        for session in self.sessions[:]:
            if session.id in there:
                continue
            if session.certain and "purged" not in session.states:
                problems.append(f"session {session.id} ({session.names}) is gone")
            elif session.states == {"purged"} and (store / "data/sessions" / session.id).exists():
                problems.append(f"session {session.id} was purged, and its folder is there")
            self.sessions.remove(session)
        return problems

    def check_session(self, server, store, session):
        found = server.get(session.path).json
        state = "deleted" if found["deleted_at"] else "live"
        for what, is_now, possible in (("named", found["name"], "names"), ("of site", found["site"], "sites"), ("", state, "states")):
            if is_now not in getattr(session, possible):
                yield f"session {session.id} is {what} {is_now!r}, not {getattr(session, possible)}"
            setattr(session, possible, {is_now})
        hashes = {name: hashlib.sha256(data).hexdigest() for name, data in session.report.files.items()}
        if {file["file_name"]: file["sha256"] for file in found["files"]} != hashes:
            yield f"session {session.id} has other files: {found['files']}"
        raw = sorted(hashlib.sha256(path.read_bytes()).hexdigest() for path in (store / "data/sessions" / session.id / "raw").iterdir()
                     if not path.name.startswith(".staging"))
        if raw != sorted(hashes.values()):
            yield f"session {session.id} has other bytes in its raw folder"
        versions = {version["id"]: version for version in found["versions"]}
        for id, label in session.promised.items():
            if id not in versions:
                yield f"session {session.id} has no version {label} ({id}), which was acknowledged"
            elif label not in (None, versions[id]["version"]):
                yield f"session {session.id} has {versions[id]['version']} where {label} was promised"
        kinds = {version["version"].split("-")[0] for version in versions.values()}
        for kind in ("parsed", "cleaned"):
            more = [v for v in versions.values() if v["version"].startswith(kind) and v["id"] not in session.promised]
            if len(more) > session.perhaps[kind]:
                yield f"session {session.id} has {[v['version'] for v in more]}, which nobody asked for"
            session.perhaps[kind] = 0
        session.promised = {id: version["version"] for id, version in versions.items()}
        if found["status"] not in (kinds or {"uploaded"}):
            yield f"session {session.id} is {found['status']} and has {kinds or 'no version'}"
        for version in versions.values():
            yield from self.check_version(server, session, version, state)

    def check_version(self, server, session, version, state):
        label, report, what = version["version"], session.report, (version["sha256"], version["row_count"], version["version"])
        if version["integrity"] != "ok":
            yield f"{label} of session {session.id} is {version['integrity']}"
        if session.seen.setdefault(version["id"], what) != what:
            yield f"{label} of session {session.id} is {what} and was {session.seen[version['id']]}"
        if label.startswith("parsed") and version["row_count"] != report.rows:
            yield f"{label} of session {session.id} has {version['row_count']} rows, not {report.rows}"
        if state == "deleted":
            return
        data = server.get(f"{session.path}/data.parquet?version={label}").body
        if hashlib.sha256(data).hexdigest() != version["sha256"]:
            yield f"{label} of session {session.id} is sent with other bytes than were published"
        for offset, expected in ((0, report.first), (version["row_count"] - 1, report.last)):
            rows = server.get(f"/api/data/preview?session_id={session.id}&version={label}&rows=1&offset={offset}").json["preview"]
            # A wider interval holds a mean of several rows.
            if label.startswith("parsed") or report.rows == version["row_count"]:
                wrong = {name: rows[0].get(name) for name, value in expected.items() if rows[0].get(name) != value}
                if wrong:
                    yield f"{label} of session {session.id}, row {offset}: {wrong}, not {expected}"

    def check_models(self, server):
        names = {item["name"] for item in server.get("/api/models?page_size=100").json["models"]}
        for name in names - self.models.keys():
            yield f"model {name} is there, which nobody asked for"
        for name, model in self.models.items():
            kept = {id: version for id, version in model.promised.items() if id not in model.gone}
            answer = server.ask("GET", f"/api/models/by-name/{name}")
            if answer.status != 200:
                if kept:
                    yield f"model {name} has {kept}, and its name answers {answer}"
                continue
            found = answer.json["versions"]
            done = {version["id"]: version for version in found if version["status"] == "completed"}
            for id, label in kept.items():
                if id not in done or done[id]["version"] != label:
                    yield f"model {name}:{label} ({id}) was promised; there are {[(v['version'], v['id'], v['status']) for v in found]}"
            for id, acknowledged in model.gone.items():
                if acknowledged and id in done:
                    yield f"model {name} ({id}) was deleted and is there"
            more = [v["version"] for v in done.values() if v["id"] not in model.promised]
            if len(more) > model.perhaps:
                yield f"model {name} has {more}, which nobody asked for"
            model.perhaps, model.gone = 0, {}
            model.promised = {id: version["version"] for id, version in done.items()}
            for id, version in done.items():
                stored = server.get(f"/api/models/{id}").json["sha256"]
                if hashlib.sha256(server.get(f"/api/models/{id}/file").body).hexdigest() != stored or version["integrity"] != "ok":
                    yield f"the file of model {name}:{version['version']} is not what was published"
                if model.seen.setdefault(id, (stored, version["version"])) != (stored, version["version"]):
                    yield f"model {name}:{version['version']} was {model.seen[id]}"
            for alias, possible in model.aliases.items():
                stands_for = [v["version"] for v in done.values() if alias in v["aliases"]] or [None]
                if stands_for[0] not in possible:
                    yield f"alias {name}:{alias} is {stands_for}, not {possible}"
                possible.clear()
                possible.add(stands_for[0])


def defects(ledger):
    """Refusals that do not say what is wrong with the machine, of requests with which nothing is wrong."""
    for what, status, said in ledger.refused:
        if status == -1 and (any(word in said for word in DEFECTS) or not said.strip()):
            yield f"{what}: {said.strip()[-300:]}"
        if status in (-1, 0):
            continue
        code = (said.json or {}).get("code") if said.body[:1] == b"{" else None
        if status != 503 or code is None:
            yield f"{what}: {said}"
