from stock.admin import alerts

__all__ = ["alerts"]
