"""The combinations of a configuration, with command lines and log names as the original forms them. Pure."""

import shlex
from collections.abc import Iterator
from dataclasses import dataclass

from tipc.config import NULL, Config, Parameter

CPP = "cpp"


@dataclass(frozen=True)
class Combination:
    """One start of the server: `device` is `cpu` or `gpu`.

    `onednn` and `threads` vary on the CPU, `tensorrt` and `precision` on the GPU; the other two are then `null`.
    """

    python: str
    device: str
    onednn: str = NULL
    threads: str = NULL
    tensorrt: str = NULL
    precision: str = NULL

    @property
    def label(self) -> str:
        """The part of log names that tells combinations apart."""
        if self.device == "cpu":
            return f"usemkldnn_{self.onednn}_threads_{self.threads}"
        return f"usetrt_{self.tensorrt}_precision_{self.precision}"


def combinations(config: Config) -> Iterator[Combination]:
    """Every start of the server, in the original's order. Left out: fp16 and int8 without TensorRT, and cpp."""
    for python in config.pythons:
        if python == CPP:
            continue
        for device in config.device.values:
            if device == NULL:
                for onednn in config.onednn.values:
                    for threads in config.threads.values:
                        yield Combination(python, "cpu", onednn=onednn, threads=threads)
            else:
                for tensorrt in config.tensorrt.values:
                    for precision in config.precision.values:
                        if tensorrt == "False" and ("fp16" in precision or "int8" in precision):
                            continue
                        yield Combination(python, "gpu", tensorrt=tensorrt, precision=precision)


def convert_command(config: Config, python: str) -> list[str]:
    """The command that makes the serving model, run in the repository's root."""
    arguments = [argument(key, value) for key, value in config.convert]
    return [python, *shlex.split(config.trans_model), *[text for text in arguments if text]]


def switches(config: Config, combination: Combination) -> list[str]:
    """The `key=value` arguments of the server. The device is always there, `null` for the CPU as in the original."""
    if combination.device == "cpu":
        chosen = [(config.onednn, combination.onednn), (config.threads, combination.threads)]
        first = f"{config.device.key}={NULL}"
    else:
        chosen = [(config.tensorrt, combination.tensorrt), (config.precision, combination.precision)]
        first = f"{config.device.key}=0"
    return [first, *[text for parameter, value in chosen if (text := argument(parameter.key, value))]]


def server_command(config: Config, combination: Combination) -> list[str]:
    """The command that starts the service, run in serving_dir."""
    return [combination.python, *shlex.split(config.web_service), *switches(config, combination)]


def client_command(config: Config, combination: Combination, client: str) -> list[str]:
    """The command that asks the service, run in serving_dir."""
    image = argument(*config.image)
    return [combination.python, *shlex.split(client), *([image] if image else [])]


def client_log(combination: Combination, client: str) -> str:
    """The name of a client's log: server_infer_<device>_<client up to _client>_<switches>_batchsize_1.log."""
    stem = client[: client.rindex("_client")] if "_client" in client else client
    return f"server_infer_{combination.device}_{stem}_{combination.label}_batchsize_1.log"


def client_text(config: Config, combination: Combination, client: str, log: str) -> str:
    """The client's command as the status line shows it, byte for byte as the original writes it."""
    image = argument(*config.image) or " "
    if combination.device == "cpu":
        return f"{combination.python} {client} {image} > {log} 2>&1 "
    return f"{combination.python} {client} {image}> {log} 2>&1"


def argument(key: str, value: str) -> str:
    """`key=value`, empty where either says that there is none: the rule of common_func.sh's func_set_params."""
    return "" if key == NULL or value in (NULL, "", " ") else f"{key}={value}"


def overrides(config: Config, combination: Combination) -> dict[str, str]:
    """The switches as config.yml keys for the runtime, so that both sides of the comparison run with the same ones."""
    return dict(override(*text.split("=", 1)) for text in switches(config, combination))


def override(key: str, value: str) -> tuple[str, str]:
    """A config.yml key and value for a server argument.

    `null` names no device: Paddle Serving's word for the CPU is the empty text. `use_trt` is no key of its pipeline,
    where TensorRT is device_type 2 (Paddle Serving 0.9.0, local_service_handler.py).
    """
    if key.endswith(".use_trt"):
        return key.removesuffix("use_trt") + "device_type", "2" if value == "True" else "1"
    return key, "" if value == NULL else value


def shown(parameter: Parameter, value: str) -> str:
    """A switch as the table shows it: `-` where the configuration does not set it."""
    return "-" if not argument(parameter.key, value) else value
