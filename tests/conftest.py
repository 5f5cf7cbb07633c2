"""What all tests share: how Hypothesis looks for counterexamples, and how long faults go on."""

import gc
import os
import random
from collections import Counter

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile(
    "firetower",
    deadline=None,  # how fast a loaded machine is proves nothing
    max_examples=100,
    suppress_health_check=[HealthCheck.too_slow],
    print_blob=True,
)
settings.load_profile("firetower")

SEED_VARIABLE = "FIRETOWER_FAULT_SEED"
_USUAL_SEED = 20_260


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--long", action="store_true", help="The fault suite in its long form.")
    parser.addoption(
        "--seed", type=int, help=f"When faults strike; {SEED_VARIABLE} sets it too. Printed first."
    )


def pytest_configure(config: pytest.Config) -> None:
    """Choose the seed here, before the processes that share the tests out copy the options."""
    if config.option.seed is None:
        given = os.environ.get(SEED_VARIABLE)
        drawn = random.randrange(1_000_000) if config.option.long else _USUAL_SEED
        config.option.seed = drawn if given is None else int(given)


def pytest_collection_finish() -> None:
    """Look for garbage less often, and not in what was imported: a sixth of the time of the app."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)


def pytest_report_header(config: pytest.Config) -> str | None:
    return f"faults: --seed {config.option.seed}" if config.option.long else None


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what the faults struck, in sum."""
    total: Counter[str] = Counter()
    for reports in terminalreporter.stats.values():
        for report in reports:
            if getattr(report, "when", None) == "call":
                total.update({k: v for k, v in report.user_properties if isinstance(v, int)})
    if total:
        counts = ", ".join(f"{count:,} {what}" for what, count in sorted(total.items()))
        terminalreporter.write_line(f"faults: {counts}")
