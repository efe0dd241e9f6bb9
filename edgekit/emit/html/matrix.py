"""Which class is confused with which: a table for few classes, a picture of squares for many."""

from __future__ import annotations

from edgekit.values import Value

MOST_IN_TABLE = 12
MOST_CLASSES = 50
LEVELS = 5
SQUARE = 12.0


class Cell(Value):
    """A true class decided as another, or as itself; `level` from 0 to 5 grades its share of the true class."""

    text: str
    level: int
    right: bool
    told: str


class MatrixRow(Value):
    """The decisions for one true class."""

    label: str
    cells: tuple[Cell, ...]


class Matrix(Value):
    """Rows are true classes, columns the decided ones; `is_table` if there is room for numbers."""

    labels: tuple[str, ...]
    rows: tuple[MatrixRow, ...]
    is_table: bool
    square: float
    size: float


def matrix(counts: tuple[tuple[int, ...], ...], labels: tuple[str, ...]) -> Matrix | None:
    """The view of counts; None unless they are a square with a label for each row."""
    number = len(labels)
    if not 2 <= number <= MOST_CLASSES or len(counts) != number or any(len(row) != number for row in counts):
        return None
    rows = tuple(
        MatrixRow(
            label=labels[truth],
            cells=tuple(_cell(labels, row, truth, decided) for decided in range(number)),
        )
        for truth, row in enumerate(counts)
    )
    return Matrix(labels=labels, rows=rows, is_table=number <= MOST_IN_TABLE, square=SQUARE, size=SQUARE * number)


def _cell(labels: tuple[str, ...], row: tuple[int, ...], truth: int, decided: int) -> Cell:
    count, whole = row[decided], sum(row)
    share = count / whole if whole > 0 and count > 0 else 0.0
    told = f"{count} of {whole} of class {labels[truth]} are decided as {labels[decided]}"
    level = min(LEVELS, 1 + int(share * LEVELS)) if share else 0
    return Cell(text=str(count) if count else "", level=level, right=truth == decided, told=told)
