"""Add up the JUnit files in a folder; print `N passed, N failed, N skipped`; fail if a test failed or none passed."""

import sys
from pathlib import Path
from xml.etree import ElementTree

suites = [
    suite
    for report in Path(sys.argv[1]).glob("*.xml")
    for suite in ElementTree.parse(report).iter("testsuite")  # noqa: S314 - written by our own pytest
]
total, failures, errors, skipped = (
    sum(int(suite.get(count, 0)) for suite in suites) for count in ("tests", "failures", "errors", "skipped")
)
failed = failures + errors
passed = total - failed - skipped
sys.stdout.write(f"{passed} passed, {failed} failed, {skipped} skipped\n")
sys.exit(failed > 0 or passed == 0)
