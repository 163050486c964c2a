"""Holds the built program to its API document: the document is valid, a generated client drives the whole chain, and
generated requests meet no 500, no status, type or answer that the document does not have, and no refusal of what it allows.

Starts the program itself, on a free port and in a folder of its own. `scripts/contract` calls it."""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from urllib.request import urlopen

sys.dont_write_bytecode = True
HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
BIN = Path(sys.executable).parent
CHECKS = [
    "not_a_server_error", "status_code_conformance", "content_type_conformance", "response_headers_conformance",
    "response_schema_conformance", "valid_requests_are_not_refused",
]

STREAMS = ["get_events", "get_graphql", "get_root_graphql"]


@contextmanager
def served(binary: Path, folder: Path):
    """The program on a free port, and its address."""
    (folder / "data").mkdir()
    settings = {
        "HOST": "127.0.0.1", "PORT": "0", "DATABASE_URL": f"sqlite://{folder}/data/hvac_analytics.db",
        "DATA_DIR": f"{folder}/data", "DATA_STORAGE_PATH": f"{folder}/data/sessions", "MODELS_PATH": f"{folder}/models",
        "RUST_LOG": "warn",
    }
    with open(folder / "log", "w") as log:
        command = [binary, "serve", "--demo"]
        server = subprocess.Popen(command, cwd=folder, env={**os.environ, **settings}, stdout=subprocess.PIPE, stderr=log, text=True)
        try:
            for line in server.stdout:
                if "http://" in line:
                    yield "http://" + line.split("http://")[1].split()[0]
                    break
            else:
                sys.exit(f"contract: the server did not start: {(folder / 'log').read_text()[-2000:]}")
        finally:
            server.terminate()
            server.wait(30)


def run(*command, folder=None, env=None):
    print("contract:", " ".join(str(part) for part in command), flush=True)
    if subprocess.run([str(part) for part in command], cwd=folder, env={**os.environ, **(env or {})}).returncode:
        sys.exit(f"contract: {Path(command[0]).name} failed")


def first_of_each(value):
    """An answer with its lists cut to their first item."""
    if isinstance(value, list):
        return [first_of_each(item) for item in value[:1]]
    if isinstance(value, dict):
        return {name: first_of_each(item) for name, item in value.items()}
    return value


def examples(document: dict) -> None:
    """Every answer with JSON has an example of a success that fits its schema."""
    from jsonschema import Draft202012Validator

    missing = []
    for path, item in document["paths"].items():
        for method, operation in item.items():
            for status, answer in operation["responses"].items():
                media = answer.get("content", {}).get("application/json")
                if not status.startswith("2") or media is None or media["schema"] == {"type": "object"}:
                    continue
                # Savings are measured over three weeks, which the samples do not have; and the first admin is made with a token
                # that a terminal shows.
                if "example" not in media and operation["operationId"] in ("get_verification", "post_setup"):
                    continue
                if "example" not in media:
                    missing.append(f"{method} {path} {status}")
                    continue
                schema = {**media["schema"], "components": document["components"]}
                for error in Draft202012Validator(schema).iter_errors(media["example"]):
                    sys.exit(f"contract: the example of {method} {path} is not of its schema: {error.json_path}: {error.message}")
    if missing:
        sys.exit(f"contract: no example of {', '.join(missing)}; scripts/contract --write-examples makes them")


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--binary", type=Path, required=True)
    arguments.add_argument("--seconds", type=int, default=60, help="how long requests are generated [60]")
    arguments.add_argument("--seed", type=int, default=1)
    arguments.add_argument("--write-examples", action="store_true", help="write the answers of the chain into the document's examples")
    asked = arguments.parse_args()
    with tempfile.TemporaryDirectory(prefix="contract-") as folder:
        folder = Path(folder)
        with served(asked.binary.resolve(), folder) as url:
            document = folder / "openapi.json"
            document.write_bytes(urlopen(f"{url}/api/openapi.json").read())
            run(BIN / "openapi-spec-validator", document)
            client = ["--path", document, "--output-path", folder / "client", "--meta", "none", "--config", HERE / "client.yaml"]
            run(BIN / "openapi-python-client", "generate", *client, "--fail-on-warning")
            sys.path[:0] = [str(folder), str(HERE)]
            from chain import drive

            known = drive(url, ROOT / "data/samples")
            print("contract: the generated client went the whole chain", flush=True)
            answers = known.pop("answers")
            if asked.write_examples:
                made = {name: first_of_each(json.loads(answer)) for name, answer in sorted(answers.items())}
                lines = [f"{json.dumps(name)}: {json.dumps(made[name], ensure_ascii=False)}" for name in made]
                (ROOT / "src/http/examples.json").write_text("{\n" + ",\n".join(lines) + "\n}\n")
                return
            examples(json.loads(document.read_text()))
            env = {"SCHEMATHESIS_HOOKS": "hooks", "PYTHONPATH": str(HERE), "PYTHONHASHSEED": "0", "PYTHONDONTWRITEBYTECODE": "1", "CONTRACT_KNOWN": json.dumps(known), "CONTRACT_URL": url}
            limits = ["--max-time", asked.seconds, "--seed", asked.seed, "--request-timeout", 60, "--workers", 2]
            kind = ["--phases", "examples,coverage,fuzzing", "--checks", ",".join(CHECKS), "--warnings", "off"]
            # What is told has no end, and a WebSocket is opened by no plain request.
            kind += [part for name in STREAMS for part in ("--exclude-operation-id", name)]
            try:
                run(BIN / "schemathesis", "run", f"{url}/api/openapi.json", *kind, *limits, "--continue-on-failure", folder=folder, env=env)
            finally:
                print((folder / "log").read_text()[-4000:], file=sys.stderr)


if __name__ == "__main__":
    main()
