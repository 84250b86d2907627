"""What an API server's answers to writes tell the mirror."""

from collections.abc import Callable, Sequence

import pytest

from paddle_serving_operator.constants import DEPLOYMENT, PADDLE_SERVICE, SERVICE, Kind, Manifest
from paddle_serving_operator.kube.errors import Conflict, KubeError, NotFound, Unavailable
from paddle_serving_operator.kube.noting import NotingCluster


class Notes:
    def __init__(self) -> None:
        self.noted: list[tuple[str, ...]] = []

    def saw(self, kind: Kind, manifest: Manifest) -> None:
        self.noted.append(("saw", kind.kind, manifest["metadata"]["resourceVersion"]))

    def deleted(self, kind: Kind, namespace: str, name: str, uid: str) -> None:
        self.noted.append(("deleted", kind.kind, f"{namespace}/{name}", uid))


class Server:
    """Answers every write with the same object, or with an error; `live` is what a read gives."""

    def __init__(self) -> None:
        self.error: KubeError | None = None
        self.stored: Manifest = {"metadata": {"name": "ocr", "resourceVersion": "7"}}
        self.live: Manifest | None = {"metadata": {"name": "ocr", "resourceVersion": "9"}}
        self.ending: Manifest | None = None

    def get(self, _kind: Kind, _namespace: str, _name: str) -> Manifest | None:
        return self.live

    def list(self, _kind: Kind, _namespace: str, _selector: str) -> list[Manifest]:
        return []

    def _answer(self) -> Manifest:
        if self.error is not None:
            raise self.error
        return self.stored

    def apply(self, _kind: Kind, _namespace: str, _manifest: Manifest) -> Manifest:
        return self._answer()

    def apply_status(self, _kind: Kind, _namespace: str, _manifest: Manifest) -> Manifest:
        return self._answer()

    def patch(self, _kind: Kind, _namespace: str, _name: str, _operations: Sequence[Manifest]) -> Manifest:
        return self._answer()

    def create(self, _kind: Kind, _namespace: str, _manifest: Manifest) -> Manifest:
        return self._answer()

    def dry_run(self, _kind: Kind, _namespace: str, _manifest: Manifest) -> Manifest:
        return self._answer()

    def delete(self, _kind: Kind, _namespace: str, _name: str, _uid: str) -> Manifest | None:
        self._answer()
        return self.ending

    def log(self, _namespace: str, pod: str, container: str, *, previous: bool) -> str:
        return f"{pod} {container} {previous}"


STATUS: Manifest = {"metadata": {"name": "ocr", "uid": "u1"}, "status": {}}


@pytest.fixture
def server() -> Server:
    return Server()


@pytest.fixture
def notes() -> Notes:
    return Notes()


@pytest.fixture
def cluster(server: Server, notes: Notes) -> NotingCluster:
    return NotingCluster(server, notes)


@pytest.mark.parametrize(
    ("kind", "write"),
    [
        (SERVICE, lambda cluster: cluster.apply(SERVICE, "default", {})),
        (SERVICE, lambda cluster: cluster.patch(SERVICE, "default", "ocr", [])),
        (PADDLE_SERVICE, lambda cluster: cluster.apply_status(PADDLE_SERVICE, "default", STATUS)),
    ],
)
def test_what_was_stored_is_noted_and_what_was_not_is_not(
    cluster: NotingCluster, server: Server, notes: Notes, kind: Kind, write: Callable[[NotingCluster], Manifest]
) -> None:
    assert write(cluster) == server.stored
    assert notes.noted == [("saw", kind.kind, "7")]
    server.error = Unavailable("down")
    with pytest.raises(Unavailable):
        write(cluster)
    assert len(notes.noted) == 1


def test_a_deletion_is_noted_as_what_it_is(cluster: NotingCluster, server: Server, notes: Notes) -> None:
    cluster.delete(DEPLOYMENT, "default", "ocr-a", "u2")
    server.ending = {"metadata": {"name": "ocr-a", "resourceVersion": "8", "deletionTimestamp": "now"}}
    cluster.delete(DEPLOYMENT, "default", "ocr-a", "u2")
    assert notes.noted == [("deleted", "Deployment", "default/ocr-a", "u2"), ("saw", "Deployment", "8")]


def test_a_status_that_comes_too_late_tells_how_the_object_is_now(
    cluster: NotingCluster, server: Server, notes: Notes
) -> None:
    server.error = Conflict("the object has been modified")
    with pytest.raises(Conflict):
        cluster.apply_status(PADDLE_SERVICE, "default", STATUS)
    assert notes.noted == [("saw", "PaddleService", "9")]


def test_a_status_for_an_object_that_is_gone_tells_that_it_is(
    cluster: NotingCluster, server: Server, notes: Notes
) -> None:
    server.error = NotFound('paddleservices "ocr" not found')
    with pytest.raises(NotFound):
        cluster.apply_status(PADDLE_SERVICE, "default", STATUS)
    assert notes.noted == [("deleted", "PaddleService", "default/ocr", "u1")]


def test_a_log_is_passed_on() -> None:
    assert NotingCluster(Server(), Notes()).log("team-a", "ocr-1", "serve", previous=True) == "ocr-1 serve True"
