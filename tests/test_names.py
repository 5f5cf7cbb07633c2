"""Names of classes and of tests in the whole tree."""

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


def test_names_of_tests_are_short() -> None:
    """Under 65 characters: condition and result, to be read in a list of failures."""
    found = [
        f"{path.name}: {node.name}"
        for path in Path(__file__).parent.rglob("test_*.py")
        for node in ast.parse(path.read_bytes()).body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.name.startswith("test_")
        and len(node.name) >= 65
    ]
    assert found == []


def test_own_programs_import_nothing_from_the_working_folder() -> None:
    """Else a user's `random.py` there takes the place of Python's."""
    lines = [
        line
        for path in SOURCE.rglob("*.py")
        for line in path.read_text().splitlines()
        if '"-m", "firetower' in line
    ]
    assert len(lines) >= 5
    assert [line for line in lines if '"-P", "-m"' not in line] == []
