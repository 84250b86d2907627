"""One peer and this project's server, one after the other: every form, every number of connections."""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import requests
from tritonclient.utils import InferenceServerException

from benchmarks import clients, load, measure, payload, servers
from benchmarks.models import ROOT, Model
from benchmarks.peers import catalogue, environments, forms
from benchmarks.peers.catalogue import Peer
from benchmarks.peers.forms import Form
from benchmarks.results import Results
from benchmarks.servers import Running, Server

PRODUCT = "direct engine"
_WARM_UP_SECONDS = 1
_IDLE_CORES, _LOOK_SECONDS, _BUSY_SECONDS = 0.05, 2.0, 30.0
_REASON = 300
_ERROR = re.compile(r"^(\w+\.)*\w*(Error|Exception)\b")
_NO_ANSWER = (grpc.RpcError, InferenceServerException, requests.RequestException, ValueError, OSError)


@dataclass(frozen=True, slots=True)
class Plan:
    """Seconds of a load, workers of every server, connections, seconds that a peer may take to start.

    `serve` are further flags of this project's server.
    """

    seconds: int
    workers: int
    connections: tuple[int, ...]
    start_seconds: float
    work: Path
    serve: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Bench:
    """What is served, by tensor and by picture, and what Paddle Inference answers."""

    plain: Model
    picture: Model
    expected: Mapping[str, np.ndarray]

    def model(self, peer: Peer) -> Model:
        """What a peer is asked."""
        return self.picture if peer.picture else self.plain


def measure_pair(peer: Peer, turn: int, bench: Bench, plan: Plan, results: Results) -> None:
    """The cells of this project's server and then of the peer that are not there yet.

    A peer that cannot be installed or started, or whose answer is wrong, is a row that says why.
    """
    head = {"kind": "server", "peer": peer.name, "turn": turn}
    if all(key in results.rows for key in _keys(head, peer, plan)):
        return
    model, server, own = bench.model(peer), peer.name, _own(peer)
    try:
        folder = environments.make(peer.environment) if peer.environment else None
        likes = tuple(form.like or form for form in peer.takes)
        server = own
        flags = ("--backend", peer.backend) if peer.backend else ()
        product = catalogue.product(model, plan.workers, (*plan.serve, *flags))
        with servers.running(product, model, seconds=plan.start_seconds) as run:
            _cells(run, likes, {**head, "server": own}, bench, plan, results)
        server = peer.name
        with _running(peer, folder, model, plan) as run:
            started: dict[str, float] = {"start_seconds": round(time.monotonic() - run.started, 1)}
            _settle(run)
            if folder:
                started["installed_mb"] = environments.megabytes(folder)
            _cells(run, peer.takes, {**head, "server": peer.name, **started}, bench, plan, results)
    except (servers.ServerError, environments.InstallError, clients.WrongAnswerError) as error:
        results.fail({**head, "server": server}, RuntimeError(reason(str(error))))


def _keys(head: Mapping[str, Any], peer: Peer, plan: Plan) -> Iterator[str]:
    for server, takes in ((_own(peer), [form.like or form for form in peer.takes]), (peer.name, list(peer.takes))):
        for form in takes:
            for connections in plan.connections:
                yield _key({**head, "server": server}, form, connections)


def _own(peer: Peer) -> str:
    """The name of this project's server beside a peer: with its backend where that is not the default."""
    return f"{PRODUCT}, {peer.backend}" if peer.backend else PRODUCT


def _key(head: Mapping[str, Any], form: Form, connections: int) -> str:
    return f"{head['turn']} / {head['peer']} / {head['server']} / {form.name} / {connections}"


def _cells(
    run: Running, takes: tuple[Form, ...], head: Mapping[str, Any], bench: Bench, plan: Plan, results: Results
) -> None:
    model = bench.picture if takes[0].name == forms.PICTURE.name else bench.plain
    for form in takes:
        answer = check(form, run.server, model, bench.expected)
        request, port = form.build(model.service, model.inputs), run.server.ports[form.name == payload.OIP_GRPC]
        load.run(request, port, plan.workers, _WARM_UP_SECONDS)
        for connections in plan.connections:
            row = measure.loaded(run, request, port, connections, plan.seconds)
            more = {"form": form.name, "like": (form.like or form).name, "connections": connections, "answer": answer}
            results.put(_key(head, form, connections), {**head, **more, **row})
            results.say(f"{_key(head, form, connections)}: {row['requests_per_second']} req/s, {row['cpu_ms']} ms CPU")
        # the load generator for gRPC does not look into answers
        check(form, run.server, model, bench.expected)


def check(form: Form, server: Server, model: Model, expected: Mapping[str, np.ndarray]) -> str:
    """How the server's answer compares with Paddle Inference's. Raises WrongAnswerError."""
    try:
        answer = forms.ask(form, server.ports, model)
    except _NO_ANSWER as error:
        raise clients.WrongAnswerError(f"{form.name}: {' '.join(str(error).split())[:_REASON]}") from error
    return clients.compare(form.name, answer, expected)


@contextmanager
def _running(peer: Peer, folder: Path | None, model: Model, plan: Plan) -> Iterator[Running]:
    """The peer from its first answer on, in a working directory of its own."""
    work = plan.work / "run"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    programs = folder / "bin" if folder else Path()

    def missing() -> str:
        try:
            forms.ask(peer.takes[0], catalogue.PORTS, model)
        except (*_NO_ANSWER, clients.WrongAnswerError) as error:
            return str(error)
        return ""

    run = servers.launch(peer.server(programs), work / "server.log", dict(peer.variables), work)
    try:
        servers.wait_until(missing, run, work / "server.log", plan.start_seconds)
        yield run
    finally:
        servers.stop(run)


def _settle(run: Running) -> None:
    """Returns when the server has nothing else to do: one worker answers before the others have loaded."""
    deadline = time.monotonic() + _BUSY_SECONDS
    before, used = run.cpu_seconds(), _IDLE_CORES * _LOOK_SECONDS
    while used >= _IDLE_CORES * _LOOK_SECONDS and time.monotonic() < deadline:
        time.sleep(_LOOK_SECONDS)
        now = run.cpu_seconds()
        before, used = now, now - before


def reason(text: str) -> str:
    """The sentence of a message and the last line of the log in it that names an error; no folders of this machine."""
    first, *log = [line.strip() for line in text.splitlines() if line.strip()] or ["it said nothing"]
    said = [line for line in log if _ERROR.search(line)][-1:]
    sentence = f"{first.partition(': ')[0]}: {said[0]}" if said else first
    for folder in (ROOT, environments.cache(), Path.home()):
        sentence = sentence.replace(f"{folder}/", "")
    return sentence[:_REASON]
