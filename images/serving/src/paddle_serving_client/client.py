from typing import NoReturn

_ADVICE = (
    "speaks the protocol of the C++ server (brpc), which is not served here. Send the request as JSON by HTTP POST to "
    "/<service>/<method>, as pipeline_http_client.py does."
)


class Client:
    """The brpc client by name only: services import it, and none of those that run here uses it."""

    def __init__(self, *_arguments: object, **_options: object) -> None:
        _refuse("paddle_serving_client.Client")


class HttpClient:
    """The HTTP client of the C++ server by name only."""

    def __init__(self, *_arguments: object, **_options: object) -> None:
        _refuse("paddle_serving_client.HttpClient")


def _refuse(name: str) -> NoReturn:
    raise NotImplementedError(f"{name} {_ADVICE}")
