"""The choke point fails closed: what it cannot judge does not pass."""

import dataclasses
import enum
import json
import re
import uuid
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pytest_resilience.runtime.redaction import DEFAULT_REDACTOR, Redactor, Rule


class Steps:
    """A clock that goes on by a fixed step at each look."""

    def __init__(self, step):
        self.now, self.step = 0.0, step

    def monotonic(self):
        """Look at it."""
        self.now += self.step
        return self.now


def flat(value):
    """Return the value as one text."""
    return json.dumps(value, ensure_ascii=False)


class TestMappings:
    """Contexts."""

    def test_the_policys_own_context_passes(self):
        """Operation, source file, target table and agent are shown as they are."""
        context = {
            "operation": "ingest_icustays",
            "source_file": "/data/icustays.csv",
            "target_table": "raw.icustays",
            "agent": "DataIngestionAgent",
            "rows_processed": 12_345_678,
            "component": "data_pipeline",
        }

        assert DEFAULT_REDACTOR.value(context) == context

    @pytest.mark.parametrize(
        "name",
        [
            *(
                "password",
                "DB_PASSWORD",
                "dbPassword",
                "api-key",
                "accessToken",
                "Authorization",
                "credentials",
                "dsn",
            ),
            *(
                "ssn",
                "SSN",
                "mrn",
                "patient_id",
                "patientId",
                "PatientName",
                "subject_id",
                "stay_id",
                "date_of_birth",
            ),
            *(
                "patient",
                "email",
                "phone_number",
                "params",
                "parameters",
                "sql.parameters",
                "patient_zip",
                "diagnosis",
                *("subject_ids", "stay_ids", "mrns", "first_names"),
                *("pass", "db_pass", "DB_PASS", "smtpPass", "PGPASS"),
            ),
        ],
    )
    @pytest.mark.parametrize("value", ["kestrel", 12, 1.5, ["kestrel"], {"a": "kestrel"}, b"kestrel"])
    def test_sensitive_names_hide_any_value(self, name, value):
        """Whatever stands under such a name does not pass, at any depth."""
        shown = DEFAULT_REDACTOR.value({"outer": [{name: value}]})

        assert re.fullmatch(r"\[redacted:\w+\]", shown["outer"][0][name])

    @pytest.mark.parametrize(
        "name",
        [
            *(
                "patients",
                "patient_count",
                "patients_table",
                "model_name",
                "table",
                "token_count",
                "user",
                "key",
            ),
            *("first_pass", "bypass", "passed", "ids"),
        ],
    )
    def test_other_names_show_theirs(self, name):
        """Names that only sound like it are shown."""
        assert DEFAULT_REDACTOR.value({name: "icu"}) == {name: "icu"}

    def test_listed_names_are_not_judged(self):
        """A component may be called like a person; only what is certain is taken out of it."""
        shown = DEFAULT_REDACTOR.value({"agent": "Eleanor Vance", "operation": "for 123-45-6789"})

        assert shown == {"agent": "Eleanor Vance", "operation": "for [redacted:ssn]"}

    @pytest.mark.parametrize("name", ["rows", "Rows", "row", "batch", "records"])
    @pytest.mark.parametrize(
        "value", [[("1", "kestrel")], {"a": "kestrel"}, [{"a": 4711471}], {4711471}, b"kestrel"]
    )
    def test_whole_rows_do_not_pass(self, name, value):
        """A count under such a name is shown, the rows themselves are not."""
        shown = DEFAULT_REDACTOR.value({name: value})

        assert shown == {name: "[redacted:data]"}
        assert DEFAULT_REDACTOR.value({name: 12_345_678}) == {name: 12_345_678}
        assert DEFAULT_REDACTOR.value({name: "17 of 300"}) == {name: "17 of 300"}

    def test_pairs_are_fields(self):
        """Headers as a list of pairs show no more than as a mapping."""
        headers = [("Accept", "json"), ("Set-Cookie", "sid=kestrel"), ["X-Api-Key", "kestrel"]]

        assert DEFAULT_REDACTOR.value({"headers": headers}) == {
            "headers": [
                ["Accept", "json"],
                ["Set-Cookie", "[redacted:secret]"],
                ["X-Api-Key", "[redacted:secret]"],
            ]
        }

    def test_options_are_fields(self):
        """A command as a list of arguments shows no password."""
        argv = [
            "curl",
            "-u",
            "bob:kestrel",
            "--password",
            "kestrel",
            "--token",
            "-v",
            "--mrn",
            "kestrel",
            "http://h",
        ]

        assert DEFAULT_REDACTOR.value({"argv": argv}) == {
            "argv": [
                *("curl", "-u", "bob:[redacted:secret]", "--password", "[redacted:secret]", "--token", "-v"),
                *("--mrn", "[redacted:identifier]", "http://h"),
            ]
        }

    def test_names_themselves_are_judged(self):
        """A mapping keyed by data does not show its keys."""
        shown = DEFAULT_REDACTOR.value({"Eleanor Vance": 1, "123-45-6789": 2, 30012345: 3})

        assert flat(shown).count("[redacted:") == 3

    def test_none_stays_none(self):
        """There is nothing to hide in a missing value."""
        assert DEFAULT_REDACTOR.value({"password": None}) == {"password": None}

    def test_mapping_is_always_a_dict(self):
        """Even where a mapping breaks."""

        class Broken(dict):
            def items(self):
                raise RuntimeError("broken")

        assert DEFAULT_REDACTOR.mapping(Broken(a=1)) == {"redacted": "[redacted:failed]"}


class TestTypes:
    """Values of all types."""

    class Unit(enum.Enum):
        """An enumeration with data."""

        ICU = "for 123-45-6789"

    @dataclasses.dataclass
    class Row:
        """A record of data."""

        los: float
        patient_name: str

    @pytest.mark.parametrize(
        ("value", "expected"),
        [
            (True, True),
            (12, 12),
            (1.5, 1.5),
            (float("nan"), "nan"),
            (float("inf"), "inf"),
            (10**30, "[redacted:number]"),
            (Decimal("1.5"), "1.5"),
            (Path("/data/icustays.csv"), "/data/icustays.csv"),
            (uuid.UUID(int=5), "00000000-0000-0000-0000-000000000005"),
            (datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), "2026-01-02 03:04:05+00:00"),
            (date(1980, 2, 3), "[redacted:date]"),
            (Unit.ICU, "for [redacted:ssn]"),
            (Row(1.5, "Eleanor"), {"los": 1.5, "patient_name": "[redacted:personal]"}),
            (("a", {"b"}), ["a", ["b"]]),
            (ValueError("for 123-45-6789"), "ValueError: for [redacted:ssn]"),
            (b"Eleanor Vance", "<bytes>"),
            (object(), "<object>"),
        ],
    )
    def test_known_types_become_json(self, value, expected):
        """Each becomes plain JSON; an unknown type becomes its name, since its text may hold a table of rows."""
        assert DEFAULT_REDACTOR.value(value) == expected

    def test_numpy_numbers_are_numbers(self):
        """Whole and real ones."""
        numpy = pytest.importorskip("numpy")

        assert DEFAULT_REDACTOR.value([numpy.int64(7), numpy.float32(0.5)]) == [7, 0.5]

    def test_a_table_of_rows_is_its_name(self):
        """A data frame in the context shows none of its rows."""
        pandas = pytest.importorskip("pandas")
        frame = pandas.DataFrame({"who": ["kestrel"]})

        assert DEFAULT_REDACTOR.value({"frame": frame, "column": frame["who"]}) == {
            "frame": "<DataFrame>",
            "column": "<Series>",
        }

    @settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary() | st.dates(),
            lambda inner: (
                st.lists(inner) | st.dictionaries(st.text() | st.integers(), inner) | st.tuples(inner)
            ),
        )
    )
    def test_anything_becomes_json(self, value):
        """No value makes it raise, and the result is JSON by the book."""
        json.dumps(DEFAULT_REDACTOR.value(value), allow_nan=False)

    def test_what_comes_out_can_be_encoded(self):
        """Half of a surrogate pair is replaced, in texts and in names of fields."""
        assert DEFAULT_REDACTOR.value({"a\ud800": "b\udfff"}) == {"a?": "b?"}


class TestBounds:
    """Sizes and times."""

    def test_cycles_end(self):
        """A value that holds itself is marked where it begins again."""
        loop = [1]
        loop.append(loop)

        assert DEFAULT_REDACTOR.value(loop) == [1, "[redacted:cycle]"]

    def test_twins_are_no_cycle(self):
        """The same value twice is shown twice."""
        twin = [1]

        assert DEFAULT_REDACTOR.value([twin, twin]) == [[1], [1]]

    def test_depth_is_bounded(self):
        """What is too deep does not pass."""
        deep = "kestrel"
        for _ in range(50):
            deep = [deep]

        assert "kestrel" not in flat(DEFAULT_REDACTOR.value(deep))

    def test_count_is_bounded(self):
        """What is too much does not pass; what came before does."""
        shown = Redactor(max_nodes=10).value(["icu"] * 1_000)

        assert shown[0] == "icu"
        assert shown[-1] == "[redacted:too-much]"

    def test_what_is_endless_is_not_read_to_its_end(self):
        """A list, a mapping or pairs of a million entries cost no more than the limit."""
        pairs = [("pin_token", 1)] * 1_000_000

        assert len(Redactor(max_nodes=10).value(pairs)) < 100
        shown = Redactor(max_nodes=10).value([list(range(1_000_000)), dict.fromkeys(range(1_000_000))])

        assert len(flat(shown)) < 1_000

    def test_total_size_is_bounded(self):
        """Many long texts are not all looked at."""
        shown = Redactor(max_total=1_000).value(["a b" * 200] * 10)

        assert shown[-1] == "[redacted:too-much]"

    def test_time_is_bounded(self):
        """When the time is over, the rest does not pass."""
        shown = Redactor(clock=Steps(0.2)).value([["icu"] * 100])

        assert shown[0][-1] == "[redacted:too-much]"

    def test_a_long_text_is_cut_where_no_identifier_can_be_halved(self):
        """An identifier across the cut does not pass in part."""
        redactor = Redactor(max_text=1_000)
        for shift in range(30):
            text = "x " * 490 + "y" * shift + " SSN 123-45-6789 " + "z " * 1_000
            shown = redactor.text(text)

            assert shown.endswith("[redacted:too-long]")
            assert not re.search(r"\d", shown)

    def test_a_huge_text_is_not_read_to_its_end(self):
        """Ten million characters cost no more than the limit."""
        assert len(DEFAULT_REDACTOR.text("a b " * 2_500_000)) < 9_000


class TestFailures:
    """What breaks lets nothing pass."""

    def test_a_rule_that_breaks_hides_the_text(self):
        """Not one character of it is shown."""

        def break_down(_match):
            raise RuntimeError("broken")

        redactor = Redactor(rules=[Rule("broken", re.compile("e"), break_down)])

        assert redactor.text("Eleanor") == "[redacted:failed]"
        assert redactor.value(["Eleanor", "a b"]) == ["[redacted:failed]", "a b"]

    def test_a_judge_of_names_that_breaks_hides_the_mapping(self):
        """The field's mapping does not pass."""

        def break_down(_name):
            raise RuntimeError("broken")

        assert Redactor(key_kind=break_down).value({"a": "kestrel"}) == "[redacted:failed]"

    def test_values_that_break_are_marked(self):
        """An exception whose text cannot be had, a mapping that cannot be read."""

        class Mute(Exception):  # noqa: N818 - a foreign exception
            def __str__(self):
                raise RuntimeError("kestrel")

        assert DEFAULT_REDACTOR.value([Mute(), "icu"]) == ["[redacted:failed]", "icu"]

    def test_texts_that_lie_are_read_as_texts(self):
        """A subclass of str shows what it holds, not what it says."""

        class Liar(str):
            __slots__ = ()

            def __str__(self):
                return "all is well"

        assert DEFAULT_REDACTOR.value(Liar("for 123-45-6789")) == "for [redacted:ssn]"

    def test_own_rules_are_added(self):
        """A team's rule stands beside the others."""
        from pytest_resilience.runtime.redaction import RULES

        ward = Rule("ward", re.compile(r"\bward \w+"))

        assert Redactor(rules=[*RULES, ward]).text("in ward seven for 123-45-6789") == (
            "in [redacted:ward] for [redacted:ssn]"
        )
