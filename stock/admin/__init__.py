from stock.admin import alerts, file_imports, items, levels, visit_types

__all__ = ["alerts", "file_imports", "items", "levels", "visit_types"]
