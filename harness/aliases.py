"""How much YAML may make of little: a value that was named once can be repeated, with all that is repeated in it."""

from __future__ import annotations

# Nine lines of ten aliases each stand for a thousand million values, which nobody has written by hand or recorded.
MOST_VALUES = 100_000
