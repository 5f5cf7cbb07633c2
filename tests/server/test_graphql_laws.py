"""Whatever is sent to the server: it is answered, and what it refuses changes nothing."""

import inspect
import json
import re
import sys
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from core.strategies import jsons
from firetower.core.actions import NoAction
from firetower.core.automations import Definition
from firetower.core.events import EventType
from firetower.core.references import ContainerReference
from firetower.core.scopes import ContainerScope
from firetower.server.fields import make_id
from firetower.server.resolvers import FIELDS as RESOLVED
from firetower.server.resolvers import MUTATIONS, QUERIES, REFUSED
from serving import Running
from towers import linked_model, webhook

_READ = re.compile(r'\.(?:optional_)?(?:text|number|flag|sequence|(?:json_)?object)s?\(\s*"(\w+)"')


def arguments_of(module_or_function: Any) -> list[str]:
    """Return the names of the arguments that a piece of the server reads."""
    return sorted(set(_READ.findall(inspect.getsource(module_or_function))))


ROOTS = {"Query": QUERIES, "Mutation": {**MUTATIONS, **REFUSED}}
RESOLVERS: dict[str, Any] = {**ROOTS, **RESOLVED}
MODULES = [one for name, one in sys.modules.items() if name.startswith("firetower.server.")]
ARGUMENTS = sorted({name for one in MODULES for name in arguments_of(one)})
ARGUMENTS_OF = {
    name: (callable(resolver) and arguments_of(resolver)) or ARGUMENTS
    for fields in RESOLVERS.values()
    for name, resolver in fields.items()
}
FIELDS = sorted({name for fields in RESOLVERS.values() for name in fields})
TYPES = sorted(RESOLVED)
PAGES = ["edges { cursor node { id name ...seen } }", "nodes { id }", "pageInfo { endCursor }"]
IDS = [
    make_id(type_, key)
    for type_ in ("Project", "Entity", "ArtifactCollection", "Artifact", "Trigger", "Run", "After")
    for key in (
        "acme/vision",
        "acme/vision/resnet",
        "acme/vision/r1",
        "models/resnet",
        "acme",
        "1",
        "999",
        "",
        "\0",
    )
]
KNOWN = [
    *IDS,
    "acme",
    "vision",
    "models",
    "wandb-registry-models",
    "resnet",
    "resnet:v0",
    "model",
    "r1",
]
ODD = ["", "\0", "\ud800", "a/b:c", "v0", "x" * 300, "{}", '{"name": {"$regex": "("}}', "-1"]
words = st.sampled_from(KNOWN) | st.sampled_from(ODD) | st.text(max_size=5)
numbers = st.integers(-3, 3) | st.sampled_from([2**31, 2**63, 10**30, 0.5, 1e308])
plain = words | numbers | st.booleans() | st.none()


def values(names: list[str]) -> st.SearchStrategy[Any]:
    """Any JSON, most often an input object with some of these names."""
    some = plain | st.lists(plain, max_size=2)
    inputs = st.fixed_dictionaries({}, optional=dict.fromkeys(names, some))
    others = st.dictionaries(st.sampled_from(ARGUMENTS), some, max_size=4)
    return inputs | inputs | others | st.lists(others, max_size=2) | plain | jsons


def named(name: str, names: list[str]) -> st.SearchStrategy[Any]:
    return values(names) if name == "input" else plain | values(names)


@st.composite
def selections(draw: st.DrawFn, names: list[str], given: dict[str, Any], depth: int = 0) -> str:
    """A selection of fields with arguments, whose values are added to the variables given."""

    def variable(value: Any) -> str:
        given[f"v{len(given)}"] = value
        return f"$v{len(given) - 1}"

    parts = []
    for number, name in enumerate(draw(st.lists(st.sampled_from(names), min_size=1, max_size=2))):
        read = ARGUMENTS_OF.get(name, ARGUMENTS)
        keys = draw(st.lists(st.sampled_from(read), max_size=3, unique=True))
        arguments = [f"{key}: {variable(draw(named(key, read)))}" for key in keys]
        said = f"({', '.join(arguments)})" if arguments else ""
        if draw(st.integers(0, 9)) == 9:
            directive = draw(st.sampled_from(["skip", "include", "odd"]))
            said += f" @{directive}(if: {variable(draw(plain))})"
        below = f" {draw(fragments(given, depth + 1))}" if depth < 3 else ""
        parts.append(f"a{number}: {name}{said}{below}")
    return f"{{ {' '.join(parts)} }}"


@st.composite
def fragments(draw: st.DrawFn, given: dict[str, Any], depth: int) -> str:
    """A selection for whichever type a field turns out to have."""
    types = draw(st.lists(st.sampled_from(TYPES), min_size=1, max_size=2, unique=True))
    parts = [
        f"... on {one} {draw(selections(sorted(RESOLVED[one]), given, depth))}" for one in types
    ]
    parts += draw(st.lists(st.sampled_from(["id", "__typename", "...seen", *PAGES]), max_size=2))
    if draw(st.integers(0, 19)) == 19:
        parts.append(draw(st.sampled_from(["...round", "...gone"])))
    return f"{{ {' '.join(parts)} }}"


@st.composite
def requests(draw: st.DrawFn, root: str) -> tuple[str, dict[str, Any]]:
    """A query or mutation, and its variables."""
    given: dict[str, Any] = {}
    selected = draw(selections(sorted(RESOLVERS[root]), given))
    declared = ", ".join(f"${name}: Any" for name in given)
    head = f"{root.lower()} Q({declared})" if declared else root.lower()
    named = "fragment seen on Project { name } fragment round on Node { id ...round }"
    return f"{head} {selected} {named}", given


def fill(running: Running) -> None:
    if not running.tower.registries():
        linked_model(running.tower)
        webhook(running.tower, "ci", "http://127.0.0.1:1/")
        run = running.tower.runs.start("acme/vision", id="r1", config={"lr": 0.1})
        running.tower.runs.log_metrics(run, {"loss": 0.5})
        automate(running)


def automate(running: Running) -> None:
    """Make an automation, whose id is that of a trigger in `IDS`."""
    scope = ContainerScope(container=ContainerReference.registry("models"))
    event = EventType.ADD_ARTIFACT_ALIAS
    running.tower.automations.create(
        Definition(name="a", scope=scope, event_type=event, action=NoAction())
    )


def state(running: Running) -> tuple[object, ...]:
    tower = running.tower
    return (
        tower.registries(),
        tower.projects(),
        tower.events.newest(1),
        tower.runs.list("acme/vision"),
        [(one.name, one.revision.id) for one in tower.automations.list()],
        [one.settings for one in tower.endpoints.list()],
    )


@settings(max_examples=settings().max_examples // 4)
@given(st.data())
def test_any_query_is_answered(on_sqlite: Running, data: st.DataObject) -> None:
    fill(on_sqlite)
    before = state(on_sqlite)
    query, variables = data.draw(requests("Query"))
    status, answer = on_sqlite.ask(query, **variables)
    assert status < 500, answer
    assert answer["data"] is not None or len(answer["errors"]) == 1
    assert state(on_sqlite) == before


@settings(max_examples=settings().max_examples // 4)
@given(st.data())
def test_any_change_is_done_or_refused(running: Running, data: st.DataObject) -> None:
    fill(running)
    before = state(running)
    query, variables = data.draw(requests("Mutation"))
    status, answer = running.ask(query, **variables)
    assert status < 500, answer
    if answer.get("errors"):
        message, _, hint = answer["errors"][0]["message"].partition("\n")
        assert message
        assert hint
        assert state(running) == before


@given(st.binary(max_size=40) | jsons.map(lambda value: json.dumps(value).encode()))
def test_any_body_is_answered(on_sqlite: Running, body: bytes) -> None:
    status, _ = on_sqlite.post("/graphql", body)
    assert 400 <= status < 500
