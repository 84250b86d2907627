"""Keys for tests, made as the document says."""

import subprocess
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Pair:
    """The files of a private and a public key."""

    private: Path
    public: Path


def key_pair(folder: Path, name: str = "ed25519", *, algorithm: str = "ed25519") -> Pair:
    """A new pair."""
    pair = Pair(folder / f"{name}.pem", folder / f"{name}.pub.pem")
    run("openssl", "genpkey", "-algorithm", algorithm, "-out", pair.private)
    run("openssl", "pkey", "-in", pair.private, "-pubout", "-out", pair.public)
    return pair


def run(*words: object) -> None:
    subprocess.run([*map(str, words)], check=True, capture_output=True)
