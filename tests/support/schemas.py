"""Whether a value is what a JSON Schema says: the few words of it that our documents use."""

import re
from collections.abc import Mapping
from typing import Any

TYPES: dict[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "null": (type(None),),
}
KNOWN = (
    {"$ref", "type", "format", "enum", "oneOf", "items", "properties", "required"}
    | {"additionalProperties", "minimum", "maximum", "minLength", "maxLength", "pattern"}
    | {"description", "default"}
)
Schema = Mapping[str, Any]


def faults(value: Any, schema: Schema, root: Schema, at: str = "$") -> list[str]:
    """What is wrong, each with its place; a word this reader does not know is a fault too."""
    if "$ref" in schema:
        return faults(value, resolved(schema["$ref"], root), root, at)
    found = [f"{at}: {word} is not understood" for word in schema.keys() - KNOWN]
    if "oneOf" in schema:
        fits = [each for each in schema["oneOf"] if not faults(value, each, root, at)]
        found += [] if len(fits) == 1 else [f"{at}: {len(fits)} of oneOf fit"]
    named = schema.get("type", [])
    kinds = [named] if isinstance(named, str) else named
    if kinds and not any(_is(value, kind) for kind in kinds):
        return [*found, f"{at}: {value!r} is no {kinds}"]
    if "enum" in schema and value not in schema["enum"]:
        found.append(f"{at}: {value!r} is none of the enum")
    if isinstance(value, int | float) and not isinstance(value, bool):
        lowest, highest = schema.get("minimum", value), schema.get("maximum", value)
        found += [] if lowest <= value <= highest else [f"{at}: {value} is out of range"]
    if isinstance(value, str):
        most = schema.get("maxLength", len(value))
        found += [] if schema.get("minLength", 0) <= len(value) <= most else [f"{at}: length"]
        found += [] if re.search(schema.get("pattern", ""), value) else [f"{at}: pattern"]
    if isinstance(value, list) and "items" in schema:
        for place, each in enumerate(value):
            found += faults(each, schema["items"], root, f"{at}[{place}]")
    return found + (_of_object(value, schema, root, at) if isinstance(value, dict) else [])


def _is(value: Any, kind: str) -> bool:
    if isinstance(value, bool):
        return kind == "boolean"
    return isinstance(value, TYPES[kind])


def _of_object(
    value: Mapping[str, Any], schema: Mapping[str, Any], root: Mapping[str, Any], at: str
) -> list[str]:
    known = schema.get("properties", {})
    found = [f"{at}: {name} is missing" for name in schema.get("required", []) if name not in value]
    if schema.get("additionalProperties", True) is False:
        found += [f"{at}: {name} is too much" for name in value.keys() - known.keys()]
    for name, each in value.items():
        if name in known:
            found += faults(each, known[name], root, f"{at}.{name}")
    return found


def resolved(reference: str, root: Mapping[str, Any]) -> Any:
    """What a local reference names."""
    found: Any = root
    for part in reference.removeprefix("#/").split("/"):
        found = found[part]
    return found
