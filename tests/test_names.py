"""Names of classes in the whole tree."""

import ast
from collections import defaultdict
from pathlib import Path

import firetower

SOURCE = Path(firetower.__file__).parent


def test_each_class_name_is_used_once() -> None:
    """Classes within classes, as messages are in widgets, have the outer name with them."""
    found: defaultdict[str, list[str]] = defaultdict(list)
    for path in SOURCE.rglob("*.py"):
        for node in ast.parse(path.read_bytes()).body:
            if isinstance(node, ast.ClassDef):
                found[node.name].append(str(path.relative_to(SOURCE)))
    assert {name: paths for name, paths in found.items() if len(paths) > 1} == {}
