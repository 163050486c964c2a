"""Runs the code of docs/tools against a server with the sample reports.

    python scripts/tools.py BINARY        (scripts/tools installs what it needs)

A page's python blocks are one program, its bash blocks run by themselves; what a ```text block shows is what the block
before it prints.
"""

import glob
import os
import re
import socket
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from readers import Server  # noqa: E402

PAGES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "docs", "tools")
MARK = "-- the end of a block --"
# DuckDB's extension lies in a package of Python, so that nothing is downloaded.
HTTPFS = """
import duckdb as _duckdb, duckdb_extension_httpfs as _httpfs, glob as _glob, os as _os
_duckdb.sql("LOAD '%s'" % _glob.glob(_os.path.join(_os.path.dirname(_httpfs.__file__), "extensions/*/*"))[0])
"""


def blocks(text):
    """Code and what it prints, if the page shows it."""
    found = re.findall(r"^```(\w+)\n(.*?)^```", text, re.M | re.S)
    shown = [next_text if language == "text" else None for language, next_text in found[1:]] + [None]
    return [(language, code, show) for (language, code), show in zip(found, shown) if language != "text"]


def run(command, given, folder):
    done = subprocess.run(command, input=given, capture_output=True, text=True, timeout=300, cwd=folder)
    if done.returncode:
        raise AssertionError(f"ended with {done.returncode}:\n{done.stderr[-2000:]}")
    return done.stdout


def try_page(page, server, folder):
    """The blocks that were run, and those of them whose output the page shows."""
    text = open(page, encoding="utf-8").read()
    for usual in ("http://127.0.0.1:8000", "http://localhost:8000"):
        text = text.replace(usual, server.url)
    text = text.replace("5433", os.environ["PG_PORT"])
    all_blocks = blocks(text)
    python = [(code, show) for language, code, show in all_blocks if language == "python"]
    tried = []
    if python:
        program = HTTPFS + f"\nprint({MARK!r})\n".join(code for code, _ in python)
        program = program.replace("LOAD httpfs; ", "")
        printed = run([sys.executable, "-"], program, folder).split(MARK + "\n")
        tried += [(out, show) for out, (_, show) in zip(printed, python, strict=True)]
    for language, code, show in all_blocks:
        if language == "bash":
            tried.append((run(["bash", "-euo", "pipefail"], code, folder), show))
    for printed, show in tried:
        assert show is None or printed == show, f"the page shows\n{show}\nand it prints\n{printed}"
    return len(tried), sum(show is not None for _, show in tried)


def main(binary):
    wrong = 0
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        os.environ["PG_PORT"] = str(free.getsockname()[1])
    with tempfile.TemporaryDirectory() as folder:
        server = Server(binary, folder)
        os.environ["PATH"] = os.path.dirname(binary) + os.pathsep + os.environ["PATH"]
        try:
            session = server.ask("/api/sessions")["items"][0]["session_id"]
            server.ask("/api/clean", {"session_id": session})
            for page in sorted(glob.glob(os.path.join(PAGES, "*.md"))):
                name = os.path.basename(page)
                try:
                    ran, compared = try_page(page, server, folder)
                    print(f"{name}: {ran} blocks, {compared} with what they print")
                except (AssertionError, ValueError, subprocess.TimeoutExpired) as error:
                    wrong += 1
                    print(f"{name}: {error}", file=sys.stderr)
        finally:
            server.process.terminate()
            server.process.wait()
    return wrong


if __name__ == "__main__":
    sys.exit(min(main(sys.argv[1]), 1))
