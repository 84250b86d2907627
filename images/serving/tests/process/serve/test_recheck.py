"""Workers that change while they serve are noticed by their golden samples and replaced; others never are."""

import os
import re
import shutil
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from images.serving.tests.process.faults.conftest import load
from images.serving.tests.process.serve.conftest import PRICE, SERVICE, request_body, start_serving
from images.serving.tests.process_memory import find, flip
from images.serving.tests.services import ROW as X
from tools.documents import command as documented
from tools.typed import typed

if TYPE_CHECKING:
    from images.serving.tests.process.serve.conftest import Serving

Serve = Callable[..., "Serving"]
Make = Callable[..., Path]

SWITCHABLE = SERVICE.replace(
    '        if "exit" in inputs:',
    '        if "round_up" in inputs:\n'
    "            import ctypes\n"
    '            ctypes.CDLL("libm.so.6").fesetround(0x800)\n'
    '        if "exit" in inputs:',
)
WAITING = SERVICE.replace(
    "            time.sleep(0.01)",
    '            open(inputs["until"] + ".missed", "w").close()\n            time.sleep(0.01)',
)
INTERVAL = 1.0
WEIGHTS = 13
FOUND = "a worker answers otherwise than when it was proved"
DIFFERENCES = "paddle_serving_recheck_differences_total"
LOST = "paddle_serving_lost_requests_total"


def weights(package: Path) -> bytes:
    return (package / "model" / "fc_0.w_0").read_bytes()[-4 * WEIGHTS :]


def flip_a_weight(pid: int, package: Path, weight: int, bit: int) -> None:
    places = find(pid, weights(package))
    assert places, "the weights are not in the worker's memory"
    for place in places:
        flip(pid, place + 4 * weight, bit)


def rounds(serving: "Serving") -> list[float]:
    return [serving.metrics().get(f'paddle_serving_recheck_rounds_total{{worker="{n}"}}', 0) for n in (0, 1)]


def workers(serving: "Serving") -> float:
    return serving.metrics().get('paddle_serving_workers{phase="serving"}', 0)


def replaced(serving: "Serving", worker: int, pid: int) -> None:
    """Waits until the worker with this pid is replaced by one that serves."""
    serving.wait_for(lambda: serving.worker_pids()[worker] != pid and workers(serving) == 2, f"another worker {worker}")


@pytest.fixture(scope="module")
def package(make_package: Make) -> Path:
    golden = {f"{number}.json": request_body([value + number / 10 for value in X]) for number in range(3)}
    return make_package(SWITCHABLE, golden)


@pytest.fixture(scope="module")
def checked(package: Path, tmp_path_factory: pytest.TempPathFactory) -> "Iterator[Serving]":
    flags = ("--workers", "2", "--recheck-interval", str(INTERVAL))
    serving = start_serving(tmp_path_factory.mktemp("checked"), package, *flags)
    yield serving.wait_ready()
    serving.kill()


@pytest.mark.parametrize(("weight", "bit"), [(5, 30), (2, 22)], ids=["exponent", "mantissa"])
def test_a_bit_of_a_weight_flipped_in_a_workers_memory_is_found_and_told(
    checked: "Serving", package: Path, weight: int, bit: int
) -> None:
    before, (victim, other) = len(checked.logs(FOUND)), checked.worker_pids()
    flip_a_weight(victim, package, weight, bit)
    replaced(checked, 0, victim)
    assert checked.worker_pids()[1] == other
    (entry,) = checked.logs(FOUND)[before:]
    assert (entry["worker"], entry["pid"], entry["tensor"], entry["element"]) == (0, victim, "price", [0, 0])
    assert re.fullmatch(r"[012]\.json", entry["sample"])
    assert float(entry["got"]) != float(entry["expected"])
    recheck = checked.get("/report").json()["recheck"]
    assert recheck["intervalSeconds"] == INTERVAL
    assert recheck["differences"] == before + 1
    assert {key: recheck["lastDifference"][key] for key in ("worker", "sample", "expected", "got")} == {
        key: entry[key] for key in ("worker", "sample", "expected", "got")
    }
    assert checked.metrics()[f'{DIFFERENCES}{{worker="0"}}'] == before + 1
    assert checked.get("/report").json()["verdict"] == "EngineOnly"
    search = documented("docs/alerts.md", "kubectl logs POD -c serve | grep otherwise")
    said = typed(search.replaced({"kubectl logs POD -c serve": f"cat {checked.log_file}"}).text)
    assert entry["sentence"] in said
    assert [float(checked.post(request_body()).json()["value"][0].strip("[]"))] == pytest.approx([PRICE])


def test_another_rounding_of_floats_within_a_worker_is_found(checked: "Serving") -> None:
    pids = checked.worker_pids()
    checked.post(request_body(round_up="yes"))
    checked.wait_for(lambda: checked.worker_pids() != pids and workers(checked) == 2, "another worker")
    assert checked.logs(FOUND)[-1]["pid"] in pids
    assert checked.status("/readyz") == 200


def test_a_worker_that_dies_with_a_golden_sample_loses_no_request(
    serve: Serve, make_package: Make, tmp_path: Path
) -> None:
    gate = tmp_path / "gate"
    gate.touch()
    package = make_package(WAITING, {"slow.json": request_body(until=str(gate))})
    serving = serve(package, "--workers", "1", "--recheck-interval", "0.2", "--request-timeout", "30").wait_ready()
    serving.wait_for(lambda: rounds(serving)[0] > 0, "a round")
    (pid,) = serving.worker_pids()
    gate.unlink()
    serving.wait_for(Path(f"{gate}.missed").exists, "a golden sample in the worker")
    os.kill(pid, signal.SIGKILL)
    gate.touch()
    serving.wait_for(lambda: serving.worker_pids() != [pid] and workers(serving) == 1, "another worker")
    assert serving.metrics()[LOST] == 0
    done = rounds(serving)[0]
    serving.wait_for(lambda: rounds(serving)[0] > done, "a round of the new worker")


def test_a_golden_sample_that_is_never_answered_ends_its_worker_as_a_request_does(
    serve: Serve, make_package: Make, tmp_path: Path
) -> None:
    gate = tmp_path / "gate"
    gate.touch()
    package = make_package(WAITING, {"slow.json": request_body(until=str(gate))})
    serving = serve(package, "--workers", "1", "--recheck-interval", "0.2", "--request-timeout", "1").wait_ready()
    (pid,) = serving.worker_pids()
    gate.unlink()
    serving.wait_for(lambda: not Path(f"/proc/{pid}").exists(), "the end of the worker")
    gate.touch()
    serving.wait_for(lambda: serving.status("/readyz") == 200 and serving.worker_pids() != [pid], "another worker")
    assert serving.metrics()[f'{DIFFERENCES}{{worker="0"}}'] == 0


def test_a_file_that_was_replaced_ends_the_pod_when_the_fresh_worker_has_read_it(
    serve: Serve, make_package: Make
) -> None:
    package = make_package()
    serving = serve(package, "--workers", "2", "--recheck-interval", str(INTERVAL)).wait_ready()
    old = weights(package)
    path = package / "model" / "fc_0.w_0"
    changed = path.read_bytes()[: -4 * WEIGHTS] + old[::-1]
    new = path.with_suffix(".new")
    new.write_bytes(changed)
    serving.wait_for(lambda: min(rounds(serving)) > 1, "rounds that read nothing from the file")
    new.replace(path)
    for place in find(serving.worker_pids()[0], old):
        flip(serving.worker_pids()[0], place, 30)
    assert serving.wait_exit() == 3, serving.tail()
    assert serving.message().startswith("NotConsistent: Sample hello.json, tensor price, element [0, 0]: served is ")
    assert serving.status("/readyz") == 0
    (entry,) = serving.logs(FOUND)
    assert entry["pid"] != serving.worker_pids()[0]


@pytest.mark.parametrize(
    "flags",
    [
        (),
        ("--overrides", "op.price.batch_size=4", "op.price.auto_batching_timeout=20"),
        ("--engine", "pipeline", "--overrides", "op.price.batch_size=4", "op.price.auto_batching_timeout=20"),
    ],
    ids=["direct", "batching", "pipeline"],
)
def test_nothing_is_found_where_nothing_has_changed_over_many_rounds_under_load(
    serve: Serve, make_package: Make, flags: tuple[str, ...]
) -> None:
    golden = {f"{number}.json": request_body([value + number / 10 for value in X]) for number in range(3)}
    serving = serve(make_package(golden=golden), "--workers", "2", "--recheck-interval", "0.3", *flags).wait_ready()
    pids = serving.worker_pids()
    with load(serving) as clients:
        begun = rounds(serving)
        serving.wait_for(lambda: min(map(float.__sub__, rounds(serving), begun)) > 15, "rounds")
        good = clients.good()
        serving.wait_for(lambda: clients.good() > good, "answers")
    outcomes = {kind: count for kind, count in clients.outcomes.items() if kind != "good"}
    assert not {kind for kind in outcomes if not kind.endswith("wrong")}, outcomes
    assert bool(outcomes) <= bool(flags), outcomes  # rows that are computed together may differ in the last bits
    assert serving.worker_pids() == pids
    recheck = serving.get("/report").json()["recheck"]
    assert (recheck["differences"], recheck["lastDifference"]) == (0, None)
    assert not serving.logs(FOUND)


def test_without_the_option_there_is_no_recheck(shared: "Serving") -> None:
    assert shared.get("/report").json()["recheck"] is None
    assert not [name for name in shared.metrics() if "recheck" in name]


def test_an_interval_below_zero_is_refused(command: Callable[..., Any], service: Callable[..., Path]) -> None:
    for wrong in ("-1", "nan", "inf"):
        outcome = command("serve", "--model-dir", service(), "--name", "svc", "--recheck-interval", wrong)
        assert outcome.message.startswith("InvalidOption: --recheck-interval must be finite and not negative.")
        shutil.rmtree(outcome.folder)
