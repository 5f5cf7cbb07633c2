"""Endpoints that nothing is sent to, as the list of their automations shows them."""

from typing import NamedTuple

from firetower.tui.widgets.cells import Cell


class Silence(NamedTuple):
    """What an endpoint that nothing is sent to makes of its automations."""

    state: str = ""
    """ "muted" where it is disabled, "held" where its circuit is open; "" where all is well."""
    missing: str = ""
    """How much waits for it, and what it missed, in words."""
    total: int = 0
    """Both together."""

    @property
    def cell(self) -> Cell:
        """The state of an automation that acts: "! held 12"."""
        number = f"{self.total:,}" if self.total < 10_000 else f"{self.total // 1_000:,}k"
        return Cell(f"! {self.state} {number if self.total else ''}".rstrip(), "warn")

    def target(self, endpoint: str | None) -> Cell:
        """Where an automation sends, and what waits there or was missed: by whatever automation."""
        if endpoint is None or not self.missing:
            return Cell(endpoint or "record only", "dim")
        return Cell(f"{endpoint}: {self.missing}", "warn")


LOUD = Silence()
