from stock.admin import items, levels

__all__ = ["items", "levels"]
