"""The catalogue over HTTP: products with their prices and what is left of them."""

from typing import Any

from inventory import views, wiring
from shared.errors import NotFound
from shared.http import ServiceApi

api = ServiceApi("inventory")
handler = api.handler


@api.get("/products")
def list_products() -> dict[str, Any]:
    """Answers `{"products": [views.product_view, ...]}`, sorted by SKU."""
    return {"products": [views.product_view(product) for product in wiring.repository().products()]}


@api.get("/products/{sku}")
def get_product(sku: str) -> dict[str, Any]:
    """Answers `views.product_view`, or 404."""
    product = wiring.repository().product(sku)
    if product is None:
        raise NotFound(f"There is no product {sku}.", code="PRODUCT_NOT_FOUND")
    return views.product_view(product)
