from common.errors import DomainError


class UnreadableFile(DomainError):
    """The file as a whole can't be read. The message says what is wrong and how to mend it."""


class CellError(ValueError):
    """One cell can't be read. `str()` says what to write instead, never what the cell holds.

    `column` is our name of the column at fault, `code` the kind of fault.
    """

    def __init__(self, column: str, code: str, message: str) -> None:
        super().__init__(message)
        self.column = column
        self.code = code
