"""Published results that may stand beside a study's own: of its task and scenario, judged on as many images."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from dse.core.words import counted
from dse.results.data_set import TASK, images_of, show_images
from dse.results.front import GroupFront, cut
from dse.results.objectives import OBJECTIVES, default_objectives, plain, why_not_comparable
from dse.results.own import STUDIED_SCENARIO, OwnFront, apart, front_of, rival_images, stand
from dse.study import Study

_OBJECTIVES = default_objectives(STUDIED_SCENARIO)


def published_beside(study: Study, rows: Sequence[Mapping[str, Any]], metrics: Collection[str]) -> dict[str, Any]:
    """The layer of published results as plain data: columns over those that compare, and why the others do not.

    ``values`` has those of ``metrics`` that published results have, too. ``verdict`` is that among the published ones
    alone, by accuracy and p90 latency. Raises UsageError for a study of other objectives or of another scenario,
    StudyError for one without a front.
    """
    own = front_of(study, _OBJECTIVES)
    images = {found for point in own.points if (found := rival_images(own, point)) is not None}
    why = [_why_not(row, images) for row in rows]
    kept = [row for row, reason in zip(rows, why, strict=True) if reason is None]
    groups = cut(kept, _OBJECTIVES, ())
    front = {point.row["id"] for group in groups for point in group.points}
    shown = {o.metric.name: o for o in OBJECTIVES.values() if o.metric.name in metrics}
    return {
        "id": [row["id"] for row in kept],
        "result": [f"{row['model']}; {row['system']}; {row['submitter']}, {row['round']}" for row in kept],
        "verdict": ["front" if row["id"] in front else "dominated" for row in kept],
        "values": {name: [plain(o.value(row)) for row in kept] for name, o in shown.items()},
        "left_out": [{"results": number, "why": reason} for reason, number in Counter(filter(None, why)).most_common()],
        "said": _said(own, groups, len(kept), len(rows)),
    }


def _why_not(row: Mapping[str, Any], images: Collection[int]) -> str | None:
    if row["task"] != TASK:
        return f"not of {TASK}"
    if row["scenario"] != STUDIED_SCENARIO:
        return f"not in {STUDIED_SCENARIO}"
    if reason := why_not_comparable(row, _OBJECTIVES):
        return reason
    found = images_of(row)
    return None if found in images else f"judged on {show_images(found)}"


def _said(own: OwnFront, groups: Sequence[GroupFront], kept: int, total: int) -> list[str]:
    """What the layer is, and where the study's front stands against it, as sentences without a full stop."""
    said = [f"{kept} of {counted(total, 'published result')} compare and are drawn"]
    for group in groups:
        found, measure = stand(own, group), group.group.get("accuracy_metric")
        said.append(
            (f"accuracy {measure}: " if measure else "")
            + f"of {counted(found.own, 'point')} of this front {found.non_dominated} are dominated by no published "
            f"result; they dominate {found.beaten_published} of the {len(group.points)} on the published front"
        )
    return said + ([sentence] if (sentence := apart(own, groups)) else [])
