"""The parts of redaction: tables of the kinds of secrets, and the replacement of secrets in texts of any structure."""
