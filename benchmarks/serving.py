"""Requests per second of the stock pipeline and of the direct engine: same package, same cores, one after the other.

Writes the raw figures as JSON and prints a table. The load generator (wrk) runs on the same cores as the servers.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests
import yaml

ROOT = Path(__file__).resolve().parent.parent
HERE = Path(__file__).resolve().parent
CONNECTIONS = (1, 2, 4, 16)
START_SECONDS = 120.0
STOP_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Server:
    """One way to serve the package: the command line, and where it answers."""

    name: str
    command: tuple[str, ...]
    url: str


def copy_package(source: Path, target: Path, http_port: int, rpc_port: int, processes: int) -> None:
    """A copy of the package for the stock server: `processes` copies of the op, and ports that are free."""
    shutil.copytree(source, target)
    config_file = target / "config.yml"
    config = yaml.safe_load(config_file.read_text())
    config |= {"http_port": http_port, "rpc_port": rpc_port, "worker_num": max(CONNECTIONS)}
    for op in config["op"].values():
        op["concurrency"] = processes
    config_file.write_text(yaml.safe_dump(config))


@contextmanager
def running(server: Server, body: bytes, log: Path) -> Iterator[None]:
    """The server in a process group of its own, from its first good answer on until the block ends."""
    with log.open("wb") as output:
        process = subprocess.Popen(server.command, stdout=output, stderr=output, cwd=ROOT, start_new_session=True)
    try:
        wait_for_answer(server, process, body, log)
        yield
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            print(f"{server.name}: still there {STOP_SECONDS:.0f} s after SIGTERM", file=sys.stderr)
        # The stock server leaves children behind; the group is ours alone.
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def wait_for_answer(server: Server, process: subprocess.Popen[bytes], body: bytes, log: Path) -> None:
    """Returns after the first answer with err_no 0. Raises SystemExit with the server's log where none comes."""
    deadline, last = time.monotonic() + START_SECONDS, "no connection"
    while time.monotonic() < deadline and process.poll() is None:
        try:
            answer = requests.post(server.url, data=body, timeout=10).json()
        except (requests.RequestException, ValueError) as error:
            last = str(error)
        else:
            if answer.get("err_no") == 0:
                return
            last = str(answer)
        time.sleep(0.2)
    raise SystemExit(f"{server.name} gave no good answer: {last}\n{log.read_text()[-2000:]}")


def load(server: Server, body_file: Path, connections: int, seconds: int) -> dict[str, Any]:
    """One wrk run: requests per second, latencies in milliseconds, errors."""
    command = [
        "wrk",
        "-t1",
        f"-c{connections}",
        f"-d{seconds}s",
        "--timeout",
        "30s",
        "-s",
        str(HERE / "post.lua"),
        server.url,
    ]
    environment = {**os.environ, "BODY": str(body_file)}
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
    figures = json.loads(done.stdout.splitlines()[-1])
    return {
        "server": server.name,
        "connections": connections,
        "requests_per_second": round(figures["requests"] / figures["microseconds"] * 1e6, 1),
        "p50_ms": round(figures["p50_us"] / 1000, 2),
        "p99_ms": round(figures["p99_us"] / 1000, 2),
        "requests": figures["requests"],
        "errors": figures["errors"],
    }


def servers(package: Path, work: Path, processes: int) -> tuple[Server, Server]:
    """The stock pipeline and the direct engine, each with `processes` predictors of one thread."""
    name = "ocr-rec"
    copy_package(package, work / "stock", 18180, 18199, processes)
    stock = (sys.executable, str(HERE / "stock_server.py"), str(work / "stock"))
    options = ("--http-port", "18280", "--admin-port", "18281", "--workers", str(processes))
    direct = ("paddle-serving-runtime", "serve", "--model-dir", str(package), "--name", name, *options)
    return (
        Server("stock pipeline", stock, f"http://127.0.0.1:18180/{name}/prediction"),
        Server("direct engine", direct, f"http://127.0.0.1:18280/{name}/prediction"),
    )


def table(rows: list[dict[str, Any]]) -> str:
    """The figures side by side, one line per number of connections, as Markdown."""
    lines = [
        "| connections | stock pipeline req/s (p50 ms) | direct engine req/s (p50 ms) | ratio |",
        "|---|---|---|---|",
    ]
    for connections in CONNECTIONS:
        stock, direct = (row for row in rows if row["connections"] == connections)
        ratio = direct["requests_per_second"] / stock["requests_per_second"]
        cells = [f"{row['requests_per_second']:.1f} ({row['p50_ms']:.0f})" for row in (stock, direct)]
        lines.append(f"| {connections} | {cells[0]} | {cells[1]} | {ratio:.1f} |")
    return "\n".join(lines)


def main() -> int:
    """Runs everything; exit status 0. Raises SystemExit with a sentence where wrk or a server is missing."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("package", type=Path, help="the assembled package of examples/ocr-rec")
    parser.add_argument("--seconds", type=int, default=15, help="length of one load")
    parser.add_argument("--output", type=Path, default=ROOT / "docs" / "measurements" / "serving.json")
    arguments = parser.parse_args()
    if not shutil.which("wrk"):
        raise SystemExit("wrk is missing; it makes the load. Install it, for example: apt-get install wrk")
    package = arguments.package.resolve()
    body_file = package / "golden" / "hello.json"
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for server in servers(package, Path(folder), processes=os.cpu_count() or 1):
            with running(server, body_file.read_bytes(), Path(folder) / "server.log"):
                for connections in CONNECTIONS:
                    rows.append(load(server, body_file, connections, arguments.seconds))
                    print(rows[-1], file=sys.stderr, flush=True)
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    machine = {"cpus": os.cpu_count(), "processor": platform.processor() or platform.machine()}
    arguments.output.write_text(
        json.dumps({"machine": machine, "seconds": arguments.seconds, "rows": rows}, indent=1) + "\n"
    )
    print(table(rows))
    return 0


if __name__ == "__main__":
    sys.exit(main())
