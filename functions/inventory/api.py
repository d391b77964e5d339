"""The catalogue over HTTP: products with their prices and what is left of them."""

from typing import Any

from inventory.models import product_answer
from inventory.repository import StockTable
from inventory.settings import SETTINGS
from shared import dynamodb
from shared.errors import NotFound
from shared.http import ServiceApi

api = ServiceApi("inventory")
_repository = StockTable(dynamodb.client(), SETTINGS.table_name)


@api.get("/products")
def list_products() -> dict[str, Any]:
    """Answers `{"products": [models.product_answer, ...]}`, sorted by SKU."""
    return {"products": [product_answer(product) for product in _repository.products()]}


@api.get("/products/{sku}")
def get_product(sku: str) -> dict[str, Any]:
    """Answers `models.product_answer`, or 404."""
    product = _repository.product(sku)
    if product is None:
        raise NotFound(f"There is no product {sku}.", code="PRODUCT_NOT_FOUND")
    return product_answer(product)


handler = api.handler
