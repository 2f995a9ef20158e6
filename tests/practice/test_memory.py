from app.practice.memory import Remembered, measure


def counted(characters):
    calls = []

    def double(text):
        calls.append(text)
        return text * 2

    return Remembered(double, characters), calls


def test_a_result_is_made_once_while_it_is_recent():
    double, calls = counted(100)

    assert [double("a"), double("a"), double("b")] == ["aa", "aa", "bb"]
    assert calls == ["a", "b"]
    assert double.knows("a")


def test_the_least_recent_go_when_the_texts_grow_too_long():
    double, _ = counted(60)
    for text in ("a" * 10, "b" * 10, "a" * 10, "c" * 10):
        double(text)

    assert not double.knows("b" * 10)
    assert double.knows("a" * 10)


def test_a_text_beyond_the_bound_is_not_kept():
    double, _ = counted(20)

    assert double("a" * 30) == "a" * 60
    assert not double.knows("a" * 30)


def test_tuples_are_measured_through():
    assert measure((("ab", "cde"), 1)) == 8 + (8 + 10 + 11) + 8
