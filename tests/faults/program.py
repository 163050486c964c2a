"""The built binary on a store of its own: as a server that is asked over HTTP, and as commands."""

import http.client
import json
import os
import re
import signal
import subprocess
import threading
import time
import uuid

# Asked in that order no job slips through: one that fails for now goes back to the queue, and stays there for a while.
UNFINISHED = ("queued", "running", "queued")
SETTINGS = {"PORT": "0", "RUST_LOG": "info", "HOST": "127.0.0.1"}


class Unanswered(Exception):
    """No whole answer came: what was asked for may have happened or not."""


class Answer:
    def __init__(self, status, body):
        self.status, self.body = status, body

    @property
    def json(self):
        return json.loads(self.body) if self.body else None

    def __str__(self):
        try:
            return f"{self.status} {self.json['code']}: {self.json['detail']}"
        except (ValueError, LookupError, TypeError):
            return f"{self.status} {self.body[:300].decode(errors='replace')}"

    __repr__ = __str__


def environment(store, more=None):
    """Of this process, but with every setting in `store`."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR") if name in os.environ}
    return kept | SETTINGS | {
        "DATABASE_URL": f"sqlite://{store}/data/hvac_analytics.db", "DATA_DIR": f"{store.parent}/reports",
        "DATA_STORAGE_PATH": f"{store}/data/sessions", "MODELS_PATH": f"{store}/models",
    } | (more or {})


class Command:
    """A command, run to its end."""

    def __init__(self, program, store, *arguments, more=None, timeout=60):
        self.said = " ".join(map(str, arguments))
        try:
            done = subprocess.run([program, *map(str, arguments)], cwd=store.parent, env=environment(store, more), timeout=timeout,
                                  stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        except subprocess.TimeoutExpired as error:
            raise Unanswered(f"{self.said} does not end within {timeout} s") from error
        self.code, self.out, self.err = done.returncode, done.stdout, done.stderr.decode(errors="replace")

    @property
    def json(self):
        return json.loads(self.out)


class Server:
    """`serve`, until it is stopped or killed. `address` is none when it ended before it answered."""

    patience = 60

    def __init__(self, program, store, log, more=None):
        self.log = open(log, "ab")
        self.child = subprocess.Popen([program, "serve"], cwd=store.parent, env=environment(store, more), stdin=subprocess.DEVNULL,
                                      stdout=subprocess.PIPE, stderr=self.log, text=True)
        said = re.search(r"http://(\S+)", self.child.stdout.readline())
        self.address = said[1] if said else None
        if self.address is None:
            self.child.wait()

    @property
    def alive(self):
        return self.child.poll() is None

    def ask(self, method, path, body=None, form=None):
        headers = {}
        if form is not None:
            headers["Content-Type"], body = form
        elif body is not None:
            headers["Content-Type"], body = "application/json", json.dumps(body).encode()
        connection = http.client.HTTPConnection(self.address, timeout=self.patience)
        try:
            connection.request(method, path, body=body, headers=headers)
            answer = connection.getresponse()
            return Answer(answer.status, answer.read())
        except TimeoutError as error:
            raise Unanswered(f"{method} {path}: no answer within {self.patience} s") from error
        except (OSError, http.client.HTTPException) as error:
            raise Unanswered(f"{method} {path}: {error!r}") from error
        finally:
            connection.close()

    def get(self, path, status=200):
        """What a GET that must succeed answers."""
        answer = self.ask("GET", path)
        if answer.status != status:
            raise Wrong(f"GET {path}: {answer}")
        return answer

    def kill(self):
        """Also when it is dead already."""
        self.child.kill()
        self.end()

    def stop(self):
        """In order; whether it was."""
        self.child.send_signal(signal.SIGTERM)
        killer = threading.Timer(60, self.child.kill)
        killer.start()
        code = self.end()
        killer.cancel()
        return code == 0

    def end(self):
        code = self.child.wait()
        self.child.stdout.close()
        self.log.close()
        return code

    def settle(self, patience=60):
        """Waits until the jobs have ended; those that have not."""
        until = time.monotonic() + patience
        while True:
            waiting = []
            for status in UNFINISHED:
                waiting += self.get(f"/api/jobs?status={status}&page_size=100").json["items"]
            if not waiting or time.monotonic() > until:
                return waiting
            time.sleep(0.1)


class Wrong(Exception):
    """Something is not as it was promised."""


def form(files, **fields):
    """Content type and body of a multipart form."""
    boundary = uuid.uuid4().hex
    parts = [(f'name="{name}"', text.encode()) for name, text in fields.items()]
    parts += [(f'name="files"; filename="{name}"', data) for name, data in files]
    body = b"".join(f"--{boundary}\r\nContent-Disposition: form-data; {head}\r\n\r\n".encode() + data + b"\r\n" for head, data in parts)
    return f"multipart/form-data; boundary={boundary}", body + f"--{boundary}--\r\n".encode()
