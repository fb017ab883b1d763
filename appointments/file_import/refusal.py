class RowRefused(Exception):
    """Why a readable row is not taken: the column at fault, a code, and what to mend."""

    def __init__(self, column: str, code: str, reason: str) -> None:
        super().__init__(code)
        self.column, self.code, self.reason = column, code, reason
