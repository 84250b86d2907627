"""Names that file systems, Kubernetes and the runtime accept."""

import re

LONGEST = 40


def dns_label(text: str) -> str:
    """`text` as a DNS label: lower case, everything else that is not allowed becomes a dash; `model` for nothing."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:LONGEST].rstrip("-") or "model"


def file_name(text: str) -> str:
    """`text` as part of the name of a file: what would name a folder becomes a dash."""
    return text.replace("/", "-")
