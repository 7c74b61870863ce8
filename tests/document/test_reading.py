"""Hostile and honest text becomes a document, or one clear error at its place."""

import json
import unicodedata
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from mulle.document.reading import (
    InvalidDocument,
    json_schema,
    parse_workflow,
    read_data,
    read_workflow,
    workflow_data,
    write_json,
    write_yaml,
)
from mulle.document.workflow import Workflow
from mulle.document.yaml_text import UnreadableDocument


def nfc(text: str) -> str:
    return unicodedata.normalize("NFC", text)


def record(required: dict[str, Any], optional: dict[str, Any] | None = None) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(required, optional=optional or {})


def joined(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    return {**one, **other}


def document(graph: dict[str, Any], rest: dict[str, Any]) -> Workflow:
    return parse_workflow({**graph, **rest})


texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8).map(nfc)
words = st.sampled_from(["요약", "on", "yes", "12:30", "007", "1e5", "~", "null"])
scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | texts
    | words
)
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts | words, inner, max_size=3), max_leaves=6
)
names = words | st.text(st.characters(categories=["L", "N", "So"]), min_size=1, max_size=6).map(nfc)
durations = st.sampled_from([1, 0.5, 90061, 1e-9, "500ms", "1.5s", "30s", "5m", "2h", "7d", "1w"])
times = st.sampled_from(["2026-12-24T18:00:00+09:00", "2026-01-05"])
shared = record(
    {},
    optional={
        "timezone": st.just("America/New_York"),
        "filter": st.sampled_from(["business_days", "not_holidays", "holidays", "days_off", "not_weekends"]),
        "roll": st.sampled_from(["following", "preceding"]),
        "nth": st.integers(1, 260),
        "country": st.just("KR"),
        "start": times,
        "until": times,
        "catch_up": durations,
        "inputs": st.dictionaries(texts, values, max_size=2),
        "enabled": st.booleans(),
    },
)
timed = st.one_of(
    record({"type": st.just("cron"), "cron": st.just("0 9 * * 1-5")}),
    record({"type": st.just("rrule"), "rrule": st.just("FREQ=WEEKLY;BYDAY=MO")}),
    record({"type": st.just("at"), "at": times}),
)
called = st.one_of(
    record({"type": st.sampled_from(["manual", "chat"])}),
    record({"type": st.just("webhook"), "path": texts}),
    record({"type": st.just("event"), "event": texts}),
)
triggers = st.builds(joined, timed, shared) | called
ports = st.lists(
    record(
        {"name": names},
        optional={
            "type": st.sampled_from(["string", "number", "array", "file", "any"]),
            "required": st.booleans(),
            "default_value": values,
            "multiple": st.booleans(),
            "schema": st.just({"type": "object"}),
        },
    ),
    max_size=2,
)
mappings = st.dictionaries(
    names, record({"source": st.just({"variable": "start.text"})}, optional={"target_port": names})
)


def graphs(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    node = record(
        {"id": names, "type": st.sampled_from(["start", "end", "LLM_CALL", "map"])},
        optional={
            "name": texts,
            "data": st.dictionaries(texts, values, max_size=3),
            "ports": record({}, optional={"inputs": ports, "outputs": ports}),
            "variable_mappings": mappings,
            "body": inner,
            "retry": record({}, optional={"max": st.integers(0, 9), "delay": durations}),
            "timeout": durations,
            "on_error": st.sampled_from(["fail", "default", "branch"]),
            "default_outputs": st.dictionaries(texts, values, max_size=2),
            "effect": st.sampled_from(["pure", "repeatable", "once"]),
            "position": st.just({"x": 1.5, "y": -2.0}),
            "ui": st.dictionaries(texts, values, max_size=2),
        },
    )
    edge = record(
        {"source": names, "target": names}, optional={"id": texts, "source_port": names, "target_port": names}
    )
    return record({}, optional={"nodes": st.lists(node, max_size=3), "edges": st.lists(edge, max_size=3)})


variables = st.dictionaries(names, record({}, optional={"value": values, "description": texts}), max_size=2)
documents = st.builds(
    document,
    graphs(graphs(st.just({}))),
    record(
        {},
        optional={
            "name": texts,
            "description": texts,
            "tags": st.lists(texts, max_size=2),
            "triggers": st.lists(triggers, max_size=2),
            "timeout": durations,
            "variables": record({}, optional={"environment": variables, "conversation": variables}),
        },
    ),
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(documents)
def test_a_document_comes_back_from_yaml_and_from_json_as_it_was(workflow: Workflow):
    assert read_workflow(write_yaml(workflow)) == workflow
    assert read_workflow(write_json(workflow)) == workflow
    assert parse_workflow(workflow_data(workflow)) == workflow
    assert read_workflow(write_yaml(workflow).encode("utf-8-sig")) == workflow


@given(st.binary(max_size=60) | st.text(max_size=60))
def test_any_text_at_all_is_data_or_one_clear_error(text: str | bytes):
    with suppress(UnreadableDocument):
        json.dumps(read_data(text), allow_nan=False).encode()


def test_a_trigger_keeps_its_type():
    workflow = read_workflow('triggers: [{type: cron, cron: "0 9 * * *"}, {type: manual}]')

    assert [trigger["type"] for trigger in workflow_data(workflow)["triggers"]] == ["cron", "manual"]


def test_people_read_the_name_before_the_nodes():
    workflow = read_workflow("{nodes: [{id: a, type: end}], name: 요약, triggers: [{type: chat}]}")

    assert list(workflow_data(workflow)) == ["mulle", "name", "nodes", "triggers"]


# ---------------------------------------------------------------------- bytes and characters


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_unicode_text_is_read_however_it_was_saved(encoding: str):
    assert read_data("name: 뉴스 요약 📰".encode(encoding)) == {"name": "뉴스 요약 📰"}
    assert read_data('{"name": "뉴스"}'.encode(encoding)) == {"name": "뉴스"}


@pytest.mark.parametrize(
    "text",
    [
        "이름: 요약".encode("cp949"),
        "이름: 요약".encode("utf-16-le"),
        b"\x89PNG\r\n\x1a\n\0\0",
        b"\xff\xfe\xff",
        b"\x7fELF\0",
    ],
)
def test_what_is_no_unicode_text_is_refused_with_advice(text: bytes):
    with pytest.raises(UnreadableDocument) as refused:
        read_data(text)

    assert "UTF-8" in refused.value.advice


def test_a_file_of_six_megabytes_is_refused():
    with pytest.raises(UnreadableDocument, match="larger than 5 MB"):
        read_workflow("name: " + "물" * 6_000_000)


@pytest.mark.parametrize("text", [r'{"a": "\ud83d"}', r'{"\udc00": 1}', r'{"a": "\u0000"}', "a: '\ud83d'"])
def test_half_a_character_and_a_null_character_are_refused(text: str):
    with pytest.raises(UnreadableDocument):
        read_data(text)


def test_names_are_the_same_however_they_were_typed():
    composed, decomposed = (unicodedata.normalize(form, "요약") for form in ("NFC", "NFD"))

    workflow = read_workflow(
        f"nodes: [{{id: {decomposed}, type: end, data: {{{decomposed}: {decomposed}}}}}]\n"
        f"edges: [{{source: {decomposed}, target: {composed}, source_port: {decomposed}}}]"
    )

    assert workflow.nodes[0].id == workflow.edges[0].source == workflow.edges[0].source_port == composed
    assert workflow.nodes[0].data == {composed: composed}


def test_two_keys_that_differ_only_in_how_they_were_typed_are_one_key_twice():
    with pytest.raises(UnreadableDocument, match="stands twice"):
        read_data(f"{unicodedata.normalize('NFC', '값')}: 1\n{unicodedata.normalize('NFD', '값')}: 2")


# ---------------------------------------------------------------------- JSON


def test_a_broken_json_says_line_and_column():
    with pytest.raises(UnreadableDocument) as refused:
        read_data('{"name": "a",\n "nodes": [}')

    assert refused.value.at == "line 2, column 12"


def test_a_trailing_comma_is_forgiven():
    assert read_data('{"name": "a",}') == {"name": "a"}


@pytest.mark.parametrize("text", ['{"a": 1, "b": 2, "a": 3}', '{"a": {"요약": 1, "요약": 2}}'])
def test_a_key_twice_in_json_is_refused(text: str):
    with pytest.raises(UnreadableDocument, match="stands twice"):
        read_data(text)


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999", "9" * 25, "9" * 5000, "-" + "9" * 5000])
def test_a_number_that_json_cannot_hold_or_no_machine_counts_is_refused(number: str):
    with pytest.raises(UnreadableDocument, match=r"number|no number"):
        read_data(f'{{"a": [{number}]}}')


@pytest.mark.parametrize("opened", ['{"a":', '{"a":[', "[", "- ", "a: {b: ["])
def test_great_depth_is_an_error_and_no_crash(opened: str):
    with pytest.raises(UnreadableDocument, match="nested more than 100"):
        read_data(opened * 200_000)


def test_a_hundred_levels_are_taken_in_json_as_in_yaml():
    just, over = ('{"a":' * depth + "1" + "}" * depth for depth in (100, 101))

    assert read_data(just) == read_data("# yaml\n" + just)
    for text in (over, "# yaml\n" + over):
        with pytest.raises(UnreadableDocument, match="nested"):
            read_data(text)


# ---------------------------------------------------------------------- data to document


@pytest.mark.parametrize("data", [None, [], "text", 5])
def test_a_document_is_a_mapping(data: Any):
    with pytest.raises(UnreadableDocument, match="is a mapping"):
        parse_workflow(data)


@pytest.mark.parametrize(
    ("data", "where"),
    [
        ({"ui": {"a": [0, b"bytes"]}}, "ui.a[1]"),
        ({"ui": {"a": {1, 2}}}, "ui.a"),
        ({"ui": {"a": float("nan")}}, "ui.a"),
        ({"ui": {"a": 2**64}}, "ui.a"),
        ({"ui": {5: 1}}, "ui"),
    ],
)
def test_what_json_cannot_hold_is_named_at_its_place(data: Any, where: str):
    with pytest.raises(UnreadableDocument) as refused:
        parse_workflow(data)

    assert refused.value.at == where


def test_every_finding_of_a_broken_document_is_told():
    with pytest.raises(InvalidDocument) as refused:
        read_workflow("nodes: [{id: a, typo: x}, {type: end}]\nedges: [{source: a}]")

    assert [(problem.where, problem.message) for problem in refused.value.problems] == [
        ("nodes.a.type", "The key 'type' is missing."),
        ("nodes.a.typo", "Unknown key 'typo'."),
        ("nodes[1].id", "The key 'id' is missing."),
        ("edges[0].target", "The key 'target' is missing."),
    ]
    assert refused.value.text.startswith("The document has 4 problem(s); the first: nodes.a.type: ")
    assert refused.value.at == "nodes.a.type"


# ---------------------------------------------------------------------- the published schema


def test_every_key_of_the_published_schema_is_described():
    schema = json_schema()
    models = {**schema["$defs"], "Workflow": schema}

    bare = [
        f"{name}.{key}"
        for name, model in models.items()
        for key, field in model.get("properties", {}).items()
        if not field.get("description")
    ]

    assert bare == []
    assert all(model.get("description") for model in models.values())


def fits(data: Any) -> bool:
    """Whether an editor that has the published schema would be content."""
    return VALIDATOR.is_valid(data)  # pyright: ignore[reportUnknownMemberType]  # The package leaves a parameter untyped.


VALIDATOR = Draft202012Validator(json_schema())


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(documents)
def test_every_document_fits_the_published_schema(workflow: Workflow):
    assert fits(json.loads(write_json(workflow)))


@pytest.mark.parametrize(
    "text",
    [
        "5",
        "ndoes: []",
        "mulle: 2",
        "nodes: [{id: a}]",
        "nodes: [{id: a, type: x, on_eror: fail}]",
        "nodes: [{id: a, type: x, on_error: fial}]",
        "nodes: [{id: a, type: x, timeout: soon}]",
        "nodes: [{id: a, type: x, retry: {delay: -1}}]",
        "nodes: [{id: a, type: x, ports: {inputs: [{name: p, type: text}]}}]",
        "edges: [{source: a}]",
        "triggers: [{type: crn}]",
        "triggers: [{type: cron}]",
        "triggers: [{type: at, at: x, filter: sometimes}]",
        "triggers: [{type: at, at: x, cron: x}]",
    ],
)
def test_an_editor_with_the_published_schema_finds_what_reading_would(text: str):
    with pytest.raises((InvalidDocument, UnreadableDocument)):
        read_workflow(text)

    assert not fits(read_data(text))


def test_the_published_schema_refuses_unknown_keys_and_knows_the_names_people_use():
    schema = json_schema()
    Draft202012Validator.check_schema(schema)
    node, retry = schema["$defs"]["NodeSpec"]["properties"], schema["$defs"]["Retry"]["properties"]

    assert schema["additionalProperties"] is False
    assert {"LLM_CALL", "PYTHON_SCRIPT"} <= set(node["type"]["examples"])
    assert [one["type"] for one in retry["delay"]["anyOf"]] == ["number", "string"]
    assert "schema" in schema["$defs"]["Port"]["properties"]
