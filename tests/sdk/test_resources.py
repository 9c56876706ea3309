"""The objects and endpoints: what each answers, in both versions, over every client.

Evidence: CONTRACT §1, §2 and FACTS A; exact keys over time are compared with the recordings in tests/real.
"""

from __future__ import annotations

import pytest

from harness import call, run_code, say, search
from harness.installed import installed

HELLO = {"role": "user", "content": "hello"}


@pytest.fixture
def fake(wire):
    return wire.start()


def assistant(wire, **fields):
    return wire.ok("POST", "/assistants", {"model": "gpt-4-turbo", **fields})


def thread(wire, **fields):
    return wire.ok("POST", "/threads", fields)


def upload(wire, name="a.csv", content=b"a,b\n", purpose="assistants", **fields):
    return wire.ok("POST", "/files", data={"purpose": purpose, **fields}, files={"file": (name, content)})


@pytest.mark.usefixtures("fake")
class TestAssistants:
    def test_life(self, wire):
        made = assistant(wire, name="A", metadata={"k": "v"}, temperature=1, instructions="Hi", top_p=None)
        path = f"/assistants/{made['id']}"
        assert (made["temperature"], made["top_p"], made["tools"]) == (1.0, 1.0, [])
        assert wire.ok("GET", path) == made
        changed = wire.ok("POST", path, {"name": None, "instructions": "Ho"})
        assert changed == {**made, "name": None, "instructions": "Ho"}
        assert wire.ok("POST", path, {"metadata": {"other": "x"}})["metadata"] == {"other": "x"}
        assert wire.ok("GET", "/assistants")["data"] == [wire.ok("GET", path)]
        assert wire.ok("DELETE", path) == {"id": made["id"], "object": "assistant.deleted", "deleted": True}
        assert wire.ok("GET", "/assistants") == {
            "object": "list",
            "data": [],
            "first_id": None,
            "last_id": None,
            "has_more": False,
        }

    def test_keys(self, wire, api):
        """CONTRACT §2.1."""
        common = ["id", "object", "created_at", "name", "description", "model", "instructions", "tools", "top_p"]
        rest = {
            "v1": ["temperature", "file_ids", "metadata", "response_format"],
            "v2": ["temperature", "reasoning_effort", "tool_resources", "metadata", "response_format"],
        }
        assert list(assistant(wire)) == common + rest[api]

    @pytest.mark.parametrize("api", ["v2"])
    def test_tools_are_normalized(self, wire):
        """FACTS A2."""
        tools = [
            {"type": "code_interpreter"},
            {"type": "function", "function": {"description": "d", "name": "f", "strict": None}},
            {"type": "file_search"},
            {
                "type": "file_search",
                "file_search": {"ranking_options": {"score_threshold": 0.5}, "max_num_results": 2},
            },
        ]
        made = assistant(wire, tools=tools)
        parameters = {"type": "object", "properties": {}}
        function = {"name": "f", "description": "d", "parameters": parameters, "strict": False}
        ranking = {"ranker": "default_2024_08_21", "score_threshold": 0.0, "hybrid_search": None}
        assert made["tools"] == [
            {"type": "code_interpreter"},
            {"type": "function", "function": function},
            {"type": "file_search", "file_search": {"ranking_options": ranking}},
            {
                "type": "file_search",
                "file_search": {"max_num_results": 2, "ranking_options": {**ranking, "score_threshold": 0.5}},
            },
        ]
        assert list(made["tools"][1]["function"]) == list(function)
        assert made["tool_resources"] == {
            "file_search": {"vector_store_ids": []},
            "code_interpreter": {"file_ids": []},
        }

    @pytest.mark.parametrize("api", ["v2"])
    def test_before_ranking_options_file_search_is_echoed_as_sent(self, wire):
        wire.start(as_of="2024-05-01")
        assert assistant(wire, tools=[{"type": "file_search"}])["tools"] == [{"type": "file_search"}]

    @pytest.mark.parametrize("api", ["v2"])
    def test_tool_resources(self, wire, fake):
        """The helper makes a store; deleting a file takes it out everywhere (CONTRACT §1.1, §1.5)."""
        file = upload(wire)["id"]
        fake.add_vector_store()
        made = assistant(
            wire,
            tools=[{"type": "code_interpreter"}],
            tool_resources={
                "code_interpreter": {"file_ids": [file]},
                "file_search": {"vector_stores": [{"file_ids": [file]}]},
            },
        )
        [store] = made["tool_resources"]["file_search"]["vector_store_ids"]
        assert made["tool_resources"]["code_interpreter"] == {"file_ids": [file]}
        path = f"/assistants/{made['id']}"
        kept = wire.ok("POST", path, {"tool_resources": {"file_search": {"vector_store_ids": [store]}}})
        assert kept["tool_resources"]["file_search"] == {"vector_store_ids": [store]}
        wire.ok("POST", path, {"tool_resources": {"code_interpreter": {"file_ids": [file]}}})
        wire.ok("DELETE", f"/files/{file}")
        assert wire.ok("GET", path)["tool_resources"]["code_interpreter"] == {"file_ids": []}
        assert fake.world.store.vector_stores.get(store).file_ids == []

    @pytest.mark.parametrize("api", ["v1"])
    def test_files_of_v1(self, wire):
        """CONTRACT §1.7."""
        first, second = upload(wire)["id"], upload(wire)["id"]
        made = assistant(wire, tools=[{"type": "retrieval"}], file_ids=[first])
        path = f"/assistants/{made['id']}/files"
        attached = wire.ok("POST", path, {"file_id": second})
        assert list(attached) == ["id", "object", "created_at", "assistant_id"]
        assert [item["id"] for item in wire.ok("GET", path)["data"]] == [second, first]
        assert wire.ok("GET", f"{path}/{second}") == attached
        assert wire.ok("DELETE", f"{path}/{first}") == {
            "id": first,
            "object": "assistant.file.deleted",
            "deleted": True,
        }
        replaced = wire.ok("POST", path.removesuffix("/files"), {"file_ids": [first]})
        assert replaced["file_ids"] == [first]
        wire.ok("DELETE", f"/files/{first}")
        assert wire.ok("GET", path)["data"] == []

    @pytest.mark.parametrize("api", ["v1"])
    def test_files_of_v1_seen_through_v2(self, wire):
        """CONTRACT §10: v1 data read through v2."""
        file = upload(wire)["id"]
        made = assistant(wire, tools=[{"type": "code_interpreter"}], file_ids=[file])
        wire.api = "v2"
        seen = wire.ok("GET", f"/assistants/{made['id']}")
        assert seen["tool_resources"] == {"code_interpreter": {"file_ids": [file]}}


@pytest.mark.usefixtures("fake")
class TestThreads:
    def test_life(self, wire, api):
        made = thread(wire, metadata={"k": "v"})
        path = f"/threads/{made['id']}"
        changed = wire.ok("POST", path, {"metadata": {"k": "w"}})
        assert changed == {**made, "metadata": {"k": "w"}}
        assert wire.ok("POST", path, {})["metadata"] == {"k": "w"}
        if api == "v2":
            assert made["tool_resources"] == {}
            # a GET shows what create and modify leave out (CONTRACT §2.2)
            assert wire.ok("GET", path)["tool_resources"] == {"code_interpreter": {"file_ids": []}}
        assert wire.ok("DELETE", path) == {"id": made["id"], "object": "thread.deleted", "deleted": True}
        assert wire.send("GET", path).status_code == 404

    def test_an_empty_body_is_accepted(self, wire):
        """CONTRACT §1.2."""
        assert wire.ok("POST", "/threads")["object"] == "thread"

    @pytest.mark.parametrize("api", ["v2"])
    def test_tool_resources(self, wire, fake):
        store = fake.add_vector_store().id
        made = thread(wire)
        given = {"file_search": {"vector_store_ids": [store]}}
        assert wire.ok("POST", f"/threads/{made['id']}", {"tool_resources": given})["tool_resources"] == given

    @pytest.mark.parametrize("api", ["v1"])
    def test_metadata_is_coerced_in_v1(self, wire):
        """CONTRACT §2."""
        assert thread(wire, metadata={"modified": True})["metadata"] == {"modified": "True"}


@pytest.mark.usefixtures("fake")
class TestMessages:
    def test_life(self, wire, api):
        home = f"/threads/{thread(wire)['id']}/messages"
        made = wire.ok("POST", home, {**HELLO, "metadata": {"k": "v"}})
        assert made["content"] == [{"type": "text", "text": {"value": "hello", "annotations": []}}]
        assert "status" not in made
        path = f"{home}/{made['id']}"
        assert wire.ok("GET", path) == made
        changed = wire.ok("POST", path, {"metadata": {"k": "w"}})
        # file_ids in place of attachments, also in v2 (CONTRACT §2.3)
        assert changed["file_ids"] == []
        assert "attachments" not in changed
        assert wire.ok("POST", path, {})["metadata"] == {"k": "w"}
        assert ("attachments" in wire.ok("GET", path)) == (api == "v2")
        assert wire.ok("DELETE", path)["object"] == "thread.message.deleted"
        assert wire.ok("GET", home)["data"] == []

    @pytest.mark.parametrize("api", ["v2"])
    def test_parts(self, wire):
        file = upload(wire, purpose="vision")["id"]
        made = thread(wire, messages=[])
        content = [
            {"type": "text", "text": "look"},
            {"type": "image_url", "image_url": {"url": "https://test.example/x.png"}},
            {"type": "image_file", "image_file": {"file_id": file, "detail": "low"}},
        ]
        message = wire.ok("POST", f"/threads/{made['id']}/messages", {"role": "user", "content": content})
        assert message["content"] == [
            {"type": "text", "text": {"value": "look", "annotations": []}},
            {"type": "image_url", "image_url": {"url": "https://test.example/x.png", "detail": "auto"}},
            {"type": "image_file", "image_file": {"file_id": file, "detail": "low"}},
        ]

    @pytest.mark.parametrize("api", ["v2"])
    def test_attachments_feed_the_tools_of_the_thread(self, wire, fake):
        """CONTRACT §2.2."""
        file, other = upload(wire, name="a.txt")["id"], upload(wire, name="b.txt")["id"]
        both = [{"type": "code_interpreter"}, {"type": "file_search"}]
        made = thread(wire, messages=[{**HELLO, "attachments": [{"file_id": file, "tools": both}]}])
        home = f"/threads/{made['id']}"
        for again in (other, other):
            fake.clock.advance(5)
            message = {**HELLO, "attachments": [{"file_id": again, "tools": both}]}
            assert wire.ok("POST", f"{home}/messages", message)["attachments"] == message["attachments"]
        resources = wire.ok("GET", home)["tool_resources"]
        assert resources["code_interpreter"] == {"file_ids": [file, other]}
        [store] = resources["file_search"]["vector_store_ids"]
        files = fake.world.store.vector_stores.get(store).files
        # a file that is there already is not indexed again
        assert [(item.id, item.status) for item in files] == [(file, "completed"), (other, "completed")]
        wire.ok("DELETE", f"/files/{file}")
        assert wire.ok("GET", home)["tool_resources"]["code_interpreter"] == {"file_ids": [other]}

    @pytest.mark.parametrize("api", ["v1"])
    def test_files_of_v1(self, wire):
        file = upload(wire)["id"]
        home = f"/threads/{thread(wire)['id']}/messages"
        made = wire.ok("POST", home, {**HELLO, "file_ids": [file]})
        assert made["file_ids"] == [file]
        found = wire.ok("GET", f"{home}/{made['id']}/files/{file}")
        assert list(found) == ["id", "object", "created_at", "message_id"]
        assert wire.ok("GET", f"{home}/{made['id']}/files")["data"] == [found]
        twice = wire.ok("POST", home, {**HELLO, "file_ids": [file, file]})
        assert [item["id"] for item in wire.ok("GET", f"{home}/{twice['id']}/files")["data"]] == [file]

    @pytest.mark.parametrize("api", ["v2"])
    @pytest.mark.parametrize("function", [None, {"name": "f"}], ids=["null", "named"])
    def test_a_choice_of_a_tool_names_no_function(self, wire, function):
        """azure-sdk-for-go, TestAPIToolChoiceUnion: it sends the key for every kind of tool, as is specified."""
        a = assistant(wire, instructions="x")["id"]
        choice = {"type": "file_search", "function": function}
        run = wire.ok("POST", "/threads/runs", {"assistant_id": a, "tool_choice": choice})
        assert run["tool_choice"] == {"type": "file_search"}

    @pytest.mark.parametrize("body", [b"[]", b"null"])
    def test_nothing_may_be_an_empty_list_or_null(self, wire, body):
        """openai-php/client#353; betalgo/openai: how PHP and .NET say that there is nothing to say."""
        headers = {"content-type": "application/json"}
        made = wire.send("POST", "/threads", content=body, headers=headers)
        assert (made.status_code, made.json()["metadata"]) == (200, {})

    def test_pages(self, wire):
        """CONTRACT §6: newest first, stable within one second."""
        home = f"/threads/{thread(wire)['id']}/messages"
        made = [wire.ok("POST", home, HELLO)["id"] for _ in range(5)]
        page = wire.ok("GET", f"{home}?limit=2")
        assert [item["id"] for item in page["data"]] == [made[4], made[3]]
        assert (page["first_id"], page["last_id"], page["has_more"]) == (made[4], made[3], True)
        page = wire.ok("GET", f"{home}?limit=3&after={made[3]}")
        assert ([item["id"] for item in page["data"]], page["has_more"]) == ([made[2], made[1], made[0]], False)
        page = wire.ok("GET", f"{home}?order=asc&before={made[2]}")
        assert [item["id"] for item in page["data"]] == made[:2]
        page = wire.ok("GET", f"{home}?order=asc&after=&before=")  # as betalgo/openai's playground begins
        assert [item["id"] for item in page["data"]] == made

    @pytest.mark.parametrize("api", ["v2"])
    def test_messages_of_one_run(self, wire, fake):
        a, t = assistant(wire)["id"], thread(wire, messages=[HELLO])["id"]
        run = wire.ok("POST", f"/threads/{t}/runs", {"assistant_id": a, "additional_messages": [HELLO]})
        fake.clock.advance(5)
        [made] = wire.ok("GET", f"/threads/{t}/messages?run_id={run['id']}")["data"]
        assert (made["run_id"], made["assistant_id"], made["role"]) == (run["id"], a, "assistant")
        assert len(wire.ok("GET", f"/threads/{t}/messages")["data"]) == 3

    @pytest.mark.parametrize("api", ["v2"])
    def test_a_thread_has_room_for_so_many(self, wire, fake, monkeypatch):
        """CONTRACT §4: whichever way they come."""
        monkeypatch.setattr("harness.service.resources.messages.MAX_MESSAGES", 1)
        a, t = assistant(wire)["id"], thread(wire, messages=[HELLO])["id"]
        for path, body in (
            (f"/threads/{t}/messages", HELLO),
            (f"/threads/{t}/runs", {"assistant_id": a, "additional_messages": [HELLO]}),
            ("/threads", {"messages": [HELLO] * 2}),
            ("/threads/runs", {"assistant_id": a, "thread": {"messages": [HELLO] * 2}}),
        ):
            refused = wire.send("POST", path, body)
            assert refused.status_code == 400
            assert refused.json()["error"]["message"].endswith("has reached the maximum number of messages.")
        assert [len(thread.messages) for thread in fake.threads] == [1]


class TestRuns:
    def test_objects(self, wire, fake, api):
        a, t = assistant(wire, instructions="Hi")["id"], thread(wire, messages=[HELLO])["id"]
        run = wire.ok("POST", f"/threads/{t}/runs", {"assistant_id": a, "metadata": {"k": "v"}})
        path = f"/threads/{t}/runs/{run['id']}"
        assert ("file_ids" in run, "tool_resources" in run) == (api == "v1", api == "v2")
        assert run["truncation_strategy"] == {"type": "auto", "last_messages": None}
        fake.clock.advance(5)
        ended = wire.ok("POST", path, {"metadata": {"k": "w"}})
        assert (ended["status"], ended["metadata"]) == ("completed", {"k": "w"})
        assert wire.ok("POST", path, {}) == ended
        assert wire.ok("GET", f"/threads/{t}/runs")["data"] == [ended]
        details = {"prompt_token_details", "completion_tokens_details"}
        assert (details <= set(ended["usage"])) == (api == "v2")
        [step] = wire.ok("GET", f"{path}/steps")["data"]
        assert wire.ok("GET", f"{path}/steps/{step['id']}") == step
        assert (step["type"], step["expires_at"], step["usage"]) == ("message_creation", None, ended["usage"])

    @pytest.mark.parametrize("api", ["v2"])
    def test_the_run_overrides_its_assistant(self, wire, fake):
        a, t = assistant(wire, temperature=0.5)["id"], thread(wire, messages=[HELLO])["id"]
        own = {
            "model": "gpt-4o-mini",
            "tools": [{"type": "code_interpreter"}],
            "temperature": 1,
            "tool_choice": {"type": "function", "function": {"name": "f"}},
            "response_format": {"type": "text"},
            "parallel_tool_calls": False,
            "truncation_strategy": {"type": "last_messages", "last_messages": 3},
            "instructions": "Only this.",
        }
        run = wire.ok("POST", f"/threads/{t}/runs", {"assistant_id": a, **own, "additional_instructions": "And that."})
        assert {name: run[name] for name in own} == {**own, "instructions": "Only this.\nAnd that."}
        fake.clock.advance(5)
        plain = wire.ok("POST", f"/threads/{t}/runs", {"assistant_id": a, "additional_instructions": "Alone."})
        assert (plain["temperature"], plain["instructions"]) == (0.5, "Alone.")

    def test_thread_and_run(self, wire, fake):
        a = assistant(wire, instructions="Hi")["id"]
        run = wire.ok("POST", "/threads/runs", {"assistant_id": a, "thread": {"messages": [HELLO]}})
        assert wire.ok("GET", f"/threads/{run['thread_id']}/messages")["data"][0]["role"] == "user"
        assert wire.ok("POST", "/threads/runs", {"assistant_id": a})["status"] == "queued"

    @pytest.mark.parametrize("api", ["v2"])
    def test_thread_and_run_with_tool_resources(self, wire, fake):
        a, file = assistant(wire, instructions="Hi")["id"], upload(wire)["id"]
        given = {"code_interpreter": {"file_ids": [file]}}
        run = wire.ok("POST", "/threads/runs", {"assistant_id": a, "tool_resources": given})
        assert wire.ok("GET", f"/threads/{run['thread_id']}")["tool_resources"] == given

    @pytest.mark.parametrize("api", ["v2"])
    def test_resources_of_a_run_add_to_those_of_its_thread(self, wire, fake):
        """CONTRACT §1.4: null is nothing; §2.2: attachments extend what there is."""
        a, file, attached = assistant(wire)["id"], upload(wire)["id"], upload(wire)["id"]
        store = wire.ok("POST", "/vector_stores", {})["id"]
        search = {"file_search": {"vector_store_ids": [store]}}
        attachment = {"file_id": attached, "tools": [{"type": "code_interpreter"}]}
        made = {
            "messages": [{**HELLO, "attachments": [attachment]}],
            "tool_resources": {"code_interpreter": {"file_ids": [file]}},
        }
        for of_run in (None, search, {**search, "code_interpreter": None}):
            body = {"assistant_id": a, "thread": made, "tool_resources": of_run}
            run = wire.ok("POST", "/threads/runs", body)
            shown = wire.ok("GET", f"/threads/{run['thread_id']}")["tool_resources"]
            assert shown == {"code_interpreter": {"file_ids": [file, attached]}, **(search if of_run else {})}

    def test_a_deleted_assistant_does_not_stop_its_run(self, wire, fake):
        """CONTRACT §4, G."""
        a, t = assistant(wire)["id"], thread(wire, messages=[HELLO])["id"]
        run = wire.ok("POST", f"/threads/{t}/runs", {"assistant_id": a})
        wire.ok("DELETE", f"/assistants/{a}")
        fake.clock.advance(5)
        assert wire.ok("GET", f"/threads/{t}/runs/{run['id']}")["status"] == "completed"

    def test_tool_steps(self, wire, fake, api):
        """CONTRACT §2.5; the text that a search found shows only where the client asks for it."""
        result = {"file_id": "file-x", "score": 0.7, "content": [{"type": "text", "text": "found"}]}
        fake.next_run(run_code("6 * 7"), run_code("print(1)", logs="1"), search(results=[result]), say("done"))
        a, t = assistant(wire)["id"], thread(wire, messages=[HELLO])["id"]
        tools = [{"type": "code_interpreter"}]
        if api == "v2":
            tools.append({"type": "file_search", "file_search": {"ranking_options": {"score_threshold": 0.5}}})
        run = wire.ok("POST", f"/threads/{t}/runs", {"assistant_id": a, "tools": tools})
        fake.clock.advance(20)
        path = f"/threads/{t}/runs/{run['id']}/steps?order=asc"
        silent, loud, searched, message = wire.ok("GET", path)["data"]
        assert silent["step_details"]["tool_calls"][0]["code_interpreter"] == {"input": "6 * 7", "outputs": []}
        assert loud["step_details"]["tool_calls"][0]["code_interpreter"]["outputs"] == [{"type": "logs", "logs": "1"}]
        assert message["type"] == "message_creation"
        answer, asked = wire.ok("GET", f"/threads/{t}/messages")["data"]
        assert (answer["created_at"], asked["created_at"]) == (message["created_at"], run["created_at"])
        [found] = searched["step_details"]["tool_calls"]
        if api == "v1":
            assert found == {"id": found["id"], "type": "retrieval", "retrieval": {}}
            return
        ranking = {"ranker": "default_2024_08_21", "score_threshold": 0.5}
        without = {"file_id": "file-x", "score": 0.7}
        assert found["file_search"] == {"ranking_options": ranking, "results": [without]}
        wanted = "step_details.tool_calls[*].file_search.results[*].content"
        shown = wire.ok("GET", path, params={"include[]": wanted, "order": "asc"})["data"][2]
        assert shown["step_details"]["tool_calls"][0]["file_search"]["results"] == [result]

    @pytest.mark.parametrize("api", ["v1"])
    def test_in_2023_required_action_was_there_while_there_was_something_to_do(self, wire):
        """CONTRACT §2.4."""
        fake = wire.start(as_of="2023-12-24")
        fake.next_run(call("f"))
        a, t = assistant(wire)["id"], thread(wire, messages=[HELLO])["id"]
        run = wire.ok("POST", f"/threads/{t}/runs", {"assistant_id": a})
        assert "required_action" not in run
        fake.clock.advance(5)
        asked = wire.ok("GET", f"/threads/{t}/runs/{run['id']}")
        assert asked["required_action"]["type"] == "submit_tool_outputs"

    @pytest.mark.parametrize("api", ["v2"])
    def test_a_search_before_its_results_were_shown(self, wire):
        fake = wire.start(as_of="2024-05-01")
        fake.next_run(search())
        a, t = assistant(wire)["id"], thread(wire, messages=[HELLO])["id"]
        run = wire.ok("POST", f"/threads/{t}/runs", {"assistant_id": a})
        fake.clock.advance(20)
        [step] = wire.ok("GET", f"/threads/{t}/runs/{run['id']}/steps")["data"]
        assert step["step_details"]["tool_calls"][0]["file_search"] == {}


@pytest.mark.usefixtures("fake")
class TestFiles:
    def test_life(self, wire):
        made = upload(wire, name="plot.png", content=b"\x89PNG\r\n\x00", purpose="vision")
        assert list(made) == [
            "object",
            "id",
            "purpose",
            "filename",
            "bytes",
            "created_at",
            "expires_at",
            "status",
            "status_details",
        ]
        path = f"/files/{made['id']}"
        assert wire.ok("GET", path) == made
        content = wire.send("GET", f"{path}/content")
        assert content.content == b"\x89PNG\r\n\x00"
        assert content.headers["content-type"] == "application/octet-stream"
        assert content.headers["content-disposition"] == 'attachment; filename="plot.png"'
        assert wire.ok("DELETE", path) == {"object": "file", "deleted": True, "id": made["id"]}

    @pytest.mark.parametrize(
        ("name", "encoded"), [("판매.csv", "%ED%8C%90%EB%A7%A4.csv"), ('a".csv\r\nx: y', "a%22.csv%0D%0Ax%3A%20y")]
    )
    def test_names_that_cannot_stand_in_a_header(self, wire, fake, name, encoded):
        """CONTRACT §1.5; how such a name is written in a header is not recorded."""
        made = fake.add_file(content=b"x", filename=name, purpose="batch")
        header = wire.send("GET", f"/files/{made.id}/content").headers["content-disposition"]
        assert header == f"attachment; filename*=UTF-8''{encoded}"
        assert upload(wire, name="판매.csv")["filename"] == "판매.csv"

    def test_lists(self, wire):
        first, second = upload(wire), upload(wire, purpose="vision")
        listed = wire.ok("GET", "/files")
        assert list(listed) == ["object", "data", "has_more", "first_id", "last_id"]
        assert listed["data"] == [second, first]
        assert wire.ok("GET", "/files?purpose=vision")["data"] == [second]

    def test_expiry_is_written_down(self, wire):
        fields = {"expires_after[anchor]": "created_at", "expires_after[seconds]": "3600"}
        made = upload(wire, **fields)
        assert made["expires_at"] == made["created_at"] + 3600


class TestTheAnswerItself:
    def test_bytes_and_headers(self, wire, fake):
        """FACTS 0, Transport."""
        answer = wire.send("POST", "/threads", {"metadata": {"city": "서울"}})
        assert answer.content.startswith(b'{\n  "id": "thread_')
        assert "서울".encode() in answer.content
        assert not answer.content.endswith(b"\n")
        assert wire.send("GET", "/files").content.endswith(b"}\n")
        headers = answer.headers
        assert headers["content-type"] == "application/json"
        assert headers["openai-version"] == "2020-10-01"
        assert headers["x-request-id"].startswith("req_")
        assert headers["date"] == "Mon, 03 Nov 2025 12:00:00 GMT"
        for never_seen in ("x-ratelimit-limit-requests", "openai-poll-after-ms", "retry-after"):
            assert never_seen not in headers

    def test_azure(self, wire, fake, api):
        """CONTRACT §1.8, §7.2."""
        version = {"v1": "2024-02-15-preview", "v2": "2024-05-01-preview"}[api]
        answer = azure(wire, "POST", "/threads", version)
        assert ("tool_resources" in answer.json()) == (api == "v2")
        assert "apim-request-id" in answer.headers
        assert "openai-version" not in answer.headers
        refused = azure(wire, "GET", "/threads/thread_x", version, key="")
        assert (refused.status_code, refused.json()["error"]["code"]) == (401, "401")
        assert list(refused.json()["error"]) == ["code", "message"]


def azure(wire, method, path, version, key="secret"):
    url = f"https://contoso.openai.azure.com/openai{path}?api-version={version}"
    with installed(wire.fake), wire.module.Client() as client:
        return client.request(method, url, headers={"api-key": key} if key else {})


@pytest.mark.parametrize("api", ["v2"])
class TestVersions:
    def test_v1_files_through_v2_while_both_were_answered(self, wire):
        """FACTS I: lemur used these endpoints with the v2 header in May 2024."""
        wire.start(as_of="2024-05-07")
        a = assistant(wire)["id"]
        assert wire.ok("GET", f"/assistants/{a}/files")["data"] == []

    def test_v2_puts_an_attached_file_into_a_store(self, wire):
        """As recorded in May 2024: the store shows in tool_resources."""
        wire.start(as_of="2024-05-07")
        a = assistant(wire, tools=[{"type": "file_search"}])["id"]
        wire.ok("POST", f"/assistants/{a}/files", {"file_id": upload(wire)["id"]})
        assert len(wire.ok("GET", f"/assistants/{a}")["tool_resources"]["file_search"]["vector_store_ids"]) == 1

    def test_v1_files_through_v2_today(self, wire):
        wire.start()
        a = assistant(wire)["id"]
        answer = wire.send("GET", f"/assistants/{a}/files")
        assert (answer.status_code, answer.json()["error"]["code"]) == (400, "invalid_beta")

    @pytest.mark.parametrize("path", ["/files", "/models"])
    def test_files_and_models_are_no_beta(self, wire, path):
        """CONTRACT §1: no header is needed; nothing is known of one that names another beta."""
        wire.start()
        for header in (None, "assistants=v1", "realtime=v1"):
            assert wire.ok("GET", path, headers={"openai-beta": header})["object"] == "list"

    @pytest.mark.parametrize(("options", "version"), [({"api": "v1"}, "v1"), ({"as_of": "2024-01-01"}, "v1")])
    def test_before_v2(self, wire, options, version):
        wire.start(**options)
        assert wire.send("GET", "/assistants").json()["error"]["message"] == "Unknown beta requested: 'assistants=v2'."
        missing = wire.send("GET", "/assistants", headers={"openai-beta": None})
        assert f"assistants={version}" in missing.json()["error"]["message"]
        assert wire.ok("GET", "/files")["data"] == []


@pytest.mark.parametrize("api", ["v1"])
def test_without_a_day_v1_takes_any_model(wire, fake):
    """It is answered for clients that have outlived it: the refusals were recorded on days of 2024 (CONTRACT §7.1)."""
    assert wire.ok("POST", "/assistants", {"model": "gpt-4o"})["model"] == "gpt-4o"
