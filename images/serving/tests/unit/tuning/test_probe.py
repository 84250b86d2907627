"""Processes that are timed, as they are started."""

import asyncio
from pathlib import Path

import pytest

from paddle_serving_runtime.paddle_model import plugin
from paddle_serving_runtime.paddle_model.computing import Computing
from paddle_serving_runtime.supervisor.allocator import SYSTEM
from paddle_serving_runtime.tuning.options import ProbeOptions
from paddle_serving_runtime.tuning.probe import Probe


def test_processes_with_another_engine_have_one_copy_of_its_library_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the installation is not the image's, which has what the engine needs beside its library."""
    libraries = tmp_path / "paddle" / "libs"
    libraries.mkdir(parents=True)
    for name in (plugin.PLUGIN, "libopenvino.so"):
        (libraries / name).touch()
    monkeypatch.setattr(plugin, "plugin_path", lambda: libraries / plugin.PLUGIN)
    computing = Computing(
        ir_optim=True, onednn=True, threads=1, device="cpu", overrides=(), script="", backend="OpenVINO"
    )

    async def started() -> None:
        for number in ("1", "2"):
            options = ProbeOptions(str(tmp_path), computing, str(tmp_path / number))
            await (await Probe.start(options, SYSTEM)).end()

    asyncio.run(started())
    assert [path.parent.name for path in tmp_path.rglob("plugins.xml")] == ["engine"]
