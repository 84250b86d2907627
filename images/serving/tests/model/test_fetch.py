import http.server
import io
import json
import os
import re
import stat
import subprocess
import sys
import tarfile
import tempfile
import threading
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from typing_extensions import override

from paddle_serving_runtime.cli.main import main
from paddle_serving_runtime.errors import ModelUnavailable
from paddle_serving_runtime.model.archive import Limits, unpack
from paddle_serving_runtime.model.fetch import STAGE, fetch
from paddle_serving_runtime.model.manifest import MANIFEST, verify, write
from paddle_serving_runtime.model.sources import shown_url

FILES = {"web_service.py": b"print()", "model/__model__": b"\0\1" * 5000, "golden/x.json": b"{}"}


@pytest.fixture
def package(tmp_path: Path) -> Path:
    root = tmp_path / "package"
    for name, content in FILES.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(content)
    return root


@pytest.fixture
def message(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "termination-log"
    monkeypatch.setenv("TERMINATION_LOG", str(path))
    return path


def run(*words: object) -> int:
    return main(["fetch", *map(str, words)])


def contents(root: Path) -> dict[str, bytes]:
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def expected(package: Path) -> dict[str, bytes]:
    return {**FILES, MANIFEST: (package / MANIFEST).read_bytes()}


def test_a_directory_is_copied_and_verified(package: Path, tmp_path: Path) -> None:
    digest = write(package)
    (package / "lost+found").mkdir()
    assert run("--from-dir", package, "--digest", digest, "--output", tmp_path / "out") == 0
    assert contents(tmp_path / "out") == expected(package)
    assert not (tmp_path / "out" / STAGE).exists()


def test_a_second_run_finds_the_work_done(package: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    words = ("--from-dir", package, "--digest", write(package), "--output", tmp_path / "out")
    assert [run(*words), run(*words)] == [0, 0]
    said = [json.loads(line)["message"] for line in capfd.readouterr().out.splitlines()]
    assert "fetched and verified" in said[1]
    assert "already there" in said[3]


def test_a_wrong_digest_leaves_nothing_behind(package: Path, tmp_path: Path, message: Path) -> None:
    found, wrong = write(package), "sha256:" + "0" * 64
    assert run("--from-dir", package, "--digest", wrong, "--output", tmp_path / "out") == 1
    assert list((tmp_path / "out").iterdir()) == []
    assert message.read_text().startswith("DigestMismatch: ")
    assert wrong in message.read_text()
    assert found in message.read_text()


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda root: (root / "golden/x.json").write_bytes(b"{ }"), "DigestMismatch: .*golden/x.json has changed"),
        (lambda root: (root / "golden/y.json").write_bytes(b"{}"), "DigestMismatch: .*golden/y.json is not in"),
        (lambda root: (root / "golden/x.json").unlink(), "DigestMismatch: .*golden/x.json is missing"),
        (lambda root: (root / "l").symlink_to("/etc/passwd"), "ModelUnavailable: .*l is a link or a device"),
    ],
)
def test_a_directory_that_differs_is_refused(
    package: Path, tmp_path: Path, message: Path, change: Callable[[Path], object], reason: str
) -> None:
    digest = write(package)
    change(package)
    assert run("--from-dir", package, "--digest", digest, "--output", tmp_path / "out") == 1
    assert list((tmp_path / "out").iterdir()) == []
    assert re.match(reason, message.read_text())
    assert STAGE not in message.read_text()


def test_missing_and_empty_directories_are_named(tmp_path: Path, message: Path) -> None:
    for folder, text in ((tmp_path / "nothing", "does not exist"), (tmp_path / "empty", "is empty")):
        if folder.name == "empty":
            folder.mkdir()
        assert run("--from-dir", folder, "--digest", "sha256:" + "0" * 64, "--output", tmp_path / "out") == 1
        assert message.read_text().startswith(f"ModelUnavailable: {folder} {text}")


def test_an_output_with_other_files_is_not_touched(package: Path, tmp_path: Path, message: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine").write_text("keep")
    assert run("--from-dir", package, "--digest", write(package), "--output", tmp_path / "out") == 2
    assert contents(tmp_path / "out") == {"mine": b"keep"}
    assert message.read_text().startswith("InvalidOption: --output")


def test_an_interrupted_fetch_is_begun_anew(package: Path, tmp_path: Path) -> None:
    digest, out = write(package), tmp_path / "out"

    def die_half_way(folder: Path) -> None:
        (folder / "web_service.py").write_bytes(b"half")
        os._exit(9)

    child = os.fork()
    if child == 0:
        fetch(die_half_way, digest, out)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9
    assert contents(out) == {f"{STAGE}/web_service.py": b"half"}
    assert run("--from-dir", package, "--digest", digest, "--output", out) == 0
    assert contents(out) == expected(package)


def test_the_manifest_is_the_last_file_to_appear(
    package: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    digest, rename = write(package), Path.rename
    order: list[str] = []

    def noted(path: Path, target: Path) -> Path:
        order.append(path.name)
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", noted)
    assert run("--from-dir", package, "--digest", digest, "--output", tmp_path / "out") == 0
    assert len(order) == 4
    assert order[-1] == MANIFEST


def config_map(package: Path, folder: Path) -> Path:
    """What the kubelet makes of a ConfigMap."""
    data = folder / "mounted" / "..2026_11_23_04_00_00.123"
    data.mkdir(parents=True)
    for name, content in contents(package).items():
        (data / name.replace("/", "__")).write_bytes(content)
        (data.parent / name.replace("/", "__")).symlink_to(f"..data/{name.replace('/', '__')}")
    (data.parent / "..data").symlink_to(data.name)
    return data.parent


def test_a_config_map_is_read_through_the_links_of_the_kubelet(package: Path, tmp_path: Path) -> None:
    digest = write(package)
    mounted = config_map(package, tmp_path)
    assert run("--from-config-map", mounted, "--digest", digest, "--output", tmp_path / "out") == 0
    assert contents(tmp_path / "out") == expected(package)


def test_a_config_map_cannot_point_outside_of_itself(package: Path, tmp_path: Path, message: Path) -> None:
    mounted = tmp_path / "mounted"
    mounted.mkdir()
    (mounted / "..data").symlink_to(package)
    assert run("--from-config-map", mounted, "--digest", write(package), "--output", tmp_path / "out") == 1
    assert "is not a mounted ConfigMap" in message.read_text()


class Handler(http.server.BaseHTTPRequestHandler):
    served: dict[str, bytes]

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        body = self.served.get(path)
        self.send_response(404 if body is None else 200)
        self.send_header("Content-Length", str(len(body or b"") + (1000 if path == "/cut.tar.gz" else 0)))
        self.end_headers()
        self.wfile.write(body or b"")

    @override
    def log_message(self, *_arguments: object) -> None:
        pass


@pytest.fixture
def web() -> Iterator[tuple[str, dict[str, bytes]]]:
    files: dict[str, bytes] = {}
    handler = type("H", (Handler,), {"served": files})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}", files
    server.shutdown()
    thread.join()
    server.server_close()


def tar_of(package: Path, prefix: str = "", mode: str = "w:gz") -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode) as tar:  # type: ignore[call-overload]
        tar.add(package, arcname=prefix or ".")
    return buffer.getvalue()


def zip_of(package: Path, prefix: str = "") -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in contents(package).items():
            archive.writestr(prefix + name, content)
    return buffer.getvalue()


@pytest.mark.parametrize(
    "pack",
    [
        tar_of,
        zip_of,
        lambda package: tar_of(package, "ocr-rec"),
        lambda package: zip_of(package, "v2/"),
        lambda package: tar_of(package, mode="w"),
    ],
    ids=["tar.gz", "zip", "tar.gz with a folder around", "zip with a folder around", "tar"],
)
def test_an_archive_is_downloaded_and_unpacked(
    package: Path, tmp_path: Path, web: tuple[str, dict[str, bytes]], pack: Callable[[Path], bytes]
) -> None:
    digest = write(package)
    url, files = web
    files["/model"] = pack(package)
    assert run("--from-http", f"{url}/model?token=secret", "--digest", digest, "--output", tmp_path / "out") == 0
    assert contents(tmp_path / "out") == expected(package)


def test_http_errors_carry_status_and_address_but_no_secret(
    tmp_path: Path, web: tuple[str, dict[str, bytes]], message: Path, package: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    url, files = web
    files["/cut.tar.gz"] = tar_of(package)
    files["/text"] = b"<html>not an archive</html>"
    secret = url.replace("http://", "http://user:password@")
    for path, reason in (
        ("/nothing.tar.gz", "HTTP 404"),
        ("/cut.tar.gz", "1000 more expected"),
        ("/text", "archive is broken"),
    ):
        address = f"{secret}{path}?token=hidden"
        assert run("--from-http", address, "--digest", "sha256:" + "0" * 64, "--output", tmp_path / "out") == 1
        text = message.read_text()
        assert text.startswith("ModelUnavailable: ")
        assert reason in text
        assert list((tmp_path / "out").iterdir()) == []
    said = capfd.readouterr()
    assert "password" not in said.out + said.err
    assert "hidden" not in said.out + said.err
    assert run("--from-http", "http://127.0.0.1:9/x", "--digest", "sha256:" + "0" * 64, "--output", tmp_path / "o") == 1
    assert "GET http://127.0.0.1:9/x failed" in message.read_text()
    assert run("--from-http", "ftp://x/y", "--digest", "sha256:" + "0" * 64, "--output", tmp_path / "o") == 2


def test_an_address_is_shown_without_user_password_and_query() -> None:
    assert shown_url("https://u:p@host:8443/a/b.zip?X-Signature=1#f") == "https://host:8443/a/b.zip"


def member(name: str, kind: bytes = tarfile.REGTYPE, **fields: object) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type = kind
    for key, value in fields.items():
        setattr(info, key, value)
    return info


HOSTILE_TARS = {
    "a symbolic link": [member("x", tarfile.SYMTYPE, linkname="/etc/passwd")],
    "a hard link": [member("x", tarfile.LNKTYPE, linkname="y")],
    "a device": [member("x", tarfile.CHRTYPE, devmajor=1, devminor=3)],
    "a pipe": [member("x", tarfile.FIFOTYPE)],
    "an absolute path": [member("/srv/x")],
    "a path upwards": [member("a/../../x")],
    "a name twice": [member("x"), member("x")],
    "a link that a file goes through": [member("d", tarfile.SYMTYPE, linkname=".."), member("d/x")],
    "too many members": [member(f"f{number}") for number in range(20)],
}


@pytest.mark.parametrize("attack", HOSTILE_TARS)
def test_a_hostile_tar_is_refused(attack: str, tmp_path: Path) -> None:
    archive, target = tmp_path / "a.tar", tmp_path / "in" / "target"
    target.mkdir(parents=True)
    with tarfile.open(archive, "w") as tar:
        for info in HOSTILE_TARS[attack]:
            tar.addfile(info)
    with pytest.raises(ModelUnavailable, match="the archive"):
        unpack(archive, target, Limits(members=10), lambda _done: None)
    assert [path for path in tmp_path.rglob("*") if path.is_symlink()] == []
    assert [path.name for path in (tmp_path / "in").iterdir()] == ["target"]


def test_a_bomb_is_stopped_by_what_it_unpacks_to_not_by_what_it_says(tmp_path: Path) -> None:
    archive = tmp_path / "bomb.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("zeros", bytes(50_000_000))
    assert archive.stat().st_size < 100_000
    (tmp_path / "target").mkdir()
    with pytest.raises(ModelUnavailable, match="larger than 10000000 bytes"):
        unpack(archive, tmp_path / "target", Limits(unpacked_bytes=10_000_000), lambda _done: None)
    assert sum(path.stat().st_size for path in (tmp_path / "target").iterdir()) <= 10_000_000


def test_a_link_in_a_zip_is_refused(tmp_path: Path) -> None:
    archive = tmp_path / "a.zip"
    with zipfile.ZipFile(archive, "w") as packed:
        info = zipfile.ZipInfo("link")
        info.external_attr = (stat.S_IFLNK | 0o777) << 16
        packed.writestr(info, "/etc/passwd")
    (tmp_path / "target").mkdir()
    with pytest.raises(ModelUnavailable, match="has a link or a device, 'link'"):
        unpack(archive, tmp_path / "target", Limits(), lambda _done: None)


@pytest.mark.parametrize("name", ["../x", "/x", "a/../../x", "a\\..\\x"])
def test_a_zip_cannot_write_outside(tmp_path: Path, name: str) -> None:
    archive = tmp_path / "a.zip"
    with zipfile.ZipFile(archive, "w") as packed:
        packed.writestr(name, "x")
    (tmp_path / "target").mkdir()
    with pytest.raises(ModelUnavailable, match="has a member outside of itself"):
        unpack(archive, tmp_path / "target", Limits(), lambda _done: None)


def test_modes_of_an_archive_are_not_taken_over(tmp_path: Path) -> None:
    archive = tmp_path / "a.tar"
    with tarfile.open(archive, "w") as tar:
        tar.addfile(member("x", mode=0o4777, uid=12345))
    (tmp_path / "target").mkdir()
    unpack(archive, tmp_path / "target", Limits(), lambda _done: None)
    assert stat.S_IMODE((tmp_path / "target" / "x").stat().st_mode) & 0o7133 == 0


def test_fetching_imports_neither_paddle_nor_numpy() -> None:
    code = """
import sys
from paddle_serving_runtime.cli.main import main
main(["fetch", "--from-dir", "/nonexistent", "--digest", "sha256:" + "0" * 64, "--output", sys.argv[1]])
print(sorted({"paddle", "numpy", "google.protobuf"} & set(sys.modules)))
"""
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            [sys.executable, "-c", code, folder], capture_output=True, text=True, check=True, timeout=60
        )
    assert done.stdout.splitlines()[-1] == "[]"


def test_verify_sees_what_fetch_has_made(package: Path, tmp_path: Path) -> None:
    digest = write(package)
    run("--from-dir", package, "--digest", digest, "--output", tmp_path / "out")
    verify(tmp_path / "out", digest)
