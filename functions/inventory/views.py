"""What the service answers the saga and the HTTP API."""

from typing import Any

from inventory.domain import Product, Reservation, ReservationStatus


def reservation_result(reservation: Reservation) -> dict[str, Any]:
    """Returns the saga's `$.reservation`, which is also the data of StockReserved.

    `{"lines": [{"sku", "name", "quantity", "unit_price_cents"}], "total_cents", "currency"}`
    """
    return {
        "lines": [
            {
                "sku": line.sku,
                "name": line.name,
                "quantity": line.quantity,
                "unit_price_cents": line.unit_price.cents,
            }
            for line in reservation.lines
        ],
        "total_cents": reservation.total.cents,
        "currency": reservation.total.currency,
    }


def product_view(product: Product) -> dict[str, Any]:
    """Returns `{"sku", "name", "description", "price_cents", "currency", "available"}`."""
    return {
        "sku": product.sku,
        "name": product.name,
        "description": product.description,
        "price_cents": product.price.cents,
        "currency": product.price.currency,
        "available": product.available,
    }


def owed_view(reservation: Reservation) -> dict[str, Any]:
    """Returns which units are still held: `{"stock_held": [{"sku", "quantity"}]}`."""
    held = () if reservation.status is ReservationStatus.RELEASED else reservation.lines
    return {"stock_held": [{"sku": line.sku, "quantity": line.quantity} for line in held]}
