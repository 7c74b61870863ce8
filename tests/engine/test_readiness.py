"""The rules of readiness: which node runs, which is skipped, and what arrives at its ports."""

import pytest
from tests.engine.graphs import END, START, body, end, graph, step
from tests.engine.play import Play

from mulle.engine.scope import inputs_of
from mulle.errors import MissingReference


def arrived(play: Play, node: str) -> dict[str, object]:
    scope, plan, _ = play.run.at((node,))
    return inputs_of(plan, scope.nodes)


# ---------------------------------------------------------------------- 1: alive and dead


def test_a_link_is_alive_when_its_source_port_got_a_value_and_null_is_one():
    play = Play(graph([step("a"), step("b", takes=("x",)), step("c", takes=("x",))], "a.out -> b.x", "a.other -> c.x"))
    play.does("a", {"out": None})
    assert play.listed == ["b"]
    assert play.status("c") == "skipped"


def test_what_lies_behind_an_untaken_branch_is_skipped():
    nodes = [step("ask", branches=("yes", "no")), step("no"), step("after_no"), step("yes")]
    play = Play(graph(nodes, "ask.no -> no", "no -> after_no", "ask.yes -> yes"))
    play.does("ask", {"yes": True})
    assert play.statuses("no", "after_no") == ["skipped", "skipped"]
    assert play.listed == ["yes"]


def test_an_edge_without_source_port_carries_the_whole_output():
    play = Play(graph([step("a"), step("b", takes=("all",))], "a -> b.all"))
    play.does("a", {"x": 1, "가": "나"})
    assert arrived(play, "b") == {"all": {"x": 1, "가": "나"}}


def test_an_edge_without_source_port_is_dead_when_only_branch_ports_answered():
    play = Play(graph([step("a", branches=("yes",)), step("b", takes=("all",))], "a -> b.all"))
    play.does("a", {"yes": True})
    assert play.status("b") == "skipped"


def test_an_edge_without_source_port_is_alive_when_some_data_was_answered_beside_a_branch():
    play = Play(graph([step("a", branches=("yes",)), step("b", takes=("all",))], "a -> b.all"))
    play.does("a", {"yes": True, "text": "글"})
    assert play.listed == ["b"]


def test_a_node_that_answers_nothing_is_done_and_what_follows_it_runs():
    play = Play(graph([step("mail"), step("b")], "mail -> b"))
    play.does("mail")
    assert play.listed == ["b"]


def test_an_output_port_named_error_is_data_where_the_type_says_so():
    play = Play(graph([step("a", gives=("error",)), step("b", takes=("x",))], "a.error -> b.x"))
    play.does("a", {"error": "none"})
    assert arrived(play, "b") == {"x": "none"}


# ---------------------------------------------------------------------- 2: gates, data, required ports


def test_a_gate_decides_although_the_data_is_there():
    nodes = [step("text"), step("ask", branches=("yes", "no")), step("mail", needs=("text",))]
    play = Play(graph(nodes, "text.out -> mail.text", "ask.yes -> mail"))
    play.does("text", {"out": "글"})
    play.does("ask", {"no": True})
    assert play.status("mail") == "skipped"
    assert play.state("mail").reason == "no way to it was taken"


def test_one_alive_gate_of_several_is_enough():
    nodes = [step("ask", branches=("a", "b")), step("x"), step("join")]
    play = Play(graph(nodes, "ask.a -> join", "ask.b -> join", "x -> join"))
    play.does("ask", {"a": True})
    assert "join" not in play.listed
    play.does("x")
    assert play.listed == ["join"]


def test_gates_that_are_all_dead_skip_a_node():
    nodes = [step("ask", branches=("a", "b", "c")), step("join")]
    play = Play(graph(nodes, "ask.a -> join", "ask.b -> join"))
    play.does("ask", {"c": True})
    assert play.status("join") == "skipped"


def test_without_gates_one_alive_data_edge_is_enough_and_none_is_not():
    nodes = [step("a"), step("b"), step("some", takes=("x", "y")), step("none", takes=("x",))]
    play = Play(graph(nodes, "a.out -> some.x", "b.silent -> some.y", "b.silent -> none.x"))
    play.does("a", {"out": 1})
    play.does("b", {"out": 2})
    assert play.listed == ["some"]
    assert play.state("none").reason == "nothing arrived"


def test_a_required_port_with_dead_links_only_skips_the_node_although_something_else_arrived():
    play = Play(graph([step("a"), step("b", needs=("x",), takes=("y",))], "a.silent -> b.x", "a.out -> b.y"))
    play.does("a", {"out": 1})
    assert play.state("b").reason == "its required input 'x' got nothing"


def test_a_required_port_is_held_against_an_open_gate_too():
    nodes = [step("ask", branches=("yes",)), step("a"), step("b", needs=("x",))]
    play = Play(graph(nodes, "ask.yes -> b", "a.silent -> b.x"))
    play.does("ask", {"yes": True})
    play.does("a")
    assert play.status("b") == "skipped"


def test_a_required_port_without_links_does_not_keep_a_node_from_running():
    play = Play(graph([step("a"), step("b", needs=("x",))], "a -> b"))
    play.does("a")
    assert play.listed == ["b"]


def test_a_gate_drawn_onto_a_required_port_opens_the_node_and_carries_nothing():
    play = Play(graph([step("ask", branches=("yes",)), step("b", needs=("x",))], "ask.yes -> b.x"))
    play.does("ask", {"yes": True})
    assert play.listed == ["b"]
    assert arrived(play, "b") == {}


def test_a_variable_mapping_is_a_data_edge():
    play = Play(graph([step("a"), step("b", needs=("x",), maps={"x": "a.out.titles[0]"})]))
    assert play.listed == ["a"]
    play.does("a", {"out": {"titles": ["경제", "사회"]}})
    assert arrived(play, "b") == {"x": "경제"}


def test_a_mapping_of_the_whole_output_carries_it():
    play = Play(graph([step("a"), step("b", maps={"x": "a"})]))
    play.does("a", {"out": 1})
    assert arrived(play, "b") == {"x": {"out": 1}}


def test_a_mapping_from_a_branch_port_is_a_gate():
    play = Play(graph([step("ask", branches=("yes", "no")), step("b", maps={"x": "ask.yes"})]))
    play.does("ask", {"no": True})
    assert play.state("b").reason == "no way to it was taken"


def test_a_path_that_leads_nowhere_is_an_error_at_the_edge():
    play = Play(graph([step("a"), step("b", maps={"x": "a.out.missing"})]))
    play.does("a", {"out": {}})
    with pytest.raises(MissingReference, match=r"out\.missing is not there"):
        arrived(play, "b")


# ---------------------------------------------------------------------- 3: several links into one port


def test_of_several_alive_edges_into_a_port_the_first_in_document_order_wins():
    nodes = [step("a"), step("b"), step("c"), step("d", takes=("x",))]
    play = Play(graph(nodes, "b.silent -> d.x", "c.out -> d.x", "a.out -> d.x"))
    for name in ("a", "b", "c"):
        play.does(name, {"out": name})
    assert arrived(play, "d") == {"x": "c"}


def test_a_multiple_port_collects_every_alive_edge_in_document_order():
    nodes = [step("a"), step("b"), step("c"), step("d", collects=("xs",))]
    play = Play(graph(nodes, "c.out -> d.xs", "b.silent -> d.xs", "a.out -> d.xs"))
    for name in ("a", "b", "c"):
        play.does(name, {"out": name})
    assert arrived(play, "d") == {"xs": ["c", "a"]}


def test_edges_come_before_mappings():
    play = Play(graph([step("a"), step("b", takes=("x",), maps={"x": "a.mapped"})], "a.drawn -> b.x"))
    play.does("a", {"mapped": 1, "drawn": 2})
    assert arrived(play, "b") == {"x": 2}


# ---------------------------------------------------------------------- 4: references


def test_a_reference_orders_two_nodes_and_decides_nothing():
    nodes = [step("ask", branches=("yes", "no")), step("a"), step("b", refers=("a.out",)), step("c")]
    play = Play(graph(nodes, "ask.yes -> a", "c -> b"))
    play.does("c")
    assert play.listed == ["ask"]
    play.does("ask", {"no": True})
    assert play.status("a") == "skipped"
    assert play.listed == ["b"]


def test_a_node_with_nothing_but_references_is_skipped_when_all_their_sources_were():
    nodes = [step("ask", branches=("yes", "no")), step("a"), step("b"), step("c", refers=("a.out", "b.out"))]
    play = Play(graph(nodes, "ask.yes -> a", "ask.yes -> b"))
    play.does("ask", {"no": True})
    assert play.state("c").reason == "all it refers to was skipped"


def test_a_node_with_nothing_but_references_runs_when_one_source_ran():
    nodes = [step("ask", branches=("yes", "no")), step("a"), step("b"), step("c", refers=("a.out", "b.out"))]
    play = Play(graph(nodes, "ask.yes -> a", "ask.no -> b"))
    play.does("ask", {"no": True})
    play.does("b")
    assert play.listed == ["c"]


def test_a_reference_inside_a_body_orders_the_container():
    deep = body([step("inner", body=body([step("leaf", refers=("outside.out",), maps={"x": "mapped.out"})]))])
    play = Play(graph([step("outside"), step("mapped"), step("each", body=deep)]))
    play.does("outside")
    assert play.listed == ["mapped"]
    play.does("mapped")
    assert play.listed == ["each"]


def test_a_reference_to_itself_or_inside_its_own_body_orders_nothing():
    inside = body([step("a"), step("b", refers=("a.out", "each.results"))], "a -> b")
    play = Play(graph([step("each", refers=("each.results",), body=inside)]))
    assert play.listed == ["each"]


# ---------------------------------------------------------------------- 5: start nodes


def test_only_what_a_start_reaches_runs():
    play = Play(
        graph([START, step("a"), step("lonely"), step("behind_lonely")], "start -> a", "lonely -> behind_lonely")
    )
    assert play.listed == ["start"]
    assert play.statuses("lonely", "behind_lonely") == ["skipped", "skipped"]
    assert play.state("lonely").reason == "the start does not lead to it"


def test_a_link_from_what_the_start_does_not_reach_is_dead_and_nothing_waits_for_it():
    play = Play(graph([START, step("lonely"), step("a", takes=("x",))], "start -> a", "lonely.out -> a.x"))
    play.does("start")
    assert play.listed == ["a"]
    play.does("a")
    assert play.outcome[0] == "succeeded"


def test_a_reference_reaches_a_node_as_an_edge_does():
    play = Play(graph([START, step("a", refers=("start.text",))]))
    play.does("start")
    assert play.listed == ["a"]


def test_without_a_start_everything_that_nothing_leads_to_is_ready():
    play = Play(graph([step("a"), step("b"), step("c")], "a -> c"))
    assert play.listed == ["a", "b"]


def test_a_body_may_have_a_start_of_its_own():
    inside = body([START | {"id": "begin"}, step("a"), step("lonely")], "begin -> a")
    play = Play(graph([step("each", body=inside)]))
    play.expand("each", [{}])
    assert play.listed == ["each/0/begin"]
    assert play.status("each/0/lonely") == "skipped"


# ---------------------------------------------------------------------- 6 and 8: ends


def test_a_run_has_the_outputs_of_its_ends_and_the_first_in_document_order_wins_a_name():
    nodes = [step("a"), end("late", takes=("x", "y")), end("early", takes=("x", "z"))]
    play = Play(graph(nodes, "a.out -> late.x", "a.out -> early.x"))
    play.does("a", {"out": 1})
    play.does("early", {"x": "early", "z": 3})
    play.does("late", {"x": "late", "y": 2})
    assert play.outcome == ("succeeded", "", {"x": "late", "y": 2, "z": 3})


def test_reaching_an_end_does_not_stop_the_run():
    play = Play(graph([START, END, step("b")], "start -> end", "start -> b"))
    play.does("start")
    play.does("end")
    assert play.run.finish is None
    assert play.listed == ["b"]


def test_a_run_that_reached_no_end_says_so():
    play = Play(graph([step("ask", branches=("yes", "no")), END], "ask.yes -> end"))
    play.does("ask", {"no": True})
    assert play.outcome == ("succeeded", "no_end_reached", {})


def test_a_graph_without_nodes_is_over_at_once():
    play = Play(graph([]))
    assert play.outcome == ("succeeded", "no_end_reached", {})
    play.end()
    assert play.run.ended is not None
