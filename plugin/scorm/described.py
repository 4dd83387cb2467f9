"""What playing needs of a manifest, as it is kept; the file itself stays with the package. Pure."""

from typing import Any

from plugin.scorm import activities
from plugin.scorm.editions import Version
from plugin.scorm.manifest import Item, Manifest


def described(manifest: Manifest) -> dict[str, Any]:
    """The course and its parts in order; of a SCORM 2004 course also its activity tree."""
    names = activities.names_of(manifest)
    found: dict[str, Any] = {
        "version": str(manifest.version),
        "identifier": manifest.identifier,
        "title": manifest.title,
        "items": [_part(item, names[item.identifier]) for item in manifest.playable()],
    }
    if manifest.version is not Version.SCORM_12:
        tree = activities.tree_of(manifest)
        found["tree"] = tree
        found["has_own_rollup"] = activities.has_own_rollup(tree)
        found["is_global_to_system"] = manifest.objectives_global_to_system
        found["is_data_global_to_system"] = manifest.data_global_to_system
    return found


def _part(item: Item, activity: str) -> dict[str, Any]:
    return {
        "identifier": item.identifier,
        "activity": activity,
        "title": item.title,
        "href": item.href,
        "is_sco": item.is_sco,
        "is_visible": item.is_visible,
        "prerequisites": item.prerequisites,
        "mastery_score": item.mastery_score,
        "data_from_lms": item.data_from_lms,
        "max_time_allowed": item.max_time_allowed or activities.duration_limit(item),
        "time_limit_action": item.time_limit_action,
        "scaled_passing_score": activities.scaled_passing_score(item),
        "completion_threshold": activities.completion_threshold(item),
    }
