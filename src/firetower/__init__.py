"""Firetower: automations on registries and projects of ML artifacts.

```python
import firetower

with firetower.connect() as tower:
    version = tower.log("acme/vision/resnet", paths=["model.pt"], type="model")
    tower.link(version, "models/resnet", aliases=["staging"])
    tower.add_alias("models/resnet:v0", "production")
```
"""

from typing import TYPE_CHECKING, Any

from firetower._version import __version__

if TYPE_CHECKING:
    from firetower.core.errors import (
        Conflict,
        FiretowerError,
        InvalidInput,
        NotFound,
        SecretKeyError,
        StoreError,
    )
    from firetower.core.points import Point
    from firetower.run import ActiveRun
    from firetower.tower import Tower, connect

__all__ = [
    "ActiveRun",
    "Conflict",
    "FiretowerError",
    "InvalidInput",
    "NotFound",
    "Point",
    "SecretKeyError",
    "StoreError",
    "Tower",
    "__version__",
    "connect",
]

_HOMES = {
    "ActiveRun": "firetower.run",
    "Point": "firetower.core.points",
    "Tower": "firetower.tower",
    "connect": "firetower.tower",
}


def __getattr__(name: str) -> Any:  # noqa: ANN401 - the type depends on the name
    """Import what is asked for when it is first asked for: importing SQL takes a while."""
    from importlib import import_module

    if name not in __all__:
        raise AttributeError(f"module 'firetower' has no attribute {name!r}")
    return getattr(import_module(_HOMES.get(name, "firetower.core.errors")), name)
