"""A service that cannot be started ends with a sentence, in both modes, and never half started."""

from collections.abc import Callable
from pathlib import Path

import pytest

from images.serving.tests.process.pipeline_engine.conftest import Start
from images.serving.tests.process.pipeline_engine.services import TROUBLE, TROUBLE_CONFIG

Service = Callable[..., Path]
INIT = "    def init_op(self):\n        {}\n\n    def preprocess"


def broken(start: Start, root: Path, mode: dict[str, str]) -> str:
    engine = start(root, mode)
    assert engine.loaded.get("exitCode") == 4, engine.loaded
    engine.wait()
    engine.wait_for(lambda: not engine.family(), "end of the family")
    message: str = engine.loaded["failed"]
    assert message.startswith("ModelInvalid") or str(root.parent) not in message
    return message


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("raise OSError('the dictionary is missing')", "failed: OSError: the dictionary is missing"),
        ("sys.exit(3)", "failed: it called sys.exit(3)"),
        ("os._exit(0)", "failed: it called os._exit(0)"),
    ],
)
def test_init_op_that_fails_is_a_broken_service(
    service: Service, start: Start, mode: dict[str, str], statement: str, words: str
) -> None:
    script = TROUBLE.replace("    def preprocess", INIT.format(statement))
    line = script.splitlines().index(f"        {statement}") + 1
    message = broken(start, service(web_service=script, config=TROUBLE_CONFIG), mode)
    assert message.startswith(f"ServiceBroken: web_service.py:{line}: init_op of op trouble")
    assert words in message


def test_a_process_that_is_killed_while_it_starts_is_a_broken_service(service: Service, start: Start) -> None:
    script = TROUBLE.replace("    def preprocess", INIT.format("os.kill(os.getpid(), signal.SIGKILL)"))
    message = broken(start, service(web_service=script, config=TROUBLE_CONFIG), {})
    assert message == ("ServiceBroken: the process of Op trouble was ended by signal 9 while the Ops were initialised.")


def test_a_model_that_is_cut_short_is_an_invalid_model(trouble: Path, start: Start, mode: dict[str, str]) -> None:
    (trouble / "uci_housing_model" / "fc_0.w_0").write_bytes(b"short")
    assert broken(start, trouble, mode).startswith("ModelInvalid: ")


def test_first_arrival_channels_are_refused(trouble: Path, start: Start) -> None:
    message = broken(start, trouble, {"dag.channel_recv_frist_arrive": "true"})
    assert message.startswith("ServiceBroken: config.yml: dag.channel_recv_frist_arrive")


def test_a_plain_model_is_told_to_use_the_direct_engine(exported_models: Path, start: Start) -> None:
    engine = start(exported_models / "program")
    assert engine.loaded["exitCode"] == 2
    assert "Use --engine direct." in engine.loaded["failed"]


def test_nothing_listens_and_nothing_is_written_outside_of_the_temporary_folder(
    trouble: Path, start: Start, mode: dict[str, str]
) -> None:
    before = {path: path.stat().st_mtime_ns for path in trouble.rglob("*")}
    engine = start(trouble, mode)
    assert {path: path.stat().st_mtime_ns for path in trouble.rglob("*")} == before
    ports = [line.split() for line in Path(f"/proc/{engine.pid}/net/tcp").read_text().splitlines()[1:]]
    mine = {
        str(link.readlink()).removeprefix("socket:[").removesuffix("]")
        for pid in engine.family()
        for link in Path(f"/proc/{pid}/fd").iterdir()
        if str(link.readlink()).startswith("socket:")
    }
    assert [port for port in ports if port[9] in mine] == []


def test_what_is_not_done_is_said(trouble: Path, start: Start) -> None:
    engine = start(
        trouble,
        {
            "dag.is_thread_op": "true",
            "op.trouble.concurrency": "3",
            "dag.channel_size": "2",
            "dag.use_profile": "true",
            "dag.tracer.interval_s": "1",
            "dag.enable_prometheus": "true",
            "build_dag_each_worker": "true",
        },
    )
    log = engine.log()
    for words in (
        "op.trouble.concurrency in config.yml is 3, but one thread runs it",
        "dag.channel_size in config.yml has no effect",
        "dag.use_profile in config.yml has no effect",
        "dag.tracer in config.yml has no effect",
        "dag.enable_prometheus in config.yml has no effect",
        "build_dag_each_worker in config.yml has no effect",
    ):
        assert words in log
