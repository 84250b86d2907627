"""Load generators: wrk for HTTP/1.1, h2load for gRPC. Commands, and their output as figures."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks.payload import Payload

HERE = Path(__file__).resolve().parent
_OK = 200
_H2LOAD_RECORD = 3


@dataclass(frozen=True, slots=True)
class Figures:
    """One load: `requests` finished in `seconds`, `errors` of them not answered with HTTP 200; times in ms."""

    requests: int
    seconds: float
    errors: int
    p50_ms: float
    p90_ms: float
    p99_ms: float

    def to_json(self) -> dict[str, Any]:
        """The figures and their rate, rounded to what they are worth."""
        fields = {key: round(value, 3) if isinstance(value, float) else value for key, value in asdict(self).items()}
        rate = round(self.requests / self.seconds, 1) if self.seconds else 0.0
        return {"requests_per_second": rate, **fields}


def require_tools() -> None:
    """Raises SystemExit with a sentence where a load generator is missing."""
    for tool, package in (("wrk", "wrk"), ("h2load", "nghttp2-client")):
        if not shutil.which(tool):
            raise SystemExit(
                f"{tool} is missing; it makes the load. Install it, for example: apt-get install {package}"
            )


def run(payload: Payload, port: int, connections: int, seconds: float) -> Figures:
    """Sends the payload over and over on `connections` connections. Raises SystemExit where the tool fails."""
    with tempfile.TemporaryDirectory() as folder:
        body = Path(folder) / "body"
        body.write_bytes(payload.body)
        if payload.grpc:
            return _h2load(payload, port, connections, seconds, body)
        return _wrk(payload, port, connections, seconds, body)


def _wrk(payload: Payload, port: int, connections: int, seconds: float, body: Path) -> Figures:
    headers = [part for name, value in payload.headers for part in ("-H", f"{name}: {value}")]
    command = (
        *("wrk", "-t1", f"-c{connections}", f"-d{max(1, round(seconds))}s", "--timeout", "30s", *headers),
        *("-s", str(HERE / "post.lua"), f"http://127.0.0.1:{port}{payload.path}"),
    )
    return parse_wrk(_output(command, {"BODY": str(body)}))


def parse_wrk(output: str) -> Figures:
    """The figures in the last line, which post.lua writes."""
    figures = json.loads(output.splitlines()[-1])
    return Figures(
        requests=figures["requests"],
        seconds=figures["microseconds"] / 1e6,
        errors=figures["errors"],
        p50_ms=figures["p50_us"] / 1e3,
        p90_ms=figures["p90_us"] / 1e3,
        p99_ms=figures["p99_us"] / 1e3,
    )


def _h2load(payload: Payload, port: int, connections: int, seconds: float, body: Path) -> Figures:
    log = body.with_name("log")
    headers = [part for name, value in payload.headers for part in ("-H", f"{name}: {value}")]
    command = (
        *("h2load", "-t1", f"-c{connections}", "-m1", f"-D{max(1, round(seconds))}"),
        *("-d", str(body), "--log-file", str(log), *headers),
        f"http://127.0.0.1:{port}{payload.path}",
    )
    output = _output(command, {})
    return parse_h2load(output, log.read_text() if log.exists() else "")


def parse_h2load(output: str, log: str) -> Figures:
    """The figures by the summary and the log (start in us, HTTP status, us to the end), one line per request.

    Source: h2load(1) of nghttp2 1.52. The rate is that of the summary; a request that was not finished when the time
    was over is in neither. Raises ValueError where the summary is not there.
    """
    finished = re.search(r"^finished in ([\d.]+)(us|ms|s|m)\b", output, re.MULTILINE)
    if finished is None:
        raise ValueError(f"h2load gave no summary: {output[-300:]}")
    records = [line.split("\t") for line in log.splitlines()]
    records = [record for record in records if len(record) == _H2LOAD_RECORD]
    times = sorted(int(record[2]) / 1e3 for record in records)
    scale = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0}[finished[2]]
    return Figures(
        requests=len(records),
        seconds=float(finished[1]) * scale,
        errors=sum(int(record[1]) != _OK for record in records),
        p50_ms=percentile(times, 50),
        p90_ms=percentile(times, 90),
        p99_ms=percentile(times, 99),
    )


def percentile(ordered: list[float], percent: float) -> float:
    """The smallest value that `percent` of the ascending values do not exceed; 0 where there is none."""
    if not ordered:
        return 0.0
    return ordered[max(0, -(-len(ordered) * percent // 100).__int__() - 1)]


def _output(command: tuple[str, ...], environment: dict[str, str]) -> str:
    done = subprocess.run(command, check=False, capture_output=True, text=True, env={**os.environ, **environment})
    if done.returncode:
        raise SystemExit(f"{command[0]} failed: {(done.stderr or done.stdout)[-500:]}")
    return done.stdout
