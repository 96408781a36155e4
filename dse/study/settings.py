"""``study.yaml``: the settings of a study, written and read back by one class."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any, ClassVar

import yaml
from dse_harness.decode import ProtocolError, Range, decode

from dse.core.configuration import Configuration, Value
from dse.errors import Remedy, StudyError, why
from dse.plain_yaml import MOST_YAML_BYTES, parse_yaml
from dse.reading import UnreadableError, read_text
from dse.spaces.resolved import ResolvedSpace
from dse.values import shown

SCHEMA = 3
"""3: ``boards`` and ``key_versions``. 2: ``searches``. 1 had neither."""
LOADGEN = "loadgen"
"""What LoadGen is called among the versions of a board; engines have their own names."""
_HINT = "or put the file back as dse wrote it"
_LARGEST_TRIAL = 10**9


_Dumper: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)  # libyaml's is ten times as fast


@dataclass(frozen=True)
class Search:
    """What started a search of the study, as a line for a shell or a call in Python, and how often in a row."""

    command: str
    times: Annotated[int, Range(1)] = 1


@dataclass(frozen=True, kw_only=True)
class StudySettings:
    """What a study is of, and what its last search was asked for.

    ``searches`` are what started it and let it go on, in their order; without passwords. Empty where an older dse did.
    ``versions`` are those of what searched and, by the names of their packages, of what measured. ``boards`` has what
    each board of a fleet said that it runs with; one that never answered has nothing. ``key_versions`` are the engines'
    versions that keys of trials on boards are made of, by runtime.
    ``storage`` is where Optuna finds it, without a password (None: in its folder). ``placed`` has the configuration of
    the space as it is now for each trial that has another one of its own; None where it has none any more. The first
    versions wrote neither ``id`` nor ``placed``.
    """

    schema: int = SCHEMA
    id: str = ""
    created: str
    storage: str | None = None
    options: dict[str, Any] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)
    boards: dict[str, dict[str, str]] = field(default_factory=dict)
    key_versions: dict[str, str] = field(default_factory=dict)
    searches: tuple[Search, ...] = ()
    space: ResolvedSpace
    placed: dict[Annotated[int, Range(0, _LARGEST_TRIAL)], dict[str, Value] | None] = field(default_factory=dict)

    SCHEMAS: ClassVar[tuple[int, ...]] = (1, 2, SCHEMA)

    def place(self, trial: int, measured: Configuration) -> Configuration | None:
        """The configuration that a trial counts for, which ran ``measured``; None when it has none any more."""
        if trial not in self.placed:
            return measured
        configuration = self.placed[trial]
        return None if configuration is None else Configuration(configuration)

    def written(self) -> str:
        """The file's text."""
        document: Mapping[str, Any] = {
            **{field.name: getattr(self, field.name) for field in dataclasses.fields(self)},
            "searches": [dataclasses.asdict(search) for search in self.searches],
            "space": self.space.document(),
        }
        return str(yaml.dump(document, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=120))


def one_more(searches: Sequence[Search], command: str | None) -> tuple[Search, ...]:
    """``searches`` and the one that ``command`` starts; as they are where nobody knows the command."""
    if command is None:
        return tuple(searches)
    if searches and searches[-1].command == command:
        return (*searches[:-1], replace(searches[-1], times=searches[-1].times + 1))
    return (*searches, Search(command))


def read_settings(path: Path) -> StudySettings:
    """The settings of the study whose ``study.yaml`` is at ``path``. Raises StudyError."""
    try:
        text = read_text(path, MOST_YAML_BYTES)
    except FileNotFoundError:
        if path.is_symlink():
            raise StudyError(
                f"a link to {path.readlink()}, which is not there now", path=path, hint="mount or fetch it"
            ) from None
        raise StudyError("no study is here", path=path.parent, remedy=Remedy.SEARCH_MAKES_A_STUDY) from None
    except (OSError, ValueError) as error:
        raise StudyError(f"cannot be read: {why(error)}", path=path) from error
    return settings_of(text, path)


def settings_of(text: str, path: Path) -> StudySettings:
    """The settings in the ``text`` of a ``study.yaml`` that is at ``path``. Raises StudyError."""
    try:
        document = parse_yaml(text)
    except UnreadableError as error:
        raise StudyError(
            f"cannot be read: {error}", path=path, line=error.line, remedy=Remedy.OTHER_STUDY_NAME, hint=_HINT
        ) from error
    found = document.get("schema") if isinstance(document, dict) else document
    if type(found) is not int or found not in StudySettings.SCHEMAS:
        read = " and ".join(map(str, StudySettings.SCHEMAS))
        raise StudyError(f"found schema {shown(found)}, this version reads {read}", path=path)
    if "parameters" in document and "space" not in document:
        raise StudyError("a search space, not a study", path=path, remedy=Remedy.OTHER_STUDY_NAME)
    try:
        settings: StudySettings = decode(StudySettings, document, "")
    except ProtocolError as error:
        raise StudyError(
            f"is not a study's: {str(error).lstrip('.: ')}", path=path, remedy=Remedy.OTHER_STUDY_NAME, hint=_HINT
        ) from error
    return settings
