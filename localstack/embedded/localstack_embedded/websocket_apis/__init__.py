"""API Gateway's WebSocket APIs, which LocalStack's open core lacks.

    control plane  provider.py (the service `apigatewayv2`), deployments.py, resources.py
                   (CloudFormation)
    data plane     server.py (Twisted) → gateway.py, management.py (`@connections`) →
                   functions.py (Lambda)

The other modules, gateway.py and management.py need neither LocalStack nor Twisted.


docs/websocket-apis.md compares it with API Gateway point by point.
"""
