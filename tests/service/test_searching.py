"""Searching on real bytes: the text of files, chunks, ranking, filters, and what broken files do."""

from __future__ import annotations

import io
import sqlite3
import sys
import zipfile
from copy import deepcopy
from pathlib import Path
from types import SimpleNamespace

import pytest

from harness import HarnessFailure
from harness.service import tokens
from harness.service.records import File
from harness.service.searching import chunks, extraction, filters, office
from harness.service.searching.index import MAX_TERMS, Index, _WordForms, normalize, terms
from harness.service.searching.searcher import Document, Searcher

FIXTURES = Path(__file__).resolve().parents[2] / "fixtures"
NEEDED = 'the extra "files" is not installed'


def unreadable(name: str, content: bytes) -> extraction.Unreadable:
    with pytest.raises(extraction.Unreadable) as caught:
        extraction.extract(name, content)
    return caught.value


# --- texts ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", extraction.PLAIN_TEXT)
def test_the_types_that_are_searched_as_they_are(kind):
    """CONTRACT §8, file search file types."""
    assert extraction.extract(f"a.{kind}", "차 = tea\r\n".encode()) == "차 = tea\r\n"


@pytest.mark.parametrize("name", ["a.csv", "a.xlsx", "a.png", "a.PDF", "a.Txt", "a.tar.gz", "README", "text/csv", ""])
def test_other_types_are_refused_by_name(name):
    """CONTRACT §7.1: neither csv nor images, and an extension in capitals is refused."""
    refused = unreadable(name, b"text")
    assert (refused.code, str(refused)) == ("unsupported_file", "The file type is not supported.")
    assert not extraction.is_supported(name)


@pytest.mark.parametrize(
    "encoded",
    ["아침".encode(), "아침".encode("utf-8-sig"), "아침".encode("utf-16"), b"\xfe\xff" + "아침".encode("utf-16-be")],
)
def test_the_encodings_of_texts(encoded):
    """CONTRACT §8: utf-8, utf-16 or ascii."""
    assert extraction.extract("a.txt", encoded) == "아침"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.txt", "아침".encode("cp949")),
        ("a.txt", b"text\0\1\2"),
        ("a.txt", bytes(range(256))),
        ("a.md", b"%PDF-1.4 text"),
        ("a.json", b"PK\x03\x04"),
        ("a.html", b"\x89PNG\r\n"),
    ],
)
def test_bytes_that_are_not_text_are_of_an_unsupported_type(name, content):
    """openai/openai-python#2439: the bytes decide, whatever the file's name."""
    refused = unreadable(name, content)
    assert (refused.code, str(refused)) == ("unsupported_file", "The file type is not supported.")


def test_an_empty_file_is_not_searched():
    refused = unreadable("a.txt", b"")
    assert (refused.code, "empty" in refused.message) == ("invalid_file", True)


def test_a_page_without_its_tags():
    page = b"""<!doctype html><html><head><title>Tea</title><style>p {}</style></head><body><!-- no -->
    <h1>How to <em>ste</em>ep</h1>Green<script>if (1 < 2) {}</script><ul><li>Boil.<li>Wait &lt; 3&nbsp;minutes.</ul>"""
    assert extraction.extract("a.html", page) == "Tea\nHow to steep\nGreen\nBoil.\nWait < 3 minutes."


@pytest.mark.parametrize(
    "page",
    [
        "<p",
        "</script>after",
        "<script>",
        "&#xD800;&#x110000;",
        "<![CDATA[",
        "<a" * 9999,
        "<!--" * 99_999,
        "<![x",
        "<<!a>![x",
        "<!x " * 9999,
        '<a b="' * 99_999,
    ],
)
def test_a_broken_page_is_read_as_far_as_it_goes(page):
    assert "before" in extraction.extract("a.html", f"<p>before</p>{page}".encode())


def test_a_pdf():
    pytest.importorskip("pypdf", reason=NEEDED)
    assert "return tents within 45 days" in extraction.extract("a.pdf", FIXTURES.joinpath("handbook.pdf").read_bytes())


def word_file() -> bytes:
    docx = pytest.importorskip("docx", reason=NEEDED)
    document, file = docx.Document(), io.BytesIO()
    document.add_paragraph("Before the table.")
    table = document.add_table(1, 2)
    table.cell(0, 0).text, table.cell(0, 1).text = "kettle", "29.00"
    document.add_paragraph("표 다음.")
    document.save(file)
    return file.getvalue()


def test_a_word_file():
    assert extraction.extract("a.docx", word_file()).splitlines() == ["Before the table.", "kettle\t29.00", "표 다음."]


def slides() -> bytes:
    pptx = pytest.importorskip("pptx", reason=NEEDED)
    shown, file = pptx.Presentation(), io.BytesIO()
    slide = shown.slides.add_slide(shown.slide_layouts[5])
    slide.shapes.title.text = "Teas of the year"
    table = slide.shapes.add_table(1, 2, 0, 0, 99, 99).table
    table.cell(0, 0).text, table.cell(0, 1).text = "녹차", "12"
    group = slide.shapes.add_group_shape()
    group.shapes.add_textbox(0, 0, 9, 9).text_frame.text = "in a group"
    slide.shapes.add_connector(1, 0, 0, 9, 9)
    slide.notes_slide.notes_text_frame.text = "Speak slowly."
    shown.slides.add_slide(shown.slide_layouts[6])
    shown.save(file)
    return file.getvalue()


def test_slides():
    lines = extraction.extract("a.pptx", slides()).splitlines()
    assert lines == ["Teas of the year", "녹차\t12", "in a group", "Speak slowly."]


def archive(**parts: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, content in parts.items():
            packed.writestr(name.replace("__", "/"), content)
    return file.getvalue()


DOCUMENTS = {"pdf": lambda: FIXTURES.joinpath("handbook.pdf").read_bytes(), "docx": word_file, "pptx": slides}


@pytest.mark.parametrize("kind", DOCUMENTS)
@pytest.mark.parametrize(
    "broken",
    [
        lambda good: good[: len(good) // 3],
        lambda good: b"just text",
        lambda good: b"\x89PNG\r\n\x1a\n" + bytes(99),
        lambda good: archive(**{"a.txt": b"no document"}),
    ],
    ids=["truncated", "text", "image", "another archive"],
)
def test_a_corrupt_document_is_refused(kind, broken):
    """Never a traceback: the file fails with `invalid_file` (CONTRACT §2.8)."""
    content = broken(DOCUMENTS[kind]())
    if kind == "pdf":
        pytest.importorskip("pypdf", reason=NEEDED)
    refused = unreadable(f"a.{kind}", content)
    assert (refused.code, f".{kind}" in refused.message) == ("invalid_file", True)


@pytest.mark.parametrize("kind", ["docx", "pptx"])
@pytest.mark.parametrize(
    ("name", "limit"), [("word/document.xml", "MAX_XML"), ("media/a.png", "MAX_MEDIA"), ("a.xml", "MAX_PARTS")]
)
def test_what_unpacks_to_too_much_is_not_unpacked(kind, name, limit, monkeypatch):
    monkeypatch.setattr(office, limit, 0 if limit == "MAX_PARTS" else 999)
    monkeypatch.setattr(office, "import_module", None)  # nothing gets as far as that
    assert "too much" in unreadable(f"a.{kind}", archive(**{name: bytes(1000)})).message


def test_a_zip_bomb_is_refused_by_the_sizes_that_it_declares(monkeypatch):
    monkeypatch.setattr(office, "import_module", None)
    bomb = archive(**{"word/document.xml": bytes(office.MAX_XML + 1)})
    assert len(bomb) < 100_000
    assert "too much" in unreadable("a.docx", bomb).message


def test_a_pdf_that_unpacks_to_too_much(monkeypatch):
    pytest.importorskip("pypdf", reason=NEEDED)
    monkeypatch.setattr(office, "MAX_PAGE", 100)
    assert "a page unpacks to too much" in unreadable("a.pdf", DOCUMENTS["pdf"]()).message


def test_a_pdf_of_too_much_text(monkeypatch):
    pytest.importorskip("pypdf", reason=NEEDED)
    monkeypatch.setattr(office, "MAX_TEXT", 100)
    assert "too much text" in unreadable("a.pdf", DOCUMENTS["pdf"]()).message


def test_pages_without_contents_and_with_several():
    pypdf = pytest.importorskip("pypdf", reason=NEEDED)
    writer, file = pypdf.PdfWriter(FIXTURES / "handbook.pdf"), io.BytesIO()
    contents = writer.pages[0]["/Contents"].indirect_reference
    writer.pages[0][pypdf.generic.NameObject("/Contents")] = pypdf.generic.ArrayObject([contents])
    writer.add_blank_page(99, 99)
    writer.write(file)
    assert "45 days" in extraction.extract("a.pdf", file.getvalue())


def test_more_tokens_than_one_file_may_have(monkeypatch):
    """CONTRACT §8, tokens per file."""
    monkeypatch.setattr(extraction, "MAX_TOKENS", 5)
    assert extraction.extract("a.txt", b"one two three four five") == "one two three four five"
    assert unreadable("a.txt", b"one two three four five six").code == "invalid_file"


@pytest.mark.parametrize(("kind", "library"), [("pdf", "pypdf"), ("docx", "docx"), ("pptx", "pptx")])
def test_a_library_that_is_missing_is_named(kind, library, monkeypatch):
    monkeypatch.setitem(sys.modules, library, None)
    content = archive(**{"a.txt": b""})
    with pytest.raises(HarnessFailure, match=r'pip install "pytest-assistants\[files\]"'):
        extraction.extract(f"a.{kind}", content)
    assert extraction.indexing_error(file(f"a.{kind}", content)) is None  # it may well be a good file


def test_an_old_word_file_is_not_called_invalid():
    """CONTRACT §8: the service reads .doc, so the fake must not let the file fail."""
    with pytest.raises(HarnessFailure, match=r"Save it as \.docx"):
        extraction.extract("a.doc", b"\xd0\xcf\x11\xe0")
    assert extraction.indexing_error(file("a.doc", b"\xd0\xcf\x11\xe0")) is None


def test_why_a_file_would_not_be_indexed():
    assert extraction.indexing_error(file("a.txt", b"tea")) is None
    refused = extraction.indexing_error(file("a.csv", b"tea"))
    assert refused is not None
    assert refused.code == "unsupported_file"


def test_a_file_of_which_only_the_id_is_known_has_no_text():
    assert extraction.text_of(File("file-a", 0, "file-a.bin", "assistants", b"", content_known=False)) == ""


# --- chunks --------------------------------------------------------------------------------------------------------

TEXT = "".join(f"w{number} 아침{number}\n\n{'x' * number} " for number in range(200))


@pytest.mark.parametrize(("size", "overlap"), [(100, 0), (100, 50), (101, 37), (800, 400), (4096, 2048), (100, 1)])
def test_chunks_are_so_many_tokens_and_overlap_by_so_many(size, overlap):
    """CONTRACT §1.6, chunking_strategy: each chunk begins where the last so many tokens of the one before begin."""
    pieces = tokens.pieces(TEXT)
    found = [TEXT[start:end] for start, end in chunks.spans(TEXT, size, overlap)]
    step = size - overlap
    expected = ["".join(pieces[at : at + size]) for at in range(0, len(pieces), step)]
    assert found == expected[: len(found)]
    assert found[-1].endswith(TEXT[-20:])
    assert len(found) == max(1, -(-(len(pieces) - overlap) // step))


@pytest.mark.parametrize("text", ["", "one", " ", "\n" * 9999])
def test_a_short_text_is_one_chunk_and_an_empty_one_none(text):
    assert list(chunks.spans(text, 100, 50)) == ([(0, len(text))] if text else [])


@pytest.mark.parametrize("most", [1, 4095, 4096, 4097, 10_000])
def test_counting_no_further_than_needed(most):
    assert not chunks.is_longer("a " * 0 + "1 " * (most // 2), most)
    assert not chunks.is_longer("," * most, most)
    assert chunks.is_longer("," * (most + 1), most)


# --- ranking -------------------------------------------------------------------------------------------------------


def ranked(query: str, *contents: str) -> list[int]:
    return [chunk for chunk, _ in Index(contents).ranked(query)]


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ("퀴즈를", "퀴즈 만들기"),
        ("퀴즈", "이 퀴즈를 풀어라"),
        ("선형대수는 무엇인가요?", "선형대수학 입문"),
        ("AI 에이전트", "AI는 미래다"),
        ("책", "책을 읽다"),
        ("図書館", "東京の図書館は九時に開く"),
        ("人工智能", "今天我们学习人工智能。"),
        ("kettle", "Two kettles."),
        ("KETTLES", "the kettle"),
        ("boiling", "It boils"),
        ("café", "a cafe"),
        ("ＡＢＣ", "abc"),
        ("퀴즈", "퀴즈"),
        ("snake case", "snake_case = 1"),
        ("3.14", "pi is 3.14"),
    ],
)
def test_a_query_finds_a_text(query, text):
    assert ranked(query, "nothing of that", text) == [1]


@pytest.mark.parametrize("query", ["", "?!", '"', "NEAR(", "* OR", "\ud800", "\0", "words:", "-", "없음"])
def test_a_query_without_words_finds_nothing(query):
    assert ranked(query, "a text", "글") == []


def test_operators_in_a_query_are_plain_words():
    assert ranked('text" OR NOT (a AND "', "a text", "other") == [0]


def test_the_rare_word_counts_more_also_in_a_small_store():
    assert ranked("the kettle", "the the the the lamp", "the kettle") == [1, 0]
    assert ranked("the kettle", "the lamp the", "a kettle", "the shop") == [1, 0, 2]


def test_more_of_the_query_is_better():
    assert ranked("green tea price", "tea", "green tea", "price of green tea") == [2, 1, 0]


def test_equal_chunks_stay_in_their_order():
    assert ranked("tea", "tea", "coffee", "tea", "tea") == [0, 2, 3]


def test_scores_lie_between_0_and_1_in_the_order_of_the_ranking():
    scores = [score for _, score in Index(["tea " * count + "x " * 9 for count in range(1, 50)]).ranked("tea x")]
    assert scores == sorted(scores, reverse=True)
    assert 0 < scores[-1] < scores[0] < 1


def test_one_file_alone_scores_well_for_its_own_words():
    ((_, score),) = Index(["The favorite food of Filip is cake."]).ranked("What is the favorite food of Filip?")
    assert score > 0.5


def test_only_so_many_words_of_a_query_count():
    query = " ".join(f"w{number}" for number in range(1000))
    assert len(terms(query)) == MAX_TERMS
    assert ranked(query, "w0", "w999") == [0]


def test_ascii_is_indexed_as_it_is():
    assert normalize("Plain text_1", _WordForms()) == "Plain text_1"


def test_a_run_that_is_no_word_falls_into_pairs_only():
    pairs = ["가나", "나다", "다라", "라마", "마바", "바사", "사아", "아자"]
    assert normalize("가나다라마바사아자", _WordForms()).split() == pairs


@pytest.mark.parametrize(
    ("word", "form"),
    [
        ("퀴즈를", "퀴즈를 퀴즈 즈를"),
        ("퀴즈", "퀴즈"),
        ("책", "책"),
        ("AI는", "ai 는"),
        ("3개,", "3 개"),
        ("\u1112\u1161\u11ab\uae00", "한글"),
        ("図書・館", "図書 館"),
        ("Café", "cafe"),
        ("Cafe\u0301", "cafe"),
        ("don’t", "don t"),
        ("snake_case…", "snake case"),
        ("Straße", "strasse"),
        ("мой", "мой"),
        ("ＡＢＣ", "abc"),
        ("—", ""),
    ],
    ids=ascii,
)
def test_what_is_indexed_of_a_word(word, form):
    assert normalize(f"é {word}", _WordForms()) == f"e {form}"


def test_word_forms_are_cached_up_to_a_number_and_long_ones_not_at_all(monkeypatch):
    monkeypatch.setattr(_WordForms, "MAX_WORDS", 2)
    forms, long = _WordForms(), "가" * (_WordForms.MAX_LENGTH + 1)
    expected = ["가", "나", "가", " ".join(["가가"] * _WordForms.MAX_LENGTH)]
    assert [forms[word] for word in ("가", "나", "가", long)] == expected
    assert list(forms) == ["가", "나"]
    assert forms["다"] == "다"
    assert list(forms) == ["다"]


def test_python_without_sqlite_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "sqlite3", None)
    with pytest.raises(HarnessFailure, match="needs SQLite, and this Python was built without it"):
        Index(["text"])


def test_sqlite_without_fts5_is_named(monkeypatch):
    class Bare(sqlite3.Connection):
        def execute(self, sql, *more):
            if "fts5" in sql:
                raise sqlite3.OperationalError("no such module: fts5")
            return super().execute(sql, *more)

    monkeypatch.setattr(sqlite3, "connect", Bare)
    with pytest.raises(HarnessFailure, match="built without it: no such module: fts5"):
        Index(["a"])


# --- filters -------------------------------------------------------------------------------------------------------

YEAR = {"year": 2023, "lang": "ko", "draft": False, "weight": 1.5}


@pytest.mark.parametrize(
    ("kind", "key", "value", "passes"),
    [
        ("eq", "lang", "ko", True),
        ("eq", "lang", "en", False),
        ("eq", "year", 2023.0, True),
        ("eq", "year", "2023", False),
        ("eq", "draft", False, True),
        ("eq", "draft", 0, False),
        ("eq", "none", "ko", False),
        ("ne", "lang", "en", True),
        ("ne", "lang", "ko", False),
        ("ne", "year", "2023", True),
        ("ne", "none", "ko", False),
        ("gt", "year", 2022, True),
        ("gt", "year", 2023, False),
        ("gte", "year", 2023, True),
        ("gte", "year", 2024, False),
        ("lt", "weight", 2, True),
        ("lt", "weight", 1.5, False),
        ("lte", "weight", 1.5, True),
        ("lte", "weight", 1, False),
        ("gt", "lang", 1, False),
        ("gt", "lang", "en", True),
        ("lt", "none", 1, False),
        ("in", "lang", ["en", "ko"], True),
        ("in", "lang", ["en"], False),
        ("in", "lang", "ko", True),
        ("in", "none", ["ko"], False),
        ("nin", "lang", ["en"], True),
        ("nin", "lang", ["ko"], False),
        ("nin", "none", ["ko"], True),
    ],
)
def test_a_comparison(kind, key, value, passes):
    assert filters.matches({"type": kind, "key": key, "value": value}, YEAR) is passes


@pytest.mark.parametrize(
    ("kind", "parts", "passes"),
    [
        ("and", ["ko", "ko"], True),
        ("and", ["ko", "en"], False),
        ("or", ["en", "ko"], True),
        ("or", ["en", "en"], False),
        ("and", [], True),
        ("or", [], False),
    ],
)
def test_a_combination(kind, parts, passes):
    given = {"type": kind, "filters": [{"type": "eq", "key": "lang", "value": value} for value in parts]}
    assert filters.matches(given, YEAR) is passes
    assert filters.matches({"type": "and", "filters": [given]}, YEAR) is passes


# --- searching -----------------------------------------------------------------------------------------------------


def file(name: str, content: bytes | str) -> File:
    return File(f"file-{name}", 0, name, "assistants", content.encode() if isinstance(content, str) else content)


def documents(*named: tuple[str, str], **attributes: object) -> list[Document]:
    return [Document(file(name, content), attributes) for name, content in named]


TEAS = documents(("green.txt", "Green tea steeps two minutes."), year=2023) + documents(
    ("black.md", "Black tea steeps four minutes."), year=2024
)


def test_what_is_found_names_its_file_and_its_place():
    (found,) = Searcher().search(TEAS, "black")
    assert (found.file_id, found.file_name, found.attributes) == ("file-black.md", "black.md", {"year": 2024})
    assert (found.start, found.end) == (0, 30)
    assert found.content == [{"type": "text", "text": "Black tea steeps four minutes."}]


def test_each_result_is_a_stretch_of_its_file():
    text = "\n".join(f"Rule {number}: teas are served at {number} degrees." for number in range(300))
    kept = Document(file("rules.txt", text), {}, (100, 50))
    found = Searcher().search([kept], "Rule 250", max_num_results=50)
    assert "Rule 250:" in found[0].text
    assert len(found) == 50
    assert all(text[item.start : item.end] == item.text for item in found)


def test_several_queries_are_one_with_the_words_of_all():
    found = Searcher().search(TEAS, "two", "four")
    assert [item.file_name for item in found] == ["green.txt", "black.md"]


@pytest.mark.parametrize("most", [1, 2, 3])
def test_no_more_results_than_asked_for(most):
    assert len(Searcher().search(TEAS, "tea", max_num_results=most)) == min(most, 2)


def test_a_filter_leaves_files_out_before_results_are_counted():
    newer = {"type": "gt", "key": "year", "value": 2023}
    (found,) = Searcher().search(TEAS, "green tea", max_num_results=1, filter_by=newer)
    assert found.file_name == "black.md"
    assert Searcher().search(TEAS, "tea", filter_by={"type": "gt", "key": "year", "value": 2024}) == []


def test_what_scores_below_the_threshold_is_left_out():
    good, bad = Searcher().search(TEAS, "black tea")
    assert [good] == Searcher().search(TEAS, "black tea", score_threshold=good.score)
    assert Searcher().search(TEAS, "black tea", score_threshold=bad.score) == [good, bad]
    assert Searcher().search(TEAS, "black tea", score_threshold=1) == []


def test_a_file_in_two_stores_is_found_twice():
    """CONTRACT §2.5, DN:FileSearchWorks."""
    first, second = Searcher().search([TEAS[0], TEAS[0]], "green")
    assert first == second


def test_no_documents_and_files_that_cannot_be_read_have_no_results():
    searcher = Searcher()
    assert searcher.search([], "tea") == []
    assert searcher.search(documents(("a.csv", "tea"), ("empty.txt", ""), ("image.txt", "\0tea")), "tea") == []
    (found,) = searcher.search([*documents(("a.csv", "tea")), *TEAS], "green")
    assert found.file_name == "green.txt"


def test_the_same_query_has_the_same_results_in_a_copy_and_without_caches():
    searcher = Searcher()
    found = searcher.search(TEAS, "tea")
    assert found == searcher.search(TEAS, "tea") == deepcopy(searcher).search(TEAS, "tea")
    assert found == Searcher().search(TEAS, "tea")
    searcher.search(documents(("other.txt", "tea " * 99)), "tea")
    assert searcher.search(TEAS, "tea") == found


def test_an_index_in_use_is_made_only_once(monkeypatch):
    made: list[object] = []
    monkeypatch.setattr("harness.service.searching.searcher.Index", lambda chunks: made.append(1) or Index(chunks))
    searcher = Searcher()
    for query in ("tea", "green", "black"):
        searcher.search(TEAS, query)
    assert len(made) == 1
    searcher.search(TEAS[:1], "tea")
    assert len(made) == 2


def test_the_least_recently_used_index_is_dropped(monkeypatch):
    monkeypatch.setattr("harness.service.searching.searcher.MAX_CHARACTERS", 60)
    made: list[object] = []
    monkeypatch.setattr("harness.service.searching.searcher.Index", lambda chunks: made.append(1) or Index(chunks))
    searcher, others = Searcher(), documents(("long.txt", "tea " * 99))
    for searched in (TEAS, TEAS, others, others, TEAS):
        assert searcher.search(searched, "tea")
    assert len(made) == 3


def test_an_index_closes_its_database_when_it_is_dropped():
    index = Index(["tea"])
    database = index._db
    del index
    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        database.execute("SELECT 1")


def test_attributes_are_those_of_the_moment():
    searcher, marked = Searcher(), SimpleNamespace(year=1)
    assert searcher.search(documents(("a.txt", "tea")), "tea")[0].attributes == {}
    assert searcher.search(documents(("a.txt", "tea"), year=marked.year), "tea")[0].attributes == {"year": 1}
