from stock.admin import file_imports, items, levels, visit_types

__all__ = ["file_imports", "items", "levels", "visit_types"]
