"""Whatever order news come in, the mirror ends as the cluster is, and is never older than what this operator wrote."""

from collections import defaultdict
from typing import Any, NamedTuple

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from typing_extensions import override

from paddle_serving_operator.constants import LABEL_SERVICE, SERVICE, Manifest
from paddle_serving_operator.observe.mirror import Mirror

NAMES = st.sampled_from(["a", "b"])


class Change(NamedTuple):
    """An event as the API server sends it."""

    deleted: bool
    manifest: Manifest


class Cluster(RuleBasedStateMachine):
    """One kind of one namespace. kopf keeps the order of an object's events, and of nothing else."""

    def __init__(self) -> None:
        super().__init__()
        self.revision = 1
        self.objects: dict[str, Manifest] = {}
        self.history: dict[str, list[tuple[int, str | None]]] = defaultdict(list)
        self.wire: list[Change] = []  # what the watch has not sent yet
        self.backlog: dict[str, list[Change]] = defaultdict(list)  # what kopf has, by uid
        self.answers: list[tuple[str, Manifest]] = []
        self.list: tuple[list[Manifest], int] | None = None
        self.written: dict[str, int] = {}
        self.dead: set[str] = set()
        self.mirror = Mirror(lambda: 0.0)
        self.mirror.listed(SERVICE, None, [], "1")

    def store(self, name: str, uid: str, *, labelled: bool) -> Manifest:
        self.revision += 1
        labels = {LABEL_SERVICE: "ocr"} if labelled else {}
        version = str(self.revision)
        metadata = {"namespace": "ns", "name": name, "uid": uid, "labels": labels, "resourceVersion": version}
        self.objects[name] = {"metadata": metadata}
        self.history[name].append((self.revision, uid if labelled else None))
        return self.objects[name]

    def remove(self, name: str) -> Manifest:
        self.revision += 1
        found = self.objects.pop(name)
        self.history[name].append((self.revision, None))
        return {"metadata": found["metadata"] | {"resourceVersion": str(self.revision)}}

    @rule(name=NAMES, ours=st.booleans(), labelled=st.booleans())
    def write(self, name: str, ours: bool, labelled: bool) -> None:  # noqa: FBT001 - hypothesis gives them
        """Somebody, or this operator, creates or changes an object, or takes its label away."""
        before = self.objects.get(name)
        uid = before["metadata"]["uid"] if before else f"{name}-{self.revision}"
        stored = self.store(name, uid, labelled=labelled or ours)
        if stored["metadata"]["labels"]:
            self.wire.append(Change(deleted=False, manifest=stored))
        elif before and before["metadata"]["labels"]:  # the event has the object as it was, with the new version
            metadata = before["metadata"] | {"resourceVersion": str(self.revision)}
            self.wire.append(Change(deleted=True, manifest={"metadata": metadata}))
        if ours:
            self.answers.append(("saw", stored))

    @rule(name=NAMES, ours=st.booleans())
    def delete(self, name: str, ours: bool) -> None:  # noqa: FBT001 - hypothesis gives them
        """Somebody, or this operator, deletes an object."""
        if name in self.objects:
            labelled = bool(self.objects[name]["metadata"]["labels"])
            gone = self.remove(name)
            if labelled:
                self.wire.append(Change(deleted=True, manifest=gone))
            if ours:
                self.answers.append(("deleted", gone))

    @rule()
    def send(self) -> None:
        """The watch sends its next event."""
        if self.wire and self.list is None:
            change = self.wire.pop(0)
            self.backlog[change.manifest["metadata"]["uid"]].append(change)

    @rule(data=st.data())
    def deliver(self, data: st.DataObject) -> None:
        """kopf hands over the next event of some object."""
        if self.backlog:
            uid = data.draw(st.sampled_from(sorted(self.backlog)))
            change = self.backlog[uid].pop(0)
            if not self.backlog[uid]:
                del self.backlog[uid]
            (self.mirror.missed if change.deleted else self.mirror.saw)(SERVICE, change.manifest)

    @rule(data=st.data())
    def answer(self, data: st.DataObject) -> None:
        """The answer to one of this operator's writes arrives."""
        if self.answers:
            index = data.draw(st.integers(0, len(self.answers) - 1))
            verb, manifest = self.answers.pop(index)
            metadata = manifest["metadata"]
            if verb == "saw":
                self.mirror.saw(SERVICE, manifest)
                known = self.written.get(metadata["name"], 0)
                self.written[metadata["name"]] = max(int(metadata["resourceVersion"]), known)
            else:
                self.mirror.deleted(SERVICE, "ns", metadata["name"], metadata["uid"])
                self.dead.add(metadata["uid"])

    @rule()
    def begin_list(self) -> None:
        """The watch is too old: kopf reads everything anew. What it had not sent is never sent."""
        if self.list is None:
            found = [manifest for manifest in self.objects.values() if manifest["metadata"]["labels"]]
            self.list = (found, self.revision)
            self.wire = []

    @rule()
    def end_list(self) -> None:
        """The list has arrived."""
        if self.list is not None:
            found, version = self.list
            self.list = None
            self.mirror.listed(SERVICE, None, found, str(version))

    @rule()
    def relist(self) -> None:
        """Both at once."""
        self.end_list()
        self.begin_list()
        self.end_list()

    def seen(self, name: str) -> Manifest | None:
        place: Any = {"metadata": {"namespace": "ns", "name": name}}
        return self.mirror.find(SERVICE, place)

    @invariant()
    def it_is_never_older_than_what_this_operator_wrote(self) -> None:
        for name, version in self.written.items():
            found = self.seen(name)
            if found is not None:
                assert int(found["metadata"]["resourceVersion"]) >= version
            else:
                assert any(uid is None and later > version for later, uid in self.history[name])

    @invariant()
    def what_this_operator_deleted_stays_away(self) -> None:
        for manifest in self.mirror.known(SERVICE, None):
            assert manifest["metadata"]["uid"] not in self.dead

    @override
    def teardown(self) -> None:
        """Everything arrives in the end."""
        self.end_list()
        while self.wire:
            self.send()
        for changes in list(self.backlog.values()):
            for change in changes:
                (self.mirror.missed if change.deleted else self.mirror.saw)(SERVICE, change.manifest)
        for verb, manifest in self.answers:
            metadata = manifest["metadata"]
            if verb == "saw":
                self.mirror.saw(SERVICE, manifest)
            else:
                self.mirror.deleted(SERVICE, "ns", metadata["name"], metadata["uid"])
        expected = [manifest for manifest in self.objects.values() if manifest["metadata"]["labels"]]
        known = self.mirror.list(SERVICE, "ns", f"{LABEL_SERVICE}=ocr")
        assert sorted(known, key=_name) == sorted(expected, key=_name)


def _name(manifest: Manifest) -> str:
    name: str = manifest["metadata"]["name"]
    return name


TestMirror = Cluster.TestCase
TestMirror.settings = settings(max_examples=100, stateful_step_count=30, deadline=None)
