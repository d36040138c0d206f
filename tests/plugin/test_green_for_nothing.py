"""A test that passed while one of its faults showed nothing is red, whatever became of the error that says so."""

from __future__ import annotations

import pytest

FOR_NOTHING = """
    import asyncio
    import contextlib
    import threading
    import unittest

    import psycopg2
    import pytest

    @pytest.fixture
    def commit(postgres): return postgres.at("COMMIT")

    def test_error_of_another_cause_is_expected(postgres):
        with pytest.raises(psycopg2.OperationalError), postgres.at("COMMIT").cut():
            psycopg2.connect("host=127.0.0.1 port=1")

    def test_any_error_is_expected(postgres):
        with pytest.raises(Exception), postgres.at("COMMIT").cut():
            pass

    def test_error_is_suppressed(postgres):
        with contextlib.suppress(Exception), postgres.at("COMMIT").cut():
            pass

    def test_in_a_thread(commit):
        def lose():
            with contextlib.suppress(Exception), commit.cut():
                pass
        thread = threading.Thread(target=lose)
        thread.start()
        thread.join()

    def test_never_left(postgres): postgres.at("COMMIT").cut().__enter__()

    def test_first_of_two(postgres):
        fault = postgres.at("Query").cut()
        with contextlib.suppress(Exception), fault:
            pass
        with fault, pytest.raises(psycopg2.OperationalError):
            psycopg2.connect(postgres.dsn).cursor().execute("select 1")

    def test_refused_by_the_engine(postgres):
        with contextlib.suppress(Exception), postgres.at("COMMIT").error("40001", severity="BAD"):
            pass

    def test_async(postgres):
        async def lose():
            async with postgres.at("COMMIT").cut():
                pass
        with contextlib.suppress(Exception):
            asyncio.run(lose())

    @pytest.mark.anyio
    async def test_async_item(postgres):
        with pytest.raises(Exception):
            async with postgres.at("COMMIT").cut():
                pass

    @pytest.fixture
    def anyio_backend(): return "asyncio"

    class TestCase(unittest.TestCase):
        @pytest.fixture(autouse=True)
        def _commit(self, postgres): self.commit = postgres.at("COMMIT")

        def test_raises(self):
            with self.assertRaises(Exception), self.commit.cut():
                pass

    def test_by_name(chaos):
        with contextlib.suppress(Exception), chaos.inject("postgres", "latency", delay=1):
            pass

    def test_pieces_larger_than_any_reply(postgres):
        with contextlib.suppress(Exception), postgres.slicer(20_000):
            psycopg2.connect(postgres.dsn).close()

    def test_point_alone(postgres):
        postgres.at("COMMIT", side="reply", times=None)

    def test_point_and_another_fault(postgres, commit):
        with postgres.down():
            pass

    def test_hanging_receiver(alert_inbox):
        with alert_inbox.slack.hang():
            pass

    def test_throttling_receiver(alert_inbox):
        alert_inbox.pagerduty.respond(429)
"""


@pytest.mark.parametrize("workers", [(), ("-n", "2")])
def test_never_green_for_nothing(pytester: pytest.Pytester, workers: tuple[str, ...]) -> None:
    """Caught, in a thread, never left, or a place without a fault: each is told once, at the end of the test."""
    pytester.makepyfile(FOR_NOTHING)
    result = pytester.runpytest_subprocess("--chaos", *workers)

    result.assert_outcomes(passed=16, errors=16)
    text = result.stdout.str()
    said = "unproven: the fault cut on postgres at message COMMIT, side request, nth 1 never"
    assert sum(line.startswith(said) for line in result.outlines) == 8  # in CI the summary says it again
    for words in (
        "unproven: the fault cut on postgres at message Query, side request, nth 1 never fired",
        "unproven: the fault error on postgres at message COMMIT, side request, nth 1 never fired",
        "unproven: the fault latency on postgres never fired",
        "unproven: the fault slicer on postgres never fired",
        "unproven: postgres.at('COMMIT', side='reply', times=None) was made and no fault was set at it: call .cut()",
        "unproven: postgres.at('COMMIT') was made and no fault was set at it: call .cut(), .reset()",
        "unproven: the fault hang on slack never fired",
        "unproven: the fault respond 429 on pagerduty never fired",
    ):
        assert f"\n{words}" in text, words


ZERO = """
    import pytest

    @pytest.mark.parametrize(
        "fault",
        [
            lambda postgres: postgres.latency(0),
            lambda postgres: postgres.slow_close("0s"),
            lambda postgres: postgres.down(duration=0),
            lambda postgres: postgres.at("COMMIT").delay(0),
            lambda postgres: postgres.at("COMMIT").down(duration="0ms"),
        ],
    )
    def test_nothing(postgres, fault): fault(postgres)
"""


def test_a_fault_of_no_time_is_refused(pytester: pytest.Pytester) -> None:
    """It would fire, and change nothing."""
    pytester.makepyfile(ZERO)
    result = pytester.runpytest_subprocess("--chaos")

    result.assert_outcomes(failed=5)
    for named in ("delay is 0", "delay is '0s'", "duration is 0", "by is 0", "duration is '0ms'"):
        result.stdout.fnmatch_lines(f"E *ValueError: {named}: it has to be more than nothing")


SOUND = """
    import contextlib
    import unittest
    import urllib.error
    import urllib.request

    import psycopg2
    import pytest
    from hypothesis import HealthCheck, assume, given, settings
    from hypothesis import strategies as st

    def select(postgres): psycopg2.connect(postgres.dsn).cursor().execute("select 1")

    def test_expected(postgres):
        with pytest.raises(psycopg2.OperationalError), postgres.at("Query").cut():
            select(postgres)

    def test_suppressed_and_healed(postgres):
        with contextlib.suppress(psycopg2.OperationalError), postgres.at("Query").cut() as fault:
            try:
                select(postgres)
            finally:
                fault.heal()

    def test_never_left(postgres):
        postgres.at("Query").cut().__enter__()
        with pytest.raises(psycopg2.OperationalError):
            select(postgres)

    def test_may_meet_nothing(postgres, alert_inbox):
        with contextlib.suppress(KeyError), postgres.at("COMMIT").cut(must_fire=False):
            raise KeyError
        postgres.latency(1, must_fire=False)
        with alert_inbox.email.hang(must_fire=False), alert_inbox.slack.respond(500, must_fire=False):
            pass

    def test_down(postgres, alert_inbox):
        with postgres.down(), alert_inbox.slack.down():
            pass

    def test_refused_arguments(postgres, chaos):
        for name, wrong in [("error", "full"), ("delay", "soon"), ("inject", "cutt")]:
            with pytest.raises(ValueError):
                getattr(postgres.at("COMMIT"), name)(wrong)
        with pytest.raises(ValueError):
            postgres.at("COMMIT").down(duration="long")

    def test_one_point_for_two(postgres):
        point = postgres.at("Query")
        for fault in (point.cut(), point.inject("reset")):
            with fault, pytest.raises(psycopg2.OperationalError):
                select(postgres)

    def test_receiver(alert_inbox):
        with alert_inbox.slack.respond(429), pytest.raises(urllib.error.HTTPError):
            urllib.request.urlopen(alert_inbox.urls["slack"], data=b"{}")

    @settings(max_examples=3, suppress_health_check=list(HealthCheck), deadline=None, database=None)
    @given(nth=st.integers(1, 3))
    def test_discarded_examples(postgres, nth):
        with postgres.at("Query").cut(), pytest.raises(psycopg2.OperationalError):
            assume(nth == 1)
            select(postgres)

    def test_skipped_part(postgres, subtests):
        with subtests.test("skipped"), postgres.at("COMMIT").cut():
            pytest.skip("not here")

    class TestCase(unittest.TestCase):
        @pytest.fixture(autouse=True)
        def _commit(self, postgres): self.commit = postgres.at("COMMIT")

        def test_skipped_part(self):
            with self.subTest("skipped"), self.commit.cut():
                self.skipTest("not here")
"""


def test_sound_uses_stay_green(pytester: pytest.Pytester) -> None:
    """What fired, what need not, and what was no test is no error, also where an error is expected around it."""
    pytester.makepyfile(SOUND)
    result = pytester.runpytest_subprocess("--chaos")
    outcomes = result.parseoutcomes()

    assert (outcomes["passed"], outcomes.get("failed"), outcomes.get("errors")) == (11, None, None)


def test_what_failed_gets_no_second_error(pytester: pytest.Pytester) -> None:
    """A test that is red, skipped or expected to fail, or whose fixture says it, is told once."""
    pytester.makepyfile(
        """
        import contextlib

        import pytest

        @pytest.fixture
        def losing(postgres):
            with postgres.at("COMMIT").cut() as fault: yield fault

        def test_tells_itself(postgres):
            with postgres.at("COMMIT").cut(): pass

        def test_fails_otherwise(postgres):
            with contextlib.suppress(Exception), postgres.at("COMMIT").cut(): pass
            assert postgres.at("COMMIT") is None

        def test_fixture_tells_it(losing): pass

        @pytest.mark.xfail(strict=True)
        def test_expected(postgres):
            with postgres.at("COMMIT").cut(): pass

        def test_skipped(postgres):
            with postgres.at("COMMIT").cut(): pytest.skip("not here")

        def test_part_fails(postgres, subtests):
            with subtests.test("part"), postgres.at("COMMIT").cut(): pass
        """
    )
    result = pytester.runpytest_subprocess("--chaos")
    outcomes = result.parseoutcomes()

    assert (outcomes["errors"], outcomes["xfailed"], outcomes["skipped"]) == (1, 1, 1)
    assert result.stdout.str().count("ERROR at ") == 1
    assert "sub-exception" not in result.stdout.str()


RUN_TWICE = """
    from _pytest.runner import runtestprotocol

    def pytest_runtest_protocol(item, nextitem):
        for last in (False, True):
            item._initrequest()
            reports = runtestprotocol(item, nextitem=nextitem, log=False)
        for report in reports:
            item.ihook.pytest_runtest_logreport(report=report)
        return True
"""


def test_second_run_of_a_test_starts_afresh(pytester: pytest.Pytester) -> None:
    """What a plugin runs again is judged by its last run alone."""
    pytester.makeconftest(RUN_TWICE)
    pytester.makepyfile(
        """
        runs = []

        def test_sound_then(request):
            runs.append("sound")
            if runs.count("sound") == 1:
                request.getfixturevalue("alert_inbox").slack.hang()

        def test_red_then(alert_inbox):
            runs.append("red")
            alert_inbox.slack.hang()
            assert runs.count("red") == 1
        """
    )
    result = pytester.runpytest_subprocess("--chaos")

    result.assert_outcomes(passed=1, failed=1)
