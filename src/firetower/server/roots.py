"""Imports every module that registers fields."""

from importlib import import_module

MODULES = (
    *("viewer", "containers", "catalog", "collections", "artifacts", "registries"),
    *("artifact_files", "runs", "lineage", "actions", "automations", "absent"),
)


def load() -> None:
    """Import them."""
    for name in MODULES:
        import_module(f"firetower.server.{name}")
