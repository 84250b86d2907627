"""The real paddle_serving_server and paddle_serving_app 0.9.0, importable on current Python, protobuf and numpy."""


def install() -> None:
    """Makes `import paddle_serving_server` and `paddle_serving_app` work in this process; call it before either."""
    raise NotImplementedError
