"""A server with data, nginx before it at `/hvac/`, and a browser whose every complaint is a failure."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path
from urllib.request import Request, urlopen

from playwright.sync_api import sync_playwright

ROOT = Path(__file__).resolve().parent.parent.parent
AXE = (files("axe_playwright_python") / "axe.min.js").read_text()
SIZES = {"phone": (390, 844), "desktop": (1280, 900), "wall": (2560, 1440)}

NGINX = """
worker_processes 1; pid {folder}/nginx.pid; error_log {folder}/nginx.err;
events {{ worker_connections 256; }}
http {{
  # As it was sent: a name with a slash stays one part of its address.
  map $request_uri $kept {{ ~^/hvac(?<rest>/.*)$ $rest; }}
  access_log off; client_max_body_size 0;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  server {{
    listen 127.0.0.1:{front};
    location = /hvac {{ return 301 /hvac/; }}
    {sources}
    location /hvac/ {{
      proxy_pass http://127.0.0.1:{port}$kept; proxy_http_version 1.1; proxy_buffering off; proxy_request_buffering off; proxy_set_header Host localhost:{port};
      proxy_set_header X-Forwarded-For $remote_addr; proxy_set_header X-Forwarded-Proto http; proxy_set_header X-Forwarded-Host $http_host;
    }}
    # As most write it: what was escaped in a path no longer is.
    location /usual/ {{
      proxy_pass http://127.0.0.1:{port}/; proxy_http_version 1.1; proxy_set_header Host localhost:{port};
      proxy_set_header X-Forwarded-For $remote_addr; proxy_set_header X-Forwarded-Proto http; proxy_set_header X-Forwarded-Host $http_host;
    }}
  }}
}}
"""


# The page as it stands in the sources, without a build.
SOURCES = """
    location ~ ^/hvac/web/[^/]+/(.*)$ {{ include /etc/nginx/mime.types; alias {web}/$1; }}
    location ~ ^/usual/web/[^/]+/(.*)$ {{ include /etc/nginx/mime.types; alias {web}/$1; }}
    location = /hvac/ {{ root {web}; try_files /index.html =404; default_type text/html; }}
    location = /usual/ {{ root {web}; try_files /index.html =404; default_type text/html; }}
"""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Server:
    """The program in a folder of its own, on one port for its whole life, with nginx before it."""

    def __init__(self, binary, folder, sources=False, **settings):
        self.binary, self.folder, self.sources, self.port, self.front = Path(binary).resolve(), Path(folder), sources, free_port(), free_port()
        (self.folder / "data").mkdir(parents=True)
        self.environment = {
            **os.environ, "PORT": str(self.port), "RUST_LOG": "warn", "TRUSTED_PROXIES": "127.0.0.1", "ANONYMOUS_ROLE": "admin",
            # All journeys within minutes are more than one person asks.
            "RATE_LIMIT_ANONYMOUS": "0", "RATE_LIMIT_HEAVY": "0", **settings,
        }
        self.process = None
        configuration = self.folder / "nginx.conf"
        configuration.write_text(NGINX.format(
            folder=self.folder, front=self.front, port=self.port, sources=SOURCES.format(web=ROOT / "src/web") if sources else ""))
        self.nginx = subprocess.Popen(["nginx", "-c", configuration, "-g", "daemon off;"])

    @property
    def page(self):
        return f"http://127.0.0.1:{self.front}/hvac/"

    def start(self):
        log = open(self.folder / "log", "a")
        self.process = subprocess.Popen([self.binary, "serve"], cwd=self.folder, env=self.environment, stdout=log, stderr=log)
        for _ in range(300):
            try:
                self.ask("GET", "ready")
                return self
            except OSError:
                if self.process.poll() is not None:
                    break
                time.sleep(0.1)
        sys.exit(f"page: the server did not start: {(self.folder / 'log').read_text()[-2000:]}")

    def stop(self, kill=False):
        self.process.send_signal(signal.SIGKILL if kill else signal.SIGTERM)
        self.process.wait(60)

    def back(self):
        """Running, whatever a journey that broke off left."""
        if self.process.poll() is not None:
            self.start()

    def end(self):
        if self.process and self.process.poll() is None:
            self.stop()
        self.nginx.terminate()
        self.nginx.wait(10)

    def run(self, *arguments):
        """A command on the same stores, while no server needs to run."""
        done = subprocess.run([self.binary, *map(str, arguments)], cwd=self.folder, env=self.environment, capture_output=True, text=True)
        assert done.returncode == 0, f"{arguments}: {done.stderr}"
        return done.stdout

    def ask(self, method, path, body=None):
        """The API's own answer, beside the page."""
        data = None if body is None else json.dumps(body).encode()
        request = Request(f"http://127.0.0.1:{self.port}/api/v1/{path}", data, {"content-type": "application/json"}, method=method)
        with urlopen(request, timeout=60) as answer:
            text = answer.read()
        return json.loads(text) if text else None

    def sessions(self):
        return {session["name"]: session for session in self.ask("GET", "sessions?page_size=100")["items"]}


class Browser:
    """One Chromium for all journeys."""

    def __init__(self, server):
        self.server = server
        self.playwright = sync_playwright().start()
        self.chromium = self.playwright.chromium.launch(executable_path=os.environ.get("CHROMIUM", "/usr/bin/chromium"), args=["--no-sandbox"])

    @contextmanager
    def page(self, size="desktop", theme="light", locale="en-GB", touch=False, allowed=()):
        """A page of its own; whatever its console complains of, but for `allowed` parts, is a failure afterwards."""
        width, height = SIZES[size]
        context = self.chromium.new_context(
            viewport={"width": width, "height": height}, color_scheme=theme, locale=locale, has_touch=touch, accept_downloads=True,
            timezone_id="Europe/Berlin",
        )
        context.set_default_timeout(15000)
        page = context.new_page()
        watch(page)
        complaints = page.complaints = []
        page.on("console", lambda message: message.type in ("error", "warning") and complaints.append(f"{message.text} {message.location.get('url', '')}".strip()))
        page.on("pageerror", lambda error: complaints.append(f"error: {error}"))
        try:
            yield page
        except Exception:
            folder = pictures() / "failed"
            folder.mkdir(parents=True, exist_ok=True)
            page.screenshot(path=folder / f"{int(time.time())}.png")
            raise
        finally:
            context.close()
        wrong = [complaint for complaint in complaints if not any(part in complaint for part in allowed)]
        assert not wrong, f"the browser complains: {wrong}"

    def end(self):
        self.chromium.close()
        self.playwright.stop()


def pictures():
    return Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "page"


def watch(page):
    """Counts what is asked and not yet answered; a stream of events is never answered to its end."""
    page.under_way = set()
    page.on("request", lambda request: "/events" not in request.url and page.under_way.add(request))
    for end in ("requestfinished", "requestfailed"):
        page.on(end, lambda request: page.under_way.discard(request))


def look(page, address):
    """Goes to an address of the page, such as `#/models`, and waits until nothing is awaited any more."""
    base = page.url.split("#")[0]
    page.goto(base + address)
    settle(page)


def settle(page, seconds=30):
    """Waits until nothing is awaited: no answer, no place held for one, for a tenth of a second."""
    quiet, until = 0, time.monotonic() + seconds
    while quiet < 3:
        page.wait_for_timeout(40)
        waiting = page.under_way or page.evaluate("!document.querySelector('main:not(:empty)') || !!document.querySelector('.waiting, [aria-busy=true]')")
        quiet = 0 if waiting else quiet + 1
        if time.monotonic() > until:
            held = page.evaluate("[...document.querySelectorAll('.waiting, [aria-busy=true]')].map((one) => one.parentElement.outerHTML.slice(0, 200))")
            raise AssertionError(f"still awaited: {[request.url for request in page.under_way]} {held} at {page.url}; the browser complains: {page.complaints}")


def until(page, expression, seconds=15):
    """Waits until an expression is true. The page's policy forbids what the browser's driver would do to wait by itself."""
    end = time.monotonic() + seconds
    while not page.evaluate(expression):
        assert time.monotonic() < end, f"never true: {expression}"
        page.wait_for_timeout(40)


def serious(page):
    """What axe finds that is serious or critical: rule, how often, the first place."""
    page.evaluate(AXE)
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [
        f"{violation['id']} ×{len(violation['nodes'])}: {violation['nodes'][0]['html'][:160]} {violation['nodes'][0]['any'][0]['message'] if violation['nodes'][0]['any'] else ''}"
        for violation in found["violations"] if violation["impact"] in ("serious", "critical")
    ]


def overflow(page):
    """By how many pixels the page is wider than its window."""
    return page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
