"""Configurations: one canonical form, one fingerprint, whatever the order and the spelling of numbers."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from dse.core.configuration import Configuration, Value, text

_VALUES = st.text(max_size=5) | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.booleans()
_PARAMETERS = st.dictionaries(st.sampled_from(["width", "side", "precision", "größe"]), _VALUES)


@given(_PARAMETERS)
def test_order_makes_no_difference(parameters: dict[str, Value]) -> None:
    turned = Configuration(dict(reversed(parameters.items())))
    assert turned == Configuration(parameters)
    assert turned.fingerprint == Configuration(parameters).fingerprint
    assert hash(turned) == hash(Configuration(parameters))


@given(_PARAMETERS, _PARAMETERS)
def test_equal_fingerprints_are_equal_configurations(one: dict[str, Value], other: dict[str, Value]) -> None:
    first, second = Configuration(one), Configuration(other)
    assert (first.fingerprint == second.fingerprint) == (first == second)


@given(_PARAMETERS)
def test_it_survives_json(parameters: dict[str, Value]) -> None:
    assert Configuration(json.loads(json.dumps(parameters))) == Configuration(parameters)


def test_numbers_are_compared_as_numbers_and_words_as_words() -> None:
    assert Configuration({"width": 1}) == Configuration({"width": 1.0})
    assert Configuration({"width": 1}) != Configuration({"width": True})
    assert Configuration({"width": 1}) != Configuration({"width": "1"})
    assert Configuration({"width": 1}) != {"width": 1}


def test_the_fingerprint_is_that_of_earlier_versions() -> None:
    # printf '{"precision":"int8","threads":2,"width":0.35}' | sha256sum
    expected = "cbe6fd26189b1bbc5c3268ba4ccf640519abb6d9d91fbb4f8d40386b48e9309e"
    assert Configuration({"width": 0.35, "threads": 2.0, "precision": "int8"}).fingerprint == expected


def test_it_is_shown_in_the_order_of_the_space_as_yaml_would() -> None:
    configuration = Configuration({"width": 0.35, "se": True, "family": "small"})
    assert str(configuration) == "width=0.35 se=true family=small"
    assert [text(value) for value in (True, False, 1, 1.5, "a")] == ["true", "false", "1", "1.5", "a"]
