"""Programs built from pinned Go modules, each once, into the cache."""

import hashlib
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from e2e.kind.cache import Cache, has_space, require_space
from e2e.kind.console import Step
from e2e.kind.estimates import estimate
from e2e.kind.go import Go, toolchain
from e2e.kind.versions import COREDNS, KUBERNETES

HERE = Path(__file__).parent
NEEDED_GIGABYTES = 6.0  # for Kubernetes: sources, what the compiler leaves, the program
ROOM_GIGABYTES = 2 * NEEDED_GIGABYTES  # where so much is free, what was compiled stays until all is built
HASH_LENGTH = 10
COMPONENT_VERSION = "k8s.io/component-base/version"


@dataclass(frozen=True)
class Module:
    """A program of a published Go module."""

    name: str
    version: str
    path: str
    package: str = ""
    ldflags: str = ""
    raised: tuple[str, ...] = ()
    """Modules that it is built with in a newer version than its own go.mod asks for, as `path@version`."""
    is_kept: bool = False
    """Whether what the compiler made of it stays for the next module, however little room there is: they share most."""

    @property
    def pinned(self) -> str:
        """`path@version`, as go wants it."""
        return f"{self.path}@{self.version}"


class Builder:
    """Builds what the cache lacks; looks for Go when the first build needs it. `made` names what this run built."""

    def __init__(self, cache: Cache) -> None:
        self.cache = cache
        self.made: set[str] = set()

    @cached_property
    def go(self) -> Go:
        """The toolchain. Raises SetupError without the disk space for a build, and where no Go is to be had."""
        require_space(self.cache.root, NEEDED_GIGABYTES, "building Go programs")
        return toolchain(self.cache)

    def module(self, module: Module, step: Step) -> Path:
        """A program of a published module, in the cache. Raises CommandError."""
        return self._artefact(f"{module.name}-{module.version}", step, lambda log: self._from_module(module, log))

    def kubernetes(self, step: Step) -> Path:
        """Every Kubernetes program and etcd in one, which acts by the name it is called by."""
        major, minor, _ = KUBERNETES.removeprefix("v").split(".")
        stamps = {"gitVersion": KUBERNETES, "gitMajor": major, "gitMinor": minor, "gitTreeState": "clean"}
        ldflags = " ".join(f"-X {COMPONENT_VERSION}.{name}={value}" for name, value in stamps.items())
        return self._ours("kubernetes", KUBERNETES, "-tags=selinux", ldflags, step)

    def has_kubernetes(self) -> bool:
        """Whether `kubernetes` would find its program in the cache."""
        return (self.cache.built / our_name("kubernetes", KUBERNETES)).exists()

    def kubectl(self, step: Step) -> Path:
        """Kubectl alone: a tenth of the work of `kubernetes`."""
        ldflags = f"-X {COMPONENT_VERSION}.gitVersion={KUBERNETES}"
        package = "k8s.io/kubernetes/cmd/kubectl"
        name = f"kubectl-{KUBERNETES}"
        return self._artefact(name, step, lambda log: self._compile("kubernetes", package, ldflags, log))

    def coredns(self, step: Step) -> Path:
        """CoreDNS with the plugins of kubeadm's Corefile."""
        return self._ours("coredns", COREDNS, "-tags=", "", step)

    def source(self, module: Module, log: Path) -> Path:
        """The folder with a published module's source, downloaded and checked by go."""
        folder = self.cache.workspace("source")
        self.go.run(log, folder, "mod", "init", "source")
        self.go.run(log, folder, "mod", "download", module.pinned)
        return Path(self.go.env["GOMODCACHE"]) / module.pinned

    def leftovers(self) -> list[Path]:
        """Sources, compiler output and workspaces, several gigabytes, of no use once all that was wanted is built."""
        folders = (self.cache.go / "modules", self.cache.go / "build", *self.cache.work.iterdir())
        return [folder for folder in folders if folder.exists()]

    def _ours(self, folder: str, version: str, tags: str, ldflags: str, step: Step) -> Path:
        name = our_name(folder, version)
        return self._artefact(name, step, lambda log: self._compile(folder, ".", ldflags, log, tags))

    def _artefact(self, name: str, step: Step, make: Callable[[Path], Path]) -> Path:
        path = self.cache.built / name
        before = step.doing

        def finish(part: Path) -> None:
            expected = estimate(name, len(os.sched_getaffinity(0)))
            step.doing = f"building {name} from Go modules{expected and f' ({expected})'}"
            make(self.cache.log(name)).replace(part)
            self.made.add(name)

        self.cache.artefact(path, finish)
        step.doing = before
        return path

    def _from_module(self, module: Module, log: Path) -> Path:
        # `go install package@version` would be shorter, but refuses modules that have replace directives.
        folder = self.cache.workspace("module")
        package = module.package or module.path
        self.go.run(log, folder, "mod", "init", "tool")
        self.go.run(log, folder, "get", f"{package}@{module.version}", *module.raised)
        self.go.run(log, folder, "build", "-ldflags", f"-s -w {module.ldflags}", "-o", folder / "program", package)
        # every module shares Go's own libraries with the next one
        if not module.is_kept and not has_space(self.cache.root, ROOM_GIGABYTES):
            shutil.rmtree(self.go.env["GOCACHE"], ignore_errors=True)
        return folder / "program"

    def _compile(self, folder: str, package: str, ldflags: str, log: Path, tags: str = "-tags=") -> Path:
        program = self.cache.workspace("program") / folder
        self.go.run(log, HERE / folder, "build", tags, "-ldflags", f"-s -w {ldflags}", "-o", program, package)
        return program


def our_name(folder: str, version: str) -> str:
    """The artefact's name of a program whose module is in this repository: another source makes another name."""
    digest = hashlib.sha256()
    for name in ("go.mod", "go.sum", "main.go"):
        digest.update((HERE / folder / name).read_bytes())
    return f"{folder}-{version}-{digest.hexdigest()[:HASH_LENGTH]}"
