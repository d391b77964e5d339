"""API Gateway's WebSocket APIs, which LocalStack's open core lacks.

    control plane  provider.py (the service `apigatewayv2`), deployments.py, resources.py
                   (CloudFormation)
    data plane     server.py (Twisted) → gateway.py → functions.py (Lambda); management.py
                   (`@connections`)
    pure           routing.py, events.py, results.py, addresses.py, protocol.py, connection.py

docs/websocket-apis.md compares it with API Gateway point by point.
"""
