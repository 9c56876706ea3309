"""File search that works on the uploaded bytes (CONTRACT §1.6, §2.5).

Text is taken out of a file (`texts.py`, `office.py`), cut into chunks (`chunks.py`), and ranked by words (`index.py`);
`library.py` joins these, `filters.py` leaves files out, and `acting.py` performs the acts of a run.
"""
