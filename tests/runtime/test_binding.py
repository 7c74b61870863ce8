"""What a step starts with: types at edges, secrets, and what references mean."""

from dataclasses import replace
from typing import Any

import pytest
from tests.runtime.homes import Home

from mulle.app.given import BadRunInput
from mulle.document.reading import read_workflow
from mulle.errors import WrongMasterKey
from mulle.runtime.ledger import Published
from mulle.sdk import Context, Done, Node, Port, PortType, SecretText, Settings
from mulle.sdk.node import with_ports

SECRET = "열려라-참깨-9137"


class Give(Node):
    """Gives what its settings hold, whatever that is."""

    type = "give"

    class Config(Settings):
        value: Any = None

    async def run(self, config: Config, inputs: dict[str, Any], ctx: Context) -> Done:
        del inputs, ctx
        return Done({"value": config.value})


class Typed(Node):
    """Takes a number and a list of texts."""

    type = "typed"

    async def run(self, config: Any, inputs: dict[str, Any], ctx: Context) -> Done:
        del config, ctx
        return Done(inputs)

    def signature(self, spec: Any) -> Any:
        ports = (
            Port(name="count", type=PortType.NUMBER),
            Port(name="parts", type=PortType.STRING, multiple=True),
        )
        return replace(with_ports(super().signature(spec), spec), inputs=ports)


class Call(Node):
    """Sends a header somewhere, gets it back, and tells everybody."""

    type = "call"

    class Config(Settings):
        header: SecretText = ""
        fail: bool = False

    async def run(self, config: Config, inputs: dict[str, Any], ctx: Context) -> Done:
        del inputs
        await ctx.stream(f"sent {config.header}")
        if config.fail:
            raise ValueError(f"refused: {config.header}")
        return Done({"echo": {"headers": [config.header], config.header: 1}})


def opened(home: Home) -> tuple[Any, Any]:
    app, journal = home.open()
    app.catalogue = app.catalogue.with_types({"give": Give(), "typed": Typed(), "call": Call()})
    return app, journal


def graph(text: str) -> Any:
    return read_workflow(text.encode())


async def test_a_wrong_value_is_an_error_at_the_edge_that_carried_it(home: Home):
    app, _ = opened(home)
    result = await app.run(
        graph("""
        mulle: 1
        nodes:
          - {id: 글, type: give, data: {value: 셋}}
          - {id: 수, type: typed}
        edges: [{source: 글, source_port: value, target: 수, target_port: count}]
    """)
    )

    assert result.error == {
        "type": "port.wrong_type",
        "message": "'count' takes number, but the edge from '글.value' carried string.",
        "node": "수",
    }


async def test_of_several_edges_the_one_that_carried_it_is_named(home: Home):
    app, _ = opened(home)
    result = await app.run(
        graph("""
        mulle: 1
        nodes:
          - {id: a, type: give, data: {value: 좋음}}
          - {id: b, type: give, data: {value: [1]}}
          - {id: 모음, type: typed}
        edges:
          - {source: a, source_port: value, target: 모음, target_port: parts}
          - {source: b, source_port: value, target: 모음, target_port: parts}
    """)
    )

    assert result.error["message"] == "'parts' takes string, but the edge from 'b.value' carried array."


CALL = """
    mulle: 1
    nodes:
      - {id: start, type: start}
      - {id: call, type: call, data: {header: "Bearer {{ secret.TOKEN }}", fail: FAIL}}
      - {id: end, type: end}
    edges:
      - {source: start, target: call}
      - {source: call, source_port: echo, target: end, target_port: echo}
"""


@pytest.mark.parametrize("fail", ["true", "false"])
async def test_secrets_are_in_no_journal_history_stream_or_error(home: Home, fail: str, caplog: Any, capsys: Any):
    app, journal = opened(home)
    streamed: list[str] = []

    def watch(published: Published) -> None:
        streamed.append(published.text)

    app.listen(watch)

    result = await app.run(graph(CALL.replace("FAIL", fail)))

    history = await app.history(result.id)
    shown = [
        repr(result),
        repr([record.to_dict() for record in history.records.values()]),
        repr(journal.written),
        repr(await journal.read(result.id)),
        repr(await journal.graph((await journal.row(result.id)).graph)),
        repr(streamed),
        caplog.text,
        "".join(capsys.readouterr()),
    ]
    assert not any(SECRET in text for text in shown)
    assert "[secret TOKEN]" in shown[0]
    assert "".join(streamed) == "sent Bearer [secret TOKEN]"


async def test_an_error_whose_secrets_cannot_be_found_is_withheld(home: Home):
    app, _ = opened(home)

    def locked(_: str) -> str:
        raise WrongMasterKey(source="MULLE_MASTER_KEY")

    app.outside.redact = locked
    app.graphs = type(app.graphs)(app.journal, app.catalogue, app._executor, app._stored)

    result = await app.run(graph(CALL.replace("FAIL", "true")))

    assert SECRET not in repr(result)
    assert result.error["message"].startswith("(withheld")


async def test_a_missing_secret_is_the_steps_failure(home: Home):
    app, _ = opened(home)
    app.outside.secrets.clear()

    result = await app.run(graph(CALL.replace("FAIL", "false")))

    assert (result.status, result.error["type"]) == ("failed", "KeyError")


async def test_only_the_secrets_that_a_step_names_are_looked_up(home: Home):
    app, _ = opened(home)
    asked: list[str] = []
    look_up = app.outside.secrets.__getitem__

    def secret(name: str) -> str:
        asked.append(name)
        return look_up(name)

    app.outside._secret = secret
    object.__setattr__(app.outside.services, "secret", secret)
    text = CALL.replace("FAIL", "false").replace("{{ secret.TOKEN }}", "{{ env.TOKEN }}")
    variables = "\n    variables: {environment: {TOKEN: {secret: true}, OTHER: {secret: true}}}"

    result = await app.run(graph(text + variables))

    assert (result.status, asked) == ("succeeded", ["TOKEN"])


async def test_a_type_that_breaks_while_it_is_asked_breaks_only_its_node(home: Home):
    class Broken(Give):
        def effect_of(self, config: Any) -> Any:
            raise AttributeError("이런")

    app, _ = home.open()
    app.catalogue = app.catalogue.with_types({"give": Broken()})

    result = await app.run(
        graph("mulle: 1\n    \nnodes: [{id: a, type: give, on_error: default, default_outputs: {value: 1}}]")
    )

    assert result.status == "succeeded"


@pytest.mark.parametrize(("divisor", "why"), [(0, "expression.wrong_value"), (5, None)])
async def test_a_reference_sees_why_a_default_stands_in(home: Home, divisor: int, why: str | None):
    app, _ = opened(home)
    text = """
        mulle: 1
        nodes:
          - {id: a, type: give, data: {value: "{{ 10 / DIVISOR }}"}, on_error: default, default_outputs: {value: -1}}
          - {id: b, type: give, data: {value: "{{ a.error.type }}"}}
          - {id: end, type: end}
        edges: [{source: b, source_port: value, target: end, target_port: why}]
    """
    result = await app.run(graph(text.replace("DIVISOR", str(divisor))))

    assert result.outputs == {"why": why}


async def test_references_mean_what_the_document_says(home: Home):
    app, _ = opened(home)
    workflow = graph("""
        mulle: 1
        variables:
          environment: {REGION: {type: string, value: 서울}}
          conversation: {count: {type: number, value: 3}}
        nodes:
          - {id: start, type: start, ports: {outputs: [{name: topic, type: string}]}}
          - {id: 1711-x, type: give, data: {value: {a: [10, 20]}}}
          - id: all
            type: give
            data:
              value:
                run: "{{ sys.run_id }}"
                who: "{{ sys.user_id }}/{{ sys.session_id }}"
                region: "{{ env.REGION }}"
                count: "{{ conversation.count }}"
                topic: "{{ start.topic }}"
                deep: '{{ nodes["1711-x"].value.a[1] }}'
          - {id: end, type: end}
        edges:
          - {source: start, target: 1711-x}
          - {source: 1711-x, target: all}
          - {source: all, source_port: value, target: end, target_port: value}
    """)

    result = await app.run(workflow, {"topic": "경제"}, user="kim", session="s1")

    assert result.outputs["value"] == {
        "run": result.id,
        "who": "kim/s1",
        "region": "서울",
        "count": 3,
        "topic": "경제",
        "deep": 20,
    }


@pytest.mark.parametrize(
    ("inputs", "complaint"),
    [({}, "required"), ({"topic": 3}, "takes string"), ({"topic": "a", "other": 1}, "no input 'other'")],
)
async def test_inputs_that_the_start_does_not_take_are_refused(home: Home, inputs: Any, complaint: str):
    app, _ = opened(home)
    ports = "{outputs: [{name: topic, type: string, required: true}, {name: count, type: number, default_value: 3}]}"
    workflow = graph(f"mulle: 1\nnodes: [{{id: start, type: start, ports: {ports}}}, {{id: end, type: end}}]")

    with pytest.raises(BadRunInput, match=complaint):
        await app.run(workflow, inputs)
