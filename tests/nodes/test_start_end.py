import pytest
from tests.nodes.whole import document, opened, ran

from mulle.app.given import BadRunInput

OPEN = """
    nodes:
      - {id: start, type: start, data: {open: OPEN}, ports: {outputs: [{name: a, type: string}]}}
      - {id: end, type: end, data: {stream: true, outputs: {a: "{{ start.a }}", b: [1, "둘"]}}}
    edges: [{source: start, target: end}]
"""


async def test_an_open_start_takes_what_it_does_not_declare():
    run = await ran(OPEN.replace("OPEN", "true"), {"a": "가", "more": 1})

    assert run.outputs == {"a": "가", "b": [1, "둘"]}


async def test_any_other_start_names_what_it_does_not_take():
    with pytest.raises(BadRunInput, match="no input 'more'"):
        await ran(OPEN.replace("OPEN", "false"), {"a": "가", "more": 1})


async def test_an_end_may_show_its_results_a_line_each():
    said: list[str] = []
    async with opened() as app:
        app.listen(lambda published: said.append(published.text) if published.text else None)
        await app.run(document(OPEN.replace("OPEN", "false")), {"a": "가"})

    assert said == ["가\n- 1\n- 둘"]


async def test_an_end_may_show_some_of_its_results():
    said: list[str] = []
    async with opened() as app:
        app.listen(lambda published: said.append(published.text) if published.text else None)
        await app.run(document(OPEN.replace("OPEN", "false").replace("stream: true", "stream: [a]")), {"a": "가"})

    assert said == ["가"]
