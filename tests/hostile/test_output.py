"""Hostile text on its way out: drawn in every text of the command line, whole in its JSON."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

import firetower
import towers
from firetower.cli import cli, errors
from firetower.core.actions import WebhookAction
from firetower.core.automations import Definition
from firetower.core.events import EventType
from firetower.core.references import ContainerReference
from firetower.core.scopes import ContainerScope
from hostile.texts import TEXTS, obeyed
from towers import linked_model, on_alias, webhook

NAMED = "[b]=1+1 [/foo] ${alias} %s"
"""As much as a name may hold."""
ALL = "".join(text for name, text in TEXTS.items() if not name.startswith("huge"))
KEPT = ALL.replace("\x00", "")
"""PostgreSQL and file names aside, what every place without a rule of its own takes."""


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = str(tmp_path_factory.mktemp("hostile") / "tower.db")
    with firetower.connect(path, author=NAMED.replace("/", "")) as tower:
        version = linked_model(tower)
        tower.create_registry(f"zz {NAMED.replace('/', '')}", KEPT)
        tower.log(
            "acme/vision/poison", type="[b]model", empty=True, metadata={KEPT: {"deep": KEPT}}
        )
        webhook(tower, "nowhere", "http://127.0.0.1:9/", schedule=())
        on_alias(tower, "plain", "nowhere")
        tower.automations.create(
            Definition(
                name=NAMED,
                scope=ContainerScope(container=ContainerReference.registry("models")),
                event_type=EventType.ADD_ARTIFACT_ALIAS,
                action=WebhookAction(
                    endpoint="nowhere", payload=json.dumps(KEPT.replace("$", "$$"))
                ),
                description=KEPT,
            )
        )
        tower.add_alias(version, NAMED.replace("/", ""))
    assert towers.run(path, "worker", "--once").returncode == 0
    return path


@dataclass(frozen=True)
class Said:
    """What a command printed, and how it ended."""

    returncode: int
    stdout: str
    stderr: str


Command = Callable[..., Said]


@pytest.fixture
def run(database: str, capsys: pytest.CaptureFixture[str]) -> Command:
    """Run a command in this process: there are many, and a start takes most of each one's time."""

    def command(*arguments: str) -> Said:
        code = errors.run(cli, ["--database", database, *arguments])
        return Said(code, *capsys.readouterr())

    return command


COMMANDS = [
    ("registry", "list"),
    ("registry", "show", f"zz {NAMED.replace('/', '')}"),
    ("project", "list"),
    ("project", "show", "acme/vision"),
    ("show", "acme/vision/poison"),
    ("show", "acme/vision/poison:v0"),
    ("automation", "list"),
    ("automation", "show", NAMED),
    ("webhook", "list"),
    ("webhook", "show", "nowhere"),
    ("feed",),
    ("events",),
    ("execution", "show", "1"),
    ("execution", "show", "2"),
    ("explain", "7"),
    ("backtest", NAMED),
]


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_no_text_of_a_command_is_obeyed_by_a_terminal(
    run: Command, command: tuple[str, ...]
) -> None:
    shown = run(*command)
    assert shown.returncode == 0, shown.stderr
    assert obeyed(shown.stdout + shown.stderr) == set()


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_json_stays_json_one_object_a_line(run: Command, command: tuple[str, ...]) -> None:
    shown = run(*command, "--json")
    assert shown.returncode == 0, shown.stderr
    assert shown.stdout.isascii()
    lines = shown.stdout.split("\n")
    assert lines.pop() == ""
    assert lines
    for line in lines:
        assert isinstance(json.loads(line), dict)


def test_json_brings_hostile_text_back_whole(run: Command) -> None:
    shown = run("show", "acme/vision/poison:v0", "--json")
    assert json.loads(shown.stdout)["metadata"] == {KEPT: {"deep": KEPT}}
    shown = run("automation", "show", NAMED, "--json")
    assert json.loads(shown.stdout.splitlines()[0])["description"] == KEPT


@pytest.mark.parametrize(
    "metadata",
    [
        "[" * 100_000,
        '{"a":' * 100_000,
        '{"a":' + "[" * 100_000 + "]" * 100_000 + "}",
        '{"a":' + "9" * 100_000 + "}",
        "{" + '"a":1,' * 100_000,
        "\x00",
    ],
    ids=["open lists", "open objects", "deep", "digits", "no end", "nul"],
)
def test_json_made_to_break_a_parser_is_refused_in_two_lines(
    run: Command, tmp_path: Path, metadata: str
) -> None:
    file = tmp_path / "hostile.json"
    file.write_text(metadata)
    for command in (
        ("log", "acme/vision/new", "--type", "m", "--metadata", f"@{file}"),
        (
            *("automation", "create", "new", "--registry", "models", "--no-op"),
            *("--event", "ADD_ARTIFACT_ALIAS", "--filter", f"@{file}"),
        ),
        (
            *("automation", "create", "new", "--registry", "models", "--webhook", "nowhere"),
            *("--event", "ADD_ARTIFACT_ALIAS", "--payload", f"@{file}"),
        ),
    ):
        refused = run(*command)
        assert (refused.returncode, refused.stdout) == (1, "")
        assert len(refused.stderr.splitlines()) == 2, refused.stderr[-500:]
        assert len(refused.stderr) < 1_000


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-0"])
def test_numbers_json_does_not_have_are_kept_as_text(run: Command, number: str) -> None:
    metadata = ("--metadata", f'{{"x": {number}}}')
    given = run("log", f"acme/numbers/n{number}", "--type", "m", "--empty", *metadata)
    assert given.returncode == 0, given.stderr
    shown = run("show", f"acme/numbers/n{number}:v0", "--json")

    def refuse(name: str) -> None:
        raise AssertionError(f"{name} is no JSON")

    assert "x" in json.loads(shown.stdout, parse_constant=refuse)["metadata"]
