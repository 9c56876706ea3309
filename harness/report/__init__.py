"""Reports of what happened: as text, as data, as a page, and as the most likely cause of a failure."""
