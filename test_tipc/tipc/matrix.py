"""The combinations of a configuration, with command lines and log names as the original forms them. Pure."""

import re
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tipc.config import NULL, Config, Parameter

CPP = "cpp"
DEVICES, DEVICE_TYPE = ".devices", ".device_type"
CONFIG_KEY = re.compile(r"(op|dag)\.[^=]+=|(rpc_port|http_port|worker_num|build_dag_each_worker)=")


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


def first_python(config: Config) -> str:
    """The first interpreter that is one: `cpp` is the original's word for Paddle Serving's C++ server."""
    return next((python for python in config.pythons if python != CPP), config.pythons[0])


def convert_commands(config: Config, python: str) -> list[list[str]]:
    """The commands that make the serving model, or each of two, run in the repository's root."""
    return [
        [
            python,
            *shlex.split(config.trans_model),
            *[text for key, value in conversion if (text := argument(key, value))],
        ]
        for conversion in config.conversions
    ]


def switches(config: Config, combination: Combination) -> list[str]:
    """The `key=value` arguments of the server. The device is `null` for the CPU as in the original."""
    if combination.device == "cpu":
        chosen = [(config.onednn, combination.onednn), (config.threads, combination.threads)]
        device = NULL
    else:
        chosen = [(config.tensorrt, combination.tensorrt), (config.precision, combination.precision)]
        device = "0"
    first = [] if config.device.key == NULL else [f"{config.device.key}={device}"]
    return [*first, *[text for parameter, value in chosen if (text := argument(parameter.key, value))]]


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


def asked_device(config: Config, combination: Combination) -> str:
    """The device that the service is told to compute on: `cpu`, `gpu`, or empty where only its own files say.

    With the key device_type, which some repositories have on line 12, 0 is Paddle Serving's number for the CPU,
    although the original names the logs after the GPU then.
    """
    if config.device.key == NULL:
        return ""
    return "cpu" if config.device.key.endswith(DEVICE_TYPE) else combination.device


def script(config: Config, combination: Combination) -> str:
    """The script of line 11 with all its arguments, as the service gets them."""
    name, *arguments = shlex.split(config.web_service)
    return shlex.join([name, *script_arguments([*arguments, *switches(config, combination)])])


def script_arguments(argv: Sequence[str]) -> list[str]:
    """The arguments that the script sees: the device of the CPU is the empty text.

    The original writes `devices=null` for it, which a script that reads its arguments hands on as the device "null".
    """
    return [word.removesuffix(NULL) if word.endswith(f"{DEVICES}={NULL}") else word for word in argv]


def overrides(config: Config, combination: Combination) -> dict[str, str]:
    """What the arguments of line 11 and the switches set in config.yml, for both sides of the comparison."""
    return config_overrides([*shlex.split(config.web_service)[1:], *switches(config, combination)])


def config_overrides(argv: Sequence[str]) -> dict[str, str]:
    """Those of a script's arguments that are config.yml's keys, in the runtime's words."""
    return dict(override(*word.split("=", 1)) for word in argv if CONFIG_KEY.match(word))


def override(key: str, value: str) -> tuple[str, str]:
    """A config.yml key and value for a server argument.

    `null` names no device: Paddle Serving's words for the CPU are the empty text and device_type 0. `use_trt` is no
    key of its pipeline, where TensorRT is device_type 2 (Paddle Serving 0.9.0, local_service_handler.py).
    """
    if key.endswith(".use_trt"):
        return key.removesuffix("use_trt") + "device_type", "2" if value == "True" else "1"
    if key.endswith(DEVICE_TYPE) and value == NULL:
        return key, "0"
    return key, "" if value == NULL else value


def shown(parameter: Parameter, value: str) -> str:
    """A switch as the table shows it: `-` where the configuration does not set it."""
    return "-" if not argument(parameter.key, value) else value
