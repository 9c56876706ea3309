"""File search that works on the uploaded bytes (CONTRACT §1.6, §2.5).

The text of a file is extracted (`extraction.py`, `office.py`, `webpages.py`), cut into chunks (`chunks.py`) and ranked
by words (`index.py`); `searcher.py` combines these, `filters.py` selects files by their attributes, and
`file_search.py` serves the runs.
"""
