"""A narrower question to a study's front: of which configurations, in which order, how many."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from dse.core.configuration import Configuration, Value, text
from dse.core.metrics import METRICS, Constraint, objective, parse_constraint
from dse.core.pareto import FrontPoint
from dse.errors import UsageError
from dse.study import Study

_OPERATORS: Mapping[str, Callable[[Any, Any], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<=": operator.le,
    ">=": operator.ge,
    "=": operator.eq,
    "<": operator.lt,
    ">": operator.gt,
}
_ORDER = ("<", ">", "<=", ">=")
_AND = re.compile(r"\s+and\s+", re.IGNORECASE)
_CONDITION = re.compile(r"\s*(\w+)\s*(==|!=|<=|>=|=|<|>)\s*(\S(?:.*\S)?)\s*")


@dataclass(frozen=True)
class Condition:
    """What a parameter has to be: ``threads <= 2``. A configuration without the parameter does not satisfy it."""

    name: str
    operator: str
    value: Value

    def holds(self, configuration: Configuration) -> bool:
        """Whether ``configuration`` satisfies it."""
        found = configuration.get(self.name)
        if found is None or _is_number(found) != _is_number(self.value):
            return found is not None and self.operator == "!="
        return _OPERATORS[self.operator](found, self.value)

    def __str__(self) -> str:
        return f"{self.name} {self.operator} {text(self.value)}"


@dataclass(frozen=True)
class Question:
    """``constraints`` on figures, ``conditions`` on parameters; ``sort`` by one of those; at most ``limit`` points.

    ``exact``: of the front where every difference matters.
    """

    constraints: tuple[Constraint, ...] = ()
    conditions: tuple[Condition, ...] = ()
    sort: str | None = None
    limit: int | None = None
    exact: bool = False
    words: tuple[str, ...] = field(default=(), compare=False)
    """The conditions as they were written."""

    def allows(self, configuration: Configuration) -> bool:
        """Whether ``configuration`` satisfies every condition on parameters."""
        return all(condition.holds(configuration) for condition in self.conditions)

    def chosen(self, points: Sequence[FrontPoint]) -> list[FrontPoint]:
        """``points`` in the order asked for, as many as asked for: figures with the best first, parameters rising."""
        found = list(points)
        if self.sort is not None:
            found.sort(key=lambda point: _place(point, self.sort or ""))
        return found[: self.limit]


def ask(
    study: Study,
    where: Sequence[str] = (),
    sort: str | None = None,
    limit: int | None = None,
    *,
    exact: bool = False,
) -> Question:
    """The question that these words ask. Raises UsageError for what names nothing, with what is allowed."""
    levels, figures = study.levels, _figures(study)
    constraints, conditions, words = [], [], []
    for part in (part for expression in where for part in _AND.split(expression)):
        match = _CONDITION.fullmatch(part)
        if match is None:
            allowed = "METRIC >= NUMBER, METRIC <= NUMBER, or PARAMETER and one of =, !=, <=, >=, <, >"
            raise UsageError(f"found {part!r}, allowed: {allowed}; several with 'and'", argument="where")
        name, sign, written = match.groups()
        words.append(" ".join(part.split()))
        if name in METRICS:
            _require("where", name, figures, levels)
            try:
                constraints.append(parse_constraint(part))
            except ValueError as error:
                raise UsageError(str(error), argument="where") from None
        else:
            _require("where", name, figures, levels)
            conditions.append(Condition(name, sign, _value(name, sign, written, levels[name])))
    if sort is not None and sort != "trial":
        _require("sort", sort, ["trial", *figures], levels)
    return Question(tuple(constraints), tuple(conditions), sort, limit, exact, tuple(words))


def _figures(study: Study) -> list[str]:
    """The metrics that the study has, in the order of `METRICS`."""
    found = {name for measured in study.measurements for name in measured.values}
    return [name for name in METRICS if name in found]


def _require(argument: str, name: str, figures: Collection[str], levels: Mapping[str, Collection[Value]]) -> None:
    if name not in figures and name not in levels:
        raise UsageError(f"the study has no {name!r}, allowed: {', '.join((*figures, *levels))}", argument=argument)


def _value(name: str, sign: str, written: str, levels: Collection[Value]) -> Value:
    """What a parameter is compared with: one of its levels, or for an order any number."""
    written = written.strip("'\"") or written
    if sign in _ORDER and not any(map(_is_number, levels)):
        allowed = f"its levels with = or !=: {_words(levels)}"
        raise UsageError(f"found {name} {sign} {written}, allowed: {allowed}", argument="where")
    for level in levels:
        if text(level) == written:
            return level
    if sign in _ORDER:
        try:
            return float(written)
        except ValueError:
            pass
    raise UsageError(f"found {name} {sign} {written}, allowed: {_words(levels)}", argument="where")


def _words(levels: Collection[Value]) -> str:
    return ", ".join(map(text, levels))


def _is_number(value: Value) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _place(point: FrontPoint, name: str) -> tuple[bool, bool, Any]:
    """Sorts figures by their better direction and parameters upwards; a point without goes last."""
    if name == "trial":
        return False, False, point.trial
    if name in METRICS:
        value = point.values.get(name)
        return value is None, False, 0 if value is None else objective(name).cost(value)
    level = point.configuration.get(name)
    if level is None:
        return True, False, 0
    return False, not _is_number(level), level if _is_number(level) else text(level)
