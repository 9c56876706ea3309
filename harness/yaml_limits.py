"""How many values the aliases of a YAML file may expand to: they can nest, as in a "billion laughs" file."""

from __future__ import annotations

# Nine lines of ten aliases each expand to a thousand million values; no file recorded or written by hand has so many.
MAX_ALIASED_VALUES = 100_000
