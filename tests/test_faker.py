"""The provider for Faker: what it makes is what the service takes, the same for the same seed."""

from __future__ import annotations

import csv
import hashlib
import importlib
import io
import json
import os
import random
import re
import subprocess
import sys
from collections import Counter
from datetime import date

import pytest
from faker import Faker
from schema_validation import schema_errors
from test_arguments import CASES

from harness import HarnessFailure, call, fake_assistants, say, search
from harness.arguments import arguments_for
from harness.faker import AssistantsProvider
from harness.faking.documents import KINDS
from harness.faking.functions import FUNCTIONS
from harness.service.http import Request
from harness.service.service import Service

LOCALES = ("en_US", "ko_KR")
HANGUL = re.compile("[가-힣]")


def faker_for(locale, seed=0):
    fake = Faker(locale, includes=["harness.faker"])
    fake.seed_instance(seed)
    return fake


@pytest.fixture(scope="module", params=LOCALES)
def of_a_locale(request):
    return faker_for(request.param)


@pytest.fixture
def fake(of_a_locale):
    of_a_locale.seed_instance(0)
    return of_a_locale


class Client:
    """Asks a service and gives the status and the object."""

    def __init__(self):
        self.service = Service()

    def __call__(self, method, path, body=None):
        headers = {
            "authorization": "Bearer sk-test",
            "openai-beta": "assistants=v2",
            "content-type": "application/json",
        }
        content = b"" if body is None else json.dumps(body).encode()
        answer = self.service.handle(Request(method, f"https://api.openai.com/v1{path}", headers, content))
        return answer.status, json.loads(answer.body)

    def made(self, path, body=None):
        status, made = self("POST", path, body or {})
        assert status == 200, made
        return f"{path.split('?')[0]}/{made['id']}"


# --- ids -----------------------------------------------------------------------------------------------------------

SHAPES = {
    "assistant_id": "asst_[A-Za-z0-9]{24}",
    "thread_id": "thread_[A-Za-z0-9]{24}",
    "message_id": "msg_[A-Za-z0-9]{24}",
    "run_id": "run_[A-Za-z0-9]{24}",
    "step_id": "step_[A-Za-z0-9]{24}",
    "call_id": "call_[A-Za-z0-9]{24}",
    "file_id": "file-[A-HJ-NP-Za-km-z1-9]{22}",
    "azure_file_id": "assistant-[A-Za-z0-9]{24}",
    "vector_store_id": "vs_[0-9a-f]{32}",
    "file_batch_id": "vsfb_[0-9a-f]{32}",
    "request_id": "req_[0-9a-f]{32}",
}


@pytest.mark.parametrize("name", SHAPES)
def test_the_shape_of_ids(fake, name):
    """CONTRACT §2 and §1.8; FACTS F."""
    made = [getattr(fake, name)() for _ in range(50)]
    assert all(re.fullmatch(SHAPES[name], one) for one in made), made
    assert len(set(made)) == len(made)


@pytest.mark.parametrize(
    ("name", "noun"),
    [
        ("assistant_id", "assistant"),
        ("thread_id", "thread"),
        ("message_id", "message"),
        ("run_id", "run"),
        ("step_id", "run step"),
        ("vector_store_id", "vector store"),
        ("file_batch_id", "file batch"),
        ("file_id", "file"),
    ],
)
def test_the_service_takes_them_for_ids(fake, name, noun):
    """CONTRACT §7.1: an unknown id is not found (404), whereas what cannot be an id is refused (400)."""
    client = Client()
    thread = client.made("/threads")
    assistant = client.made("/assistants", fake.assistant()).rpartition("/")[2]
    run = client.made(f"{thread}/runs", {"assistant_id": assistant})
    store = client.made("/vector_stores")
    folder = {
        "assistant_id": "/assistants",
        "thread_id": "/threads",
        "message_id": f"{thread}/messages",
        "run_id": f"{thread}/runs",
        "step_id": f"{run}/steps",
        "vector_store_id": "/vector_stores",
        "file_batch_id": f"{store}/file_batches",
        "file_id": "/files",
    }[name]
    unknown = getattr(fake, name)()
    status, answer = client("GET", f"{folder}/{unknown}")
    assert status == 404
    message = answer["error"]["message"].lower()
    assert noun in message
    assert re.search("^no |not found", message)
    if name != "file_id":  # the ids of files are not checked
        status, answer = client("GET", f"{folder}/{unknown[2:]}")
        assert (status, answer["error"]["code"]) == (400, "invalid_value")


# --- bodies --------------------------------------------------------------------------------------------------------


def test_assistants_are_created(fake):
    """CONTRACT §1.1."""
    client = Client()
    tools = Counter()
    for _ in range(60):
        body = fake.assistant()
        status, made = client("POST", "/assistants", body)
        assert status == 200, made
        assert {key: made[key] for key in ("name", "model", "instructions", "metadata")} == {
            key: body[key] for key in ("name", "model", "instructions", "metadata")
        }
        tools.update(tool["type"] for tool in made["tools"])
    assert set(tools) == {"code_interpreter", "file_search", "function"}


def test_an_assistant_with_fields_of_ones_own(fake):
    made = fake.assistant(model="gpt-3.5-turbo", tools=[])
    assert (made["model"], made["tools"]) == ("gpt-3.5-turbo", [])


@pytest.mark.parametrize("turns", [-1, 0, 1, 3, 40])
def test_conversations_are_created(fake, turns):
    """CONTRACT §1.2. A turn is a question and its answer; more turns than there are phrases begin anew."""
    messages = fake.conversation(turns=turns)
    assert [message["role"] for message in messages] == ["user", "assistant"] * max(turns, 0)
    client = Client()
    thread = client.made("/threads", {"messages": messages[:32]})
    for message in messages[32:]:
        client.made(f"{thread}/messages", message)
    _, listed = client("GET", f"{thread}/messages?order=asc&limit=100")
    assert [one["content"][0]["text"]["value"] for one in listed["data"]] == [one["content"] for one in messages]


@pytest.mark.parametrize(("locale", "korean"), [("ko_KR", True), ("en_US", False), ("no_NO", False)])
def test_texts_are_in_the_language_of_the_locale(locale, korean):
    """Other languages than Korean are English, with the locale's names."""
    fake = faker_for(locale)
    texts = [message["content"] for message in fake.conversation(30)]
    texts += [fake.document(kind).decode() for kind in KINDS]
    texts += [fake.sales_csv().decode(), fake.assistant()["instructions"]]
    texts += [fake.function_schema()["function"]["description"] for _ in range(10)]
    assert {bool(HANGUL.search(text)) for text in texts} == {korean}
    assert not [text for text in texts if re.search(r"\{\w+\}", text)]  # all slots are filled


def test_without_the_names_of_a_locale_texts_are_english():
    provider = AssistantsProvider(Faker("ko_KR", providers=["faker.providers.misc"]).factories[0])
    assert provider.function_schema()["function"]["description"].isascii()


# --- functions -----------------------------------------------------------------------------------------------------


def closed(schema):
    """Every object in a schema."""
    found = [schema] if schema.get("type") == "object" else []
    for inner in schema.values():
        for part in inner if isinstance(inner, list) else [inner]:
            if isinstance(part, dict):
                found += closed(part)
    return found


def test_function_schemas_are_strict(fake):
    """As strict functions have to be: every property required, and no others."""
    seen = {}
    for _ in range(100):
        tool = fake.function_schema()
        seen[tool["function"]["name"]] = tool["function"]
    assert set(seen) == set(FUNCTIONS)
    for function in seen.values():
        assert function["strict"] is True
        for schema in closed(function["parameters"]):
            assert schema["required"] == list(schema["properties"])
            assert schema["additionalProperties"] is False


def test_a_schema_is_ones_own():
    fake = faker_for("en_US")
    for _ in range(30):
        fake.function_schema()["function"]["parameters"]["properties"].clear()
    assert all(fake.function_schema()["function"]["parameters"]["properties"] for _ in range(30))


def test_function_calls(fake):
    """The act takes what was made up, and the client gets it."""
    for _ in range(60):
        made = fake.function_call()
        assert (
            schema_errors(made.tool["function"]["parameters"], made.arguments, made.tool["function"]["parameters"])
            == []
        )
        act = call(made.name, **made.arguments)
        assert json.loads(act.arguments) == made.arguments


def test_a_run_calls_a_function_that_was_made_up(fake):
    made = fake.function_call()
    with fake_assistants() as assistants:
        assistants.next_run(call(made.name, **made.arguments), say("done"))
        client = assistants.client()
        assistant = client.beta.assistants.create(**fake.assistant(tools=[made.tool]))
        thread = client.beta.threads.create(messages=fake.conversation(turns=2))
        run = client.beta.threads.runs.create_and_poll(thread_id=thread.id, assistant_id=assistant.id)
        [asked] = run.required_action.submit_tool_outputs.tool_calls
        assert (asked.function.name, json.loads(asked.function.arguments)) == (made.name, made.arguments)


def test_a_call_of_a_given_function(fake):
    definition = {"name": "greet", "parameters": {"properties": {"name": {}}, "required": ["name"]}}
    for given in (definition, {"type": "function", "function": definition}):
        made = fake.function_call(given)
        assert made.tool == {"type": "function", "function": definition}
        assert (made.name, list(made.arguments)) == ("greet", ["name"])
    assert fake.function_call({"name": "now"}).arguments == {}


NATURAL = {
    "text": {"type": "string"},
    "time": {"type": "string", "format": "time"},
    "host": {"type": "string", "format": "hostname"},
    "ip": {"type": "string", "format": "ipv6"},
    "long text": {"type": "string", "minLength": 50, "maxLength": 52},
    "email": {"type": "string", "format": "email"},
    "optional": {"type": "object", "properties": {"a": {"type": "boolean"}, "b": {"type": "null"}}},
    "few items": {"type": "array", "items": {"type": "number"}, "minItems": 1, "maxItems": 2},
    "different words": {"type": "array", "items": {"enum": [1, 2, 3]}, "minItems": 3, "uniqueItems": True},
    "below": {"type": "number", "exclusiveMaximum": 0},
    "up to": {"type": "integer", "maximum": 5},
    "between": {"type": "number", "exclusiveMinimum": 0.001, "exclusiveMaximum": 0.002},
}


@pytest.mark.parametrize("name", [*CASES, *NATURAL])
def test_arguments_fit_any_schema(fake, name):
    part = NATURAL[name] if name in NATURAL else CASES[name][0]
    schema = {"type": "object", "properties": {"it": part}, "required": ["it"]}
    assert schema_errors(schema, arguments_for(schema), schema) == []
    for _ in range(40):
        made = fake.function_arguments(schema)
        assert schema_errors(schema, made, schema) == []


def test_arguments_vary():
    fake = faker_for("en_US")
    schema = {
        "properties": {"n": {"type": "integer"}, "unit": {"enum": ["c", "f"]}, "day": {"type": ["string", "null"]}}
    }
    made = [fake.function_arguments(schema) for _ in range(60)]
    assert {len(one) for one in made} == {0, 1, 2, 3}
    assert all(len(fake.function_arguments(schema, strict=True)) == 3 for _ in range(20))
    assert {one["unit"] for one in made if "unit" in one} == {"c", "f"}
    assert {type(one["day"]) for one in made if "day" in one} == {str, type(None)}
    assert len({one["n"] for one in made if "n" in one}) > 10


def test_texts_are_what_their_properties_are_called():
    fake = faker_for("ko_KR")
    properties = {name: {"type": "string"} for name in ("from_city", "customer_name", "phone", "work-email")}
    made = fake.function_arguments({"properties": properties}, strict=True)
    assert made["from_city"][-1] in "시군구"
    assert re.fullmatch("[가-힣]{2,5}", made["customer_name"])
    assert re.fullmatch(r"[\d-]+", made["phone"])
    assert re.fullmatch(r"\S+@example\.\w+", made["work-email"])


def test_a_schema_that_refers_to_itself_ends(fake):
    schema = {
        "properties": {"node": {"$ref": "#/$defs/node"}},
        "required": ["node"],
        "$defs": {
            "node": {
                "properties": {
                    "left": {"anyOf": [{"$ref": "#/$defs/node"}, {"type": "null"}]},
                    "others": {"type": "array", "items": {"$ref": "#/$defs/node"}},
                },
                "required": ["left", "others"],
            }
        },
    }
    made = [fake.function_arguments(schema) for _ in range(50)]
    assert [schema_errors(schema, one, schema) for one in made] == [[]] * 50
    assert any(one["node"]["others"] for one in made)


def test_arguments_for_an_unsatisfiable_schema_fail(fake):
    with pytest.raises(HarnessFailure, match="No arguments could be generated for"):
        fake.function_arguments({"properties": {"it": False}, "required": ["it"]})


# --- files ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rows", [0, 1, 30])
def test_tables_of_sales(fake, rows):
    header, *lines = csv.reader(io.StringIO(fake.sales_csv(rows=rows).decode()))
    assert len(header) == len(set(header)) == 8
    assert len(lines) == rows
    days = [date.fromisoformat(line[0]) for line in lines]
    assert days == sorted(days)
    for _, order, customer, city, product, quantity, unit, total in lines:
        assert re.fullmatch(r"A-\d{5}", order)
        assert customer
        assert city
        assert product
        assert round(int(quantity) * float(unit), 2) == float(total)


def test_documents_have_a_title_and_headings(fake):
    assert re.findall("(?m)^(#+) .", fake.document("md").decode()) == ["#", *["##"] * 5]
    page = fake.document("html").decode()
    assert (page.count("<h1>"), page.count("<h2>"), page.count("<p>")) == (1, 5, 5)
    told = json.loads(fake.document("json"))
    assert told["title"]
    assert all(section["heading"] and len(section["text"]) > 40 for section in told["sections"])
    assert len(fake.document().decode().split("\n\n")) == 11


def test_names_are_escaped_in_pages():
    fake = faker_for("en_US")
    provider = fake.factories[0].provider("faker.providers.company")
    provider.company = lambda: "A & B <Ltd>"
    fake.add_provider(provider)
    assert "<h1>Customer handbook of A &amp; B &lt;Ltd&gt;</h1>" in fake.document("html").decode()


@pytest.mark.parametrize("kind", KINDS)
def test_documents_are_found_by_file_search(fake, kind):
    word = "보증" if HANGUL.search(fake.document().decode()) else "warranty"
    with fake_assistants() as assistants:
        file = assistants.add_file(content=fake.document(kind), filename=f"handbook.{kind}")
        client = assistants.client()
        store = client.vector_stores.create(file_ids=[file.id])
        resources = {"file_search": {"vector_store_ids": [store.id]}}
        body = fake.assistant(tools=[{"type": "file_search"}], tool_resources=resources)
        assistants.next_run(search(word), say("Found【】.", citations="auto"))
        run = client.beta.threads.create_and_run_poll(assistant_id=client.beta.assistants.create(**body).id)
        [answer] = client.beta.threads.messages.list(run.thread_id).data
        assert [cited.file_citation.file_id for cited in answer.content[0].text.annotations] == [file.id]
        [found] = client.vector_stores.search(store.id, query=word).data
        assert word in found.content[0].text.lower()


def test_an_unknown_kind_of_document_fails(fake):
    with pytest.raises(HarnessFailure, match=r"document\('pdf'\)") as caught:
        fake.document("pdf")
    assert caught.value.there_was == "The kinds are txt, md, html, json."


# --- seeds ---------------------------------------------------------------------------------------------------------


def everything(fake):
    """A digest of something of everything."""
    made = [getattr(fake, name)() for name in SHAPES]
    made += [fake.assistant(), fake.conversation(), fake.function_schema(), [*fake.function_call()]]
    made += [fake.sales_csv().decode(), *(fake.document(kind).decode() for kind in KINDS)]
    return hashlib.sha256(json.dumps(made).encode()).hexdigest()


@pytest.mark.parametrize("locale", ["en_US", "ko_KR", list(LOCALES)], ids=["en_US", "ko_KR", "both"])
def test_the_same_seed_gives_the_same(locale):
    assert everything(faker_for(locale, 7)) == everything(faker_for(locale, 7))
    assert everything(faker_for(locale, 7)) != everything(faker_for(locale, 8))


def test_other_processes_give_the_same():
    """As the workers of xdist are: each has its own hashes."""
    code = "import test_faker as t; print(t.everything(t.faker_for(list(t.LOCALES), 7)))"
    path = os.pathsep.join([os.path.dirname(__file__), *filter(None, sys.path)])
    digests = set()
    for hashes in ("1", "2"):
        env = {**os.environ, "PYTHONHASHSEED": hashes, "PYTHONPATH": path}
        done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True)
        digests.add(done.stdout.strip())
    assert digests == {everything(faker_for(list(LOCALES), 7))}


def test_all_that_is_random_comes_from_the_generator():
    """So it follows whoever reseeds Faker, as pytest-randomly does, and moves nobody else's random numbers."""
    fake = faker_for("ko_KR")
    generator = fake.factories[0]
    generator.random = random.Random(3)
    before = random.getstate()
    first = everything(fake)
    assert random.getstate() == before
    generator.random = random.Random(3)
    assert everything(fake) == first


def test_with_the_fixture_of_pytest(faker):
    """The fixture comes with Faker; the seed counts that it has, or that others such as pytest-randomly give it."""
    faker.add_provider(AssistantsProvider)
    faker.seed_instance(0)
    assert everything(faker) == everything(faker_for("en_US", 0))


# --- beside Faker --------------------------------------------------------------------------------------------------


def test_no_method_of_faker_is_overridden():
    own = {name for name in vars(AssistantsProvider) if not name.startswith("_")}
    assert len(own) == 18
    assert [name for locale in LOCALES for name in own if hasattr(Faker(locale), name)] == []


def test_without_faker(monkeypatch):
    monkeypatch.setitem(sys.modules, "faker.providers", None)
    monkeypatch.delitem(sys.modules, "harness.faker")
    with pytest.raises(HarnessFailure) as caught:
        importlib.import_module("harness.faker")
    assert caught.value.do == 'pip install "pytest-assistants[faker]"'
    with pytest.raises(pytest.skip.Exception, match="Faker, which is not installed"):
        pytest.importorskip("harness.faker")
    with pytest.raises(ImportError, match="Faker, which is not installed"):
        importlib.import_module("harness.faker")
