"""Every kind of problem: what it is called, where it is, and what to do about it."""

from textwrap import dedent

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mulle.document.places import MOST_PROBLEMS
from mulle.document.problem import Problem, errors
from mulle.document.reading import read_workflow
from mulle.document.validate import validate
from mulle.document.workflow import Body, Edge, NodeSpec, Workflow
from mulle.sdk.catalogue import Catalogue


def problems(catalogue: Catalogue, text: str) -> list[Problem]:
    return validate(read_workflow(dedent(text)), catalogue.describe)


def only(catalogue: Catalogue, text: str, code: str) -> Problem:
    """The one problem of a document beside its lack of an end."""
    found = [problem for problem in problems(catalogue, text) if problem.code != "graph.no_end"]
    assert [problem.code for problem in found] == [code]
    return found[0]


EXAMPLE = """
    name: First of many
    variables:
      environment: {REGION: {type: string, value: seoul}}
      conversation: {count: {type: number, value: 0}}
    nodes:
      - {id: start, type: start, ports: {outputs: [{name: items, type: array, required: true}]}}
      - id: each
        type: each
        data: {items: "{{ start.items }}", concurrency: 4, on_item_error: drop}
        retry: {max: 2, delay: 1s, factor: 2, on: [timeout]}
        timeout: 30s
        on_error: default
        default_outputs: {results: []}
        body:
          nodes:
            - id: shout
              type: free
              data: {code: "def main(item: str) -> dict: …"}
              variable_mappings: {item: {target_port: item, source: {variable: item, value_type: any}}}
            - {id: end, type: end}
          edges:
            - {source: shout, source_port: text, target: end, target_port: text}
      - id: enough
        type: condition
        data: {cases: [{name: many, when: "length(each.results) > 1"}]}
      - {id: end, type: end}
    edges:
      - {source: start, target: each}
      - {source: each, target: enough}
      - {source: enough, source_port: many, target: end}
      - {source: each, source_port: results, target: end, target_port: texts}
    triggers:
      - {type: cron, cron: "0 9 * * *", timezone: Asia/Seoul}
"""


def test_the_example_of_the_design_has_no_errors(catalogue: Catalogue):
    assert errors(problems(catalogue, EXAMPLE)) == []


# ---------------------------------------------------------------------- nodes and types


def test_an_unknown_type(catalogue: Catalogue):
    found = only(catalogue, "nodes: [{id: 요약, type: aks}]", "document.unknown_node_type")

    assert (found.where, found.severity) == ("nodes.요약.type", "error")
    assert found.message == "Node '요약': unknown type 'aks'."
    assert found.hint.endswith("Did you mean 'ask'?")


def test_two_nodes_with_one_id(catalogue: Catalogue):
    found = only(catalogue, "nodes: [{id: a, type: ask}, {id: a, type: ask}]", "graph.duplicate_id")

    assert found.where == "nodes[1].id"
    assert found.hint


def test_a_body_may_use_an_id_again_and_means_its_own(catalogue: Catalogue):
    text = """
        nodes:
          - id: a
            type: each
            body: {nodes: [{id: a, type: ask}, {id: end, type: end, data: {outputs: {x: "{{ a.answer }}"}}}]}
          - {id: end, type: end}
    """

    assert problems(catalogue, text) == []


def test_a_setting_that_does_not_exist(catalogue: Catalogue):
    found = only(catalogue, "nodes: [{id: a, type: ask, data: {quesiton: hi}}]", "document.schema")

    assert found.where == "nodes.a.data.quesiton"
    assert found.hint == "Did you mean 'question'?"


def test_a_setting_of_the_wrong_type_unless_it_is_a_template(catalogue: Catalogue):
    found = only(catalogue, "nodes: [{id: a, type: ask, data: {temperature: warm}}]", "document.schema")

    assert (found.where, found.message) == ("nodes.a.data.temperature", "This must be a number.")
    assert (
        problems(catalogue, "nodes: [{id: a, type: ask, data: {temperature: '{{ 0.5 }}'}}, {id: z, type: end}]") == []
    )


@pytest.mark.parametrize(
    ("data", "code"),
    [
        ("{question: '{{ 1 + }}'}", "expression.syntax"),
        ("{question: '{{ a.b'}", "expression.syntax"),
        ("{after: 'shout(1)'}", "expression.unknown_function"),
        ("{after: '" + "(" * 60 + "1" + ")" * 60 + "'}", "expression.too_large"),
    ],
)
def test_a_bad_expression(catalogue: Catalogue, data: str, code: str):
    found = only(catalogue, f"nodes: [{{id: a, type: ask, data: {data}}}]", code)

    assert found.where == f"nodes.a.data.{'question' if 'question' in data else 'after'}"


def test_text_that_is_raw_is_not_looked_into(catalogue: Catalogue):
    assert problems(catalogue, "nodes: [{id: a, type: ask, data: {code: '{{ 1 + '}}, {id: z, type: end}]") == []


# ---------------------------------------------------------------------- edges and ports


@pytest.mark.parametrize("end", ["source", "target"])
def test_a_dangling_edge(catalogue: Catalogue, end: str):
    other = "target" if end == "source" else "source"

    found = only(
        catalogue,
        f"nodes: [{{id: summary, type: ask}}]\nedges: [{{{end}: sumary, {other}: summary}}]",
        "graph.dangling_edge",
    )

    assert found.where == f"edges[0].{end}"
    assert found.hint == "Did you mean 'summary'?"


@pytest.mark.parametrize(
    ("edge", "message", "hint"),
    [
        ("{source: a, source_port: anwser, target: b}", "'a' has no output port 'anwser'.", "Did you mean 'answer'?"),
        (
            "{source: a, source_port: answer, target: b, target_port: body}",
            "'b' has no input port 'body'.",
            "There is: count, parts, text.",
        ),
    ],
)
def test_an_edge_to_a_port_that_is_not_there(catalogue: Catalogue, edge: str, message: str, hint: str):
    found = only(
        catalogue, f"nodes: [{{id: a, type: ask}}, {{id: b, type: ask}}]\nedges: [{edge}]", "graph.unknown_port"
    )

    assert (found.where, found.message, found.hint) == ("edges[0]", message, hint)


def test_a_port_of_the_wrong_type_names_the_converter(catalogue: Catalogue):
    text = """
        nodes: [{id: a, type: ask}, {id: b, type: ask}]
        edges: [{source: a, source_port: answer, target: b, target_port: count}]
    """

    found = only(catalogue, text, "graph.type_mismatch")

    assert found.message == "'a.answer' gives string, but 'b.count' takes number."
    assert "number(a.answer)" in found.hint


def test_a_whole_output_into_a_port_that_takes_text(catalogue: Catalogue):
    text = "nodes: [{id: a, type: ask}, {id: b, type: ask}]\nedges: [{source: a, target: b, target_port: text}]"

    found = only(catalogue, text, "graph.type_mismatch")

    assert found.message == "'a' gives object, but 'b.text' takes string."
    assert found.hint == "Say by `source_port` which of its outputs. There is: answer, usage."


def test_a_mapping_of_the_wrong_type_stands_where_it_was_written(catalogue: Catalogue):
    text = """
        nodes:
          - {id: a, type: ask}
          - {id: b, type: ask, variable_mappings: {count: {source: {variable: a.answer}}}}
    """

    found = only(catalogue, text, "graph.type_mismatch")

    assert found.where == "nodes.b.variable_mappings.count.source.variable"


def test_what_lies_deeper_and_what_is_collected_is_checked_when_it_runs(catalogue: Catalogue):
    text = """
        nodes:
          - {id: a, type: ask}
          - {id: b, type: ask, variable_mappings: {count: {source: {variable: a.usage.tokens}}}}
          - {id: f, type: free}
          - {id: end, type: end}
        edges:
          - {source: a, source_port: answer, target: b, target_port: parts}
          - {source: f, source_port: anything, target: b, target_port: text}
    """

    assert problems(catalogue, text) == []


def test_two_ports_of_one_name_and_a_default_that_does_not_fit(catalogue: Catalogue):
    twice = only(
        catalogue, "nodes: [{id: a, type: free, ports: {inputs: [{name: x}, {name: x}]}}]", "graph.duplicate_port"
    )
    unfit = only(
        catalogue,
        "nodes: [{id: a, type: start, ports: {outputs: [{name: n, type: number, default_value: many}]}}]",
        "graph.wrong_default",
    )

    assert (twice.where, unfit.where) == ("nodes.a.ports.inputs", "nodes.a.ports.outputs.n")
    assert twice.hint
    assert unfit.hint


def test_a_required_input_that_nothing_leads_to(catalogue: Catalogue):
    found = only(catalogue, "nodes: [{id: a, type: mail}]", "graph.required_input")

    assert found.where == "nodes.a.ports.text"
    assert found.hint == "Draw an edge to it, or map a variable to it."


def test_a_required_input_that_a_variable_feeds(catalogue: Catalogue):
    text = """
        nodes:
          - {id: a, type: mail, variable_mappings: {m: {target_port: text, source: {variable: sys.run_id}}}}
          - {id: end, type: end}
    """

    assert problems(catalogue, text) == []


# ---------------------------------------------------------------------- policies and bodies


def test_a_default_on_error_without_the_default(catalogue: Catalogue):
    found = only(catalogue, "nodes: [{id: a, type: ask, on_error: default}]", "node.default_missing")

    assert found.where == "nodes.a.on_error"
    assert found.hint


@pytest.mark.parametrize(
    ("outputs", "code", "says"),
    [
        ("{answr: x}", "node.unknown_default", "'a' has no output 'answr'."),
        ("{answer: 1}", "node.wrong_default", "'answer' is a string, but what stands in for it is number."),
    ],
)
def test_a_default_that_the_node_could_never_give(catalogue: Catalogue, outputs: str, code: str, says: str):
    problem = only(
        catalogue,
        f"""
        nodes:
          - {{id: a, type: ask, on_error: default, default_outputs: {outputs}}}
        """,
        code,
    )
    assert problem.message == says
    assert problem.where.startswith("nodes.a.default_outputs.")


def test_the_error_branch_of_a_node_that_never_takes_it(catalogue: Catalogue):
    text = """
        nodes: [{{id: a, type: ask{policy}}}, {{id: end, type: end}}]
        edges: [{{source: a, source_port: error, target: end}}]
    """

    found = only(catalogue, text.format(policy=""), "graph.dead_branch")

    assert (found.where, found.severity) == ("edges[0]", "warning")
    assert problems(catalogue, text.format(policy=", on_error: branch")) == []


def test_a_body_where_none_belongs_and_none_where_one_belongs(catalogue: Catalogue):
    unexpected = only(
        catalogue, "nodes: [{id: a, type: ask, body: {nodes: [{id: b, type: ask}]}}]", "graph.unexpected_body"
    )
    missing = only(catalogue, "nodes: [{id: a, type: each}]", "graph.body_missing")

    assert unexpected.where == missing.where == "nodes.a.body"
    assert missing.hint == "Give it a `body`."


def test_a_problem_inside_a_body_has_the_whole_way_as_its_place(catalogue: Catalogue):
    text = """
        nodes:
          - id: out
            type: each
            body:
              nodes:
                - id: in
                  type: each
                  body:
                    nodes: [{id: a, type: ask, data: {question: "{{ 1 + }}"}}]
                    edges: [{source: a, target: b}]
    """

    found = problems(catalogue, text)

    assert {problem.where for problem in found} >= {
        "nodes.out.body.nodes.in.body.nodes.a.data.question",
        "nodes.out.body.nodes.in.body.edges[0].target",
    }


def test_a_body_without_nodes(catalogue: Catalogue):
    found = only(catalogue, "nodes: [{id: a, type: each, body: {}}]", "graph.empty")

    assert found.where == "nodes.a.body.nodes"


# ---------------------------------------------------------------------- references


@pytest.mark.parametrize(
    ("reference", "code", "hint"),
    [
        ("summray.answer", "reference.unknown_node", "Did you mean 'summary'?"),
        ("summary.anwser", "reference.unknown_port", "Did you mean 'answer'?"),
        ("env.REGOIN", "reference.unknown_variable", "Did you mean 'REGION'?"),
        ("conversation.name", "reference.unknown_variable", "Declare it under `variables.conversation`."),
        ("sys.run", "reference.unknown_variable", "Did you mean 'run_id'?"),
        ("secret.KEY", "reference.secret_not_allowed", "Use it in a field made for it, such as a header."),
        ("env.TOKEN", "reference.secret_not_allowed", "Use it in a field made for it, such as a header."),
        ("item.title", "reference.out_of_place", "Move the node into its body."),
        ("state.count", "reference.out_of_place", "Move the node into its body."),
    ],
)
def test_a_reference_that_leads_nowhere(catalogue: Catalogue, reference: str, code: str, hint: str):
    text = f"""
        variables: {{environment: {{REGION: {{value: seoul}}, TOKEN: {{secret: true}}}}}}
        nodes:
          - {{id: summary, type: ask}}
          - {{id: b, type: ask, data: {{question: "{{{{ {reference} }}}}"}}}}
    """

    found = only(catalogue, text, code)

    assert (found.where, found.hint) == ("nodes.b.data.question", hint)


@pytest.mark.parametrize(
    ("variable", "code"),
    [
        ("summray.answer", "reference.unknown_node"),
        ("summary.anwser", "graph.unknown_port"),
        ("env.REGION", "reference.unknown_variable"),
        ("item", "reference.out_of_place"),
        ("secret.KEY", "reference.secret_not_allowed"),
        ("a b..c", "document.bad_selector"),
        ("nodes[1 + 1]", "document.bad_selector"),
    ],
)
def test_a_mapping_that_leads_nowhere(catalogue: Catalogue, variable: str, code: str):
    text = f"""
        nodes:
          - {{id: summary, type: ask}}
          - {{id: b, type: ask, variable_mappings: {{text: {{source: {{variable: "{variable}"}}}}}}}}
    """

    found = [problem for problem in problems(catalogue, text) if problem.code == code]

    assert [problem.where for problem in found] == ["nodes.b.variable_mappings.text.source.variable"]
    assert found[0].hint


def test_one_bad_mapping_hides_no_other_problem(catalogue: Catalogue):
    text = """
        nodes:
          - {id: a, type: free, variable_mappings: {x: {source: {variable: ".."}}, y: {source: {variable: "]"}}}}
          - {id: b, type: mail}
    """

    found = problems(catalogue, text)

    assert [problem.code for problem in errors(found)] == [
        "document.bad_selector",
        "document.bad_selector",
        "graph.required_input",
    ]


@pytest.mark.parametrize(
    "question", ["{{ a.answer.title }}", '{{ nodes["a"].answer[0] }}', "{{ length(a.answer.items) }}"]
)
def test_a_reference_into_a_text_is_warned_of(catalogue: Catalogue, question: str):
    problem = only(
        catalogue,
        f"""
        nodes:
          - {{id: a, type: ask}}
          - {{id: b, type: ask, data: {{question: '{question}'}}}}
        """,
        "reference.no_parts",
    )
    assert problem.severity == "warning"
    assert problem.message.startswith("'a.answer' is a string, which has no '")


def test_a_secret_in_a_field_made_for_it(catalogue: Catalogue):
    text = """
        variables: {{environment: {{TOKEN: {{secret: true}}}}}}
        nodes: [{{id: a, type: ask, data: {{header: "{{{{ {reference} }}}}"}}}}, {{id: end, type: end}}]
    """

    assert problems(catalogue, text.format(reference="secret.KEY")) == []
    assert problems(catalogue, text.format(reference="env.TOKEN")) == []
    assert only(catalogue, text.format(reference="secret"), "reference.unnamed_secret").where == "nodes.a.data.header"


def test_what_is_named_right_is_no_problem(catalogue: Catalogue):
    text = """
        variables: {environment: {REGION: {value: seoul}}, conversation: {count: {type: number, value: 1}}}
        nodes:
          - {id: 1711-x, type: ask}
          - {id: 🚀, type: ask}
          - id: b
            type: ask
            on_error: branch
            data:
              question: >-
                {{ nodes["1711-x"].answer }} {{ nodes["🚀"].answer }} {{ nodes[sys.user_id] }} {{ env.REGION }}
                {{ conversation.count }} {{ sys.now }} {{ env }}
          - {id: c, type: ask, data: {question: "{{ b.error.message }}"}}
          - id: each
            type: each
            body: {nodes: [{id: d, type: ask, data: {question: "{{ item.title }} {{ index }} {{ b.answer }}"}}]}
          - id: rounds
            type: rounds
            body: {nodes: [{id: e, type: ask, data: {question: "{{ state.count }}"}}]}
          - {id: end, type: end}
    """

    assert problems(catalogue, text) == []


def test_a_body_cannot_use_what_its_own_container_gives(catalogue: Catalogue):
    text = """
        nodes:
          - {id: each, type: each, body: {nodes: [{id: a, type: ask, data: {question: "{{ each.results }}"}}]}}
    """

    found = [problem for problem in problems(catalogue, text) if problem.code == "reference.unknown_node"]

    assert found[0].where == "nodes.each.body.nodes.a.data.question"
    assert "belongs to" in found[0].hint


def test_outside_may_not_refer_inside(catalogue: Catalogue):
    text = """
        nodes:
          - {id: each, type: each, body: {nodes: [{id: inner, type: ask}]}}
          - {id: b, type: ask, data: {question: "{{ inner.answer }}"}}
    """

    assert only(catalogue, text, "reference.unknown_node").where == "nodes.b.data.question"


# ---------------------------------------------------------------------- the shape of the graph


@pytest.mark.parametrize(
    "graph",
    [
        "nodes: [{id: a, type: free}, {id: b, type: free}]\nedges: [{source: a, target: b}, {source: b, target: a}]",
        "nodes: [{id: a, type: free}]\nedges: [{source: a, target: a}]",
        "nodes: [{id: a, type: ask, data: {question: '{{ b }}'}}, {id: b, type: ask, data: {question: '{{ a }}'}}]",
        "nodes: [{id: a, type: free, variable_mappings: {x: {source: {variable: a.y}}}}]",
    ],
)
def test_a_cycle(catalogue: Catalogue, graph: str):
    found = only(catalogue, graph, "graph.cycle")

    assert found.where.startswith("nodes.")
    assert "→" in found.message
    assert "loop" in found.hint


def test_a_cycle_through_a_body(catalogue: Catalogue):
    text = """
        nodes:
          - id: each
            type: each
            body:
              nodes:
                - {id: a, type: ask, data: {question: "{{ later.answer }}"}}
                - {id: b, type: free, variable_mappings: {x: {source: {variable: later.answer}}}}
          - {id: later, type: ask, data: {question: "{{ each.results }}"}}
    """

    found = only(catalogue, text, "graph.cycle")

    assert found.message == "These nodes wait for each other: each → later → each."


def test_a_long_cycle_is_shown_in_part(catalogue: Catalogue):
    nodes = tuple(NodeSpec(id=f"n{number}", type="free") for number in range(50))
    edges = tuple(Edge(source=f"n{number}", target=f"n{(number + 1) % 50}") for number in range(50))

    found = errors(validate(Workflow(nodes=nodes, edges=edges), catalogue.describe))

    assert [problem.code for problem in found] == ["graph.cycle"]
    assert found[0].message.count("→") == 11


def test_an_unknown_type_in_a_body_is_reported_once(catalogue: Catalogue):
    text = "nodes: [{id: each, type: each, body: {nodes: [{id: a, type: nope}]}}]"

    assert only(catalogue, text, "document.unknown_node_type").where == "nodes.each.body.nodes.a.type"


def test_an_empty_document(catalogue: Catalogue):
    assert only(catalogue, "name: nothing", "graph.empty").where == "nodes"


def test_more_than_one_start_and_an_edge_into_it(catalogue: Catalogue):
    many = only(catalogue, "nodes: [{id: a, type: start}, {id: b, type: start}]", "graph.many_starts")
    into = problems(
        catalogue,
        "nodes: [{id: s, type: start}, {id: a, type: free}, {id: z, type: end}]\nedges: [{source: a, target: s}]",
    )

    assert many.where == "nodes.b"
    assert [(problem.code, problem.where) for problem in errors(into)] == [("graph.edge_into_start", "edges[0]")]


def test_a_run_that_reaches_no_end(catalogue: Catalogue):
    found = problems(catalogue, "nodes: [{id: a, type: free}]")

    assert [(problem.code, problem.severity) for problem in found] == [("graph.no_end", "warning")]
    assert found[0].hint


def test_what_the_start_does_not_lead_to(catalogue: Catalogue):
    text = """
        nodes:
          - {id: start, type: start}
          - {id: a, type: ask, data: {question: "{{ start.topic }}"}}
          - {id: each, type: each, body: {nodes: [{id: b, type: ask, data: {question: "{{ a.answer }}"}}]}}
          - {id: alone, type: free}
          - {id: end, type: end, data: {outputs: {x: "{{ each.results }}"}}}
    """

    found = only(catalogue, text, "graph.unreachable")

    assert (found.where, found.severity) == ("nodes.alone", "warning")


# ---------------------------------------------------------------------- variables and triggers


@pytest.mark.parametrize(
    ("variables", "code", "where"),
    [
        ("{environment: {A: {type: number, value: many}}}", "variable.wrong_type", "environment.A.value"),
        ("{conversation: {A: {type: array, value: {}}}}", "variable.wrong_type", "conversation.A.value"),
        ("{environment: {A: {secret: true, value: s3cret}}}", "variable.secret_shown", "environment.A.value"),
        ("{conversation: {A: {secret: true}}}", "variable.secret_kept", "conversation.A.secret"),
    ],
)
def test_a_variable_that_cannot_be(catalogue: Catalogue, variables: str, code: str, where: str):
    found = only(catalogue, f"variables: {variables}\nnodes: [{{id: a, type: free}}]", code)

    assert found.where == f"variables.{where}"
    assert found.hint
    assert "s3cret" not in found.message


def test_a_trigger_is_checked_against_what_the_start_takes(catalogue: Catalogue):
    text = """
        nodes:
          - {id: start, type: start, ports: {outputs: [{name: topic, type: string, required: true}]}}
          - {id: end, type: end}
        edges: [{source: start, target: end}]
        triggers: [{type: cron, cron: "0 9 * * *", inputs: {topci: 경제}}]
    """

    found = problems(catalogue, text)

    assert [(problem.code, problem.where, problem.severity) for problem in found] == [
        ("trigger.unknown_input", "triggers[0].inputs.topci", "error"),
        ("trigger.missing_input", "triggers[0].inputs", "warning"),
    ]
    assert found[0].hint == "Did you mean 'topic'?"


# ---------------------------------------------------------------------- all documents


ids = st.sampled_from(["start", "a", "b", "each", "요약"])
graphs = st.recursive(
    st.just(Body()),
    lambda inner: st.builds(
        Body,
        nodes=st.lists(
            st.builds(
                NodeSpec,
                id=ids,
                type=st.sampled_from(["start", "end", "ask", "mail", "each", "condition", "none"]),
                data=st.sampled_from(["{{ a.answer }}", "{{ item }}", "{{ 1 +", "{{ secret.X }}"]).map(
                    lambda text: {"question": text}
                ),
                body=st.none() | inner,
            ),
            max_size=4,
        ).map(tuple),
        edges=st.lists(
            st.builds(
                Edge,
                source=ids,
                target=ids,
                source_port=st.none() | st.sampled_from(["answer", "error", "else"]),
                target_port=st.none() | st.sampled_from(["text", "count"]),
            ),
            max_size=5,
        ).map(tuple),
    ),
    max_leaves=3,
)


@given(graph=graphs)
def test_no_graph_at_all_is_beyond_validation(catalogue: Catalogue, graph: Body):
    found = validate(Workflow(nodes=graph.nodes, edges=graph.edges), catalogue.describe)

    assert all(problem.code and problem.message for problem in found)
    assert all(problem.where or not graph.nodes for problem in found)


def test_a_document_with_very_many_mistakes_is_told_the_first_thousand(catalogue: Catalogue):
    nodes = tuple(NodeSpec(id=f"n{number}", type="free") for number in range(2000))
    edges = tuple(Edge(source=f"x{number}", target=f"y{number}") for number in range(20_000))

    found = validate(Workflow(nodes=nodes, edges=edges), catalogue.describe)

    assert len(found) == MOST_PROBLEMS
