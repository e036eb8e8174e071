"""Figures of topics: bounded in number, and no counter ever falls."""

from ottla.replica.figures import AllTopicFigures


def test_topics_have_their_own_figures_as_far_as_there_is_room() -> None:
    figures = AllTopicFigures(2)
    a, b, c, d = (figures.of(name) for name in "abcd")
    assert a is figures.of("a")
    assert len({id(one) for one in (a, b, c)}) == 3
    assert c is d is figures.other
    c.bytes_in += 5
    assert figures.other.bytes_in == 5


def test_a_deleted_topic_leaves_its_place_and_begins_anew() -> None:
    figures = AllTopicFigures(2)
    figures.of("a").bytes_in = 7
    figures.of("b")
    figures.of("c").bytes_in = 9
    figures.forget("a")
    figures.forget("never there")
    assert list(figures.by_topic) == ["b"]
    assert figures.of("a").bytes_in == 0
    # What was counted for a topic without figures of its own stays where it was counted.
    assert figures.other.bytes_in == 9


def test_refusals_are_counted_by_error() -> None:
    figures = AllTopicFigures(1).of("a")
    figures.refused(10, 1000)
    figures.refused(2, 0)
    figures.refused(10, 500)
    figures.fetch_refused(1)
    assert figures.produce_errors == {10: 2, 2: 1}
    assert figures.bytes_rejected == 1500
    assert figures.fetch_errors == {1: 1}
