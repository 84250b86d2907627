"""Packages in Google Cloud Storage: which requests ask for them, as whom, and what refusals become."""

import gzip
import hashlib
import io
import json
import os
import re
import subprocess
import sys
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from images.serving.tests.unit.fetch.google_cloud import ACCOUNT, BUCKET, Google, google
from paddle_serving_runtime.cli.main import main
from paddle_serving_runtime.package.manifest import MANIFEST

FILES = {"a/weights": bytes(range(256)) * 4000, "b": b"b", "golden/a b+c%2F&=é.json": b"{}"}
TEXT = "".join(f"{hashlib.sha256(content).hexdigest()}  {name}\n" for name, content in FILES.items()).encode()
DIGEST = f"sha256:{hashlib.sha256(TEXT).hexdigest()}"
WHOLE = {**FILES, MANIFEST: TEXT}
ACCOUNT_VARIABLE = "GOOGLE_APPLICATION_CREDENTIALS"


@pytest.fixture(scope="module")
def key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@pytest.fixture
def cloud(key: rsa.RSAPrivateKey, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Google]:
    """Google with a package below v1/, asked with the key of a service account unless a test says otherwise."""
    (tmp_path / "google").mkdir()
    with google(tmp_path / "google", key) as (made, pods):
        made.files = {f"v1/{name}": content for name, content in WHOLE.items()}
        for name in ("http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "not-these"))
        monkeypatch.setenv(ACCOUNT_VARIABLE, str(made.account(tmp_path / "google")))
        monkeypatch.setenv("CLOUDSDK_CONFIG", str(tmp_path / "no-gcloud"))
        for name in ("GCE_METADATA_HOST", "GCE_METADATA_IP"):
            monkeypatch.setenv(name, pods)
        monkeypatch.setenv("TERMINATION_LOG", str(tmp_path / "termination-log"))
        yield made


def words(cloud: Google, output: Path, uri: str, *more: str) -> list[str]:
    place = ["--s3-endpoint", cloud.url, "--s3-ca", str(cloud.certificate)]
    return ["fetch", "--from-s3", uri, *place, "--digest", DIGEST, "--output", str(output), *more]


def run(cloud: Google, output: Path, uri: str = f"gs://{BUCKET}/v1", *more: str) -> int:
    return main(words(cloud, output, uri, *more))


def run_alone(cloud: Google, output: Path, **variables: str) -> str:
    """The same without an account, in a process of its own: Google's library reads variables when it is imported.

    Returns what was printed.
    """
    environment = {name: value for name, value in os.environ.items() if name != ACCOUNT_VARIABLE} | variables
    command = [sys.executable, "-m", "paddle_serving_runtime.cli.main", *words(cloud, output, f"gs://{BUCKET}/v1")]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    return done.stdout + done.stderr


def fetched(output: Path) -> dict[str, bytes]:
    return {path.relative_to(output).as_posix(): path.read_bytes() for path in output.rglob("*") if path.is_file()}


def tar_gz() -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name, content in WHOLE.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def test_a_service_account_fetches_the_objects_below_a_prefix(cloud: Google, tmp_path: Path) -> None:
    cloud.files["v1-other/b"] = b"another package"
    assert run(cloud, tmp_path / "out") == 0
    assert fetched(tmp_path / "out") == WHOLE
    (claims,) = cloud.claims
    assert (claims["iss"], claims["aud"]) == (ACCOUNT, "https://oauth2.googleapis.com/token")
    assert claims["scope"] == "https://www.googleapis.com/auth/devstorage.read_only"


def test_every_request_to_the_store_carries_the_one_token_and_nothing_of_amazons(cloud: Google, tmp_path: Path) -> None:
    assert run(cloud, tmp_path / "out") == 0
    (token, *lists), objects = cloud.asked[:3], cloud.asked[3:]
    assert (token.method, token.path) == ("POST", "/token")
    assert {(asked.method, asked.path.rstrip("/"), asked.query["prefix"]) for asked in lists} == {
        ("GET", f"/{BUCKET}", "v1/")
    }
    assert sorted((asked.method, asked.path) for asked in objects) == sorted(
        ("GET", f"/{BUCKET}/v1/{name}") for name in WHOLE
    )
    assert {asked.headers["authorization"] for asked in (*lists, *objects)} == {f"Bearer {cloud.tokens[0]}"}
    assert not any(name.startswith("x-amz-") for asked in cloud.asked for name in asked.headers)


def test_one_archive_is_the_package_too(cloud: Google, tmp_path: Path) -> None:
    cloud.files = {"archives/v1.tar.gz": tar_gz()}
    assert run(cloud, tmp_path / "out", f"gs://{BUCKET}/archives/v1.tar.gz") == 0
    assert fetched(tmp_path / "out") == WHOLE
    assert [asked.method for asked in cloud.asked] == ["POST", "HEAD", "GET"]


def test_what_is_stored_compressed_comes_as_it_is_stored(cloud: Google, tmp_path: Path) -> None:
    archive = tar_gz()
    cloud.files, cloud.compressed = {"v1.tar.gz": archive}, {"v1.tar.gz"}
    assert len(gzip.decompress(archive)) != len(archive)
    assert run(cloud, tmp_path / "out", f"gs://{BUCKET}/v1.tar.gz") == 0
    assert fetched(tmp_path / "out") == WHOLE


def test_a_token_that_ends_meanwhile_is_had_anew(cloud: Google, tmp_path: Path) -> None:
    cloud.seconds = 1
    assert run(cloud, tmp_path / "out") == 0
    assert len(cloud.tokens) > 2
    assert fetched(tmp_path / "out") == WHOLE


def test_a_download_that_is_cut_off_goes_on_where_it_was(cloud: Google, tmp_path: Path) -> None:
    cloud.cut = {"v1/a/weights": 70_000}
    assert run(cloud, tmp_path / "out") == 0
    assert fetched(tmp_path / "out") == WHOLE
    assert [asked.headers["range"] for asked in cloud.asked if "range" in asked.headers] == ["bytes=70000-"]


def test_a_bucket_that_everybody_may_read_needs_no_account(cloud: Google, tmp_path: Path) -> None:
    cloud.public = True
    run_alone(cloud, tmp_path / "out", NO_GCE_CHECK="true")
    assert fetched(tmp_path / "out") == WHOLE
    assert not any("authorization" in asked.headers for asked in cloud.asked)


def test_whoever_the_store_leads_to_gets_no_token(cloud: Google, tmp_path: Path) -> None:
    cloud.redirect = cloud.url.replace("127.0.0.1", "localhost")
    assert run(cloud, tmp_path / "out") == 1
    sent = [asked for asked in cloud.asked if "sent" in asked.query]
    assert sent
    assert not any("authorization" in asked.headers for asked in sent)


def test_a_pod_at_google_fetches_with_its_own_identity(cloud: Google, tmp_path: Path) -> None:
    nowhere = "http://127.0.0.1:9"
    printed = run_alone(cloud, tmp_path / "out", http_proxy=nowhere, no_proxy="", NO_PROXY="")
    assert fetched(tmp_path / "out") == WHOLE, printed
    assert cloud.claims == []
    assert cloud.tokens[-1] not in printed


def broken_account(change: Callable[[dict[str, str]], object]) -> Callable[[Google], None]:
    """Writes another key file where the right one is."""

    def write(_: Google) -> None:
        path = Path(os.environ[ACCOUNT_VARIABLE])
        content = json.loads(path.read_text())
        change(content)
        path.write_text(json.dumps(content))

    return write


CHECK = "Check the service account's key in spec.model.source.gcs.credentialsSecret"
ACCOUNTS: dict[str, tuple[Callable[[Google], object], str]] = {
    "no file": (lambda _: Path(os.environ[ACCOUNT_VARIABLE]).unlink(), "was not found"),
    "no JSON": (lambda _: Path(os.environ[ACCOUNT_VARIABLE]).write_text("-----BEGIN"), "not a valid json file"),
    "no object": (lambda _: Path(os.environ[ACCOUNT_VARIABLE]).write_text("[]"), ""),
    "no key": (broken_account(lambda it: it.pop("private_key")), "private_key"),
    "half a key": (broken_account(lambda it: it.update(private_key=it["private_key"][:200])), ""),
    "a kind that is none": (broken_account(lambda it: it.update(type="mine")), "mine"),
    "not known": (lambda it: setattr(it, "grants", False), "RefreshError: invalid_grant: Invalid grant: account not"),
    "nobody who grants": (broken_account(lambda it: it.update(token_uri="https://127.0.0.1:9/t")), "TransportError"),  # noqa: S106 - an address
}


@pytest.mark.parametrize("account", ACCOUNTS)
def test_an_account_that_cannot_be_used_is_a_sentence_without_its_key(
    cloud: Google, tmp_path: Path, account: str, capfd: pytest.CaptureFixture[str]
) -> None:
    spoil, sentence = ACCOUNTS[account]
    secret = json.loads(Path(os.environ[ACCOUNT_VARIABLE]).read_text())["private_key"].splitlines()[1]
    spoil(cloud)
    assert run(cloud, tmp_path / "out") == 1
    said = (tmp_path / "termination-log").read_text()
    assert said.startswith(f"ModelUnavailable: no credentials from {ACCOUNT_VARIABLE}: ")
    assert sentence in said
    assert CHECK in said
    assert len(said.splitlines()) == 1
    printed = capfd.readouterr()
    assert secret[:20] not in said + printed.out + printed.err
    assert list((tmp_path / "out").iterdir()) == []


REFUSALS: dict[str, tuple[str, tuple[int, str] | None, str]] = {
    "no right": ("v1", (403, "AccessDenied"), "AccessDenied: .*needs storage.objects.list on the bucket"),
    "no right to an archive": ("v1.zip", (403, "AccessDenied"), "AccessDenied: .*storage.objects.get on its objects"),
    "a token that is none": ("v1", (401, "AuthenticationRequired"), "does not accept the token. Check the service"),
    "a token for an archive": ("v1.zip", (401, "Ignored"), "HTTP 401. Google does not accept the token. Check the"),
    "no bucket": ("v1", (404, "NoSuchBucket"), "NoSuchBucket: .*Check the bucket's name"),
    "no archive": ("v2.zip", None, "NoSuchKey: .*Check the folder or the archive's name"),
    "no objects": ("v2", None, f"gs://{BUCKET}/v2 has no objects. Check bucket and folder"),
    "who reads pays": ("v1", (400, "UserProjectMissing"), "pays for it, which is not supported"),
}


@pytest.mark.parametrize("refusal", REFUSALS)
def test_what_google_refuses_is_a_sentence_with_what_to_do(cloud: Google, tmp_path: Path, refusal: str) -> None:
    path, cloud.refusal, sentence = REFUSALS[refusal]
    assert run(cloud, tmp_path / "out", f"gs://{BUCKET}/{path}") == 1
    said = (tmp_path / "termination-log").read_text()
    assert said.startswith(f"ModelUnavailable: gs://{BUCKET}/{path}")
    assert re.search(sentence, said), said
    assert not any(token in said for token in cloud.tokens)


def test_without_an_identity_a_closed_bucket_says_who_may_read_it(cloud: Google, tmp_path: Path) -> None:
    said = run_alone(cloud, tmp_path / "out", NO_GCE_CHECK="true")
    assert "roles/storage.objectViewer" in said
    assert "or the pod's identity" in said


@pytest.mark.parametrize(
    ("uri", "more", "sentence"),
    [
        (f"gs://{BUCKET}/v1", ("--s3-endpoint", "http://127.0.0.1:9"), "would go over the network in plain text"),
        (f"gs://{BUCKET}/v1", ("--s3-endpoint", "https://me:secret@s"), "Give GOOGLE_APPLICATION_CREDENTIALS instead"),
        (f"gs://{BUCKET}/v1", ("--s3-region", "europe-west1"), "--s3-region has no effect with gs://"),
        (f"gs://{BUCKET}/../v1", (), "without .."),
        ("gs://M/v1", (), "bucket 'M'"),
    ],
)
def test_what_cannot_be_is_refused_before_anybody_is_asked(
    cloud: Google, tmp_path: Path, uri: str, more: tuple[str, ...], sentence: str
) -> None:
    assert run(cloud, tmp_path / "out", uri, *more) == 2
    said = (tmp_path / "termination-log").read_text()
    assert sentence in said
    assert "secret@" not in said
    assert cloud.asked == []
