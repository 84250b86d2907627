from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import pytest
import yaml

from images.catalogue import ROOT, read, select
from release.__main__ import arguments_of
from release.package import described
from release.push import Image, PushError, checked_registry, checked_tags, digest_of, incomplete

REGISTRY = "registry.example.com/ml"
OPERATOR = Image("paddle-serving-operator:0.1.0", "", "image", "")
VISION = Image("paddle-serving-runtime:0.1.0-vision", "-vision", "profiles.vision.image", "")
MODEL = Image("paddle-serving-example-ocr-rec:0.1.0", "", "", "examples/ocr-rec.yaml")
DIGESTS = {"operator": "a" * 64, "runtime": "b" * 64, "example-ocr-rec": "c" * 64}
# stands for docker: notes its arguments down, and says what docker says after a push
FAKE = """#!/bin/sh
echo "$@" >> "$CALLS"
[ "$1" = push ] || exit 0
[ -z "$REFUSAL" ] || { echo "$REFUSAL"; exit 1; }
echo 'The push refers to repository ['"${2%:*}"']'
echo '5f70bf18a086: Layer already exists'
case $2 in *operator*) d=a;; *runtime*) d=b;; *) d=c;; esac
echo "${2##*:}: digest: sha256:$(printf %064d 0 | tr 0 $d) size: 1234"
"""


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    """An unpacked bundle with three images, and a docker that only takes notes."""
    folder = tmp_path / "paddle-serving-0.1.0"
    (folder / "examples").mkdir(parents=True)
    shutil.copy(ROOT / "release" / "push.py", folder)
    shutil.copy(ROOT / MODEL.manifest, folder / MODEL.manifest)
    images = [asdict(image) for image in (OPERATOR, VISION, MODEL)]
    (folder / "images.json").write_text(json.dumps({"version": "0.1.0", "images": images}))
    docker = tmp_path / "bin" / "docker"
    docker.parent.mkdir()
    docker.write_text(FAKE)
    docker.chmod(0o755)
    return folder


def pushed(bundle: Path, *arguments: str, refusal: str = "") -> subprocess.CompletedProcess[str]:
    """Runs push.py as the bundle's user does: isolated, from another folder."""
    path = f"{bundle.parent / 'bin'}{os.pathsep}/usr/bin{os.pathsep}/bin"
    environment = {"PATH": path, "CALLS": str(bundle.parent / "calls"), "REFUSAL": refusal}
    command = [sys.executable, "-I", str(bundle / "push.py"), *arguments]
    return subprocess.run(command, env=environment, cwd="/", capture_output=True, text=True, timeout=60, check=False)


def test_a_bundles_push_writes_values_by_digest_and_custom_resources_that_name_the_registry(bundle: Path) -> None:
    done = pushed(bundle, REGISTRY)
    assert done.returncode == 0, done.stderr
    values = yaml.safe_load((bundle / "pushed" / "values.yaml").read_text())
    assert values == {
        "imageRegistry": REGISTRY,
        "image": {"digest": f"sha256:{DIGESTS['operator']}"},
        "profiles": {"vision": {"image": {"digest": f"sha256:{DIGESTS['runtime']}"}}},
    }
    assert yaml.safe_load(done.stdout) == values
    service = yaml.safe_load((bundle / "pushed" / "ocr-rec.yaml").read_text())
    reference = f"{REGISTRY}/paddle-serving-example-ocr-rec@sha256:{DIGESTS['example-ocr-rec']}"
    assert service["spec"]["model"]["source"] == {"image": {"reference": reference}}
    assert reference in (bundle / "pushed" / "images.txt").read_text().splitlines()


def test_every_tag_of_an_image_keeps_its_variant(bundle: Path) -> None:
    assert pushed(bundle, REGISTRY, "--tags", "1.0", "latest", "1.0").returncode == 0
    calls = (bundle.parent / "calls").read_text().splitlines()
    assert [call for call in calls if "vision" in call] == [
        f"tag paddle-serving-runtime:0.1.0-vision {REGISTRY}/paddle-serving-runtime:1.0-vision",
        f"push {REGISTRY}/paddle-serving-runtime:1.0-vision",
        f"tag paddle-serving-runtime:0.1.0-vision {REGISTRY}/paddle-serving-runtime:latest-vision",
        f"push {REGISTRY}/paddle-serving-runtime:latest-vision",
    ]


@pytest.mark.parametrize(
    ("refusal", "cure"),
    [
        ("denied: requested access to the resource is denied", "docker login registry.example.com)"),
        ("unauthorized: authentication required", "docker login registry.example.com)"),
        ("An image does not exist locally: No such image: x", "docker load --input images.tar"),
        ("dial tcp 192.0.2.1:443: connect: connection refused", "does it reach the registry?"),
    ],
)
def test_a_refused_push_says_what_to_do_and_writes_nothing(bundle: Path, refusal: str, cure: str) -> None:
    done = pushed(bundle, REGISTRY, refusal=refusal)
    assert done.returncode == 1
    last = done.stderr.splitlines()[-1]
    assert last.startswith(f"error: `docker push {REGISTRY}/paddle-serving-operator:0.1.0` failed: {refusal}")
    assert cure in last
    assert not (bundle / "pushed").exists()


def test_nothing_of_an_earlier_push_lies_beside_this_one(bundle: Path) -> None:
    assert pushed(bundle, REGISTRY).returncode == 0
    images = json.loads((bundle / "images.json").read_text())
    (bundle / "images.json").write_text(json.dumps(images | {"images": images["images"][:1]}))
    assert pushed(bundle, "other.example.com").returncode == 0
    assert sorted(path.name for path in (bundle / "pushed").iterdir()) == ["images.txt", "values.yaml"]
    assert pushed(bundle, REGISTRY, refusal="denied").returncode == 1
    assert list((bundle / "pushed").iterdir()) == []


def test_without_docker_it_says_so(bundle: Path) -> None:
    (bundle.parent / "bin" / "docker").chmod(0o644)
    environment = {"PATH": str(bundle.parent / "bin")}
    command = [sys.executable, "-I", str(bundle / "push.py"), REGISTRY]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr.splitlines()[-1].split(" (")[0]) == (1, "error: docker cannot be started")


@pytest.mark.parametrize(
    ("given", "registry"),
    [
        ("registry.example.com/ml", "registry.example.com/ml"),
        ("https://registry.example.com/ml/", "registry.example.com/ml"),
        ("127.0.0.1:5000", "127.0.0.1:5000"),
        ("localhost/a/b_c", "localhost/a/b_c"),
        ("R.example.com:65535/a__b/c--d.e", "R.example.com:65535/a__b/c--d.e"),
    ],
)
def test_a_registry_is_taken_as_people_write_it(given: str, registry: str) -> None:
    assert checked_registry(given) == registry


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("", "names no registry"),
        ("registry.example.com/Team", "names no registry"),
        ("registry.example.com/ml:latest", "names no registry"),
        ("registry.example.com/ml other", "names no registry"),
        ("..", "names no registry"),
        ("a..com/x", "names no registry"),
        ("-foo.com/ml", "names no registry"),
        ("foo-.com/ml", "names no registry"),
        ("--", "names no registry"),
        ("registry.example.com:99999", "names no registry"),
        ("registry.example.com/a..b", "names no registry"),
        ("registry.example.com/a___b", "names no registry"),
        ("team", r"docker\.io/team if that is meant"),
    ],
)
def test_what_images_cannot_be_named_by_is_refused(given: str, said: str) -> None:
    with pytest.raises(PushError, match=said):
        checked_registry(given)


@pytest.mark.parametrize("tag", ["", "-first", "a b", "a/b", "ü", "x" * 129])
def test_what_no_registry_takes_for_a_tag_is_refused(tag: str) -> None:
    with pytest.raises(PushError, match="is no tag"):
        checked_tags([tag], [])


def test_a_tag_is_no_longer_with_what_an_image_adds_to_it() -> None:
    gpu = Image("runtime:0.1.0-gpu", "-gpu", "profiles.gpu.image", "")
    assert checked_tags(["x" * 124], [gpu]) == ["x" * 124]
    with pytest.raises(PushError, match="with -gpu of runtime it has more than 128"):
        checked_tags(["x" * 125], [gpu])


def test_a_values_file_that_lacks_what_every_installation_pulls_says_so() -> None:
    images = [Image(f"{name}:1", "", value, "") for name, value in (("op", "image"), ("cpu", "profiles.cpu.image"))]
    assert incomplete(images) == ""
    assert incomplete(images[:1]).startswith("values.yaml has no digest for the CPU runtime, which")
    assert "operator and the CPU runtime" in incomplete([Image("gpu:1-gpu", "-gpu", "profiles.gpu.image", "")])


def test_a_push_that_prints_no_digest_is_an_error() -> None:
    with pytest.raises(PushError, match="not printed a digest; its last line: 5f70: Pushed"):
        digest_of("The push refers to repository [x]\n5f70: Pushed\n\n")


def test_the_charts_own_values_have_a_digest_where_each_image_says() -> None:
    named = [image for image in described(select(read(), list(read())), "0.1.0") if image.value]
    assert {image.value for image in named} == {"image", *(f"profiles.{p}.image" for p in ("cpu", "gpu", "vision"))}
    defaults = yaml.safe_load((ROOT / "charts" / "paddle-serving-operator" / "values.yaml").read_text())
    for image in named:
        place = defaults
        for key in image.value.split("."):
            place = place[key]
        assert (place["repository"], place["digest"]) == (image.repository, "")
        assert place.get("variant", "") == image.suffix.removeprefix("-")


def test_every_example_image_names_a_custom_resource_that_names_it() -> None:
    models = [image for image in described(select(read(), list(read())), "0.1.0") if image.manifest]
    assert len(models) > 10
    for image in models:
        assert f'reference: "{image.reference}"' in (ROOT / image.manifest).read_text(), image.manifest


def test_names_may_stand_behind_the_options_as_the_makefile_has_them() -> None:
    found = arguments_of(["push", "--registry", "r:1/ml", "--tags", "1 latest", "a", "b"])
    assert (found.names, found.registry, found.tags) == (["a", "b"], "r:1/ml", "1 latest")


@pytest.mark.parametrize(
    ("line", "status", "said"),
    [
        (("--registry", ""), 1, "names no registry"),
        (("--registry", "r:1", "--tags", "a/b"), 1, "is no tag"),
        (("--registry", "r:1", "nothing"), 2, "has no image 'nothing'"),
        (("--registry", "r:1/ml", "--tags", "1 latest", "paddle-serving-operator"), 0, ""),
    ],
)
def test_what_a_push_is_given_can_be_checked_without_docker(
    line: tuple[str, ...], status: int, said: str, tmp_path: Path
) -> None:
    command = [sys.executable, "-m", "release", "check", *line]
    environment = {"PATH": str(tmp_path)}
    done = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, said in done.stderr) == (status, True)


def test_make_push_checks_before_it_builds() -> None:
    typed = ["make", "--dry-run", "--no-print-directory", "push", "REGISTRY="]
    lines = subprocess.run(typed, cwd=ROOT, capture_output=True, text=True, timeout=60, check=True).stdout.splitlines()
    steps = [next((word for word in ("check", "build", "push") if f" {word} " in line), "") for line in lines]
    assert [step for step in steps if step] == ["check", "build", "push"]
