"""The shipping functions' settings, read when a function starts."""

from dataclasses import dataclass

from shared import settings


@dataclass(frozen=True)
class Settings:
    """`table_name` is the shipping service's own table, which also holds the carrier's book."""

    table_name: str


SETTINGS = settings.load(Settings)
