"""How processes get Paddle's OpenVINO engine."""

from pathlib import Path

import pytest

from paddle_serving_runtime.paddle_model import plugin

SETTINGS = "plugins.xml"


@pytest.fixture
def libraries(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Those of an installation of Paddle that is not ours to change."""
    folder = tmp_path / "paddle/libs"
    folder.mkdir(parents=True)
    for name in (
        plugin.PLUGIN,
        "libopenvino.so.2500",
        "libopenvino_paddle_frontend.so.2500",
        "libtbb.so.12",
        "libz.so",
    ):
        (folder / name).write_text(name)
    monkeypatch.setattr(plugin, "plugin_path", lambda: folder / plugin.PLUGIN)
    return folder


def test_the_loader_finds_a_copy_with_the_setting_beside_it_first(libraries: Path, tmp_path: Path) -> None:
    folder = tmp_path / "engine"
    environment = plugin.with_free_threads("OpenVINO", folder, {"LD_LIBRARY_PATH": "/opt/cuda/lib", "A": "b"})
    assert environment == {"LD_LIBRARY_PATH": f"{folder}:/opt/cuda/lib", "A": "b"}
    assert 'key="ENABLE_CPU_PINNING" value="NO"' in (folder / SETTINGS).read_text()
    # OpenVINO follows a link of its own library back to where the setting is not
    assert (folder / "libopenvino.so.2500").resolve().parent == folder
    assert (folder / plugin.PLUGIN).resolve().parent == libraries
    assert sorted(path.name for path in folder.iterdir()) == [
        "libopenvino.so.2500",
        plugin.PLUGIN,
        "libopenvino_paddle_frontend.so.2500",
        "libtbb.so.12",
        SETTINGS,
    ]
    assert plugin.with_free_threads("Auto", folder, {}) == {"LD_LIBRARY_PATH": str(folder)}


@pytest.mark.usefixtures("libraries")
def test_a_process_that_loads_no_engine_needs_no_copy(tmp_path: Path) -> None:
    assert plugin.with_free_threads("Default", tmp_path / "engine", {"A": "b"}) == {"A": "b"}
    assert not (tmp_path / "engine").exists()


def test_an_installation_with_the_setting_needs_no_copy(libraries: Path, tmp_path: Path) -> None:
    (libraries / SETTINGS).touch()
    assert plugin.with_free_threads("OpenVINO", tmp_path / "engine", {"A": "b"}) == {"A": "b"}
    assert not (tmp_path / "engine").exists()


def test_an_installation_without_the_engine_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plugin, "plugin_path", lambda: None)
    assert plugin.with_free_threads("OpenVINO", tmp_path / "engine", {"A": "b"}) == {"A": "b"}
