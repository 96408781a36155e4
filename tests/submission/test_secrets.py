"""What an older version wrote into a study about an address stays out of a submission."""

from __future__ import annotations

import json

import yaml

from dse.submission.point import read_point
from dse.submission.readme import portable_study
from tests.submission.conftest import MakePoint

_URL = "https://me:s3cret@a.b/models/m.tgz?token=t0ken"


def test_an_address_in_a_study_loses_what_may_be_a_secret() -> None:
    study = {"storage": "postgresql://me:s3cret@a/b", "space": {"models": {"m": {"url": _URL, "path": None}}}}
    assert yaml.safe_load(portable_study(yaml.safe_dump(study))) == {
        "storage": None,
        "space": {"models": {"m": {"url": "https://a.b/models/m.tgz", "path": None}}},
    }


def test_the_origin_of_a_validated_model_loses_it_too(make_point: MakePoint) -> None:
    path = make_point().folder / "validation.json"
    document = json.loads(path.read_text())
    document["origin"]["starting_weights_filename"] = _URL
    path.write_text(json.dumps(document))
    assert read_point(path.parent).origin.starting_weights_filename == "https://a.b/models/m.tgz"
