"""Makes docs/asyncapi.yaml from the JSON Schemas, and the site's api.html from openapi.yaml."""
