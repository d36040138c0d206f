"""JSON as Go reads and writes it."""

from __future__ import annotations

import contextlib
import json
import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_resilience.proxy.gojson.bind import BOOL, FLOAT32, STRING, Field, bind, read_int64
from pytest_resilience.proxy.gojson.encode import encode
from pytest_resilience.proxy.gojson.scan import DecodeError, Kind, Value, scan

text = st.text(st.characters(exclude_categories=["Cs"]))
values = st.recursive(
    st.none() | st.booleans() | st.integers() | text,
    lambda inner: st.lists(inner) | st.dictionaries(text, inner),
    max_leaves=20,
)


def plain(value: Value) -> Any:
    """Turn a scanned value into Python's."""
    match value.kind:
        case Kind.OBJECT:
            return {key: plain(member) for key, member in value.members}
        case Kind.ARRAY:
            return [plain(member) for _, member in value.members]
        case Kind.STRING:
            return value.text
        case Kind.NUMBER:
            return int(value.text)
        case Kind.BOOL:
            return value.truth
    return None


@given(values, st.booleans())
def test_what_is_json_is_read(value: Any, ascii_only: bool) -> None:  # noqa: FBT001 - drawn
    """Everything that Python's json writes is read as the same value."""
    assert plain(scan(json.dumps(value, ensure_ascii=ascii_only).encode())) == value


@given(values)
def test_what_is_written_is_json(value: Any) -> None:
    """What is written is read back by Python, and holds nothing that HTML would take for markup."""
    written = encode(value)

    assert json.loads(written) == value
    assert not set("<>&\u2028\u2029") & set(written)


@given(st.binary())
def test_garbage_is_refused_or_read(data: bytes) -> None:
    """Any bytes are a value or a `DecodeError`."""
    with contextlib.suppress(DecodeError):
        scan(data)


@given(st.text(alphabet='{}",:0123456789.eE+-truefalsnu\\ /\n'))
def test_almost_json_is_judged_as_python_does(source: str) -> None:
    """Near misses are refused exactly where Python refuses them."""
    source = f"[{source}]"
    try:
        json.loads(source)
    except ValueError:
        with pytest.raises(DecodeError):
            scan(source.encode())
    else:
        scan(source.encode())


def test_deep_nesting_is_refused() -> None:
    """A body cannot exhaust the stack."""
    with pytest.raises(DecodeError, match="exceeded max depth"):
        scan(b"[" * 100_000)


@given(st.floats(width=32, allow_nan=False, allow_infinity=False))
def test_floats_are_the_shortest_that_stay_the_same(value: float) -> None:
    """A 32-bit float is written so that it reads back as itself, in nine digits at most."""
    written = encode(value)

    assert struct.pack("f", float(written)) == struct.pack("f", value) or value == 0
    assert len(written.partition("e")[0].strip("-0").replace(".", "").strip("0")) <= 9


FIELDS = {"name": STRING, "enabled": BOOL, "share": FLOAT32, "count": Field("int64", read_int64)}


def bound(source: str) -> dict[str, Any]:
    """Bind a document to the fields."""
    return bind(scan(source.encode()), FIELDS, struct_name="Thing", go_type="pkg.Thing")


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("null", {}),
        ('{"NAME":"a","Enabled":true,"other":[{}]}', {"name": "a", "enabled": True}),
        ('{"name":"a","name":"b","name":null}', {"name": "b"}),
        ('{"count":-9223372036854775808}', {"count": -(2**63)}),
    ],
)
def test_fields_are_bound_as_go_does(source: str, expected: dict[str, Any]) -> None:
    """Keys ignore case, the last of equal ones counts, null changes nothing, unknown ones are skipped."""
    assert bound(source) == expected


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("[]", "cannot unmarshal array into Go value of type pkg.Thing"),
        (
            '{"name":5,"enabled":"x"}',
            "cannot unmarshal number into Go struct field Thing.name of type string",
        ),
        ('{"count":1.0}', "cannot unmarshal number 1.0 into Go struct field Thing.count of type int64"),
        ('{"count":9223372036854775808}', "cannot unmarshal number 9223372036854775808 into"),
        ('{"share":1e39}', "cannot unmarshal number 1e39 into Go struct field Thing.share of type float32"),
    ],
)
def test_other_types_are_refused_in_gos_words(source: str, message: str) -> None:
    """The first mismatch is told, with the field and the type."""
    with pytest.raises(DecodeError) as refused:
        bound(source)
    assert message in str(refused.value)
