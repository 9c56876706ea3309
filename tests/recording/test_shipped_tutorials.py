"""The sessions in `cassettes/`, replayed to the code of their tutorials with the current SDK."""

from __future__ import annotations

import json
import re
from time import sleep

import pytest
from shipped_cassettes import FOLDER, session_of

from harness import HarnessFailure
from harness.recording.cassettes import read
from harness.service.params import parse_upload

TUTOR = "asst_eZ2yeS87AJQw4cfstpjUXneU"


def submit_message(client, assistant_id, thread_id, user_message):
    client.beta.threads.messages.create(thread_id=thread_id, role="user", content=user_message)
    return client.beta.threads.runs.create(thread_id=thread_id, assistant_id=assistant_id)


def create_thread_and_run(client, user_input):
    thread = client.beta.threads.create()
    return thread, submit_message(client, TUTOR, thread.id, user_input)


def wait_on_run(client, run):
    while run.status in ("queued", "in_progress"):
        run = client.beta.threads.runs.retrieve(thread_id=run.thread_id, run_id=run.id)
        sleep(0.5)
    return run


def get_response(client, thread):
    return client.beta.threads.messages.list(thread_id=thread.id, order="asc")


def pretty_print(messages):
    print("# Messages")
    for message in messages:
        print(f"{message.role}: {message.content[0].text.value}")
    print()


def conversation(name, thread_id):
    """What `pretty_print` has to print, by the last list of this thread in the cassette."""
    exchange = [
        exchange for exchange in session_of(FOLDER / name).exchanges if exchange.path.endswith(f"{thread_id}/messages")
    ][-1]
    lines = [f"{item['role']}: {item['content'][0]['text']['value']}\n" for item in exchange.response_json["data"]]
    return "".join(["# Messages\n", *lines, "\n"])


@pytest.mark.assistants_cassette("math-tutor.yaml")
def test_the_math_tutor(assistants):
    client = assistants.client()
    assistant = client.beta.assistants.create(
        name="Math Tutor",
        instructions="너는 개인 수학 교사야. 질문에 한 문장 이하로 짧게 답해줘",
        model="gpt-4-1106-preview",
    )
    assert assistant.id == TUTOR
    thread = client.beta.threads.create()
    run = wait_on_run(client, submit_message(client, assistant.id, thread.id, "방정식 '3x + 11 = 14'를 풀어줘"))
    assert (run.id, run.status) == ("run_U12Y2WAZzrIfEorm0zn38hUy", "completed")
    newest = client.beta.threads.messages.list(thread_id=thread.id).data[0]
    assert (newest.id, newest.content[0].text.value) == ("msg_VgcejjCyZfB7Rjfvis57soF3", "x = 1")


@pytest.mark.assistants_cassette("math-tutor.yaml")
def test_the_example_of_the_readme(assistants):
    [block] = re.findall(r"^```python\n(.*?)^```", (FOLDER / "README.md").read_text("utf-8"), re.MULTILINE | re.DOTALL)
    namespace = {}
    exec(block, namespace)
    namespace["test_the_tutor_solves_it"](assistants)


@pytest.mark.assistants_cassette("explain-again.yaml")
def test_the_explain_again_turn(assistants):
    client = assistants.client()
    thread_id = "thread_MSSuluvFEkJg2gedb9kniwKi"
    message = client.beta.threads.messages.create(thread_id=thread_id, role="user", content="설명해 주시겠어요?")
    run = wait_on_run(client, client.beta.threads.runs.create(thread_id=thread_id, assistant_id=TUTOR))
    messages = client.beta.threads.messages.list(thread_id=thread_id, order="asc", after=message.id)
    [answer] = [(item.id, item.run_id, item.content[0].text.value) for item in messages]
    explained = "방정식 3x + 11 = 14에서 11을 양변에서 빼면 3x = 3이 되고, 양변을 3으로 나누면 x = 1이 됩니다."
    assert answer == ("msg_yEOGmfQafopi1PXqe2D10XdV", run.id, explained)


@pytest.mark.assistants_cassette("three-threads.yaml")
def test_three_threads(assistants, capsys):
    client = assistants.client()
    thread1, run1 = create_thread_and_run(client, "방정식 '3x + 11 = 14'를 풀어줘")
    thread2, run2 = create_thread_and_run(client, "선형대수에 대해 설명해줘")
    thread3, run3 = create_thread_and_run(client, "나는 수학을 싫어해. 어떻게 하면 좋을까?")
    for thread, run in ((thread1, run1), (thread2, run2), (thread3, run3)):
        assert wait_on_run(client, run).status == "completed"
        pretty_print(get_response(client, thread))
    wait_on_run(client, submit_message(client, TUTOR, thread3.id, "고마워"))
    capsys.readouterr()
    for thread in (thread1, thread2, thread3):
        pretty_print(get_response(client, thread))
    assert (
        capsys.readouterr().out
        == """\
# Messages
user: 방정식 '3x + 11 = 14'를 풀어줘
assistant: x = 1

# Messages
user: 선형대수에 대해 설명해줘
assistant: 선형대수학은 벡터 공간과 이러한 공간에서의 변환을 다루는 수학의 한 분야입니다.

# Messages
user: 나는 수학을 싫어해. 어떻게 하면 좋을까?
assistant: 수학과 관련된 재미있는 활동이나 실생활 연관 문제를 통해 흥미를 느낄 수 있는 부분부터 시작해 보세요.
user: 고마워
assistant: 언제나 도와드릴 준비가 되어 있으니 질문이 있으면 언제든지 말씀해 주세요!

"""
    )


@pytest.mark.assistants_cassette("fibonacci.yaml")
def test_fibonacci_and_its_code_step(assistants, capsys):
    client = assistants.client()
    client.beta.assistants.update(TUTOR, tools=[{"type": "code_interpreter"}])
    thread, run = create_thread_and_run(client, "코드를 사용하여 처음 20개의 피보나치 숫자를 생성해줘")
    run = wait_on_run(client, run)
    pretty_print(get_response(client, thread))
    printed = capsys.readouterr().out
    assert printed == conversation("fibonacci.yaml", thread.id)
    assert r"\[0, 1, 1, 2, 3, 5, 8, 13, 21, 34, 55, 89, 144, 233, 377, 610, 987, 1597, 2584, 4181\]." in printed
    steps = client.beta.threads.runs.steps.list(thread_id=thread.id, run_id=run.id, order="asc").data
    [cell] = steps[0].step_details.tool_calls
    assert cell.id == "call_OqsoQUA66ARJpz4hVT2Ajt8u"
    assert cell.code_interpreter.input.startswith("def fibonacci(n):\n    fib_series = [0, 1]\n")
    assert cell.code_interpreter.outputs[0].logs.endswith(" 2584,\n 4181]")
    assert steps[1].step_details.message_creation.message_id == "msg_JN0KKzxT9hk0Q84J4692hyKS"


@pytest.mark.assistants_cassette("retrieval.yaml")
def test_retrieval_whose_tool_is_called_file_search_today(assistants, capsys):
    """The file comes from the cassette: what is uploaded has to have the same name and content."""
    form = read(FOLDER / "retrieval.yaml")[0].request
    paper = parse_upload(form.body, form.headers["content-type"])
    client = assistants.client()
    file = client.files.create(file=(paper.filename, paper.content), purpose="assistants")
    assert file.id == "file-x3Uky6bI3OVlauSwA48SXTtW"
    client.beta.assistants.update(TUTOR, tools=[{"type": "code_interpreter"}, {"type": "file_search"}])
    thread, run = create_thread_and_run(client, "이 ML 논문의 배경이 되는 수학 개념은 뭐야? 두 문장으로 설명해줘")
    wait_on_run(client, run)
    pretty_print(get_response(client, thread))
    printed = capsys.readouterr().out
    assert printed == conversation("retrieval.yaml", thread.id)
    assert "the product of conditional probabilities【13†source】." in printed


@pytest.mark.assistants_cassette("quiz.yaml")
def test_the_quiz_with_requires_action(assistants, capsys):
    client = assistants.client()
    question = (
        "두 가지 질문으로 퀴즈를 만들어줘. 하나는 주관식, 하나는 객관식으로, 그런 다음 답변에 대한 피드백을 보내줘"
    )
    thread, run = create_thread_and_run(client, question)
    run = wait_on_run(client, run)
    assert (run.id, run.status) == ("run_WZmzm94iY7cO8JZXTWkyLhRF", "requires_action")
    [tool_call] = run.required_action.submit_tool_outputs.tool_calls
    assert tool_call.function.name == "display_quiz"
    quiz = json.loads(tool_call.function.arguments)
    assert quiz["title"] == "Math Quiz"
    responses = [
        {"FREE_RESPONSE": "I don't know.", "MULTIPLE_CHOICE": "a"}[q["question_type"]] for q in quiz["questions"]
    ]
    output = {"tool_call_id": tool_call.id, "output": json.dumps(responses)}
    run = client.beta.threads.runs.submit_tool_outputs(thread_id=thread.id, run_id=run.id, tool_outputs=[output])
    assert run.status == "queued"
    assert wait_on_run(client, run).status == "completed"
    pretty_print(get_response(client, thread))
    printed = capsys.readouterr().out
    assert printed == conversation("quiz.yaml", thread.id)
    assert printed.endswith("Keep practicing your calculus, and it will become more intuitive.\n\n")


@pytest.mark.assistants_cassette("another-problem.yaml")
def test_two_turns_with_create_and_poll(assistants):
    client = assistants.client()
    assistant = client.beta.assistants.create(
        name="Math Tutor",
        instructions="You are a personal math tutor. Answer questions briefly, in a sentence or less.",
        model="gpt-4o",
    )
    thread = client.beta.threads.create()
    runs, printed = [], []
    for question in (
        "다음의 방정식을 풀고 싶습니다. '3x + 11 = 14', 수학선생님 도와주실 수 있나요?",
        "설명 감사합니다. 다른 비슷한 문제를 출제해 주시고 다시 설명해 주실 수 있나요?",
    ):
        message = client.beta.threads.messages.create(thread_id=thread.id, role="user", content=question)
        run = client.beta.threads.runs.create_and_poll(thread_id=thread.id, assistant_id=assistant.id)
        assert run.status == "completed"
        runs.append(run.id)
        messages = client.beta.threads.messages.list(thread_id=thread.id, order="asc", after=message.id)
        printed += [item.content[0].text.value.splitlines() for item in messages]
    assert runs == ["run_73XLuBlR2WWpKfe4iw6GyzFZ", "run_LNecBapvDLHz0EzTeqRv8v2u"]
    assert printed == [
        [
            "네, 물론이죠! '3x + 11 = 14'를 풀려면,",
            "1. 양 변에서 11을 빼세요: '3x = 3'.",
            "2. 그리고 양 변을 3으로 나누세요: 'x = 1'.",
        ],
        [
            "당연하죠! 다음 방정식을 풀어보세요: '6x - 10 = 20'.",
            "",
            "풀이 과정:",
            "1. 양 변에 10을 더하세요: '6x = 30'.",
            "2. 그리고 양 변을 6으로 나누세요: 'x = 5'.",
        ],
    ]


@pytest.mark.assistants_cassette("quiz-on-documents.yaml")
def test_the_quiz_on_documents_knows_one_set_of_answers(assistants, capsys):
    """What an assistant of v1 was made with is recorded, so `file_ids` have to be sent, also by an SDK without them."""
    created, _, asked = (json.loads(item.request_body) for item in read(FOLDER / "quiz-on-documents.yaml")[:3])
    files = {"file_ids": created.pop("file_ids")}
    client = assistants.client()
    with pytest.raises(HarnessFailure, match=r"(?s)POST /assistants was not recorded like this.*file_ids"):
        client.beta.assistants.create(**created)
    assistant = client.beta.assistants.create(**created, extra_body=files)
    thread = client.beta.threads.create()
    run = wait_on_run(client, submit_message(client, assistant.id, thread.id, asked["content"]))
    [tool_call] = run.required_action.submit_tool_outputs.tool_calls
    assert json.loads(tool_call.function.arguments)["title"] == "AI와 머신러닝 관련 퀴즈"

    def submit(responses):
        output = {"tool_call_id": tool_call.id, "output": json.dumps(responses)}
        return client.beta.threads.runs.submit_tool_outputs(run.id, thread_id=thread.id, tool_outputs=[output])

    with pytest.raises(HarnessFailure, match="submit_tool_outputs was not recorded like this"):
        submit(["2", "2", "3"])
    assistants.failures.clear()  # both expected, so they need not fail the test once more at its end
    assert wait_on_run(client, submit(["2", "3", "3"])).status == "completed"
    pretty_print(get_response(client, thread))
    printed = capsys.readouterr().out
    assert printed == conversation("quiz-on-documents.yaml", thread.id)
    assert "전반적으로 1번과 3번 질문은 정확히 답해주셨으나, 2번 질문에서는 오답이었습니다." in printed


@pytest.mark.assistants_cassette("document-search.yaml")
def test_a_search_and_its_steps(assistants, capsys):
    updated, _, asked = (json.loads(item.request_body) for item in read(FOLDER / "document-search.yaml")[:3])
    client = assistants.client()
    assistant_id = "asst_CHAaVuTolIlBCPAmnJOvRkK5"
    client.beta.assistants.update(assistant_id, instructions=updated["instructions"], tools=[{"type": "file_search"}])
    thread = client.beta.threads.create()
    run = wait_on_run(client, submit_message(client, assistant_id, thread.id, asked["content"]))
    pretty_print(get_response(client, thread))
    assert capsys.readouterr().out == conversation("document-search.yaml", thread.id)
    searched, said = client.beta.threads.runs.steps.list(run.id, thread_id=thread.id, order="asc").data
    assert [(call.id, call.type) for call in searched.step_details.tool_calls] == [
        ("call_izCUdQH9TyMxT6VqAeXfPUu0", "file_search")
    ]
    assert said.step_details.message_creation.message_id == "msg_wbdKc3hWYnCPoxu5zASdA1UG"
