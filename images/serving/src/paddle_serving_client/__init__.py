"""The client package of Paddle Serving by interface: `convert` works, the brpc protocol is not served."""

from paddle_serving_client.client import Client, HttpClient

__all__ = ["Client", "HttpClient"]
