from hypothesis import example, given
from hypothesis import strategies as st

from mulle.author.diff import changes

DATA = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


def test_nodes_are_named_by_their_ids():
    old = {"nodes": [{"id": "mail", "data": {"to": ["a"]}}, {"id": "end"}]}
    new = {"nodes": [{"id": "end"}, {"id": "mail", "data": {"to": ["b"]}}]}

    (change,) = changes(old, new)

    assert (change.path, change.old, change.new) == ("nodes.mail.data.to", ["a"], ["b"])
    assert change.text == 'nodes.mail.data.to: ["a"] → ["b"]'


def test_what_came_and_went_is_shown_as_such():
    found = [change.text for change in changes({"a": 1}, {"b": 2})]

    assert found == ["- a: 1", "+ b: 2"]


@given(DATA)
def test_the_same_has_no_differences(data: object):
    assert list(changes(data, data)) == []


@example([{}], [{}, {}])
@given(DATA, DATA)
def test_what_differs_is_found(old: object, new: object):
    found = list(changes(old, new))

    assert bool(found) == (old != new or type(old) is not type(new))
