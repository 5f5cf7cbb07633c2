"""A simulated team at work on a throwaway database.

```python
from firetower.demo import Stage

with Stage(speed=2.0) as stage:
    print(stage.database_url)
```
"""

from typing import TYPE_CHECKING, Any

from firetower.demo.stage import Stage

if TYPE_CHECKING:
    from firetower.demo.past import fill

__all__ = ["Stage", "fill"]


def __getattr__(name: str) -> Any:  # noqa: ANN401 - whatever the name stands for
    """Import `fill` when it is asked for: importing SQL takes a while."""
    if name != "fill":
        raise AttributeError(f"module 'firetower.demo' has no attribute {name!r}")
    from firetower.demo.past import fill

    return fill
