"""The one form in which a report is signed: RFC 8785, the JSON Canonicalization Scheme."""

from collections.abc import Mapping
from typing import Any

import rfc8785

SIGNATURE = "signature"


def canonical(report: Mapping[str, Any]) -> bytes:
    """The report without its signature: keys sorted, no white space, numbers as ECMAScript writes them, UTF-8.

    Raises ValueError for what has no such form: numbers that are not finite, whole ones past 2**53, text that is not
    Unicode.
    """
    return rfc8785.dumps({name: value for name, value in report.items() if name != SIGNATURE})
