"""Which keys an object has on the wire, in which order, by API version and by the day it was recorded.

A line reads: from this day on, in this version, the object has exactly these keys. All are FACTS A, counted in
recordings; the day is the first on which that shape was seen. Builders compute all values and `project` picks the
keys, so that differences between v1 and v2, old and new, are here and nowhere else.
"""

from __future__ import annotations

from functools import cache
from operator import attrgetter, itemgetter
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import TypeAlias

    Projection: TypeAlias = "tuple[attrgetter[Any], itemgetter[Any]]"

Api = Literal["v1", "v2"]
NEWEST = "9999"

_ASSISTANT = "id object created_at name description model instructions tools"
_MESSAGE = "id object created_at assistant_id thread_id run_id role content"
_RUN_UNTIL_COMPLETED = (
    "id object created_at assistant_id thread_id status started_at expires_at cancelled_at failed_at completed_at"
)
_RUN = f"{_RUN_UNTIL_COMPLETED} required_action last_error model instructions tools"
_RUN_LIMITS = "max_completion_tokens max_prompt_tokens truncation_strategy incomplete_details usage response_format"
_MESSAGE_IN_EVENTS = (
    "id object created_at assistant_id thread_id run_id status incomplete_details incomplete_at completed_at "
    "role content"
)
_CHOICES = "tool_choice parallel_tool_calls"
_STEP = (
    "id object created_at run_id assistant_id thread_id type status cancelled_at completed_at expires_at failed_at "
    "last_error step_details"
)
_FILE = "object id purpose filename bytes created_at"
_EXPIRY = "expires_after expires_at last_active_at"
_STORE_FILE = "id object usage_bytes created_at vector_store_id status last_error"
_USAGE = "prompt_tokens completion_tokens total_tokens"

# The messages of v1: the answer to modify-message also has this shape in v2 (CONTRACT §2.3).
_MESSAGES_OF_V1 = (
    ("2023-11-06", "v1", "id object created_at thread_id role content file_ids assistant_id run_id metadata"),
    ("2024-02-27", "v1", f"{_MESSAGE} file_ids metadata"),
)

# object: (since, in these versions, keys)
SHAPES: dict[str, tuple[tuple[str, str, str], ...]] = {
    "assistant": (
        ("2023-11-06", "v1", f"{_ASSISTANT} file_ids metadata"),
        ("2024-04-27", "v1", f"{_ASSISTANT} top_p temperature file_ids metadata response_format"),
        ("2024-04-17", "v2", f"{_ASSISTANT} top_p temperature tool_resources metadata response_format"),
        (
            "2025-02-05",  # openai-php/client#519
            "v2",
            f"{_ASSISTANT} top_p temperature reasoning_effort tool_resources metadata response_format",
        ),
    ),
    "thread": (
        ("2023-11-06", "v1", "id object created_at metadata"),
        ("2024-04-17", "v2", "id object created_at metadata tool_resources"),
    ),
    "thread.message": (*_MESSAGES_OF_V1, ("2024-04-17", "v2", f"{_MESSAGE} attachments metadata")),
    "thread.message modified": (*_MESSAGES_OF_V1, ("2024-04-17", "v2", f"{_MESSAGE} file_ids metadata")),
    "thread.message in events": (  # in the events of a stream
        ("2024-03-14", "v1", f"{_MESSAGE_IN_EVENTS} file_ids metadata"),
        ("2024-04-17", "v2", f"{_MESSAGE_IN_EVENTS} attachments metadata"),
    ),
    "thread.run": (
        ("2023-11-06", "v1", f"{_RUN_UNTIL_COMPLETED} last_error model instructions tools file_ids metadata"),
        ("2024-01-22", "v1", f"{_RUN_UNTIL_COMPLETED} last_error model instructions tools file_ids metadata usage"),
        ("2024-02-27", "v1", f"{_RUN} file_ids metadata usage"),
        ("2024-04-01", "v1", f"{_RUN} file_ids metadata temperature usage"),
        ("2024-04-27", "v1", f"{_RUN} file_ids metadata temperature top_p {_RUN_LIMITS} tool_choice"),
        ("2024-04-17", "v2", f"{_RUN} tool_resources metadata temperature top_p {_RUN_LIMITS} tool_choice"),
        ("2024-06-06", "v2", f"{_RUN} tool_resources metadata temperature top_p {_RUN_LIMITS} {_CHOICES}"),
        (
            "2025-03-06",
            "v2",
            f"{_RUN} tool_resources metadata temperature top_p reasoning_effort {_RUN_LIMITS} {_CHOICES}",
        ),
    ),
    "thread.run.step": (("2023-11-06", "v1", _STEP), ("2024-01-22", "v1 v2", f"{_STEP} usage")),
    "file": (
        ("2021-04-07", "v1 v2", f"{_FILE} status status_details"),
        ("2025-03-14", "v1 v2", f"{_FILE} expires_at status status_details"),
    ),
    "file deleted": (
        ("2021-04-07", "v1 v2", "object id deleted"),
        ("2024-05-08", "v1 v2", "object deleted id"),
    ),
    "file list": (
        ("2021-04-07", "v1 v2", "object data"),
        ("2023-11-07", "v1 v2", "object has_more data"),
        ("2024-05-07", "v1 v2", "object data has_more"),
        ("2024-10-01", "v1 v2", "object data has_more first_id last_id"),
    ),
    "usage": (
        ("2023-11-06", "v1 v2", _USAGE),
        ("2025-01-08", "v2", f"{_USAGE} prompt_token_details completion_tokens_details"),
    ),
    "vector_store": (
        (
            "2024-04-30",
            "v2",
            f"id object name status usage_bytes created_at file_counts metadata {_EXPIRY}",
        ),
        (
            "2025-09-16",
            "v2",
            f"id object created_at name description usage_bytes file_counts status {_EXPIRY} metadata",
        ),
    ),
    "vector_store.file": (
        ("2024-04-30", "v2", _STORE_FILE),
        ("2024-06-06", "v2", f"{_STORE_FILE} chunking_strategy"),  # openai-php/client#419, openai/openai-openapi#300
        ("2025-06-16", "v2", f"{_STORE_FILE} chunking_strategy attributes"),
    ),
    "vector_store.file of a batch": (  # as the list of a batch shows it
        ("2024-04-30", "v2", "id object created_at vector_store_id status last_error"),
        # FACTS A: all that lack the other keys were recorded until 2025-09-16. By the counts of FACTS A and G, those in
        # the lists of batches with three files have them, and a batch was recorded last on this day.
        ("2025-10-30", "v2", f"{_STORE_FILE} chunking_strategy attributes"),
    ),
    "file search result": (
        ("2024-04-17", "v2", "file_id file_name score content"),
        ("2025-09-16", "v2", "file_id file_name score attributes content"),
    ),
    "function tool": (
        ("2023-11-06", "v1 v2", "name description parameters"),
        ("2024-11-04", "v2", "name description parameters strict"),
    ),
    "file search tool": (
        ("2024-04-17", "v1 v2", ""),
        ("2024-09-25", "v2", "max_num_results ranker score_threshold"),
        ("2025-09-01", "v2", "max_num_results ranker score_threshold hybrid_search"),
    ),
}

# Days on which something other than a key changed (FACTS 0, F; CONTRACT timeline, §7.1).
EARLY_PURPOSES_ENDED = "2022-12-03"  # of files for search, answers and classifications, with their endpoints
SHORT_FILE_IDS = "2024-11-25"  # file- + 22 instead of 24 characters
HEX_STORE_IDS = "2025-01-09"  # vs_ + 32 hexadecimal digits; the day before, 24 characters were still printed
MANY_FILES = "2025-11-01"  # a store made since then takes 100,000,000 files instead of 10,000 (CONTRACT §8)
LONG_BATCHES = "2025-01-01"  # 2,000 files at once instead of 500 (CONTRACT §1.6)
MALFORMED_ID_REFUSALS = "2025-01-01"  # a malformed id is a 400 of its own; before, a plain "not found"
CONTENT_TYPES_CHECKED = "2024-02-13"  # of JSON (TheoKanning/openai-java#465); forms always were
BATCHES_AS_STORES = "2025-11-01"  # retrieving a batch returned its store
FILE_ERROR_DETAIL = "2026-05-28"  # refusals of /files have a second top-level key, `detail`
# Before, an incomplete run was announced by the event `thread.run.completed`, and v1 showed it as `completed`.
INCOMPLETE_EVENT = "2024-05-28"
V1_ENDED = "2024-12-18"
ASSISTANTS_ENDED = "2026-08-26"
V2_BEGAN = "2024-04-17"


@cache
def shapes_of(day: str | None) -> Shapes:
    """The shapes of a day, built once."""
    return Shapes(day)


class Shapes:
    """The shapes in force on one day, for both versions.

    >>> Shapes("2024-05-01").keys("thread", "v1")
    ('id', 'object', 'created_at', 'metadata')
    """

    def __init__(self, as_of: str | None = None) -> None:
        self.day = as_of or NEWEST
        self._keys: dict[tuple[str, str], tuple[str, ...]] = {}
        self._projections: dict[tuple[str, ...], Projection] = {}
        for name, lines in SHAPES.items():
            for since, versions, keys in sorted(lines):
                for api in versions.split():
                    # the earliest shape of a version also serves days before it was first seen
                    if since <= self.day or (name, api) not in self._keys:
                        self._keys[name, api] = tuple(keys.split())

    def keys(self, name: str, api: Api) -> tuple[str, ...]:
        return self._keys[name, api]

    def project(self, name: str, api: Api, values: Mapping[str, Any]) -> dict[str, Any]:
        """The object with the keys of this day and version, in their order."""
        return {key: values[key] for key in self._keys[name, api]}

    def show(self, name: str, api: Api, record: object, computed: dict[str, Any]) -> dict[str, Any]:
        """The object with the keys of this day and version; those that are not in `computed` come from the record."""
        keys = self._keys[name, api]
        shape = (name, api, *computed)
        made = self._projections.get(shape)
        read, arrange = made or self._projections.setdefault(shape, _projection(keys, tuple(computed)))
        return dict(zip(keys, arrange((*read(record), *computed.values())), strict=True))

    def since(self, day: str) -> bool:
        return self.day >= day


def _projection(keys: tuple[str, ...], computed: tuple[str, ...]) -> Projection:
    """A getter of all values that are not computed, and one that puts these and the computed ones into key order."""
    plain = [key for key in keys if key not in computed]
    have = [*plain, *computed]
    return attrgetter(*plain), itemgetter(*map(have.index, keys))
