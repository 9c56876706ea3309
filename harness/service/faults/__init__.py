"""What shall go wrong, and when: `assistants.faults`."""

from harness.service.faults.plans import Faults

__all__ = ["Faults"]
