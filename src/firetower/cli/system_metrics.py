"""What a command and its children use of the machine."""

import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from firetower.core.errors import InvalidInput

_MIB = 1024 * 1024


def open_system() -> Callable[[int], dict[str, float]]:
    """Return a function that measures a process with its children. Raises InvalidInput.

    CPU is measured from one call to the next, the first time from here.
    """
    try:
        import psutil
    except ModuleNotFoundError:
        raise InvalidInput(
            "--system needs a package that is not installed", "Run: pip install 'firetower[system]'"
        ) from None
    gpus = _open_gpus()
    measured_at, used_before = time.monotonic(), 0.0

    def measure(pid: int) -> dict[str, float]:
        nonlocal measured_at, used_before
        used = memory = 0.0
        for process in _tree(psutil, pid):
            with suppress(psutil.Error):
                # Its own, and those of its children that have ended: so no short one is missed.
                used += sum(process.cpu_times()[:4])
                memory += process.memory_info().rss
        now = time.monotonic()
        cpu = 100 * max(used - used_before, 0.0) / (now - measured_at)
        measured_at, used_before = now, used
        share = 100 * memory / psutil.virtual_memory().total
        values = {"cpu": cpu, "memory": memory / _MIB, "memory_percent": share}
        return {f"system.{name}": value for name, value in {**values, **gpus()}.items()}

    return measure


def _tree(psutil: Any, pid: int) -> list[Any]:  # noqa: ANN401 - a module
    with suppress(psutil.Error):
        process = psutil.Process(pid)
        return [process, *process.children(recursive=True)]
    return []


def _open_gpus() -> Callable[[], dict[str, float]]:
    """Return a function that measures each GPU; of a machine without any it finds nothing."""
    try:
        import pynvml

        pynvml.nvmlInit()
        handles = [
            pynvml.nvmlDeviceGetHandleByIndex(number)
            for number in range(pynvml.nvmlDeviceGetCount())
        ]
    except Exception:  # no package, no driver, no GPU: NVML has an error class for each
        return dict

    def measure() -> dict[str, float]:
        values: dict[str, float] = {}
        for number, handle in enumerate(handles):
            for name, read in _readings(pynvml, handle).items():
                with suppress(Exception):  # not every GPU tells everything
                    values[f"gpu.{number}.{name}"] = float(read())
        return values

    return measure


def _readings(nvml: Any, handle: Any) -> dict[str, Callable[[], float]]:  # noqa: ANN401
    def memory_percent() -> float:
        memory = nvml.nvmlDeviceGetMemoryInfo(handle)
        return 100 * float(memory.used) / float(memory.total)

    return {
        "utilization": lambda: nvml.nvmlDeviceGetUtilizationRates(handle).gpu,
        "memory_percent": memory_percent,
        "temperature": lambda: nvml.nvmlDeviceGetTemperature(handle, nvml.NVML_TEMPERATURE_GPU),
        "power": lambda: nvml.nvmlDeviceGetPowerUsage(handle) / 1_000,
    }
