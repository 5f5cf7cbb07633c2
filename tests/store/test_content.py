"""What a version is made of: files and folders as they are, or a refusal that names what is not."""

import json
import os
from hashlib import sha256
from pathlib import Path

import pytest

from firetower.core.errors import InvalidInput
from firetower.core.manifests import read_manifest
from firetower.store.catalog.content import read_content


def refused(*paths: object) -> str:
    with pytest.raises(InvalidInput) as error:
        read_content(paths)  # type: ignore[arg-type]
    assert len(error.value.text.splitlines()) == 2
    return error.value.message


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A folder with a file, beside another folder with one."""
    for folder in ("data", "elsewhere/deep"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "data/a.txt").write_text("a")
    (tmp_path / "elsewhere/deep/b.txt").write_text("b")
    return tmp_path / "data"


def test_links_to_files_and_folders_are_followed(data: Path) -> None:
    (data / "folder").symlink_to("../elsewhere")
    (data / "twice").symlink_to(data.parent / "elsewhere/deep")
    (data / "file").symlink_to("a.txt")
    content = read_content([data])
    held = {entry.path: entry.sha256 for entry in content.entries}
    a, b = (sha256(text).hexdigest() for text in (b"a", b"b"))
    assert held == {"a.txt": a, "file": a, "folder/deep/b.txt": b, "twice/b.txt": b}
    (data.parent / "elsewhere/deep/b.txt").write_text("B")
    assert read_content([data]).digest != content.digest


@pytest.mark.parametrize("target", [".", "..", "../data", "loop", "deep/back"])
def test_a_loop_of_links_is_refused_by_its_name(data: Path, target: str) -> None:
    (data / "deep").mkdir()
    (data / "deep/back").symlink_to(data)
    if target != "deep/back":
        (data / "deep/back").unlink()
        (data / "loop").symlink_to(target)
    assert ("deep/back" if target == "deep/back" else "loop") in refused(data)


def test_a_link_to_nothing_is_refused_with_what_it_names(data: Path) -> None:
    (data / "model.pt").symlink_to("/nowhere/at/all.pt")
    said = refused(data)
    assert "model.pt" in said
    assert "/nowhere/at/all.pt" in said


@pytest.mark.parametrize(
    "paths", [[], ["empty"], ["full", "empty"], ["empty/none*"], [""], [b"full"]]
)
def test_nothing_to_log_is_refused(tmp_path: Path, paths: list[object]) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full/f").write_text("x")
    (tmp_path / "empty/inside").mkdir(parents=True)
    assert refused(*(tmp_path / path if path and isinstance(path, str) else path for path in paths))


def test_an_empty_version_is_logged_on_purpose(tmp_path: Path) -> None:
    assert read_content([], empty=True).entries == ()
    assert read_content([tmp_path], empty=True).entries == ()


@pytest.mark.parametrize("path", ["/dev/null", "/proc/self/status", "\ud800", "a\0b"])
def test_what_has_no_fixed_content_is_refused(path: str) -> None:
    assert refused(path)


@pytest.mark.parametrize("what", ["grown", "cut", "written over", "replaced", "times put back"])
def test_a_file_that_changes_while_it_is_read_is_refused(tmp_path: Path, what: str) -> None:
    file = tmp_path / "model.pt"
    file.write_bytes(b"old" * 1_000_000)
    times = file.stat()

    def change(*_: int) -> None:
        match what:
            case "grown":
                with file.open("ab") as opened:
                    opened.write(b"more")
            case "cut":
                os.truncate(file, 2_000_000)
            case "replaced":
                other = tmp_path / "other"
                other.write_bytes(b"new" * 1_000_000)
                other.replace(file)
            case _:
                with file.open("r+b") as opened:
                    opened.write(b"new")
        if what == "times put back":
            os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))

    with pytest.raises(InvalidInput, match=r"model\.pt changed while it was read"):
        read_content([file], progress=change)
    assert read_content([file]).entries[0].size == file.stat().st_size


@pytest.mark.parametrize(
    "uri",
    [
        *("s3://bucket/key", "git+https://host/x.git@v1", "models:/resnet/3", "runs:/ab12/model"),
        *("dbfs:/mnt/x", "urn:isbn:0451450523", "firetower-artifact://_id/ab", "file:///data/x"),
        *("https://host/a?b=c%2Fd#e", "s3://bucket/two words", "x-a.b+c:y"),
        *("https://host:443/x@v1", "http://[::1]:80/x@v1", "abfss://box@host/x", "s3://b/a:c@d"),
        *("ssh://git@host:org/x@v1", "https://host:80?x=a@b", "docker://nginx:1@sha256:ab"),
    ],
)
def test_a_reference_is_any_uri(uri: str) -> None:
    assert [entry.uri for entry in read_content([], uri).entries] == [uri]


@pytest.mark.parametrize(
    "uri",
    ["", "no-uri", "1a://b", "://b", "s3://", "urn:", "a b://c", "-a://b", "s3_x://b", "s3://a\nb"],
)
def test_what_is_no_uri_is_refused(uri: str) -> None:
    with pytest.raises(InvalidInput, match="is not a URI"):
        read_content([], [uri])


@pytest.mark.parametrize(
    "uri",
    [
        "s3://AKIA:q1/w2@bucket/key",
        "redis://:q1w2@host",
        "https://u:q1w2@h/\n",
        "x://h?u=y://u:q1w2@h",
    ],
)
def test_a_reference_with_a_password_is_refused(uri: str) -> None:
    manifest = {"version": 1, "contents": {"a": {"digest": "d", "ref": uri}}}
    for refuse in (lambda: read_content([], uri), lambda: read_manifest(json.dumps(manifest))):
        with pytest.raises(InvalidInput, match="user and password") as refused:
            refuse()
        assert "q1" not in str(refused.value)


def test_a_path_that_no_file_can_have_is_refused(tmp_path: Path) -> None:
    said = refused(tmp_path / ("x" * 5_000))
    assert said.endswith("cannot be read: File name too long")
    assert len(said) < 500
    assert "null" in refused("a\0b")
