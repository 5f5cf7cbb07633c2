"""`firetower log`, `link`, `unlink`, `delete`, `show`, `alias` and `tag`."""

import json

import pytest

from cli.shell import Shell, lines_of


def test_catalog_can_be_changed_and_shown(shell: Shell) -> None:
    again = shell.run("log", "acme/vision/resnet", "model.pt", "--type", "model")
    assert (again.stdout, again.returncode) == ("acme/vision/resnet:v0\n", 0)
    assert "Nothing new" in again.stderr
    shell.ok("tag", "add", "models/resnet", "nice")
    shell.ok("tag", "add", "models/resnet:v0", "reviewed")
    [registry] = shell.objects("registry", "show", "models")
    assert registry["contents"][0]["tags"] == ["nice"]  # type: ignore[index]
    [version] = shell.objects("show", "models/resnet:staging")
    assert version["tags"] == ["reviewed"]
    assert version["metadata"] == {"accuracy": 0.9, "by": "alice"}
    shell.ok("alias", "remove", "models/resnet:v0", "staging")
    shell.ok("tag", "remove", "models/resnet:v0", "reviewed")
    shell.ok("unlink", "models/resnet:v0")
    assert shell.objects("show", "models/resnet") == []
    types = [event["event_type"] for event in shell.objects("events")]
    assert types[-1] == "UNLINK_ARTIFACT"
    assert len(shell.objects("events", "--limit", "2")) == 2
    assert shell.run("delete", "acme/vision/resnet").stderr == (
        "Deleted acme/vision/resnet, which has 1 version.\n"
    )
    [project] = shell.objects("project", "show", "acme/vision")
    assert project["contents"] == []


def test_more_versions_than_a_page_are_all_shown_and_counted(shell: Shell) -> None:
    line = '{"collection": "acme/vision/vit", "type": "m", "references": ["s3://b/%d"]}'
    shell.run("log", "--from", "-", stdin="\n".join(line % number for number in range(101)))
    shown = [one["version"] for one in shell.objects("show", "acme/vision/vit")]
    assert shown == [f"acme/vision/vit:v{number}" for number in range(100, -1, -1)]
    assert len(shell.ok("show", "acme/vision/vit").splitlines()) == 102
    deleted = shell.run("delete", "acme/vision/vit", "--yes").stderr
    assert "which has 101 versions" in deleted


def test_labels_say_what_was_added_and_removed(shell: Shell) -> None:
    version = "models/resnet:v0"
    for words, said in (
        (("alias", "add", version, "a", "b", "a"), f"Added aliases a and b to {version}.\n"),
        (("alias", "add", version, "b", "c"), f"Added alias c to {version}.\n"),
        (("alias", "add", version, "b"), f"{version} has all of that already.\n"),
        (("alias", "remove", version, "a", "b"), f"Removed aliases a and b from {version}.\n"),
        (("tag", "add", "models/resnet", "x"), "Added tag x to models/resnet.\n"),
        (("tag", "add", "models/resnet", "x"), "models/resnet has all of that already.\n"),
        (("tag", "remove", "models/resnet", "x"), "Removed tag x from models/resnet.\n"),
    ):
        done = shell.run(*words)
        assert (done.returncode, done.stdout, done.stderr) == (0, "", said)


def test_log_from_lines_creates_a_version_each(shell: Shell) -> None:
    done = shell.run("log", "--from", "-", "--json", stdin=lines_of(450))
    assert json.loads(done.stdout) == {"lines": 450, "created": 450, "metadata_differs": []}
    newest, *others = shell.objects("show", "acme/vision/bulk")
    assert len(others) == 449
    assert "latest" in str(newest)
    assert "many" in str(newest)


@pytest.mark.parametrize(
    ("bad", "committed"), [(1, None), (200, None), (201, 200), (450, 400)], ids=str
)
def test_log_from_a_bad_line_says_what_is_committed(
    shell: Shell, bad: int, committed: int | None
) -> None:
    done = shell.run("log", "--from", "-", stdin=lines_of(450, bad=bad))
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 2
    assert done.stderr.startswith(f"line {bad}: type: ")
    said = f"the {committed} before line {(committed or 0) + 1} are committed"
    assert (said if committed else "none is committed") in done.stderr
    logged = shell.run("show", "acme/vision/bulk", "--json").stdout.splitlines()
    assert len(logged) == (committed or 0)


@pytest.mark.parametrize("line", ["nonsense", "[1]", '{"collection": 1, "type": "m"}'])
def test_log_from_refuses_a_line_that_is_no_version(shell: Shell, line: str) -> None:
    done = shell.run("log", "--from", "-", stdin=line + "\n")
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 2
    assert done.stderr.startswith("line 1: ")


def test_log_from_takes_blank_lines_and_byte_order_marks(shell: Shell) -> None:
    text = "\ufeff" + lines_of(3).replace("\n", "\r\n\n  \n", 1) + "\n\ufeff" + lines_of(2)
    done = shell.run("log", "--from", "-", "--json", stdin=text)
    assert json.loads(done.stdout) == {"lines": 5, "created": 5, "metadata_differs": []}


@pytest.mark.parametrize(
    "wrong",
    [
        *({"paths": ["\ud800"]}, {"tags": ["\ud800"]}, {"references": ["s3://\ud800"]}),
        *({"collection": "acme/vision/\ud800"}, {"\ud800": 1}, {"paths": []}),
    ],
)
def test_log_from_names_the_line_and_what_is_committed(
    shell: Shell, wrong: dict[str, object]
) -> None:
    lines = lines_of(300).splitlines()
    lines.insert(100, "")
    lines.append(json.dumps({"collection": "acme/vision/bulk", "type": "model", **wrong}))
    done = shell.run("log", "--from", "-", stdin="\n".join(lines))
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 2
    assert done.stderr.startswith("line 302: ")
    assert "the 200 before line 202 are committed" in done.stderr
    assert len(shell.objects("show", "acme/vision/bulk")) == 200


def test_log_from_refuses_two_equal_keys(shell: Shell) -> None:
    line = '{"collection": "a/b/c", "type": "m", "empty": true, "tags": ["a"], "tags": ["b"]}'
    done = shell.run("log", "--from", "-", stdin=line)
    assert done.returncode == 1
    assert done.stderr.startswith('line 1: it has the key "tags" twice')


def test_log_of_nothing_is_refused_and_latest_stays(shell: Shell) -> None:
    (shell.folder / "void").mkdir()
    for paths in ((), ("void",), ("*.none",)):
        done = shell.run("log", "acme/vision/resnet", *paths, "--type", "model")
        assert (done.returncode, len(done.stderr.splitlines())) == (1, 2)
    assert len(shell.objects("show", "acme/vision/resnet")) == 1
    shell.ok("log", "acme/vision/resnet", "void", "--type", "model", "--empty")
    assert len(shell.objects("show", "acme/vision/resnet")) == 2


def test_log_keeps_metadata_as_it_was_written(shell: Shell) -> None:
    given = ("commit=2e73600", "v=1.10", "build=1234e8", "f1=0.9", "rows=1200")
    options = [part for one in given for part in ("--metadata", one)]
    shell.ok("log", "acme/vision/vit", "model.pt", "--type", "model", *options)
    [version] = shell.objects("show", "acme/vision/vit:v0")
    kept = {"commit": "2e73600", "v": "1.10", "build": "1234e8", "f1": 0.9, "rows": 1200}
    assert version["metadata"] == kept


def test_metadata_is_edited_and_who_did_it_is_shown(shell: Shell) -> None:
    log = ("log", "acme/vision/resnet", "model.pt", "--type", "model", "--metadata", "accuracy=0.9")
    again = shell.run(*log)
    assert "The metadata was not taken" in again.stderr
    assert "firetower edit acme/vision/resnet:v0" in again.stderr
    [told] = shell.objects(*log)
    assert (told["created"], told["metadata_differs"]) == (False, True)
    shell.ok("edit", "acme/vision/resnet:v0", "--metadata", "accuracy=0.95", "--unset", "by")
    for said in ("is changed.", "has all of that already."):
        text = ("--description", "On cleaned data")
        assert said in shell.run("edit", "models/resnet:staging", *text).stderr
    [version] = shell.objects("show", "models/resnet:v0")
    assert version["metadata"] == {"accuracy": 0.95}
    assert version["description"] == "On cleaned data"
    shown = shell.ok("show", "acme/vision/resnet:v0")
    assert "description  On cleaned data" in shown
    changes = [line for line in shown.splitlines() if "metadata.accuracy" in line]
    assert len(changes) == 1
    assert "alice  metadata.accuracy  0.9" in changes[0]
    assert changes[0].endswith("0.95")
    [cleared] = shell.objects("edit", "models/resnet:staging", "--description", "")
    assert cleared["description"] == ""


@pytest.mark.parametrize(
    "options", [("--unset", "none"), ("--metadata", "by=me", "--unset", "by"), ("--metadata", "x")]
)
def test_an_edit_is_whole_or_refused(shell: Shell, options: tuple[str, ...]) -> None:
    before = shell.objects("show", "acme/vision/resnet:v0")
    refused = shell.run("edit", "acme/vision/resnet:v0", "--metadata", "new=1", *options)
    assert (refused.returncode, len(refused.stderr.splitlines())) == (1, 2)
    assert shell.objects("show", "acme/vision/resnet:v0") == before
    assert shell.run("edit", "acme/vision/resnet:v0").returncode == 2


def test_log_from_tells_of_metadata_that_was_not_taken(shell: Shell) -> None:
    new = {"collection": "acme/vision/same", "type": "model", "references": ["s3://b/1"]}
    rows: tuple[dict[str, object] | None, ...] = ({"a": 1}, {"a": 1}, {"a": True}, None, {})
    lines = [json.dumps(new | ({} if row is None else {"metadata": row})) for row in rows]
    done = shell.run("log", "--from", "-", "--json", stdin="\n".join(lines))
    assert json.loads(done.stdout) == {"lines": 5, "created": 1, "metadata_differs": [3, 5]}
    said = shell.run("log", "--from", "-", stdin=lines[2])
    assert "The metadata of line 1 was not taken" in said.stderr
