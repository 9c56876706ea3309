"""What redaction is made of: tables of what is secret, and how it is taken out of each kind of text."""
