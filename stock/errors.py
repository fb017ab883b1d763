from common.errors import DomainError


class InsufficientStock(DomainError):
    """There is less than was asked for. The details say how much is there and what of it has expired."""

    code = "INSUFFICIENT_STOCK"
