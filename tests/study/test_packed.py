"""Dataclasses without names are what they were, whatever they hold."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import pytest
from dse_harness.decode import ProtocolError, decode
from dse_harness.protocol import DeviceState, MetricValue, Performance, Response
from hypothesis import given, reject
from hypothesis import strategies as st

from dse.core.configuration import Configuration
from dse.study.packed import form_of
from dse.study.record import TrialRecord, record_of


def _again(value: Any) -> Any:
    """``value`` as it is read after it was written."""
    try:
        text = json.dumps(form_of(type(value)).pack(value), allow_nan=False)
    except ValueError:
        reject()
    return form_of(type(value)).made(json.loads(text))


_LEVELS = st.one_of(st.text(), st.integers(), st.floats(), st.booleans())
_RECORDS = st.builds(
    TrialRecord,
    configuration=st.builds(Configuration, st.dictionaries(st.text(), _LEVELS)),
    ratios=st.dictionaries(st.text(), st.floats()),
)


_RESPONSES = st.from_type(Response).filter(lambda response: response.accuracy is None or response.accuracy.total > 0)


@given(st.one_of(_RESPONSES, _RECORDS))
def test_what_was_packed_is_the_same(value: Response | TrialRecord) -> None:
    assert repr(_again(value)) == repr(value)


_NUMBERS = st.one_of(st.integers(0, 9), st.floats(0, 9))


@given(
    st.builds(
        Response,
        cores_used=_NUMBERS,
        timing_s=st.dictionaries(st.text(), _NUMBERS),
        metrics=st.dictionaries(st.text(), st.builds(MetricValue, _NUMBERS, st.text())),
        peak_memory_bytes=st.one_of(_NUMBERS, st.booleans()),
        device_before=st.builds(
            DeviceState, st.just("2026-01-31T12:00:00.000000Z"), _NUMBERS, st.tuples(st.text()), st.tuples(_NUMBERS)
        ),
    )
)
def test_it_is_as_it_would_be_decoded_where_it_would_be(response: Any) -> None:
    try:
        decoded = decode(Response, json.loads(json.dumps(dataclasses.asdict(response))))
    except ProtocolError:
        with pytest.raises(ValueError, match="expected"):
            form_of(Response).pack(response)
        return
    assert repr(_again(response)) == repr(decoded)


@given(_RECORDS)
def test_a_record_is_as_its_file_has_it(record: TrialRecord) -> None:
    try:
        read = record_of(json.loads(json.dumps(record.document(), allow_nan=False)))
    except ValueError:
        return
    assert repr(_again(record)) == repr(read)


def test_the_layout_says_names_types_and_their_order() -> None:
    @dataclasses.dataclass(frozen=True)
    class Two:
        one: int
        other: tuple[float, ...] | None = None

    assert form_of(Two).layout == "Two(one:int,other:[float]?)"
    assert "early_stopping_p90_ns:int?," in form_of(Performance).layout


def test_no_form_is_made_of_what_json_does_not_have() -> None:
    with pytest.raises(TypeError, match="allowed: str, int, float, bool"):
        form_of(bytes)
