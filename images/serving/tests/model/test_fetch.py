import gzip
import http.server
import io
import json
import os
import re
import shlex
import subprocess
import sys
import tarfile
import tempfile
import threading
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from typing_extensions import override

from paddle_serving_runtime.cli.main import main
from paddle_serving_runtime.errors import ModelUnavailable
from paddle_serving_runtime.model import sources, transfer
from paddle_serving_runtime.model.archive import Limits
from paddle_serving_runtime.model.fetch import STAGE, fetch
from paddle_serving_runtime.model.manifest import MANIFEST, require_same_files, verify, write
from paddle_serving_runtime.model.sources import from_http, shown_url
from paddle_serving_runtime.model.transfer import Pace, Progress

NO_DIGEST = "sha256:" + "0" * 64
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


class RawHandler(http.server.BaseHTTPRequestHandler):
    """Answers with whole responses, byte for byte as they are written here."""

    answers: dict[str, bytes]
    wait: threading.Event

    def do_GET(self) -> None:
        answer = self.answers[self.path]
        self.wfile.write(answer.removesuffix(b"..."))
        self.wfile.flush()
        if answer.endswith(b"..."):
            self.wait.wait(60)
        self.close_connection = True

    @override
    def log_message(self, *_arguments: object) -> None:
        pass


@pytest.fixture
def raw() -> Iterator[tuple[str, dict[str, bytes], threading.Event]]:
    answers: dict[str, bytes] = {}
    released = threading.Event()
    handler = type("H", (RawHandler,), {"answers": answers, "wait": released})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}", answers, released
    released.set()
    server.shutdown()
    thread.join()
    server.server_close()


Raw = tuple[str, dict[str, bytes], threading.Event]


@pytest.mark.parametrize(
    ("location", "sentence"),
    [
        ("file:///etc/passwd", "failed: InvalidSchema"),
        ("ftp://127.0.0.1/a.zip", "failed: InvalidSchema"),
        ("/model", "failed: TooManyRedirects"),
        ("http://", "failed: "),
    ],
)
def test_a_redirect_leads_to_http_only_and_not_in_circles(
    raw: Raw, tmp_path: Path, message: Path, location: str, sentence: str
) -> None:
    url, answers, _ = raw
    answers["/model"] = (
        f"HTTP/1.1 302 Found\r\nLocation: {location}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n".encode()
    )
    assert run("--from-http", f"{url}/model", "--digest", NO_DIGEST, "--output", tmp_path / "out") == 1
    assert sentence in message.read_text()
    assert list((tmp_path / "out").iterdir()) == []


def test_bytes_past_the_announced_length_are_not_read(raw: Raw, package: Path, tmp_path: Path) -> None:
    digest = write(package)
    url, answers, _ = raw
    body = zip_of(package)
    answers["/model"] = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body + b"evil" * 1000
    assert run("--from-http", f"{url}/model", "--digest", digest, "--output", tmp_path / "out") == 0
    assert contents(tmp_path / "out") == expected(package)


def test_an_announced_length_past_the_limit_is_refused_at_once(raw: Raw, tmp_path: Path, message: Path) -> None:
    url, answers, _ = raw
    answers["/model"] = b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999\r\n\r\nPK..."
    assert run("--from-http", f"{url}/model", "--digest", NO_DIGEST, "--output", tmp_path / "out") == 1
    assert "is larger than 68719476736 bytes" in message.read_text()
    assert list((tmp_path / "out").iterdir()) == []


def test_more_than_the_limit_without_an_announcement_is_refused(raw: Raw, package: Path, tmp_path: Path) -> None:
    url, answers, _ = raw
    answers["/model"] = b"HTTP/1.0 200 OK\r\n\r\n" + zip_of(package) + bytes(100_000)
    (tmp_path / "out").mkdir()
    with pytest.raises(ModelUnavailable, match="is larger than 50000 bytes"):
        from_http(f"{url}/model", tmp_path / "out", Progress(print), Limits(unpacked_bytes=50_000))


def test_a_body_that_is_compressed_on_the_way_does_not_grow_here(raw: Raw, tmp_path: Path, message: Path) -> None:
    url, answers, _ = raw
    bomb = gzip.compress(b"x" * 50_000_000)
    head = f"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {len(bomb)}\r\n\r\n"
    answers["/model"] = head.encode() + bomb
    assert run("--from-http", f"{url}/model", "--digest", NO_DIGEST, "--output", tmp_path / "out") == 1
    assert "the archive is broken" in message.read_text()


def test_a_server_that_only_trickles_is_left(
    raw: Raw, tmp_path: Path, message: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transfer, "_WINDOW_SECONDS", 0.3)
    url, answers, released = raw
    answers["/model"] = b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\nP..."
    monkeypatch.setattr(sources, "_SILENCE_SECONDS", 0.5)
    assert run("--from-http", f"{url}/model", "--digest", NO_DIGEST, "--output", tmp_path / "out") == 1
    released.set()
    assert "ReadTimeout" in message.read_text()
    assert list((tmp_path / "out").iterdir()) == []


def test_patience_ends_where_hardly_anything_arrives() -> None:
    seconds = iter((0.0, 30.0, 61.0, 100.0, 122.0))
    pace = Pace(lambda: next(seconds))
    pace.check(10)
    pace.check(70_000)
    pace.check(70_001)
    with pytest.raises(ModelUnavailable, match="only 2 bytes arrived within 61 s"):
        pace.check(70_002)


def test_a_file_that_grows_while_it_is_copied_is_refused(
    package: Path, tmp_path: Path, message: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    digest = write(package)

    def grow(_progress: Progress, what: str, *_numbers: object) -> None:
        if what == "copied":
            with (package / "model/__model__").open("ab") as file:
                file.write(b"more")

    monkeypatch.setattr(Progress, "__call__", grow)
    assert run("--from-dir", package, "--digest", digest, "--output", tmp_path / "out") == 1
    assert "changed while it was copied" in message.read_text()
    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.parametrize("swap", ["link", "pipe"])
def test_a_file_that_becomes_something_else_is_not_followed(
    package: Path, tmp_path: Path, message: Path, monkeypatch: pytest.MonkeyPatch, swap: str
) -> None:
    digest = write(package)
    secret = tmp_path / "secret"
    secret.write_bytes(FILES["web_service.py"])

    def swapped(*arguments: Any) -> None:  # noqa: ANN401 - passed on
        """Between the look at the names and the copy, somebody who may write to the volume is at work."""
        require_same_files(*arguments)
        (package / "web_service.py").unlink()
        if swap == "link":
            (package / "web_service.py").symlink_to(secret)
        else:
            os.mkfifo(package / "web_service.py")

    monkeypatch.setattr(sources, "require_same_files", swapped)
    assert run("--from-dir", package, "--digest", digest, "--output", tmp_path / "out") == 1
    assert message.read_text().startswith("ModelUnavailable: ")
    assert "web_service.py" in message.read_text()
    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.parametrize("source", ["directory", "config map", "tar.gz", "zip"])
def test_a_full_disk_is_said_to_be_the_outputs_and_leaves_nothing(
    source: str, package: Path, tmp_path: Path, web: tuple[str, dict[str, bytes]]
) -> None:
    """No file may have more than 4 KiB, which ends as a full disk does: a write fails in the middle."""
    digest = write(package)
    url, files = web
    files["/a.tar.gz"], files["/a.zip"] = tar_of(package), zip_of(package)
    flags = {
        "directory": ["--from-dir", str(package)],
        "config map": ["--from-config-map", str(config_map(package, tmp_path))],
        "tar.gz": ["--from-http", f"{url}/a.tar.gz"],
        "zip": ["--from-http", f"{url}/a.zip"],
    }
    command = [sys.executable, "-m", "paddle_serving_runtime.cli.main", "fetch", *flags[source], "--digest", digest]
    limit = f"ulimit -f {4}; exec "
    done = subprocess.run(
        ["bash", "-c", limit + shlex.join([*command, "--output", str(tmp_path / "out")])],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 1, done.stderr
    assert f"{tmp_path / 'out'} cannot be filled: File too large" in done.stderr
    assert list((tmp_path / "out").iterdir()) == []


def test_flags_of_a_store_without_a_store_are_refused(package: Path, tmp_path: Path, message: Path) -> None:
    words = ("--from-dir", package, "--digest", write(package), "--output", tmp_path / "out")
    assert run(*words, "--s3-region", "eu-west-1") == 2
    assert message.read_text().startswith("InvalidOption: --s3-endpoint, --s3-region and --s3-ca belong to --from-s3")
    assert not (tmp_path / "out").exists()


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
