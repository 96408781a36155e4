"""The tests of a kind of model source."""

from __future__ import annotations

import json
from collections.abc import Mapping

import pytest

from dse.core.configuration import Value
from dse.files import canonical_json, sha256_file
from dse.models import ModelSource

Variant = Mapping[str, Value]


class ModelSourceConformance:
    """Subclass it as ``Test...`` with the fixtures ``source`` and ``variants``: some that it has, each another file."""

    @pytest.fixture
    def source(self) -> ModelSource:
        """The source to test; whatever it needs is there."""
        raise NotImplementedError

    @pytest.fixture
    def variants(self) -> list[Variant]:
        """Some of its variants."""
        raise NotImplementedError

    def test_a_variant_is_made_of_known_parameters(self, source: ModelSource, variants: list[Variant]) -> None:
        """`ModelSource.parameters` has each name."""
        for variant in variants:
            assert variant.keys() <= source.parameters.keys()
            source.check(variant)

    def test_an_unknown_level_is_refused(self, source: ModelSource, variants: list[Variant]) -> None:
        """`ModelSource.check` raises ValueError."""
        for name in source.parameters:
            with pytest.raises(ValueError):  # noqa: PT011 - in whatever words
                source.check({**variants[0], name: "no such level"})

    def test_a_variant_is_a_file_with_its_checksum(self, source: ModelSource, variants: list[Variant]) -> None:
        """`ModelSource.make` says what the bytes are, each time the same."""
        for variant in variants:
            made = source.make(variant)
            assert sha256_file(made.path) == made.sha256
            assert source.make(_turned(variant)) == made
        assert source.is_local

    def test_a_known_size_is_the_files(self, source: ModelSource, variants: list[Variant]) -> None:
        """`ModelSource.known_bytes` is what `ModelSource.make` makes, or None."""
        for variant in variants:
            assert source.known_bytes(variant) in (None, source.make(variant).path.stat().st_size)

    def test_an_identity_tells_variants_apart(self, source: ModelSource, variants: list[Variant]) -> None:
        """Equal identity, equal file; it is plain, and does not depend on the order of the parameters."""
        identities = [canonical_json(source.identity(variant)) for variant in variants]
        assert len(set(identities)) == len({source.make(variant).sha256 for variant in variants}) == len(variants)
        assert [canonical_json(source.identity(_turned(v))) for v in variants] == identities

    def test_an_identity_is_known_once_the_model_is_here(self, source: ModelSource, variants: list[Variant]) -> None:
        """`ModelSource.known_identity` is `ModelSource.identity`."""
        for variant in variants:
            source.make(variant)
            assert source.known_identity(variant) == source.identity(variant)

    def test_a_study_can_write_it_down(self, source: ModelSource) -> None:
        """`ModelSource.resolved` is plain."""
        found = source.resolved()
        assert json.loads(json.dumps(found)) == found


def _turned(variant: Variant) -> Variant:
    return dict(reversed(list(variant.items())))
