"""The pitfalls of CONTRACT §11, by theme: each a scenario, a client that falls in, and one that does not."""
