"""docs/openapi.yaml as data: its routes, what each answers, and what an answer breaks of that."""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Self

import yaml
from jsonschema import Draft202012Validator

from support.template import ROOT

FILE = ROOT / "docs" / "openapi.yaml"
METHODS = ("get", "post", "delete")
ANY = "any route"
# The same on every route, so that it is enough to see them on one.
EVERYWHERE = {"THROTTLED", "SERVICE_BUSY", "INTERNAL_ERROR", "TIMEOUT"}

type Json = dict[str, Any]


@dataclass(frozen=True, order=True, slots=True)
class Described:
    """An answer that the description has; `code` is a problem's, and empty otherwise.

    The route of a problem that is the same on every one is ANY.
    """

    route: str
    status: str
    code: str = ""

    @classmethod
    def of(cls, route: str, status: str, code: str) -> Self:
        return cls(ANY if code in EVERYWHERE else route, status, code)

    def __str__(self) -> str:
        return " ".join(filter(None, (self.route, self.status, self.code)))


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back from a route, `POST /orders`; the names of its headers are in lower case."""

    route: str
    status: int
    headers: Mapping[str, str]
    body: str


class Undescribed(AssertionError):
    """An answer is not what docs/openapi.yaml says of its route."""


@cache
def description() -> Json:
    """Returns the whole description."""
    loaded: Json = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    return loaded


def operations() -> dict[str, Json]:
    """Returns every operation by its route, `POST /orders`."""
    return {
        f"{method.upper()} {path}": item[method]
        for path, item in description()["paths"].items()
        for method in METHODS
        if method in item
    }


def route_of(method: str, path: str) -> str | None:
    """Returns the route that a request takes, `GET /products/{sku}`; None where there is none."""
    for template in description()["paths"]:
        pattern = re.sub(r"\\{\w+\\}", "[^/]+", re.escape(template))
        if re.fullmatch(pattern, path) and method.lower() in description()["paths"][template]:
            return f"{method} {template}"
    return None


def answers() -> set[Described]:
    """Returns every answer that the description has."""
    return {
        Described.of(route, status, code)
        for route, operation in operations().items()
        for status, response in operation["responses"].items()
        for code in codes_of(response) or [""]
    }


def check(answer: Answer) -> Described:
    """Returns which of the described answers this one is. Raises Undescribed."""
    responses = operations()[answer.route]["responses"]
    status = str(answer.status)
    if status not in responses:
        status = f"{status[0]}XX"
    if status not in responses:
        raise Undescribed(f"{answer.route} does not answer {answer.status}: {answer.body}")
    response = resolved(responses[status])
    faults = [*_wrong_headers(response, answer.headers), *_wrong_body(response, answer)]
    if faults:
        raise Undescribed(f"{answer.route} {answer.status}: {'; '.join(faults)}: {answer.body}")
    code = json.loads(answer.body).get("code", "") if answer.status >= 400 else ""
    return Described.of(answer.route, status, code)


def resolved(part: Json) -> Json:
    """Returns what a part of the description refers to; itself where it doesn't."""
    while "$ref" in part:
        found: Any = description()
        for name in part["$ref"].removeprefix("#/").split("/"):
            found = found[name]
        part = found
    return part


def strict(schema: Json, *, is_whole: bool = True) -> Json:
    """Returns a schema without references, which allows no field that it doesn't name.

    For clients, the description allows more fields: there will be.
    """
    made = dict(schema)
    parts = list(made.get("allOf", ()))
    if "$ref" in made:
        parts.append(resolved({"$ref": made.pop("$ref")}))
    if parts:
        made["allOf"] = [strict(part, is_whole=False) for part in parts]
    if "oneOf" in made:
        made["oneOf"] = [strict(part) for part in made["oneOf"]]
    if "items" in made:
        made["items"] = strict(made["items"])
    if "properties" in made:
        made["properties"] = {name: strict(part) for name, part in made["properties"].items()}
    if is_whole:
        made["unevaluatedProperties"] = False
    return made


def faults_of(schema: Json, value: Any) -> list[str]:
    """Returns in words what a value breaks of a schema, taken strictly."""
    validator = _validator(json.dumps(schema))
    return [f"{error.json_path} {error.message}" for error in validator.iter_errors(value)]


@cache
def _validator(schema: str) -> Draft202012Validator:
    return Draft202012Validator(strict(json.loads(schema)))


def codes_of(response: Json) -> list[str]:
    """Returns the codes of the problems that a response may be."""
    problem = resolved(response)["content"].get("application/problem+json")
    return problem["schema"]["properties"]["code"]["enum"] if problem else []


def _wrong_headers(response: Json, headers: Mapping[str, str]) -> Iterable[str]:
    for name, reference in response.get("headers", {}).items():
        header, value = resolved(reference), headers.get(name.lower())
        if value is None:
            if header.get("required"):
                yield f"there is no {name}"
            continue
        is_number = header["schema"].get("type") == "integer"
        for fault in faults_of(header["schema"], int(value) if is_number else value):
            yield f"{name} {fault}"


def _wrong_body(response: Json, answer: Answer) -> Iterable[str]:
    media_type = answer.headers.get("content-type", "").split(";")[0]
    if media_type not in response["content"]:
        return [f"{media_type or 'no media type'} is not described"]
    return faults_of(response["content"][media_type]["schema"], json.loads(answer.body))
