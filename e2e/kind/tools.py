"""kind, Helm 3 and 4, kubectl, kwok, the programs of a control plane: from PATH when new enough, else built once."""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from e2e.kind.builder import Builder, Module
from e2e.kind.cache import Cache
from e2e.kind.console import Console, Step
from e2e.kind.process import capture
from e2e.kind.versions import HELM, HELM4, KIND, KWOK, Version, parse, show

ASK_TIMEOUT = 30.0


@dataclass(frozen=True)
class Tool:
    """A program, the oldest release of it that serves, and the arguments that make it print its version."""

    name: str
    minimum: Version
    ask: tuple[str, ...]


KIND_MODULE = Module("kind", KIND, "sigs.k8s.io/kind")
# What helm's own Makefile stamps: without it helm takes itself for one of Kubernetes 1.20 and refuses current charts
# in `helm template` and `helm lint`. The numbers are those of the client-go that HELM is built with.
HELM_STAMPS = {
    "internal/version.version": HELM,
    "pkg/chartutil.k8sVersionMajor": "1",
    "pkg/chartutil.k8sVersionMinor": "37",
    "pkg/lint/rules.k8sVersionMajor": "1",
    "pkg/lint/rules.k8sVersionMinor": "37",
}
# the client libraries of HELM4's go.mod: compiled once for both
HELM_LIBRARIES = tuple(f"k8s.io/{name}@v0.37.2" for name in ("kubectl", "apiextensions-apiserver"))
HELM_MODULE = Module(
    "helm",
    HELM,
    "helm.sh/helm/v3",
    "helm.sh/helm/v3/cmd/helm",
    " ".join(f"-X helm.sh/helm/v3/{name}={value}" for name, value in HELM_STAMPS.items()),
    raised=HELM_LIBRARIES,
    is_kept=True,
)
# it looks up itself which client-go it is built with
HELM4_MODULE = Module(
    "helm4",
    HELM4,
    "helm.sh/helm/v4",
    "helm.sh/helm/v4/cmd/helm",
    f"-X helm.sh/helm/v4/internal/version.version={HELM4}",
)
KWOK_MODULE = Module(
    "kwok", KWOK, "sigs.k8s.io/kwok", "sigs.k8s.io/kwok/cmd/kwok", f"-X sigs.k8s.io/kwok/pkg/consts.Version={KWOK}"
)
FOR_A_CLUSTER = (
    Tool("kind", (0, 33, 0), ("version",)),  # node images go with one release of kind
    Tool("helm", (3, 17, 0), ("version", "--short")),
    Tool("kubectl", (1, 31, 0), ("version", "--client")),
)
FOR_CHARTS = (Tool("helm4", (4, 0, 0), ("version", "--short")),)  # Helm 4, beside the other one
FOR_AN_API_SERVER = (
    Tool("kube-apiserver", (1, 31, 0), ("--version",)),
    Tool("kube-controller-manager", (1, 31, 0), ("--version",)),
    Tool("etcd", (3, 5, 0), ("--version",)),
)
FOR_MANY_PODS = (  # beside those of an API server: pods are given nodes, and seem to run there
    Tool("kube-scheduler", (1, 31, 0), ("--version",)),
    Tool("kwok", (0, 7, 0), ("--version",)),
)


def ensure(tools: tuple[Tool, ...], cache: Cache, builder: Builder, console: Console) -> None:
    """Makes sure that each tool is on PATH once the cache's bin folder is in front of it."""
    for tool in tools:
        with console.step(tool.name) as step:
            link = cache.bin / tool.name
            path, version = find(tool, cache)
            if path and version and version >= tool.minimum:
                link.unlink(missing_ok=True)
                step.result = f"{show(version)} ({path})"
                continue
            target = build(tool, builder, step)
            relink(link, target)
            seen = f"PATH has {show(version)}" if version else "PATH has none"
            how = (
                f"built ({seen}, {show(tool.minimum)} or newer is needed)"
                if target.name in builder.made
                else "in the cache"
            )
            step.result = f"{target.name} {how}"


def find(tool: Tool, cache: Cache) -> tuple[str | None, Version | None]:
    """Where PATH has a tool, our own folder left out, and its version; None for what is missing or does not answer."""
    folders = [folder for folder in os.get_exec_path() if Path(folder) != cache.bin]
    path = shutil.which(tool.name, path=os.pathsep.join(folders))
    if path is None:
        return None, None
    # A kubectl that picks its own version by asking the cluster would wait for one that is down.
    answer = capture([path, *tool.ask], timeout=ASK_TIMEOUT, env={"KUBECONFIG": os.devnull})
    return path, parse(answer.stdout) if answer.ok else None


def program(name: str, cache: Cache) -> str:
    """What to call for a tool that `ensure` saw to: ours if there is one, else the name as PATH has it."""
    link = cache.bin / name
    return str(link) if link.exists() else name


def build(tool: Tool, builder: Builder, step: Step) -> Path:
    """The tool's program in the cache, built if need be. Raises CommandError or SetupError."""
    match tool.name:
        case "kind":
            return builder.module(KIND_MODULE, step)
        case "helm":
            return builder.module(HELM_MODULE, step)
        case "helm4":
            return builder.module(HELM4_MODULE, step)
        case "kwok":
            return builder.module(KWOK_MODULE, step)
        case "kubectl" if not builder.has_kubernetes():
            return builder.kubectl(step)
        case _:
            return builder.kubernetes(step)


def relink(link: Path, target: Path) -> None:
    """Points a link of the bin folder to a program, in one go."""
    part = link.with_name(f".{link.name}.part")
    part.unlink(missing_ok=True)
    part.symlink_to(os.path.relpath(target, link.parent))
    part.replace(link)
