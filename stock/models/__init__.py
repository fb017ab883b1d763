from stock.models.alerts import (
    AlertKind,
    AlertNotice,
    AlertStatus,
    DigestTurn,
    StockAlert,
    StockAlertQuerySet,
)
from stock.models.catalogue import Item, VisitTypeItem
from stock.models.files import StockFile
from stock.models.ledger import Movement, MovementKind, MovementLot, Transfer, TransferState
from stock.models.levels import LOW_STATUSES, Lot, StockLevel, StockStatus
from stock.models.orders import Order, OrderState

__all__ = [
    "LOW_STATUSES",
    "AlertKind",
    "AlertNotice",
    "AlertStatus",
    "DigestTurn",
    "Item",
    "Lot",
    "Movement",
    "MovementKind",
    "MovementLot",
    "Order",
    "OrderState",
    "StockAlert",
    "StockAlertQuerySet",
    "StockFile",
    "StockLevel",
    "StockStatus",
    "Transfer",
    "TransferState",
    "VisitTypeItem",
]
