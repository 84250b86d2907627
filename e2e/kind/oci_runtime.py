#!/usr/bin/python3
"""An OCI runtime that asks runc for no capability which this host cannot grant.

A privileged container's specification names every capability, and runc refuses it where the bounding set lacks one.
This program takes those out of the specification and then becomes runc. engine.py puts a copy into the cache folder.
"""

import json
import os
import sys
from pathlib import Path
from typing import Any

# By number, from linux/capability.h.
NAMES = [
    "CHOWN",
    "DAC_OVERRIDE",
    "DAC_READ_SEARCH",
    "FOWNER",
    "FSETID",
    "KILL",
    "SETGID",
    "SETUID",
    "SETPCAP",
    "LINUX_IMMUTABLE",
    "NET_BIND_SERVICE",
    "NET_BROADCAST",
    "NET_ADMIN",
    "NET_RAW",
    "IPC_LOCK",
    "IPC_OWNER",
    "SYS_MODULE",
    "SYS_RAWIO",
    "SYS_CHROOT",
    "SYS_PTRACE",
    "SYS_PACCT",
    "SYS_ADMIN",
    "SYS_BOOT",
    "SYS_NICE",
    "SYS_RESOURCE",
    "SYS_TIME",
    "SYS_TTY_CONFIG",
    "MKNOD",
    "LEASE",
    "AUDIT_WRITE",
    "AUDIT_CONTROL",
    "SETFCAP",
    "MAC_OVERRIDE",
    "MAC_ADMIN",
    "SYSLOG",
    "WAKE_ALARM",
    "BLOCK_SUSPEND",
    "AUDIT_READ",
    "PERFMON",
    "BPF",
    "CHECKPOINT_RESTORE",
]


def granted() -> set[str]:
    """The capabilities in the bounding set of this process."""
    status = Path("/proc/self/status").read_text()
    bounding = next(int(line.split()[1], 16) for line in status.splitlines() if line.startswith("CapBnd:"))
    return {f"CAP_{name}" for bit, name in enumerate(NAMES) if bounding >> bit & 1}


def option(args: list[str], *names: str) -> str | None:
    """The value of a command line option given as `--name value` or `--name=value`."""
    for position, arg in enumerate(args):
        if arg in names:
            return args[position + 1]
        name, separator, value = arg.partition("=")
        if separator and name in names:
            return value
    return None


def trim(process: dict[str, Any]) -> None:
    """Takes what cannot be granted out of a specification's process, in place."""
    possible = granted()
    for kind, names in (process.get("capabilities") or {}).items():
        process["capabilities"][kind] = [name for name in names if name in possible]


def main() -> None:
    """Trims the specification that a create, run or exec is about, then becomes runc."""
    args = sys.argv[1:]
    if "create" in args or "run" in args:
        path = Path(option(args, "--bundle", "-b") or ".") / "config.json"
        spec = json.loads(path.read_text())
        trim(spec["process"])
        path.write_text(json.dumps(spec))
    elif "exec" in args and (process := option(args, "--process", "-p")):
        path = Path(process)
        spec = json.loads(path.read_text())
        trim(spec)
        path.write_text(json.dumps(spec))
    os.execvp("runc", ["runc", *args])  # noqa: S606  runc is wherever the engine's own PATH has it


main()
