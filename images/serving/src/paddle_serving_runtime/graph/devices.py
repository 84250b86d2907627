"""Which device a worker computes on: pure."""

CPU_WORDS = ("", "null", "none", "cpu")


class UnknownDeviceError(ValueError):
    """A text that is no list of devices."""


def worker_device(devices: str, worker: int) -> str:
    """The device of worker number `worker` (from 0): "cpu", or "gpu:<n>" with the devices taken in turn.

    `devices` is "" or cpu, or the numbers of GPUs like "0" or "0,1", with or without "gpu:" before them.
    Raises UnknownDeviceError for anything else.
    """
    text = devices.strip().lower()
    if text in CPU_WORDS:
        return "cpu"
    numbers = [number.strip() for number in text.removeprefix("gpu:").split(",")]
    if not all(number.isascii() and number.isdecimal() for number in numbers):
        raise UnknownDeviceError(f'is {devices!r}; devices are "" (CPU) or numbers like "0" or "0,1"')
    return f"gpu:{int(numbers[worker % len(numbers)])}"
