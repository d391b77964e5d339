"""The inventory functions' settings, read when a function starts."""

from dataclasses import dataclass

from shared import settings


@dataclass(frozen=True)
class Settings:
    """`table_name` is the inventory's own table."""

    table_name: str


SETTINGS = settings.load(Settings)
