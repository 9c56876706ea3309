"""A provider for Faker: made-up assistants, conversations, function calls, tables and documents.

    from faker import Faker
    from harness.faker import AssistantsProvider

    fake = Faker()
    fake.add_provider(AssistantsProvider)

    client.beta.assistants.create(**fake.assistant())
    client.beta.threads.create(messages=fake.conversation(turns=2))
    assistants.add_file(content=fake.sales_csv(rows=20), filename="sales.csv")

Faker adds no provider to several locales at once; for them it is `Faker(["en_US", "ko_KR"],
includes=["harness.faker"])`, and with its fixture for pytest `faker.add_provider(AssistantsProvider)`.

Texts are Korean in Korean locales and English in all others, with the locale's names. All that is random comes from the
generator's own `random`, so a seed gives the same data in every process, and whatever reseeds Faker reseeds this too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from harness.failures import MissingExtra
from harness.faking import documents, functions
from harness.faking.arguments import RandomValueGenerator
from harness.faking.phrases import language_of
from harness.service.clock import EPOCH
from harness.service.shapes import shapes_of
from harness.service.store import Ids

try:
    from faker.providers import BaseProvider
except ImportError:
    raise MissingExtra(
        "harness.faker is a provider for Faker, which is not installed.",
        do='pip install "pytest-assistants[faker]"',
    ) from None

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.faking.phrases import Language

MODELS = ("gpt-4o", "gpt-4o-mini", "gpt-4.1", "gpt-4.1-mini", "gpt-4-turbo")
MAX_FUNCTIONS = 2  # of an assistant


class FunctionCall(NamedTuple):
    """A function tool and arguments that fit it, for `call(drawn.name, **drawn.arguments)`."""

    tool: dict[str, Any]
    name: str
    arguments: dict[str, Any]


class AssistantsProvider(BaseProvider):
    """A provider of test data for the Assistants API.

    >>> from faker import Faker
    >>> fake = Faker("ko_KR")
    >>> fake.add_provider(AssistantsProvider)
    >>> [message["role"] for message in fake.conversation(turns=1)]
    ['user', 'assistant']
    """

    # --- ids: in the shape and the alphabet of the service today (CONTRACT §2) ------------------------------

    def assistant_id(self) -> str:
        return self._ids().make("asst_")

    def thread_id(self) -> str:
        return self._ids().make("thread_")

    def message_id(self) -> str:
        return self._ids().make("msg_")

    def run_id(self) -> str:
        return self._ids().make("run_")

    def step_id(self) -> str:
        return self._ids().make("step_")

    def call_id(self) -> str:
        """The id of a tool call."""
        return self._ids().make("call_")

    def file_id(self) -> str:
        return self._ids().file(shapes_of(None), azure=False, purpose="assistants")

    def azure_file_id(self) -> str:
        """The id of a file for assistants on Azure (CONTRACT §1.8)."""
        return self._ids().file(shapes_of(None), azure=True, purpose="assistants")

    def vector_store_id(self) -> str:
        return self._ids().vector_store(shapes_of(None), int(EPOCH))

    def file_batch_id(self) -> str:
        return self._ids().file_batch()

    def request_id(self) -> str:
        """A value of the header `x-request-id`."""
        return self._ids().request()

    # --- objects --------------------------------------------------------------------------------------------

    def assistant(self, **fields: Any) -> dict[str, Any]:
        """A body for `assistants.create` (v2) with up to two functions; `fields` override what is made up."""
        name, job, instructions = documents.assistant(self.generator, self._language())
        own = [{"type": kind} for kind in ("code_interpreter", "file_search") if self.generator.random.random() < 0.5]
        names = self.generator.random.sample(list(functions.FUNCTIONS), self.generator.random.randint(0, MAX_FUNCTIONS))
        made = {
            "model": self.generator.random.choice(MODELS),
            "name": name,
            "instructions": instructions,
            "tools": [*own, *(functions.tool(name, self._language().code) for name in names)],
            "metadata": {"team": job, "owner": self.generator.name()},
        }
        return {**made, **fields}

    def conversation(self, turns: int = 3) -> list[dict[str, str]]:
        """The `messages` of `threads.create`: a question of the user and the assistant's answer for each turn."""
        return documents.conversation(self.generator, self._language(), turns)

    def function_schema(self) -> dict[str, Any]:
        """A function as an entry of `tools`: a strict schema, every property required."""
        name = self.generator.random.choice(list(functions.FUNCTIONS))
        return functions.tool(name, self._language().code)

    def function_arguments(self, schema: Mapping[str, Any], *, strict: bool = False) -> dict[str, Any]:
        """Arguments that fit a function whose schema `harness.arguments` can read.

        Args:
            schema: a tool, its definition, or only its parameters.
            strict: include all properties, not only the required ones and some of the others.

        Raises:
            HarnessFailure: nothing fits the schema.
        """
        parameters = functions.definition_of(schema).get("parameters") or {}
        return RandomValueGenerator(parameters, self.generator, self._language(), everything=strict).arguments()

    def function_call(self, schema: Mapping[str, Any] | None = None) -> FunctionCall:
        """A call of a function, by default of a made-up one.

        Args:
            schema: a tool or its definition, with a name.
        """
        definition = functions.definition_of(self.function_schema() if schema is None else schema)
        tool = {"type": "function", "function": dict(definition)}
        return FunctionCall(tool, definition["name"], self.function_arguments(definition))

    # --- files ----------------------------------------------------------------------------------------------

    def sales_csv(self, rows: int = 10) -> bytes:
        """A CSV of sales in UTF-8: a header, and one order a row, by date. (The name `csv` is taken by Faker.)"""
        return documents.sales(self.generator, self._language(), rows)

    def document(self, kind: str = "txt") -> bytes:
        """A handbook in UTF-8, with headings and paragraphs, that file search can read.

        Args:
            kind: `txt`, `md`, `html` or `json`, which is also the extension that its file should have.

        Raises:
            HarnessFailure: there are no documents of that kind.
        """
        return documents.document(self.generator, self._language(), kind)

    # --- from the generator ---------------------------------------------------------------------------------

    def _ids(self) -> Ids:
        return Ids(self.generator.random.getrandbits(64))

    def _language(self) -> Language:
        """The language of the generator, read off its provider of names: a provider does not know its own locale."""
        names = self.generator.provider("faker.providers.person")
        return language_of(names.__lang__ if names else None)


Provider = AssistantsProvider  # the name under which `includes` looks for it
