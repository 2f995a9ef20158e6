import pytest

from app.practice.faults import Attempts, Faults

BODIES = [f'{{"n":{i}}}'.encode() for i in range(2000)]


def statuses(faults, attempt=1):
    return [faults.fate(body, attempt).status for body in BODIES]


class TestParse:
    def test_reads_pairs(self):
        assert Faults.parse("latency_ms=100, rate_429=.1,seed=7") == Faults(
            latency_ms=100, rate_429=0.1, seed=7
        )

    def test_nothing_is_no_fault(self):
        assert Faults.parse("") == Faults()

    @pytest.mark.parametrize(
        "text",
        [
            "latency=1",
            "rate_429=2",
            "rate_500=-1",
            "latency_ms=",
            "latency_ms=soon",
            "seed=.5",
            "cut_stream=nan",
        ],
    )
    def test_says_what_is_wrong(self, text):
        with pytest.raises(ValueError, match=text.split("=")[0]):
            Faults.parse(text)


class TestFate:
    def test_rates_are_kept(self):
        found = statuses(Faults(rate_429=0.2, rate_500=0.1))

        assert 0.17 < found.count(429) / len(found) < 0.23
        assert 0.08 < found.count(500) / len(found) < 0.12

    def test_the_same_request_meets_the_same_fate(self):
        assert statuses(Faults(rate_429=0.5, seed=3)) == statuses(Faults(rate_429=0.5, seed=3))

    def test_another_seed_is_another_story(self):
        assert statuses(Faults(rate_429=0.5, seed=3)) != statuses(Faults(rate_429=0.5, seed=4))

    def test_a_retry_is_decided_anew(self):
        first, second = (statuses(Faults(rate_429=0.5), attempt) for attempt in (1, 2))
        again = [b for a, b in zip(first, second, strict=True) if a == 429]

        assert 0.4 < again.count(429) / len(again) < 0.6

    def test_latency_lies_between_its_bounds(self):
        delays = [Faults(latency_ms=100, jitter_ms=50).fate(body, 1).delay_s for body in BODIES]

        assert 0.1 <= min(delays) < 0.105
        assert 0.145 < max(delays) <= 0.15

    def test_a_rate_limit_answers_at_once(self):
        assert Faults(latency_ms=100, rate_429=1).fate(b"", 1).delay_s == 0

    def test_streams_are_cut_at_their_rate(self):
        cut = [Faults(cut_stream=0.3).fate(body, 1).cut for body in BODIES]

        assert 0.26 < sum(cut) / len(cut) < 0.34


def test_attempts_are_counted_by_body():
    attempts = Attempts()

    assert [attempts.count(body) for body in (b"a", b"b", b"a", b"a")] == [1, 1, 2, 3]
