"""Flags of `serve` about who may ask the front, and how."""

import argparse
from pathlib import Path

from paddle_serving_runtime.cli.options import require
from paddle_serving_runtime.supervisor.settings import AccessFiles


def add_access(parser: argparse.ArgumentParser) -> None:
    """TLS and API keys, for HTTP and gRPC alike; the admin port has neither."""
    parser.add_argument(
        "--tls-certificate", type=Path, metavar="FILE", help="certificate and chain (PEM): both ports speak TLS alone"
    )
    parser.add_argument("--tls-key", type=Path, metavar="FILE", help="its key (PEM, without a password)")
    parser.add_argument(
        "--api-key-file",
        type=Path,
        metavar="FILE",
        help="a key on each line; a request without one of them (Authorization: Bearer <key>) gets 401. This file and "
        "those of TLS may be replaced at any time",
    )


def access_from(arguments: argparse.Namespace) -> AccessFiles:
    """The files, which can be read and are what they should be. Raises InvalidOption naming the flag."""
    files = AccessFiles(arguments.tls_certificate, arguments.tls_key, arguments.api_key_file)
    require((files.certificate is None) == (files.key is None), "--tls-certificate and --tls-key belong together")
    if files != AccessFiles():
        from paddle_serving_runtime.supervisor import credentials  # noqa: PLC0415 - most have none

        credentials.certificate_of(files)
        credentials.keys_of(files)
    return files
