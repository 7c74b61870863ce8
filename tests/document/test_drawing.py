"""Pictures of graphs: what stands where, that every picture is well-formed, and that no label breaks out of one."""

import re
import unicodedata
import xml.etree.ElementTree as ET
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mulle.document.drawing import Arrow, Box, Picture, as_mermaid, as_svg, as_text, picture_of, width
from mulle.document.drawing.layers import MOST_BENDS, levels, rows_of
from mulle.document.drawing.layout import Layout, layout
from mulle.document.drawing.words import shortened, tone
from mulle.document.reading import read_workflow

SVG = "{http://www.w3.org/2000/svg}"

WORKFLOW = """
mulle: 1
name: 소식
nodes:
  - {id: start, type: start, ports: {outputs: [{name: items, type: array}]}}
  - id: each
    type: map
    name: 기사마다
    data: {items: "{{ start.items }}"}
    body:
      nodes:
        - {id: shout, type: template, data: {template: "{{ item }} {{ head.text }}"}}
        - {id: end, type: end}
      edges: [{source: shout, source_port: text, target: end, target_port: text}]
  - {id: head, type: template, data: {template: "{{ start.items }}"}}
  - {id: enough, type: condition, data: {cases: [{name: many, when: "length(head.text) > 3"}]}}
  - id: mail
    type: notification
    data: {text: "{{ broken"}
    variable_mappings: {text: {source: {variable: "head.text"}}}
  - {id: end, type: end}
edges:
  - {source: each, source_port: results, target: enough, target_port: x}
  - {source: enough, source_port: many, target: mail}
  - {source: mail, target: end}
"""


def texts(svg: str) -> list[str]:
    return ["".join(element.itertext()) for element in ET.fromstring(svg).iter(f"{SVG}text")]


def chain(count: int) -> Picture:
    boxes = tuple(Box(f"n{number}") for number in range(count))
    return Picture(boxes, tuple(Arrow(one.id, other.id) for one, other in pairwise(boxes)))


# ---------------------------------------------------------------------- what is drawn


def test_a_document_becomes_boxes_with_types_statuses_and_bodies():
    picture = picture_of(read_workflow(WORKFLOW), {"start": "succeeded", "each/shout": "failed"})

    by_id = {box.id: box for box in picture.boxes}
    assert picture.title == "소식"
    assert (by_id["start"].kind, by_id["start"].status) == ("", "succeeded")
    assert (by_id["each"].name, by_id["each"].kind) == ("기사마다", "map")
    body = by_id["each"].inside
    assert body is not None
    assert [(box.id, box.status) for box in body.boxes] == [("shout", "failed"), ("end", "")]


def test_arrows_are_edges_mappings_and_what_templates_name_even_from_within_bodies():
    picture = picture_of(read_workflow(WORKFLOW))

    assert set(picture.arrows) == {
        Arrow("each", "enough"),
        Arrow("enough", "mail", "many", gate=True),
        Arrow("mail", "end"),
        Arrow("start", "each"),
        Arrow("head", "each"),
        Arrow("start", "head"),
        Arrow("head", "mail"),
        Arrow("head", "enough"),
    }


def test_what_cannot_be_drawn_is_left_out():
    a, second = Box("a", "first"), Box("a", "second")
    arrows = (Arrow("a", "nowhere"), Arrow("nowhere", "a"), Arrow("a", "a"), Arrow("a", "b"), Arrow("a", "b"))

    drawable = Picture((a, second, Box("b")), arrows).drawable()

    assert drawable.boxes == (a, Box("b"))
    assert drawable.arrows == (Arrow("a", "b"),)


# ---------------------------------------------------------------------- rows and places


def test_a_box_stands_below_everything_that_leads_to_it():
    rows = rows_of(4, [(0, 1), (1, 2), (0, 3), (2, 3)])

    assert [[box for box in row if box < 4] for row in rows.rows] == [[0], [1], [2], [3]]
    assert rows.ways[2] == (0, 4, 5, 3)


def test_rows_are_sorted_so_that_arrows_do_not_cross():
    rows = rows_of(6, [(0, 3), (1, 4), (2, 5), (0, 4), (2, 3)])

    place = {box: index for row in rows.rows for index, box in enumerate(row)}
    arrows = [(place[source], place[target]) for source, target in [(0, 3), (1, 4), (2, 5), (0, 4), (2, 3)]]
    assert sum(a < c and b > d for a, b in arrows for c, d in arrows) <= 1


def test_circles_are_drawn_too():
    rows = rows_of(3, [(0, 1), (1, 2), (2, 0)])

    assert rows.rows == [[0], [1], [2]]
    placed = layout(Picture((Box("a"), Box("b")), (Arrow("a", "b"), Arrow("b", "a", "again"))))
    assert [arrow.back for arrow in placed.arrows] == [False, True]
    assert "again" in texts(as_svg(Picture((Box("a"), Box("b")), (Arrow("a", "b"), Arrow("b", "a", "again")))))


def test_too_many_long_arrows_run_straight():
    count = 100
    arrows = [(number, number + 1) for number in range(count - 1)] + [(0, number) for number in range(2, count)]

    rows = rows_of(count, arrows)

    assert sum(number - 1 for number in range(2, count)) > MOST_BENDS
    assert max(map(len, rows.ways)) == 2


def test_a_chain_of_thousands_is_no_trouble():
    assert len(levels([str(number) for number in range(3000)], [(str(n), str(n + 1)) for n in range(2999)])) == 3000
    assert as_svg(chain(1500)).count("<rect") == 1500


def overlaps(placed: Layout) -> bool:
    boxes = placed.boxes
    return any(
        a.x < b.x + b.width and b.x < a.x + a.width and a.y < b.y + b.height and b.y < a.y + a.height
        for number, a in enumerate(boxes)
        for b in boxes[:number]
    )


graphs = st.integers(0, 9).flatmap(
    lambda count: st.builds(
        Picture,
        st.just(tuple(Box(str(number), "가나다" * (number % 4)) for number in range(count))),
        st.lists(st.builds(Arrow, *(st.integers(0, 9).map(str),) * 2), max_size=20).map(tuple),
    )
)


@given(graphs)
def test_boxes_never_overlap_and_lie_within_the_picture(picture: Picture):
    placed = layout(picture)

    assert not overlaps(placed)
    assert all(
        box.x >= 0 and box.y >= 0 and box.x + box.width <= placed.width and box.y + box.height <= placed.height
        for box in placed.boxes
    )
    assert all(0 <= x <= placed.width for arrow in placed.arrows for x, _ in arrow.points)


@given(graphs)
def test_arrows_that_close_no_circle_lead_down(picture: Picture):
    for arrow in layout(picture).arrows:
        if not arrow.back:
            assert all(above <= below for (_, above), (_, below) in pairwise(arrow.points))


# ---------------------------------------------------------------------- labels


@pytest.mark.parametrize(
    ("text", "columns"),
    [("abc", 3), ("물레", 4), (unicodedata.normalize("NFD", "물레"), 4), ("e\u0301", 1), ("x\u0301", 1), ("", 0)],
)
def test_a_korean_syllable_takes_two_columns(text: str, columns: int):
    assert width(text) == columns


def test_a_long_label_is_shortened_to_its_columns():
    assert shortened("네이버 뉴스", 8) == "네이버…"
    assert shortened("네이버뉴스", 8) == "네이버…"
    assert shortened(" two\nlines ", 20) == "two lines"


@pytest.mark.parametrize(
    ("status", "name"), [("Completed", "good"), ("failed", "bad"), ("", "plain"), ("new", "plain")]
)
def test_words_that_mean_the_same_have_one_tone(status: str, name: str):
    assert tone(status) == name


hostile = st.text(max_size=40) | st.sampled_from(['"]; click n1 "javascript:x"', "</svg><script>", "end", "1. a", "`"])


@given(hostile, hostile, hostile)
def test_no_label_breaks_an_svg(label: str, kind: str, name: str):
    inside = Picture((Box("i", label, kind, "failed"),))
    picture = Picture((Box("a", label, kind, "skipped", inside), Box("b")), (Arrow("a", "b", name, gate=True),), label)

    root = ET.fromstring(as_svg(picture))

    assert {element.tag for element in root.iter()} <= {
        SVG + tag for tag in ("svg", "title", "g", "rect", "text", "tspan", "path")
    }


@given(hostile, hostile)
def test_no_label_breaks_a_mermaid_flowchart(label: str, name: str):
    lines = as_mermaid(Picture((Box("a", label), Box("b")), (Arrow("a", "b", name),))).splitlines()

    assert len(lines) == 4
    safe = r"[\w\s.,:!?·+=/%@~'#;-]*"
    assert re.fullmatch(rf'    n1\["{safe}"\]', lines[1])
    assert re.fullmatch(rf'    n1 -->(\|"{safe}"\|)? n2', lines[3])


@given(hostile)
def test_no_label_steers_a_terminal(label: str):
    assert all(sign.isprintable() or sign == "\n" for sign in as_text(Picture((Box("a", label),))))


# ---------------------------------------------------------------------- the three forms

INNER = Picture((Box("x", "하나"), Box("y", kind="llm")), (Arrow("x", "y"),))
PICTURE = Picture(
    (Box("a", status="succeeded"), Box("b", inside=INNER), Box("c", "씨", "map", "failed", INNER), Box("d")),
    (Arrow("a", "b"), Arrow("a", "c", "else", gate=True), Arrow("a", "d"), Arrow("b", "d")),
    "모두",
)


def test_the_form_for_terminals():
    assert as_text(PICTURE) == (
        "[ ✓ a ]\n"
        "     │\n"
        "     ▼\n"
        "[ b ]   [ ✗ 씨 · map ] (else)\n"
        "  ┌ b\n"
        "  │ [ 하나 ]\n"
        "  │      │\n"
        "  │      ▼\n"
        "  │ [ y · llm ]\n"
        "  └\n"
        "  ┌ 씨\n"
        "  │ [ 하나 ]\n"
        "  │      │\n"
        "  │      ▼\n"
        "  │ [ y · llm ]\n"
        "  └\n"
        "     │\n"
        "     ▼\n"
        "[ d ] ← a, b"
    )
    assert as_text(Picture((Box("only", inside=INNER),))).startswith("[ only ]\n  ┌\n")


def test_the_form_for_wikis():
    assert as_mermaid(Picture(PICTURE.boxes[:2], PICTURE.arrows)) == (
        "flowchart TD\n"
        '    n1["a"]\n'
        '    subgraph n2 ["b"]\n'
        '        n2_1["하나"]\n'
        '        n2_2["y · llm"]\n'
        "        n2_1 --> n2_2\n"
        "    end\n"
        "    n1 --> n2\n"
        "    classDef good fill:#dafbe1,stroke:#2da44e,color:#1f2328\n"
        "    class n1 good\n"
    )
    assert as_mermaid(Picture((Box("a", " "),))) == 'flowchart TD\n    n1["#160;"]\n'
    assert '-.->|"else"| n3' in as_mermaid(PICTURE)


def test_the_form_for_pages_shows_labels_marks_and_titles():
    svg = as_svg(PICTURE)

    assert texts(svg) == ["✓\u00a0a", "b", "하나", "y", "llm", "✗\u00a0씨", "map", "하나", "y", "llm", "d", "else"]
    titles = [element.text for element in ET.fromstring(svg).iter(f"{SVG}title")]
    assert titles[0] == "모두"
    assert "씨 · map · failed" in titles
    assert as_svg(Picture()) == as_svg(Picture())
