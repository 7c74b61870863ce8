from collections.abc import AsyncIterator
from typing import Any

import pytest
from tests.nodes.alone import outputs, problems, turn
from tests.nodes.whole import ran

from mulle.document.ports import PortType
from mulle.document.workflow import NodeSpec
from mulle.errors import CodeRaised, CodeTimedOut
from mulle.nodes.code import Code, annotated
from mulle.sdk.context import Services
from mulle.sdk.returns import NotAsDeclared
from mulle.services.sandbox import Sandbox, available

pytestmark = pytest.mark.skipif(not available().ok, reason="This kernel has not the locks that code steps need.")


@pytest.fixture
async def services() -> AsyncIterator[Services]:
    async with Sandbox() as sandbox:
        yield Services(sandbox=sandbox)


async def test_the_returned_dict_is_the_outputs(services: Services):
    code = "def main(글: str, n: int = 2) -> dict:\n    return {'길이': len(글) * n}"

    assert await outputs(Code(), {"code": code}, {"글": "물레"}, services=services) == {"길이": 4}


@pytest.mark.parametrize(("returned", "result"), [("[1, 2]", [1, 2]), ("None", None), ("'글'", "글")])
async def test_what_is_no_dict_is_the_result(services: Services, returned: str, result: Any):
    code = f"def main():\n    return {returned}"

    assert await outputs(Code(), {"code": code}, services=services) == {"result": result}


async def test_arguments_may_stand_in_the_settings(services: Services):
    code = "def main(a, b):\n    return {'sum': a + b}"
    settings = {"code": code, "inputs": {"a": "{{ start.n }}", "b": 1, "other": 5}}

    assert await outputs(Code(), settings, {"b": 10}, names={"start": {"n": 7}}, services=services) == {"sum": 17}


async def test_what_it_prints_stands_on_record(services: Services):
    answer = await turn(Code(), {"code": "def main():\n    print('세는 중')\n    return {}"}, services=services)

    assert answer.usage == {"printed": "세는 중\n"}


async def test_an_error_of_the_code_names_its_line(services: Services):
    with pytest.raises(CodeRaised, match=r"ZeroDivisionError on line 2: division by zero"):
        await outputs(Code(), {"code": "def main():\n    return 1 / 0"}, services=services)


async def test_code_that_does_not_end_is_ended(services: Services):
    with pytest.raises(CodeTimedOut):
        await outputs(Code(), {"code": "def main():\n    while True: pass", "timeout": "300ms"}, services=services)


async def test_a_workflow_with_code_runs(services: Services):
    run = await ran(
        """
        nodes:
          - {id: start, type: start, ports: {outputs: [{name: items, type: array, required: true}]}}
          - id: each
            type: map
            data: {items: "{{ start.items }}", concurrency: 4, on_item_error: drop}
            body:
              nodes:
                - id: shout
                  type: code
                  data:
                    code: |
                      def main(item: str) -> dict:
                          return {"text": item.upper()}
                  variable_mappings: {item: {target_port: item, source: {variable: item, value_type: any}}}
                - {id: said, type: end}
              edges: [{source: shout, source_port: text, target: said, target_port: text}]
          - {id: end, type: end}
        edges:
          - {source: start, target: each}
          - {source: each, source_port: results, target: end, target_port: texts}
        """,
        {"items": ["a", 7, "b"]},
        services=services,
    )

    assert run.outputs == {"texts": [{"text": "A"}, {"text": "B"}]}


def signature(code: str, **data: Any) -> Any:
    return Code().signature(NodeSpec(id="c", type="code", data={"code": code, **data}))


def test_parameters_are_the_inputs():
    found = signature("def main(items: list[str], n: int = 3, *, flag: bool | None = None): ...")

    assert [(port.name, port.type, port.required, port.default_value) for port in found.inputs] == [
        ("items", PortType.ARRAY, True, None),
        ("n", PortType.NUMBER, False, 3),
        ("flag", PortType.BOOLEAN, False, None),
    ]
    assert not found.open_inputs


def test_keys_of_the_dict_are_the_outputs():
    found = signature("def main(x) -> dict:\n    return {'a': 1, 'b': x}")

    assert [port.name for port in found.outputs] == ["a", "b"]
    assert not found.open_outputs


@pytest.mark.parametrize(
    ("code", "ports", "open_outputs"),
    [
        ("def main(x) -> dict:\n    return make(x)", [], True),
        ("def main(x) -> str:\n    return make(x)", [("result", "string")], False),
        ("def main(x):\n    print(x)", [("result", "any")], False),
    ],
)
def test_outputs_are_as_open_as_the_source_leaves_them(code: str, ports: list[Any], open_outputs: bool):
    found = signature(code)

    assert [(port.name, str(port.type)) for port in found.outputs] == ports
    assert found.open_outputs is open_outputs


def test_what_the_settings_give_needs_no_edge():
    found = signature("def main(x): ...", inputs={"x": 1})

    assert found.inputs[0].required is False


def test_broken_code_is_found_before_a_run():
    assert problems(Code(), {"code": "def main(:\n  pass"}) == [
        "nodes.step.data.code: The code cannot be read on line 1: invalid syntax."
    ]
    assert problems(Code(), {"code": "def run(): ..."}) == [
        "nodes.step.data.code: The code defines no function 'main'."
    ]


@pytest.mark.parametrize(
    ("annotation", "kind"),
    [
        ("str", "string"),
        ("list[dict[str, int]]", "array"),
        ("typing.Dict[str, Any]", "object"),
        ("Optional[int]", "number"),
        ("float | None", "number"),
        ("None | bool", "boolean"),
        ("int | str", "any"),
        ("Any", "any"),
        ("DataFrame", "any"),
        (None, "any"),
    ],
)
def test_annotations_become_port_types(annotation: str | None, kind: str):
    assert annotated(annotation) == kind


RETURNS = {"word": {"type": "string", "most": 3}, "many": {"type": "array[number]"}}


def test_what_is_declared_as_returned_is_an_output():
    found = signature("def main(x) -> dict:\n    return make(x)", returns=RETURNS | {"odd": {"type": "?"}})

    assert [(port.name, port.type) for port in found.outputs] == [
        ("word", PortType.STRING),
        ("many", PortType.ARRAY),
        ("odd", PortType.ANY),
    ]
    assert not found.open_outputs


async def test_what_is_declared_must_be_returned(services: Services):
    settings = {"code": "def main(x):\n    return {'word': x, 'many': [1, True]}", "returns": RETURNS}

    assert await outputs(Code(), settings, {"x": "물레"}, services=services) == {"word": "물레", "many": [1, 1]}
    with pytest.raises(NotAsDeclared, match="4 characters"):
        await outputs(Code(), settings, {"x": "너무 길"}, services=services)
