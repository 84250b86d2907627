import json
from io import StringIO
from pathlib import Path

import pytest

from e2e.kind.cache import Cache
from e2e.kind.cluster import Cluster
from e2e.kind.console import Console
from e2e.kind.errors import CommandError, SetupError
from e2e.kind.images import contents, identities, load
from e2e.kind.tests.conftest import Calls, Fake

LISTING = {
    "images": [
        {
            "id": "sha256:aaa",
            "repoTags": ["docker.io/library/app:v1"],
            "repoDigests": ["docker.io/library/app@sha256:bbb"],
        },
        {"id": "sha256:ccc", "repoTags": ["docker.io/library/other:latest"], "repoDigests": []},
    ]
}
NODES = ("a1 one control-plane running", "b2 two worker running")


@pytest.fixture
def cluster(cache: Cache) -> Cluster:
    (cache.clusters / "paddle-serving.json").write_text('{"has_network": true, "containers": ["a1", "b2"]}')
    return Cluster("paddle-serving", cache)


@pytest.fixture
def docker(fake: Fake, tmp_path: Path) -> Path:
    """A docker with image app:v1 (id sha256:aaa) and two nodes, whose listings of images are files of their names."""
    for node in ("one", "two"):
        (tmp_path / node).write_text('{"images": []}')
    (tmp_path / "after").write_text(json.dumps(LISTING))
    facts = '[{"Id": "sha256:aaa", "Size": 1000000, "RootFS": {"Layers": ["sha256:base"]}}]'
    fake(
        "docker",
        f"""case "$*" in
          ps*) printf '%s\\n' '{NODES[0]}' '{NODES[1]}' ;;
          "image inspect app:v1") echo '{facts}' ;;
          "image inspect"*) echo "No such image" >&2; exit 1 ;;
          "exec "*" crictl images "*) cat {tmp_path}/$2 ;;
          *"content ls") echo "DIGEST SIZE AGE LABELS" ;;
          "save app:v1") cat {tmp_path}/payload ;;
          "exec --interactive "*) cat > {tmp_path}/$3.got; cat {tmp_path}/after > {tmp_path}/$3 ;;
        esac""",
    )
    (tmp_path / "payload").write_bytes(b"image " * 500_000)
    return tmp_path


def test_an_image_is_known_by_its_id_and_by_its_manifest() -> None:
    assert identities(json.dumps(LISTING), "docker.io/library/app:v1") == {"sha256:aaa", "sha256:bbb"}


def test_an_image_without_a_tag_is_latest_and_another_tag_is_another_image() -> None:
    assert identities(json.dumps(LISTING), "docker.io/library/other") == {"sha256:ccc"}
    assert identities(json.dumps(LISTING), "docker.io/library/app:v2") == set()


def test_sizes_of_content_are_read() -> None:
    listing = (
        "DIGEST  SIZE  AGE  LABELS\nsha256:a\t903B\t1 minute\tx=y\nsha256:b\t2.384kB\t5\t\nsha256:c\t1.254GB\t-\t-\n"
    )
    assert contents(listing) == {"sha256:a": 903, "sha256:b": 2384, "sha256:c": 1_254_000_000}


def test_every_node_gets_the_whole_image(docker: Path, cluster: Cluster, console: Console, output: StringIO) -> None:
    load(["app:v1"], cluster, console)
    payload = (docker / "payload").read_bytes()
    assert [(docker / f"{node}.got").read_bytes() == payload for node in ("one", "two")] == [True, True]
    assert "app:v1: 3 MB sent to one, two" in output.getvalue()


def test_a_node_that_has_the_image_is_left_out(
    docker: Path, cluster: Cluster, console: Console, output: StringIO
) -> None:
    (docker / "one").write_text(json.dumps(LISTING))
    load(["app:v1"], cluster, console)
    assert not (docker / "one.got").exists()
    assert "sent to two" in output.getvalue()


def test_a_node_with_another_image_of_that_name_gets_the_new_one(
    docker: Path, cluster: Cluster, console: Console
) -> None:
    (docker / "one").write_text(json.dumps(LISTING).replace("aaa", "older").replace("bbb", "elder"))
    load(["app:v1"], cluster, console)
    assert (docker / "one.got").exists()


def test_nothing_is_sent_where_every_node_has_it(
    docker: Path, cluster: Cluster, console: Console, output: StringIO, calls: Calls
) -> None:
    for node in ("one", "two"):
        (docker / node).write_text(json.dumps(LISTING))
    load(["app:v1"], cluster, console)
    assert "already on every node" in output.getvalue()
    assert calls.of("docker", "save") == []


def test_an_image_that_the_engine_lacks_is_a_sentence(docker: Path, cluster: Cluster, console: Console) -> None:
    del docker
    with pytest.raises(SetupError, match=r"has no image app:v9 \(No such image\)\. Build it first: make images"):
        load(["app:v9"], cluster, console)


def test_an_importer_that_ends_early_is_reported_with_its_words(
    docker: Path, fake: Fake, cluster: Cluster, console: Console
) -> None:
    facts = '[{"Id": "sha256:aaa", "Size": 1000000, "RootFS": {"Layers": []}}]'
    fake(
        "docker",
        f"""case "$*" in
          ps*) printf '%s\\n' '{NODES[0]}' '{NODES[1]}' ;;
          "image inspect"*) echo '{facts}' ;;
          "exec "*" crictl images "*) echo '{{"images": []}}' ;;
          *"content ls") echo "DIGEST SIZE AGE LABELS" ;;
          "save app:v1") cat {docker}/payload ;;
          "exec --interactive "*) echo "ctr: no space left on device" >&2; exit 1 ;;
        esac""",
    )
    with pytest.raises(CommandError, match="no space left on device"):
        load(["app:v1"], cluster, console)


def test_images_are_not_sent_to_a_cluster_that_does_not_run(fake: Fake, cluster: Cluster, console: Console) -> None:
    fake("docker", '[ "$1" != ps ] || printf "a1 one control-plane exited\nb2 two worker running\n"')
    with pytest.raises(SetupError, match=r"does not run\. Start it first: python3 e2e/kind up"):
        load(["app:v1"], cluster, console)
