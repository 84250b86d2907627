"""Packages in an S3-compatible store, fetched from a real one."""

import io
import json
import re
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from minio import Minio

from e2e.s3_server import ACCESS_KEY, SECRET_KEY, Gateway, gateway
from paddle_serving_runtime.cli.main import main
from paddle_serving_runtime.fetch.archive import Limits
from paddle_serving_runtime.fetch.clouds import AMAZON
from paddle_serving_runtime.fetch.s3 import from_s3, parse_uri
from paddle_serving_runtime.fetch.s3_store import parse_store
from paddle_serving_runtime.fetch.transfer import Progress
from paddle_serving_runtime.package.manifest import MANIFEST, write

# The first run builds the server from its Go module; `make cluster-tools` has a Go where the machine has none.
pytestmark = [pytest.mark.integration, pytest.mark.timeout(600)]

FILES = {"web_service.py": b"print()", "model/inference.pdiparams": bytes(range(256)) * 20_000, "golden/x.json": b"{}"}
FILES |= {"golden/a b+c%2F&=\u00e9.json": b"{}"}
FILES |= {f"parts/{number}.bin": f"part {number}".encode() for number in range(60)}
NO_DIGEST = "sha256:" + "0" * 64
KEYS = {"AWS_ACCESS_KEY_ID": ACCESS_KEY, "AWS_SECRET_ACCESS_KEY": SECRET_KEY}


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_SESSION_TOKEN", "AWS_WEB_IDENTITY_TOKEN_FILE"):
        monkeypatch.delenv(name, raising=False)
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("TERMINATION_LOG", str(tmp_path / "termination-log"))


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("package")
    for name, content in FILES.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(content)
    write(root)
    return root


@pytest.fixture
def digest(package: Path) -> str:
    return write(package)


def contents(root: Path) -> dict[str, bytes]:
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def expected(package: Path) -> dict[str, bytes]:
    return {**FILES, MANIFEST: (package / MANIFEST).read_bytes()}


def client(server: Gateway) -> Minio:
    address = server.endpoint.rpartition("/")[2]
    return Minio(address, ACCESS_KEY, SECRET_KEY, secure=False, region="us-east-1")


def upload(server: Gateway, prefix: str, files: dict[str, bytes], bucket: str = "models") -> str:
    """Puts the files below the prefix as an S3 client does; returns their URI."""
    for name, content in files.items():
        client(server).put_object(bucket, f"{prefix}/{name}", io.BytesIO(content), len(content))
    return f"s3://{bucket}/{prefix}"


def run(uri: str, server: Gateway, output: Path, digest: str, *more: str) -> int:
    words = ["--from-s3", uri, "--s3-endpoint", server.endpoint, "--digest", digest, "--output", str(output), *more]
    return main(["fetch", *words])


def said(tmp_path: Path) -> str:
    return (tmp_path / "termination-log").read_text()


def test_the_objects_below_a_prefix_are_the_package(
    server: Gateway, package: Path, digest: str, tmp_path: Path
) -> None:
    uri = upload(server, "ocr/v1", expected(package))
    upload(server, "ocr/v1-other", {"web_service.py": b"another package"})
    assert run(uri, server, tmp_path / "out", digest) == 0
    assert contents(tmp_path / "out") == expected(package)


@pytest.mark.parametrize("ending", ["/", "//"])
def test_a_slash_at_the_end_changes_nothing(
    server: Gateway, package: Path, digest: str, tmp_path: Path, ending: str
) -> None:
    uri = upload(server, "slash/v1", expected(package))
    assert run(f"{uri}{ending}", server, tmp_path / "out", digest) == 0


def test_a_bucket_can_be_the_package(server: Gateway, package: Path, digest: str, tmp_path: Path) -> None:
    client(server).make_bucket("whole")
    for name, content in expected(package).items():
        client(server).put_object("whole", name, io.BytesIO(content), len(content))
    assert run("s3://whole", server, tmp_path / "out", digest) == 0
    assert contents(tmp_path / "out") == expected(package)


def tar_gz(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name, content in files.items():
            info = tarfile.TarInfo(f"ocr/{name}")
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def zipped(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


@pytest.mark.parametrize(("ending", "pack"), [("tar.gz", tar_gz), ("zip", zipped)])
def test_one_archive_is_the_package_too(
    server: Gateway, package: Path, digest: str, tmp_path: Path, ending: str, pack: Callable[[dict[str, bytes]], bytes]
) -> None:
    uri = upload(server, "archives", {f"ocr.{ending}": pack(expected(package))})
    assert run(f"{uri}/ocr.{ending}", server, tmp_path / "out", digest) == 0
    assert contents(tmp_path / "out") == expected(package)


def test_the_empty_folders_that_consoles_make_are_no_files(
    server: Gateway, package: Path, digest: str, tmp_path: Path
) -> None:
    uri = upload(server, "consoles/v1", expected(package))
    for mark in ("consoles/v1/", "consoles/v1/empty/"):
        client(server).put_object("models", mark, io.BytesIO(), 0)
    assert run(uri, server, tmp_path / "out", digest) == 0
    assert contents(tmp_path / "out") == expected(package)


DIFFERENCES: dict[str, tuple[Callable[[dict[str, bytes]], object], str]] = {
    "changed": (lambda files: files.update({"golden/x.json": b"{ }"}), "golden/x.json has changed"),
    "missing": (lambda files: files.pop("golden/x.json"), "golden/x.json is missing"),
    "extra": (lambda files: files.update({"golden/y.json": b"{}"}), "golden/y.json is not in MANIFEST.sha256"),
    "unlisted": (lambda files: files.pop(MANIFEST), "MANIFEST.sha256 is missing"),
}


@pytest.mark.parametrize("difference", DIFFERENCES)
def test_a_store_that_holds_something_else_is_refused_and_leaves_nothing(
    server: Gateway, package: Path, digest: str, tmp_path: Path, difference: str
) -> None:
    files = expected(package)
    change, sentence = DIFFERENCES[difference]
    change(files)
    uri = upload(server, f"differs/{difference}", files)
    assert run(uri, server, tmp_path / "out", digest) == 1
    assert said(tmp_path).startswith(f"DigestMismatch: {uri}")
    assert sentence in said(tmp_path)
    assert ".fetch.partial" not in said(tmp_path)
    assert list((tmp_path / "out").iterdir()) == []


def test_another_digest_is_found_before_anything_large_is_downloaded(
    server: Gateway, package: Path, digest: str, tmp_path: Path
) -> None:
    uri = upload(server, "wrong/v1", expected(package))
    assert run(uri, server, tmp_path / "out", NO_DIGEST) == 1
    assert digest in said(tmp_path)
    assert NO_DIGEST in said(tmp_path)
    assert list((tmp_path / "out").iterdir()) == []


REFUSALS: dict[str, tuple[str, dict[str, str], tuple[str, ...], str, int]] = {
    "no bucket": ("s3://nowhere/a", {}, (), "NoSuchBucket.*Check the bucket's name and the endpoint", 1),
    "no objects": ("s3://models/nothing", {}, (), "s3://models/nothing has no objects. Check bucket and folder", 1),
    "no archive": ("s3://models/nothing.zip", {}, (), "NoSuchKey.*Check the folder or the archive's name", 1),
    "wrong secret": (
        "s3://models/a",
        {"AWS_SECRET_ACCESS_KEY": "x"},
        (),
        "SignatureDoesNotMatch.*credentialsSecret",
        1,
    ),
    "unknown key": ("s3://models/a", {"AWS_ACCESS_KEY_ID": "x"}, (), "No user exists.*needs s3:ListBucket", 1),
    "anonymous": ("s3://models/a", dict.fromkeys(KEYS, ""), (), "AccessDenied.*needs s3:ListBucket", 1),
    "half a key": ("s3://models/a", {"AWS_ACCESS_KEY_ID": ""}, (), "AWS_ACCESS_KEY_ID is not set", 2),
    "other region": ("s3://models/a", {}, ("--s3-region", "eu-west-1"), "another region. Give --s3-region", 1),
    "variable region": ("s3://models/a", {"AWS_REGION": "eu-west-1"}, (), "another region. Give --s3-region", 1),
    "no uri": ("models/a", {}, (), "takes s3://<bucket>/<folder or archive>", 2),
    "path upwards": ("s3://models/../a", {}, (), "without ..", 2),
    "no such ca": ("s3://models/a", {}, ("--s3-ca", "/nowhere/ca.crt"), "/nowhere/ca.crt cannot be used as CA", 1),
}


@pytest.mark.parametrize("refusal", REFUSALS)
def test_what_a_store_refuses_is_a_sentence_with_what_to_do(
    server: Gateway, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, refusal: str
) -> None:
    uri, variables, flags, sentence, code = REFUSALS[refusal]
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert run(uri, server, tmp_path / "out", NO_DIGEST, *flags) == code
    assert re.search(sentence, said(tmp_path)), said(tmp_path)
    assert SECRET_KEY not in said(tmp_path)


@pytest.mark.parametrize(
    ("endpoint", "sentence"),
    [
        ("http://127.0.0.1:9", "Nothing accepts connections there"),
        ("http://no-such-host.invalid", "The name is unknown here"),
        ("https://127.0.0.1:9/path", "without a path"),
        ("http://me:secret@127.0.0.1:9", "carries a user or password"),
        ("ftp://127.0.0.1", "takes http://<host>"),
    ],
)
def test_an_endpoint_that_cannot_be_is_named(endpoint: str, sentence: str, tmp_path: Path) -> None:
    nowhere = Gateway(endpoint, tmp_path, None)
    assert run("s3://models/a", nowhere, tmp_path / "out", NO_DIGEST) in {1, 2}
    assert sentence in said(tmp_path)
    assert "secret@" not in said(tmp_path)


def test_an_endpoint_without_tls_says_so(server: Gateway, tmp_path: Path) -> None:
    secure = Gateway(server.endpoint.replace("http:", "https:"), tmp_path, None)
    assert run("s3://models/a", secure, tmp_path / "out", NO_DIGEST) == 1
    assert "does not speak TLS" in said(tmp_path)


def test_a_private_ca_is_trusted_when_it_is_given(package: Path, digest: str, tmp_path: Path) -> None:
    with gateway(tmp_path / "store", tls=True) as server:
        for name, content in expected(package).items():
            target = server.buckets / "models" / "v1" / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
        assert run("s3://models/v1", server, tmp_path / "out", digest) == 1
        assert "certificate verify failed" in said(tmp_path)
        assert "caConfigMap" in said(tmp_path)
        assert run("s3://models/v1", server, tmp_path / "out", digest, "--s3-ca", str(server.certificate)) == 0
    assert contents(tmp_path / "out") == expected(package)


def test_a_bucket_that_everybody_may_read_needs_no_key(
    server: Gateway, package: Path, digest: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    client(server).make_bucket("public")
    uri = upload(server, "v1", expected(package), "public")
    everybody = {"Effect": "Allow", "Principal": "*"}
    bucket, objects = "arn:aws:s3:::public", "arn:aws:s3:::public/*"
    statements = [
        everybody | {"Action": ["s3:ListBucket", "s3:GetBucketLocation"], "Resource": bucket},
        everybody | {"Action": "s3:GetObject", "Resource": objects},
    ]
    client(server).set_bucket_policy("public", json.dumps({"Version": "2012-10-17", "Statement": statements}))
    for name in KEYS:
        monkeypatch.delenv(name)
    assert run(uri, server, tmp_path / "out", digest) == 0
    assert contents(tmp_path / "out") == expected(package)


def test_a_long_download_says_how_far_it_is(server: Gateway, package: Path, digest: str, tmp_path: Path) -> None:
    uri = upload(server, "progress/v1", expected(package))
    ticks = iter(range(0, 10_000, 10))
    lines: list[str] = []
    (tmp_path / "out").mkdir()
    store = parse_store(AMAZON, server.endpoint, "", None, KEYS)
    from_s3(parse_uri(uri), store, digest, tmp_path / "out", Progress(lines.append, lambda: next(ticks)), Limits())
    size = sum(map(len, FILES.values())) / 1e6
    assert lines[-1].startswith(f"downloaded {size:.0f} of {size:.0f} MB in ")


def test_a_package_past_the_limit_is_refused_before_it_is_downloaded(
    server: Gateway, package: Path, digest: str, tmp_path: Path
) -> None:
    uri = upload(server, "large/v1", expected(package))
    store = parse_store(AMAZON, server.endpoint, "", None, KEYS)
    for limits, sentence in (
        (Limits(unpacked_bytes=1000), "is larger than 1000 bytes"),
        (Limits(members=10), "more than 10 objects"),
    ):
        (tmp_path / "out").mkdir(exist_ok=True)
        with pytest.raises(Exception, match=sentence):
            from_s3(parse_uri(uri), store, digest, tmp_path / "out", Progress(print), limits)
        assert list((tmp_path / "out").iterdir()) == []
