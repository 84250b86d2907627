"""Makes a serving model of an inference model, with the flags of paddle_serving_client.convert."""

from paddle_serving_client.convert import add_arguments, run

__all__ = ["add_arguments", "run"]
