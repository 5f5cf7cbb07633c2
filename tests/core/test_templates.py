import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.builders import make_event, refusal
from core.strategies import jsons
from firetower.core.errors import InvalidInput
from firetower.core.filters.fields import MISSING, Value
from firetower.core.templates import (
    MAX_TEMPLATE,
    PayloadTemplate,
    TextTemplate,
    as_text,
    error_place,
    samples,
)

HOSTILE = st.text() | st.sampled_from(
    [
        '"',
        "\\",
        '", "admin": true, "x": "',
        "${alias}",
        "\n\r\t\0",
        "\u2028",
        "</script>",
        "\\u0022",
    ]
)


def render(source: str, **values: Any) -> Any:
    text = PayloadTemplate.parse(source).render(lambda name: values.get(name, MISSING))
    assert text.isascii()
    return json.loads(text)


@given(HOSTILE, HOSTILE)
def test_a_value_inside_a_string_round_trips_exactly(one: str, other: str) -> None:
    sent = render('{"a": "<${one}|${other}>", "${one}.": 1}', one=one, other=other)
    assert sent["a"] == f"<{one}|{other}>"
    assert sent[f"{one}."] == 1
    assert len(sent) == 2 if one + "." != "a" else 1


@given(jsons)
def test_a_value_outside_a_string_keeps_its_type(value: Any) -> None:
    sent = render('{"a": ${value}, "list": [1, ${value}]}', value=value)
    assert sent == {"a": value, "list": [1, value]}
    assert type(sent["a"]) is type(value)


pieces = st.lists(
    st.sampled_from(["{", "}", "[", "]", ":", ",", '"', "1", " ", "\\", "é", "-", "NaN", "a"])
    | st.sampled_from(["${a}", "${b}", '"${a}"', '"k":', '{"k":', "null"]),
    max_size=9,
).map("".join)
values = st.just(MISSING) | st.text(max_size=3) | jsons


@given(pieces, values, values)
def test_payload_is_valid_json_for_any_values_or_refused_at_save(
    source: str, a: Value, b: Value
) -> None:
    try:
        template = PayloadTemplate.parse(source)
    except InvalidInput:
        return
    text = template.render({"a": a, "b": b}.__getitem__)
    assert text.isascii()
    json.loads(text, parse_constant=pytest.fail)


@pytest.mark.parametrize(
    ("source", "values", "sent"),
    [
        pytest.param('{"a": "${x}"}', {}, {"a": ""}, id="missing, quoted"),
        pytest.param('{"a": ${x}}', {}, {"a": None}, id="missing, bare"),
        pytest.param('{"a": "${x}"}', {"x": None}, {"a": ""}, id="null, quoted"),
        pytest.param('{"a": "${x}"}', {"x": 0.93}, {"a": "0.93"}, id="number, quoted"),
        pytest.param('{"a": "${x}"}', {"x": True}, {"a": "true"}, id="boolean, quoted"),
        pytest.param('{"a": "${x}"}', {"x": {"k": '"'}}, {"a": '{"k":"\\""}'}, id="object, quoted"),
        pytest.param('{"a": ${x}}', {"x": "1"}, {"a": "1"}, id="text, bare"),
        pytest.param("${x}", {"x": [1]}, [1], id="nothing but a variable"),
        pytest.param('"${x}${x}"', {"x": "é"}, "éé", id="twice"),
        pytest.param('{"a": "\\u0024{x}"}', {"x": "no"}, {"a": "${x}"}, id="escaped dollar"),
        pytest.param('{"a": "$${x} $${"}', {"x": "no"}, {"a": "${x} ${"}, id="doubled dollar"),
        pytest.param('{"a": "$$${x}"}', {"x": 12}, {"a": "$12"}, id="dollar before a value"),
        pytest.param('{"a": "$$$${x}"}', {"x": "no"}, {"a": "$${x}"}, id="two doubled dollars"),
        pytest.param('{"a": "$$ $$x"}', {}, {"a": "$$ $$x"}, id="dollars before no brace"),
        pytest.param('{"a": "\\\\${x}"}', {"x": "v"}, {"a": "\\v"}, id="after a backslash"),
        pytest.param('{"a": "\\"${x}"}', {"x": "v"}, {"a": '"v'}, id="after an escaped quote"),
        pytest.param('{"a": "$x {x} $"}', {}, {"a": "$x {x} $"}, id="no variable"),
        pytest.param('{"a": "${m.k-1.é}"}', {"m.k-1.é": 1}, {"a": "1"}, id="name with signs"),
        pytest.param('{"née": "Ünï 🔥 ${x}"}', {"x": "é"}, {"née": "Ünï 🔥 é"}, id="no ASCII"),
        pytest.param(
            '{"a": "${m["my } key"]}!", "b": ${m["my } key"]}}',
            {'m["my } key"]': 1},
            {"a": "1!", "b": 1},
            id="name in brackets",
        ),
        pytest.param("[]", {}, [], id="no slots"),
    ],
)
def test_a_payload_renders(source: str, values: dict[str, Any], sent: Any) -> None:
    assert render(source, **values) == sent


@pytest.mark.parametrize(
    "source",
    [
        "",
        "hello",
        "{",
        "{'a': 1}",
        '{"a": ${x}',
        '{"a": 1${x}}',
        '{"a": ${x}${x}}',
        '{"a": $${x}}',
        '{"a" ${x}}',
        "{${x}: 1}",
        '{"a": NaN}',
        '{"a": -Infinity}',
        '{"a": "\\${x}"}',
        '{"a": "\\u00${x}"}',
        '{"a": "line\nbreak"}',
        "[" * 100_000,
    ],
    ids=lambda source: source[:12],
)
def test_a_payload_that_is_not_json_is_refused(source: str) -> None:
    assert refusal(lambda: PayloadTemplate.parse(source)).startswith("the payload is")


def test_the_place_of_a_mistake_is_the_place_in_what_was_written() -> None:
    source = '{"a": ${long_variable_name}, "b": "${x}",\n "c" 1}'
    assert "line 2 column 6" in refusal(lambda: PayloadTemplate.parse(source))


@pytest.mark.parametrize("broken", ["${", "${}", "${a b}", "${a", '${"a"}', "${${a}}", "${\n}"])
def test_a_variable_that_cannot_be_read_is_refused_with_its_line(broken: str) -> None:
    for act in (
        lambda: PayloadTemplate.parse(f'{{\n"a": "{broken}"}}'),
        lambda: TextTemplate.parse(f"first line\n{broken} b"),
    ):
        said = refusal(act)
        assert "in line 2 cannot be read" in said
        assert "${name}" in said


def test_a_template_is_bounded_in_length() -> None:
    long = '"' + "a" * MAX_TEMPLATE + '"'
    assert "characters" in refusal(lambda: PayloadTemplate.parse(long))
    assert "characters" in refusal(lambda: TextTemplate.parse(long))


def test_a_template_names_its_variables_in_their_order() -> None:
    assert list(PayloadTemplate.parse('{"${b}": ${a}, "c": "${b}"}').names) == ["b", "a", "b"]
    assert list(TextTemplate.parse('${b} "${a}"').names) == ["b", "a"]


@given(HOSTILE)
def test_message_escapes_values_and_keeps_its_own_text(value: str) -> None:
    template = TextTemplate.parse('<b> "${a}" and ${a}')
    text = template.render({"a": value}.__getitem__, lambda outside: f"[{outside}]")
    assert text == f'<b> "[{value}]" and [{value}]'


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("$${a}", "${a}"),
        ("$${", "${"),
        ("$$${a}", "$v"),
        ("$$", "$$"),
        ("a\\${a}", "a\\v"),
        ('"${a}"', '"v"'),
    ],
)
def test_a_message_may_have_the_signs_of_a_variable_itself(source: str, text: str) -> None:
    assert TextTemplate.parse(source).render({"a": "v"}.__getitem__, str) == text


def test_a_template_of_nothing_but_dollars_is_read_at_once() -> None:
    source = "$" * (MAX_TEMPLATE - 2)
    assert "".join(map(str, TextTemplate.parse(source).parts)) == source


@pytest.mark.parametrize(
    ("value", "text"),
    [(MISSING, ""), (None, ""), ("é", "é"), (1, "1"), (False, "false"), ([1, "a"], '[1,"a"]')],
)
def test_a_value_reads_in_a_text_as_it_would_in_json(value: Value, text: str) -> None:
    assert as_text(value) == text


@pytest.mark.parametrize(
    ("source", "place"),
    [
        ('{"a": 1}', None),
        ('{"a": ,}', (0, 6)),
        ('{"a": "${alias}",\n "b": }', (1, 6)),
        ('{"a": "${ali', (0, 7)),
        ('{"a": 1,\n "b": ${}}', (1, 6)),
        ("", (0, 0)),
    ],
)
def test_error_place_is_where_the_text_stops_being_json(
    source: str, place: tuple[int, int] | None
) -> None:
    assert error_place(source) == place


def test_samples_have_the_metadata_after_the_named_variables() -> None:
    event = make_event(metadata={"f1": 0.9, "my key": [1]})
    assert samples(event, "deploy", ["alias", "automation_name"]) == {
        "alias": "production",
        "automation_name": "deploy",
        "artifact_metadata.f1": "0.9",
        'artifact_metadata["my key"]': "[1]",
    }
