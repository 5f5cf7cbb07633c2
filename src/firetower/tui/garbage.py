"""When garbage is collected: thoroughly only while nobody waits for a key to be answered.

Looking through all that thousands of automations and lines are takes a quarter of a second.
"""

import gc
import time

_YOUNG, _MIDDLE = 5_000, 10
"""New objects after which the young are looked through, and such rounds after which the middle
generation is: two and twenty-five milliseconds."""
_NEVER = 1_000_000_000
_ROUNDS = 5
"""Rounds of the middle generation from which on all is worth being looked through."""
_IDLE = 5.0
"""Seconds without a key after which nobody waits."""


class Garbage:
    """Collects in small steps, and all of it now and then, while nothing is pressed."""

    def __init__(self) -> None:
        """Collect nothing at the start: what is imported and made then stays."""
        gc.disable()
        self._pressed = 0.0

    def settle(self) -> None:
        """Leave alone what is there by now, and begin to collect the rest."""
        gc.collect()
        gc.freeze()
        gc.set_threshold(_YOUNG, _MIDDLE, _NEVER)
        gc.enable()

    def pressed(self) -> None:
        """Know that someone is at the keys."""
        self._pressed = time.monotonic()

    def sweep(self) -> None:
        """Collect all, if it is worth it and nobody waits."""
        if gc.get_count()[2] >= _ROUNDS and time.monotonic() - self._pressed > _IDLE:
            gc.collect()
