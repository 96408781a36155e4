import sys
import zipfile

import pytest
from dse_harness.registry import BrokenEntryError, Registry, UnknownEntryError

from tests.harness.distributions import install

GROUP = "dse.test_things"
BUILTIN = {"square_root": "math:sqrt", "absent": "no_such_module_of_dse:thing"}


@pytest.fixture
def site(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


def test_a_builtin_entry_is_loaded_when_asked_for_only():
    registry = Registry(GROUP, BUILTIN)

    assert registry.names() == ("square_root", "absent")
    assert "absent" in registry
    assert registry.get("square_root")(9) == 3


def test_an_entry_of_another_distribution_is_listed_without_its_import(site):
    install(site, "toys", GROUP, {"toy": "toys_of_a_test:Toy"}, {"toys_of_a_test": "class Toy: speed = 3"})
    registry = Registry(GROUP, BUILTIN, needs=["speed"])

    assert list(registry) == ["square_root", "absent", "toy"]
    assert len(registry) == 3
    assert "toys_of_a_test" not in sys.modules
    assert registry.get("toy").speed == 3
    assert (registry.origin("toy"), registry.origin("absent")) == ("toys 1.0", "dse itself")


def test_an_unknown_name_is_told_with_those_that_there_are(site):
    install(site, "toys", GROUP, {"toy": "toys_of_a_test:Toy"})

    with pytest.raises(UnknownEntryError, match=r"dse\.test_things: found 'tyo', allowed: square_root, absent, toy"):
        Registry(GROUP, BUILTIN).get("tyo")


@pytest.mark.parametrize("name", ["square_root", "toy"])
def test_a_name_that_two_have_is_refused_with_both(site, name):
    install(site, "toys", GROUP, {"toy": "toys_of_a_test:Toy"})
    install(site, "other_toys", GROUP, {name: "toys_of_a_test:Toy"})

    with pytest.raises(BrokenEntryError, match=rf"{name}.* twice.*other_toys 1\.0.*uninstall one of them"):
        Registry(GROUP, BUILTIN).names()


def test_what_others_do_wrong_does_not_stop_a_builtin_entry(site):
    install(site, "other_toys", GROUP, {"square_root": "toys_of_a_test:Toy"})

    assert Registry(GROUP, BUILTIN).get("square_root")(9) == 3


@pytest.mark.parametrize(
    ("value", "source", "said"),
    [
        ("broken_toys_1:Toy", "raise RuntimeError('no battery')", "RuntimeError: no battery"),
        ("broken_toys_2:Toy", "", "AttributeError"),
        ("broken_toys_3:Toy", "class Toy: pass", "nothing named speed"),
    ],
)
def test_a_broken_entry_is_told_with_its_distribution(site, value, source, said):
    install(site, "toys", GROUP, {"toy": value}, {value.partition(":")[0]: source})

    with pytest.raises(BrokenEntryError, match=rf"dse\.test_things: 'toy' \({value}\) from toys 1\.0: .*{said}"):
        Registry(GROUP, BUILTIN, needs=["speed"]).get("toy")


def test_an_archive_on_the_path_may_have_entries_too(tmp_path, monkeypatch):
    install(tmp_path / "site", "toys", GROUP, {"toy": "toys_of_a_test:Toy"})
    with zipfile.ZipFile(tmp_path / "toys.zip", "w") as archive:
        for path in (tmp_path / "site").rglob("*"):
            if path.is_file():
                archive.write(path, path.relative_to(tmp_path / "site"))
    monkeypatch.syspath_prepend(str(tmp_path / "toys.zip"))

    assert "toy" in Registry(GROUP, BUILTIN)
