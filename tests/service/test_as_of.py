"""The option `as_of`: which days it takes, and where it puts the clock."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest

from harness import HarnessFailure
from harness.fake import FakeAssistants
from harness.options import make_options


def first_day(**options: object) -> str:
    fake = FakeAssistants(make_options(options, where="test"))
    return datetime.fromtimestamp(fake.clock.now, tz=timezone.utc).isoformat()


def test_time_starts_on_the_chosen_day():
    assert first_day(as_of="2023-12-24") == "2023-12-24T12:00:00+00:00"


def test_an_explicit_start_wins():
    assert first_day(as_of="2023-12-24", start=0) == "1970-01-01T00:00:00+00:00"


@pytest.mark.parametrize("wrong", ["2024-5-1", "20240501", "2024-02-30", 2024])
def test_what_is_no_day_is_refused_with_one_that_is(wrong):
    with pytest.raises(HarnessFailure, match=r'as_of="2024-05-01"'):
        make_options({"as_of": wrong}, where="test")
