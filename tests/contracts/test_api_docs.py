"""What `make api-docs` makes is up to date, and complete."""

import re

import pytest
import yaml

from api_docs.asyncapi import asyncapi
from api_docs.page import page
from api_docs.paths import ASYNCAPI, PAGE
from support.api_description import operations
from support.event_schemas import event_types


@pytest.mark.parametrize(("path", "make"), [(ASYNCAPI, asyncapi), (PAGE, page)])
def test_what_is_made_is_up_to_date(path, make) -> None:
    assert path.read_text(encoding="utf-8") == make(), "`make api-docs` makes it again"


def test_every_event_has_one_source_and_is_published() -> None:
    document = yaml.safe_load(asyncapi())

    published = [
        message["$ref"].rpartition("/")[2]
        for operation in document["operations"].values()
        if operation["channel"]["$ref"] == "#/channels/events"
        for message in operation["messages"]
    ]
    assert sorted(published) == event_types()


def test_nothing_refers_to_what_is_not_there() -> None:
    document = yaml.safe_load(asyncapi())

    for reference in re.findall(r"\$ref: '#/(.*)'", asyncapi()):
        part = document
        for name in reference.split("/"):
            part = part[name]


def test_the_page_has_every_route() -> None:
    shown = re.findall(r"<h3 id=[^>]*><code>([^<]+)</code></h3>", page())

    assert sorted(shown) == sorted(operations())
