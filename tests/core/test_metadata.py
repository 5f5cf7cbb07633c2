"""Metadata as people write it: what would not come back as it was written stays text."""

import os
from pathlib import Path

import pytest

from core.builders import refusal
from firetower.core.metadata import metadata_of


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0.93", 0.93),
        ("12", 12),
        ("-3", -3),
        ("1e-05", 1e-05),
        ("true", True),
        ("null", None),
        ('"7"', "7"),
        ("[1, 2]", [1, 2]),
        ('{"a": 1.5}', {"a": 1.5}),
        ("9" * 30, int("9" * 30)),
        *((text, text) for text in ("2e73600", "1.10", "1234e8", "1e5", "007", "-0", "1.0e3")),
        *((text, text) for text in ("0x1f", "1_000", "0.1234567890123456789", "1e-400", "NaN")),
        *((text, text) for text in ("", "a=b", "[draft]", "{x", "9" * 5_000)),
    ],
)
def test_a_value_is_json_if_it_comes_back_as_it_was_written(text: str, value: object) -> None:
    [found] = metadata_of([f"key={text}"]).values()
    assert found == value
    assert type(found) is type(value)


def test_json_files_and_values_are_merged(tmp_path: Path) -> None:
    file = tmp_path / "metadata.json"
    file.write_text('\ufeff{"lr": 1e-4}', "utf-8")
    assert metadata_of([f"@{file}", '{"by": "ada"}', "f1=0.9"]) == {
        "lr": 0.0001,
        "by": "ada",
        "f1": 0.9,
    }


@pytest.mark.parametrize(
    "values",
    [
        ["a=1", "a=2"],
        ['{"a": 1}', "a=2"],
        ['{"a": 1, "a": 2}'],
        ['x={"a": 1, "a": 2}'],
    ],
)
def test_a_key_that_is_given_twice_is_refused_by_name(values: list[str]) -> None:
    assert 'the metadata has the key "a" twice' in refusal(lambda: metadata_of(values))


def test_bytes_that_are_no_text_are_refused() -> None:
    said = refusal(lambda: metadata_of([os.fsdecode(b"commit=\xff")]))
    assert 'the metadata "commit=\\udcff" is not valid Unicode' in said


def test_a_number_out_of_range_in_a_file_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "metadata.json"
    file.write_text('{"commit": 2e73600}')
    assert "contains 2e73600, beyond the range" in refusal(lambda: metadata_of([f"@{file}"]))


def test_file_that_never_ends_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("firetower.core.metadata.MAX_TEXT", 1_000)
    assert "longer than 1,000" in refusal(lambda: metadata_of(["@/dev/zero"]))
