"""Turns an OpenAPI description into what a page shows: calls, fields, answers."""

import json
import re
from dataclasses import dataclass
from typing import Any

from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

from common.rest.errors import CODES
from common.rest.schema_answers import ENVELOPE, JSON

# Objects in objects in objects: deeper than anything here.
DEEPEST = 4


@dataclass(frozen=True, slots=True)
class Field:
    """A field or parameter; `depth` is how far it stands inside others."""

    name: str
    kind: str
    required: bool
    about: SafeString
    depth: int = 0


class Reader:
    def __init__(self, schema: dict[str, Any]) -> None:
        self._components = schema["components"]

    def call(self, method: str, path: str, said: dict[str, Any]) -> dict[str, Any]:
        """What the page shows of one call."""
        given = [*said.get("parameters", [])]
        return {
            "id": said["operationId"],
            "method": method,
            "path": path,
            "summary": said["summary"],
            "about": [marked(part) for part in said.get("description", "").split("\n\n") if part],
            "is_open": "security" not in said,
            "parameters": [self._parameter(each) for each in given],
            "bodies": [self._body(*each) for each in said.get("requestBody", {}).get("content", {}).items()],
            "answers": [self._answer(*each) for each in said["responses"].items()],
        }

    def errors(self) -> list[dict[str, Any]]:
        return [{"code": code, "status": status, "about": said} for code, (status, said) in CODES.items()]

    def _resolved(self, part: dict[str, Any]) -> dict[str, Any]:
        while "$ref" in part:
            _, _, kind, name = part["$ref"].split("/")
            part = self._components[kind][name]
        return part

    def _parameter(self, said: dict[str, Any]) -> Field:
        schema = said["schema"]
        about = said.get("description") or schema.get("description", "")
        kind = f"{said['in']}, {self._kind(schema)}"
        return Field(said["name"], kind, bool(said.get("required")), marked(_first_lines(about)))

    def _body(self, media: str, said: dict[str, Any]) -> dict[str, Any]:
        examples = [
            {"name": each.get("summary", name), "text": _pretty(each["value"])}
            for name, each in said.get("examples", {}).items()
        ]
        return {"media": media, "fields": self._fields(said["schema"]), "examples": examples}

    def _answer(self, status: str, said: dict[str, Any]) -> dict[str, Any]:
        answer = self._resolved(said)
        content = answer.get("content", {})
        nothing: tuple[str, dict[str, Any]] = ("", {})
        media, described = next(iter(content.items()), nothing)
        is_error = ENVELOPE in json.dumps(described)
        fields = [] if is_error or media != JSON else self._fields(described["schema"])
        codes = [*described.get("examples", {})] if is_error else []
        return {
            "status": status,
            "media": "" if media == JSON else media,
            "fields": fields,
            "codes": codes,
            "is_error": is_error,
        }

    def _fields(self, schema: dict[str, Any], depth: int = 0) -> list[Field]:
        schema = self._object(schema)
        required = schema.get("required", [])
        found = []
        for name, said in schema.get("properties", {}).items():
            kind, about = self._kind(said), marked(_first_lines(self._about(said)))
            found.append(Field(name, kind, name in required, about, depth))
            if depth < DEEPEST:
                found += self._fields(said, depth + 1)
        return found

    def _object(self, schema: dict[str, Any]) -> dict[str, Any]:
        """The object that a schema describes, or that its list holds."""
        schema = self._resolved(schema)
        if schema.get("type") == "array":
            return self._object(schema["items"])
        for part in [*schema.get("allOf", []), *schema.get("oneOf", [])]:
            inner = self._object(part)
            if "properties" in inner:
                return inner
        return schema

    def _about(self, schema: dict[str, Any]) -> str:
        return schema.get("description", "") if "$ref" not in schema else ""

    def _kind(self, schema: dict[str, Any]) -> str:
        """In words: "list of text, or null"; choices by their values."""
        or_null = ", or null" if schema.get("nullable") else ""
        resolved = self._resolved(schema)
        parts = [*resolved.get("allOf", []), *resolved.get("anyOf", []), *resolved.get("oneOf", [])]
        if parts:
            return " or ".join(dict.fromkeys(filter(None, map(self._kind, parts)))) + or_null
        if "enum" in resolved:
            return " | ".join(f"“{v}”" if v is not None else "null" for v in resolved["enum"]) + or_null
        kind = resolved.get("type", "anything")
        if kind == "array":
            return f"list of {self._kind(resolved['items'])}{or_null}"
        if kind in {"integer", "number"}:
            return _number(resolved) + or_null
        words = {"string": resolved.get("format", "text"), "boolean": "true or false"}
        return words.get(kind, kind) + or_null


def _number(schema: dict[str, Any]) -> str:
    low, high = schema.get("minimum"), schema.get("maximum")
    bounds = f", {low} to {high}" if low is not None and high is not None else ""
    return ("whole number" if schema["type"] == "integer" else "number") + bounds


def _first_lines(text: str) -> str:
    """Without the list of choices, which stands in the kind already."""
    return text.partition("* `")[0].strip()


def marked(text: str) -> SafeString:
    """What stands between ` as code; ** is dropped."""
    escaped = escape(text.replace("**", ""))
    return mark_safe(re.sub(r"`([^`]+)`", r"<code>\1</code>", escaped))  # noqa: S308  escaped just above


def _pretty(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False, default=str)
