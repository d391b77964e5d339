"""The HTTP API as a page of the storefront's site, from docs/openapi.yaml and page.html."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from api_docs.paths import OPENAPI

type Json = dict[str, Any]

_METHODS = ("get", "post", "delete")
# Described once for all routes.
_OF_ANY_ROUTE = ("Throttled", "Busy", "Failed")
_CORRELATION = "X-Correlation-Id"
_COMPOSITIONS = ("$ref", "allOf", "oneOf")
_AUTHORIZATION = {
    (): "Needs no token.",
    ("", "accessToken"): "An access token may be sent.",
    ("accessToken",): "Needs an access token.",
    ("orderToken", "accessToken"): "Needs the order's token, or an access token.",
}


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a body: its path (`items[].sku`), what it is, and what it means."""

    name: str
    type: str
    text: str
    is_required: bool


class Description:
    """docs/openapi.yaml, as the page's template asks for it."""

    def __init__(self, document: Json) -> None:
        self._document = document
        self.info = document["info"]
        self.server = document["servers"][0]["url"]

    def groups(self) -> Iterator[Json]:
        """Yields each tag with its operations."""
        for tag in self._document["tags"]:
            yield {**tag, "operations": [*self._operations(tag["name"])]}

    def answers_of_any_route(self) -> Iterator[Json]:
        for name, status in zip(_OF_ANY_ROUTE, ("429", "503", "5XX"), strict=True):
            yield self._answer(status, self._document["components"]["responses"][name])

    def _operations(self, tag: str) -> Iterator[Json]:
        for path, item in self._document["paths"].items():
            for method in _METHODS:
                if tag in item.get(method, {}).get("tags", ()):
                    yield self._operation(method.upper(), path, item, item[method])

    def _operation(self, method: str, path: str, item: Json, operation: Json) -> Json:
        parameters = [*item.get("parameters", ()), *operation.get("parameters", ())]
        schemes = operation.get("security", [])
        return {
            "route": f"{method} {path}",
            "id": re.sub(r"\W+", "-", f"{method.lower()}{path}").strip("-"),
            "method": method,
            "path": path,
            "summary": operation["summary"],
            "description": operation.get("description", ""),
            "authorization": _AUTHORIZATION[tuple("".join(scheme) for scheme in schemes)],
            "parameters": [
                self._parameter(each)
                for each in map(self._resolved, parameters)
                if each["name"] != _CORRELATION
            ],
            "body": self._body(operation.get("requestBody", {})),
            "answers": [
                self._answer(status, self._resolved(response))
                for status, response in operation["responses"].items()
                if response.get("$ref", "").rpartition("/")[2] not in _OF_ANY_ROUTE
            ],
        }

    def _parameter(self, parameter: Json) -> Field:
        kind = f"{parameter['in']}, {self._type(parameter['schema'])}"
        is_required = parameter.get("required", False)
        return Field(parameter["name"], kind, parameter.get("description", ""), is_required)

    def _answer(self, status: str, response: Json) -> Json:
        problem = response["content"].get("application/problem+json")
        headers = [name for name in response.get("headers", {}) if name != _CORRELATION]
        return {
            "status": status,
            "codes": problem["schema"]["properties"]["code"]["enum"] if problem else [],
            "description": response["description"],
            "headers": headers,
            "body": None if problem else self._body(response),
        }

    def _body(self, part: Json) -> Json | None:
        content = part.get("content", {}).get("application/json")
        if content is None:
            return None
        return {
            "fields": [*self._fields(content["schema"])],
            "example": json.dumps(content["example"], indent=2, ensure_ascii=False),
        }

    def _fields(self, schema: Json, prefix: str = "") -> Iterator[Field]:
        """Yields the fields of an object, each before the fields inside it."""
        schema = self._merged(schema)
        for name, part in schema.get("properties", {}).items():
            inner = self._merged(part)
            path = f"{prefix}{name}"
            is_required = name in schema.get("required", ())
            yield Field(path, self._type(part), inner.get("description", ""), is_required)
            if "items" in inner:
                yield from self._fields(inner["items"], f"{path}[].")
            else:
                yield from self._fields(inner, f"{path}.")

    def _type(self, schema: Json) -> str:
        """Returns in words what a value has to be: `text, 1 to 64 characters`."""
        schema = self._merged(schema)
        kinds = schema.get("type", [])
        kinds = [kinds] if isinstance(kinds, str) else list(kinds)
        if "const" in schema:
            return f"always {schema['const']}"
        values = schema.get("enum")
        if values is not None:
            kinds = ["null"] if None in values or "null" in kinds else []
            kinds = [f"one of {', '.join(str(each) for each in values if each)}", *kinds]
        words = {"string": "text", "array": "list", "boolean": "true or false"}
        text = " or ".join(words.get(kind, kind) for kind in kinds)
        units = {"Length": "characters", "Items": "of them", "imum": ""}
        for limit, unit in units.items():
            least, most = schema.get(f"min{limit}"), schema.get(f"max{limit}")
            if most is not None:
                text += f", {least or 0} to {most} {unit}".rstrip()
            elif least and unit:
                text += ", not empty"
        return text

    def _merged(self, schema: Json) -> Json:
        """Returns a schema with what it refers to, and with all parts of it, in one."""
        own = {
            name: part for name, part in schema.items() if name not in ("$ref", "allOf", "oneOf")
        }
        parts = [*schema.get("allOf", ()), *([schema] if "$ref" in schema else [])]
        merged: Json = {}
        for part in parts:
            target = self._resolved(part) if "$ref" in part else part
            merged = _joined(merged, self._merged(target))
        if "oneOf" in schema:
            first, null = schema["oneOf"]
            merged = self._merged(first)
            merged["type"] = [merged["type"], null["type"]]
        return _joined(merged, own)

    def _resolved(self, part: Json) -> Json:
        while "$ref" in part:
            found: Any = self._document
            for name in part["$ref"].removeprefix("#/").split("/"):
                found = found[name]
            part = found
        return part


def page() -> str:
    """Returns the page, storefront_s3/api.html."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["prose"] = prose
    document = yaml.safe_load(OPENAPI.read_text(encoding="utf-8"))
    return environment.get_template("page.html").render(api=Description(document))


def prose(text: str) -> Markup:
    """Returns Markdown of the description as HTML: `code`, **strong** and paragraphs.

    >>> prose("The `code` is **stable**.")
    Markup('<p>The <code>code</code> is <strong>stable</strong>.</p>')
    """
    paragraphs = []
    for paragraph in text.strip().split("\n\n"):
        html = str(escape(" ".join(paragraph.split())))
        html = re.sub(r"`([^`]+)`", r"<code>\1</code>", html)
        html = re.sub(r"\*\*([^*]+)\*\*", r"<strong>\1</strong>", html)
        paragraphs.append(f"<p>{html}</p>")
    return Markup("\n".join(paragraphs))  # noqa: S704 (it is escaped)


def _joined(schema: Mapping[str, Any], other: Mapping[str, Any]) -> Json:
    return {
        **schema,
        **other,
        "properties": {**schema.get("properties", {}), **other.get("properties", {})},
        "required": [*schema.get("required", ()), *other.get("required", ())],
    }
