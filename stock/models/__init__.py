from stock.models.catalogue import Item, VisitTypeItem
from stock.models.files import StockFile
from stock.models.ledger import Movement, MovementKind, MovementLot, Transfer, TransferState
from stock.models.levels import LOW_STATUSES, Lot, StockLevel, StockStatus
from stock.models.orders import Order, OrderState

__all__ = [
    "LOW_STATUSES",
    "Item",
    "Lot",
    "Movement",
    "MovementKind",
    "MovementLot",
    "Order",
    "OrderState",
    "StockFile",
    "StockLevel",
    "StockStatus",
    "Transfer",
    "TransferState",
    "VisitTypeItem",
]
