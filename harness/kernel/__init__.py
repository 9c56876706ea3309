"""The other side of `harness.sandbox`: the program of the child process, which executes cells as a notebook does.

It limits itself before it reads the first cell: what is set up here keeps a cell that goes astray from doing harm, and
does not keep an attacker from anything.
"""
