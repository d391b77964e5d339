"""Writes the documents that are made from others: `make api-docs`."""

from api_docs.asyncapi import asyncapi
from api_docs.page import page
from api_docs.paths import ASYNCAPI, PAGE

ASYNCAPI.write_text(asyncapi(), encoding="utf-8")
PAGE.write_text(page(), encoding="utf-8")
