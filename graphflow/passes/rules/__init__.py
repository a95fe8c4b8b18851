"""The rules of canonicalisation, by subject. Each is exact in floating point, NaN, infinities and
the sign of zero included, unless its docstring says where it is not.
"""

from graphflow.passes.rules import arithmetic, choice, fill, rows, shape

CANONICAL = (*choice.RULES, *fill.RULES, *shape.RULES, *arithmetic.RULES)
ROWS = rows.RULES
"""Not exact: what meets in one row of a table is added in another order."""

__all__ = ["CANONICAL", "ROWS"]
