"""Packages as ConfigMaps: a key for each file, which has no `/`."""

import re
from collections import defaultdict
from collections.abc import Collection, Iterator

from paddle_serving_runtime.errors import ModelUnavailable
from paddle_serving_runtime.package.manifest import shown

MAX_BYTES = 1 << 20
"""Of a ConfigMap. Source: Kubernetes' MaxSecretSize, to which ConfigMaps are held as well."""

# Kubernetes' IsConfigMapKey; two dots at the start are the kubelet's
_KEY = re.compile(r"(?!\.$|\.\.)[-._a-zA-Z0-9]{1,253}")


def key_of(path: str) -> str:
    """The key of a file: its path with `__` for `/`. Not every key says by itself which path it is of."""
    return path.replace("/", "__")


def unfit(paths: Collection[str]) -> Iterator[str]:
    """A sentence for every file that no ConfigMap can hold, and for all that would have the same key."""
    by_key: dict[str, list[str]] = defaultdict(list)
    for path in sorted(paths):
        by_key[key_of(path)].append(path)
    for key, same in by_key.items():
        if not _KEY.fullmatch(key):
            yield (
                f"a ConfigMap cannot hold {shown(same[0])}: a key is letters, digits, -, _ and . only, at most 253 of "
                "them, and does not begin with two dots"
            )
        elif len(same) > 1:
            yield f"a ConfigMap cannot hold {' and '.join(same)}: they have the same key, {key}"


def paths_by_key(paths: Collection[str], keys: Collection[str]) -> dict[str, str]:
    """The path of each file of a manifest by its key.

    Raises ModelUnavailable where a file is not among `keys` because no ConfigMap can hold it.
    """
    found = {key_of(path): path for path in paths}
    if len(found) < len(paths) or not found.keys() <= set(keys):
        for sentence in unfit(paths):
            raise ModelUnavailable(f"{sentence}. Rename it and make a new digest, or use another source.")
    return found
