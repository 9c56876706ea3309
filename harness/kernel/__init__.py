"""The other side of `harness.sandbox`: the program of the child process, which executes cells as a notebook does.

Before it reads the first cell, it restricts itself. This keeps a faulty cell from doing harm; it does not stop an
attacker.
"""
