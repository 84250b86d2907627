"""Packages in Alibaba's OSS: its addresses, its names of keys, and objects of a real server that speaks S3."""

import io
import re
import tarfile
from pathlib import Path

import pytest
from minio import Minio

from e2e.s3_server import ACCESS_KEY, SECRET_KEY, Gateway
from images.serving.tests.unit.fetch.fetching import FILES, contents, expected
from paddle_serving_runtime.cli.main import main
from paddle_serving_runtime.errors import InvalidOption
from paddle_serving_runtime.fetch.clouds import ALIBABA
from paddle_serving_runtime.fetch.s3_store import parse_store
from paddle_serving_runtime.package.manifest import MANIFEST, write

# The first run builds the server from its Go module, as in test_s3.py.
pytestmark = [pytest.mark.integration, pytest.mark.timeout(600)]

NO_DIGEST = "sha256:" + "0" * 64
KEYS = {"OSS_ACCESS_KEY_ID": ACCESS_KEY, "OSS_ACCESS_KEY_SECRET": SECRET_KEY}


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Alibaba's keys, beside Amazon's that open nothing and its region that is not the bucket's."""
    monkeypatch.delenv("OSS_SESSION_TOKEN", raising=False)
    others = {"AWS_ACCESS_KEY_ID": "amazon", "AWS_SECRET_ACCESS_KEY": "amazon", "AWS_REGION": "eu-west-1"}
    for name, value in {**KEYS, **others, "TERMINATION_LOG": str(tmp_path / "termination-log")}.items():
        monkeypatch.setenv(name, value)


def upload(server: Gateway, files: dict[str, bytes]) -> None:
    address = server.endpoint.rpartition("/")[2]
    client = Minio(address, ACCESS_KEY, SECRET_KEY, secure=False, region="us-east-1")
    for name, content in files.items():
        client.put_object("models", name, io.BytesIO(content), len(content))


def run(uri: str, server: Gateway, output: Path, digest: str, region: str = "us-east-1") -> int:
    place = ["--s3-endpoint", server.endpoint, *(["--s3-region", region] if region else [])]
    return main(["fetch", "--from-s3", uri, *place, "--digest", digest, "--output", str(output)])


def test_the_objects_below_a_prefix_are_the_package(server: Gateway, package: Path, tmp_path: Path) -> None:
    digest = write(package)
    upload(server, {f"ocr/v1/{name}": content for name, content in expected(package).items()})
    assert run("oss://models/ocr/v1", server, tmp_path / "out", digest) == 0
    assert contents(tmp_path / "out") == {**FILES, MANIFEST: (package / MANIFEST).read_bytes()}


def test_one_archive_is_the_package_too(server: Gateway, package: Path, tmp_path: Path) -> None:
    digest = write(package)
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        tar.add(package, arcname="ocr")
    upload(server, {"ocr-v1.tar.gz": buffer.getvalue()})
    assert run("oss://models/ocr-v1.tar.gz", server, tmp_path / "out", digest) == 0
    assert contents(tmp_path / "out") == expected(package)


REFUSALS: dict[str, tuple[dict[str, str], str, str, int]] = {
    "wrong secret": ({"OSS_ACCESS_KEY_SECRET": "x"}, "us-east-1", "spec.model.source.oss.credentialsSecret", 1),
    "no right": (dict.fromkeys(KEYS, ""), "us-east-1", "AccessDenied.*needs oss:ListObjects on the bucket", 1),
    "half a key": ({"OSS_ACCESS_KEY_SECRET": ""}, "us-east-1", "OSS_ACCESS_KEY_SECRET is not set. Set both", 2),
    "other region": ({}, "cn-hangzhou", r"Give --s3-region \(spec.model.source.oss.region\)", 1),
    "no region": ({}, "", r"such as cn-hangzhou \(spec.model.source.oss.region\)", 2),
    "no key at all": ({"OSS_SESSION_TOKEN": "a b"}, "us-east-1", "OSS_SESSION_TOKEN has blanks", 2),
}


@pytest.mark.parametrize("refusal", REFUSALS)
def test_what_a_store_refuses_is_a_sentence_with_alibabas_names(
    server: Gateway, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, refusal: str
) -> None:
    variables, region, sentence, code = REFUSALS[refusal]
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert run("oss://models/a", server, tmp_path / "out", NO_DIGEST, region) == code
    said = (tmp_path / "termination-log").read_text()
    assert re.search(sentence, said), said
    assert SECRET_KEY not in said


@pytest.mark.parametrize("region", ["cn-hangzhou", "oss-cn-hangzhou"])
def test_without_an_endpoint_the_region_says_where_the_store_is(region: str) -> None:
    store = parse_store(ALIBABA, "", region, None, {})
    assert (store.endpoint, store.region) == ("https://s3.oss-cn-hangzhou.aliyuncs.com", "cn-hangzhou")


def test_without_a_region_nobody_is_asked() -> None:
    with pytest.raises(InvalidOption, match="--s3-region is missing"):
        parse_store(ALIBABA, "", "", None, {"AWS_REGION": "eu-west-1"})
