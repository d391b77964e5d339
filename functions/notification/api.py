"""The notification service over HTTP: its health, since nobody asks it for anything else."""

from shared.http import ServiceApi

api = ServiceApi("notification")

handler = api.handler
