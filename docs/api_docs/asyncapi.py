"""The events and the WebSocket messages as an AsyncAPI document, from their JSON Schemas.

What the schemas don't say is in asyncapi.yaml, beside this file.
https://www.asyncapi.com/docs/reference/specification/v3.0.0
"""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from api_docs.paths import ROOT

type Json = dict[str, Any]

_FRAME = Path(__file__).with_suffix(".yaml")
_SCHEMAS = ROOT / "functions" / "shared" / "schemas"
_EVENTS = ROOT / "docs" / "events.md"
_HEADER = "# Made by `make api-docs` from functions/shared/schemas: change those.\n"
_METADATA = "metadata"


def asyncapi() -> str:
    """Returns the document, docs/asyncapi.yaml."""
    document = yaml.safe_load(_FRAME.read_text(encoding="utf-8"))
    events, live = _schemas(_SCHEMAS), _schemas(_SCHEMAS / "websocket")
    metadata = events.pop(_METADATA)
    channels = {"events": events, "live": live}
    for channel, schemas in channels.items():
        document["channels"][channel]["messages"] = {
            name: _ref("components", "messages", name) for name in schemas
        }
    for source, names in _sources().items():
        name = "".join(part.capitalize() for part in source.split("."))
        document["operations"][f"publish{name}"] = {
            "action": "send",
            "channel": _ref("channels", "events"),
            "messages": [_ref("channels", "events", "messages", name) for name in names],
        }
    document["components"] = {
        "messages": {
            **{
                name: _message(name, events[name], _envelope(source, name))
                for source, names in _sources().items()
                for name in names
            },
            **{
                name: _message(name, schema, _ref("components", "schemas", name))
                for name, schema in live.items()
            },
        },
        "schemas": {_METADATA: metadata, **events, **live},
    }
    text: str = yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=120)
    return _HEADER + text


def _schemas(folder: Path) -> dict[str, Json]:
    """Returns a folder's schemas by name; they refer to one another inside the document."""
    found = {}
    for path in sorted(folder.glob("*.v1.json")):
        schema = json.loads(path.read_text(encoding="utf-8"))
        del schema["$schema"], schema["$id"]
        if _METADATA in schema["properties"]:
            schema["properties"][_METADATA] = _ref("components", "schemas", _METADATA)
        found[schema["title"]] = schema
    return found


def _sources() -> dict[str, list[str]]:
    """Returns the events of each source: those that its section of docs/events.md describes."""
    sections = re.split(r"^## ", _EVENTS.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return {
        source[1]: re.findall(r"^### (\w+)", section, flags=re.MULTILINE)
        for section in sections
        if (source := re.match(r"`(sagashop\.[\w.]+)`", section))
    }


def _message(name: str, schema: Mapping[str, Any], payload: Json) -> Json:
    return {"name": name, "summary": schema["description"], "payload": payload}


def _envelope(source: str, name: str) -> Json:
    """Returns the part of EventBridge's envelope that says what an event is, and has it."""
    return {
        "type": "object",
        "required": ["source", "detail-type", "detail"],
        "properties": {
            "source": {"const": source},
            "detail-type": {"const": name},
            "detail": _ref("components", "schemas", name),
        },
    }


def _ref(*path: str) -> Json:
    return {"$ref": f"#/{'/'.join(path)}"}
