"""The inventory's storage: the rules of the table in DynamoDB, and of the fake."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from builders import ORDER_ID, ORIGIN, PLACED_AT
from inventory import domain, wiring
from inventory.domain import OrderLine, Reservation, ReservationStatus
from inventory.events import event_of
from inventory.repository import StockChanged, StockTable
from shared import dynamodb
from shared.dynamodb import ConditionFailed
from shared.errors import StockContention, StorageContention
from shared.money import Money
from shared.tasks import Task
from unit.inventory.fakes import FakeShelf, FakeStock, Shelf, TableShelf

LATER = PLACED_AT + timedelta(minutes=10)
TASK = Task(ORDER_ID, ORDER_ID, ORIGIN)


@dataclass(frozen=True)
class Shop:
    """The inventory under test, with its shelf and its outbox."""

    repository: Any
    shelf: Shelf
    events: Callable[[], list[tuple[str, dict[str, Any]]]]

    def decide(self, quantities: Mapping[str, int], order_id: str = ORDER_ID) -> Reservation:
        """Returns a decision on the catalogue as it is."""
        lines = [OrderLine(sku, quantity) for sku, quantity in quantities.items()]
        _, products = self.repository.read(order_id, quantities)
        return domain.decide(order_id, lines, products, PLACED_AT)

    def reserve(self, quantities: Mapping[str, int]) -> Reservation:
        """Writes such a decision with its event."""
        return self.create(self.decide(quantities))

    def create(self, reservation: Reservation) -> Reservation:
        """Writes a reservation with its event."""
        event = event_of(reservation, PLACED_AT, TASK)
        created: Reservation = self.repository.create(reservation, [event])
        return created

    def update(self, before: Reservation, after: Reservation) -> None:
        """Replaces a reservation, with an event."""
        self.repository.update(before, after, [event_of(after, LATER, TASK)])

    def told(self) -> list[str]:
        """Returns the types of the events in the outbox, sorted."""
        return sorted(event_type for event_type, _ in self.events())


@pytest.fixture(params=["memory", "table"])
def shop(request: pytest.FixtureRequest) -> Shop:
    """The inventory in memory, and in DynamoDB."""
    if request.param == "memory":
        stock = FakeStock()
        return Shop(stock, FakeShelf(stock), stock.events)
    table_name = request.getfixturevalue("inventory_table")
    table = StockTable(dynamodb.client(), table_name)
    return Shop(table, TableShelf(table_name), request.getfixturevalue("table_events"))


@pytest.fixture
def table_shelf(inventory_table: str) -> TableShelf:
    """The shelf in DynamoDB."""
    return TableShelf(inventory_table)


@pytest.fixture
def table(inventory_table: str) -> StockTable:
    """The repository in DynamoDB."""
    return StockTable(dynamodb.client(), inventory_table)


class TestRules:
    """What both inventories do."""

    def test_products_are_sorted_by_sku(self, shop):
        shop.shelf.stock("product-002", 5)
        shop.shelf.stock("product-001", 7, price_cents=2500, name="Laptop")

        first, second = shop.repository.products()

        assert (first.sku, first.name, first.price) == ("product-001", "Laptop", Money(2500, "USD"))
        assert (second.sku, second.available, second.seeded) == ("product-002", 5, 5)

    def test_reservations_and_events_are_no_products(self, shop):
        shop.shelf.stock("mouse", 5)
        shop.reserve({"mouse": 1})
        shop.shelf.discontinue("mouse")

        assert shop.repository.products() == []

    def test_one_product(self, shop):
        shop.shelf.stock("mouse", 5)

        assert shop.repository.product("mouse").available == 5
        assert shop.repository.product("unicorn") is None

    def test_a_reservation_is_read_with_the_products_that_exist(self, shop):
        shop.shelf.stock("mouse", 5)
        reservation = shop.reserve({"mouse": 2})

        standing, products = shop.repository.read(ORDER_ID, ["mouse", "unicorn"])

        assert standing == reservation
        assert {sku: product.available for sku, product in products.items()} == {"mouse": 3}

    @pytest.mark.parametrize(
        "wanted", [{"mouse": 2, "cable": 1}, {"mouse": 6}, {"mouse": 6, "unicorn": 1}]
    )
    def test_a_reservation_is_read_as_it_was_written(self, shop, wanted):
        shop.shelf.stock("mouse", 5)
        shop.shelf.stock("cable", 5)

        reservation = shop.reserve(wanted)

        assert shop.repository.find(ORDER_ID) == reservation

    def test_units_move_with_their_reservation(self, shop):
        shop.shelf.stock("mouse", 5)
        reserved = shop.reserve({"mouse": 2})
        assert shop.shelf.units("mouse") == (3, 2, 0)

        committed = domain.commit(reserved, LATER)
        shop.update(reserved, committed)
        assert shop.shelf.units("mouse") == (3, 0, 2)

        shop.update(committed, domain.release(committed, LATER))
        assert shop.shelf.units("mouse") == (5, 0, 0)
        assert shop.told() == ["StockCommitted", "StockReleased", "StockReserved"]

    def test_an_order_of_25_products_fits_one_transaction(self, shop):
        quantities = {f"sku-{number:02}": 1 for number in range(25)}
        for sku in quantities:
            shop.shelf.stock(sku, 1)

        shop.reserve(quantities)

        products = shop.repository.products()
        assert {(each.available, each.reserved, each.sold) for each in products} == {(0, 1, 0)}

    def test_the_first_reservation_stands_and_moves_its_units_once(self, shop):
        shop.shelf.stock("mouse", 5)
        late = shop.decide({"mouse": 1})
        first = shop.reserve({"mouse": 2})

        assert shop.create(late) == first
        assert shop.shelf.units("mouse") == (3, 2, 0)
        assert shop.told() == ["StockReserved"]

    def test_a_tombstone_moves_nothing(self, shop):
        tombstone = domain.tombstone(ORDER_ID, PLACED_AT)

        assert shop.repository.create(tombstone) == tombstone
        assert shop.repository.find(ORDER_ID) == tombstone
        assert shop.told() == []

    @pytest.mark.parametrize(
        "change",
        [
            {"available": 1, "sold": 4},
            {"price": Money(9900, "USD")},
            {"price": Money(1000, "EUR")},
            {"name": "New"},
        ],
    )
    def test_a_product_that_changed_meanwhile_reserves_nothing_and_is_shown(self, shop, change):
        shop.shelf.stock("cable", 5)
        shop.shelf.stock("mouse", 5)
        decided = shop.decide({"cable": 1, "mouse": 2})
        shop.shelf.change("mouse", **change)

        with pytest.raises(StockChanged) as race:
            shop.create(decided)

        assert race.value.products == {"mouse": shop.repository.product("mouse")}
        assert shop.shelf.units("cable") == (5, 0, 0)
        assert shop.repository.find(ORDER_ID) is None
        assert shop.told() == []

    def test_a_product_gone_meanwhile_is_shown_as_none(self, shop):
        shop.shelf.stock("mouse", 5)
        decided = shop.decide({"mouse": 2})
        shop.shelf.discontinue("mouse")

        with pytest.raises(StockChanged) as race:
            shop.create(decided)

        assert race.value.products == {"mouse": None}

    def test_a_buyer_who_leaves_enough_units_is_no_contention(self, shop):
        shop.shelf.stock("mouse", 2)
        decided = shop.decide({"mouse": 1}, f"{ORDER_ID[:-1]}2")
        shop.reserve({"mouse": 1})

        shop.create(decided)

        assert shop.shelf.units("mouse") == (0, 2, 0)

    def test_a_writer_that_was_overtaken_moves_nothing(self, shop):
        shop.shelf.stock("mouse", 5)
        reserved = shop.reserve({"mouse": 2})
        shop.update(reserved, domain.release(reserved, LATER))

        with pytest.raises(StorageContention):
            shop.update(reserved, domain.commit(reserved, LATER))

        assert shop.shelf.units("mouse") == (5, 0, 0)
        assert shop.told() == ["StockReleased", "StockReserved"]

    def test_a_shelf_that_lacks_the_reserved_units_is_a_bug(self, shop):
        shop.shelf.stock("mouse", 5)
        reserved = shop.reserve({"mouse": 2})
        shop.shelf.change("mouse", reserved=1)

        with pytest.raises(ConditionFailed):
            shop.update(reserved, domain.commit(reserved, LATER))

        assert shop.repository.find(ORDER_ID) == reserved

    def test_a_movement_counts_as_a_change_of_the_product(self, shop):
        shop.shelf.stock("mouse", 5)

        shop.reserve({"mouse": 2})

        assert shop.repository.product("mouse").version == 2


class TestTable:
    """What DynamoDB adds."""

    @pytest.mark.parametrize("code", ["TransactionConflict", "ThrottlingError"])
    def test_a_conflicting_transaction_is_contention_not_out_of_stock(
        self, table, table_shelf, monkeypatch, code
    ):
        table_shelf.stock("mouse", 1)
        _, products = table.read(ORDER_ID, ["mouse"])
        decided = domain.decide(ORDER_ID, [OrderLine("mouse", 1)], products, PLACED_AT)

        def conflict(**_: Any) -> None:
            raise ClientError(
                {
                    "Error": {"Code": "TransactionCanceledException", "Message": ""},
                    "CancellationReasons": [{"Code": "None"}, {"Code": code}, {"Code": "None"}],
                },
                "TransactWriteItems",
            )

        monkeypatch.setattr(dynamodb.client(), "transact_write_items", conflict)

        with pytest.raises(StockContention):
            table.create(decided)

    def test_a_table_too_busy_to_show_all_products_is_no_unknown_product(
        self, table, table_shelf, monkeypatch
    ):
        def answer_in_part(RequestItems: Any) -> dict[str, Any]:  # noqa: N803 (boto3's name)
            return {"Responses": {table_shelf.table_name: []}, "UnprocessedKeys": RequestItems}

        monkeypatch.setattr(dynamodb.client(), "batch_get_item", answer_in_part)

        with pytest.raises(StorageContention):
            table.read(ORDER_ID, ["mouse"])

    def test_a_reservation_from_before_there_was_a_sweeper_can_be_read(self, table, table_shelf):
        # Given
        table_shelf.stock("mouse", 10)
        _, products = table.read(ORDER_ID, ["mouse"])
        table.create(domain.decide(ORDER_ID, [OrderLine("mouse", 3)], products, PLACED_AT))
        row = table_shelf.row(f"RESERVATION#{ORDER_ID}", "RESERVATION")
        table_shelf.put({name: row[name] for name in row.keys() - {"updated_at", "unsettled"}})

        # When
        old = table.find(ORDER_ID)
        table.update(old, domain.release(old, LATER), [])

        # Then
        assert table_shelf.units("mouse") == (10, 0, 0)
        (marked,) = table.unsettled(LATER + timedelta(seconds=1))
        assert marked == replace(
            old, status=ReservationStatus.RELEASED, version=2, updated_at=LATER
        )

    def test_the_functions_are_wired_to_it(self, table_shelf):
        table_shelf.stock("mouse", 1)

        assert [product.sku for product in wiring.repository().products()] == ["mouse"]


def test_a_sku_that_is_too_long_for_a_key_names_no_product() -> None:
    # Given: moto looks for such a row, DynamoDB refuses the request
    class Strict:
        def get_item(self, **request: Any) -> dict[str, Any]:
            assert len(request["Key"]["sk"]["S"].encode()) <= 1024
            return {}

    repository = StockTable(Strict(), "inventory")  # type: ignore[arg-type]

    # Then
    assert repository.product("é" * 512) is None
    assert repository.product("é" * 513) is None
