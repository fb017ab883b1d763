from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Rejected:
    """A row that was not taken: where it stands, which column is at fault, and why."""

    row: int
    line: int
    column: str
    code: str
    reason: str


@dataclass(slots=True)
class Report:
    """created + updated + unchanged + rejected are the rows read."""

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    rejected: list[Rejected] = field(default_factory=list)
    ignored_columns: list[str] = field(default_factory=list)

    @property
    def rows(self) -> int:
        return self.created + self.updated + self.unchanged + len(self.rejected)
