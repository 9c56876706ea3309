"""Python source that a user can paste: values (`values.py`) and the acts of a script (`acts.py`)."""
