"""Fault injection: what goes wrong, and when, planned by `assistants.faults`."""

from harness.service.faults.plans import Faults

__all__ = ["Faults"]
