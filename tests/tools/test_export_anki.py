"""Anki 牌组：从 SQLite 里重新读出来查。"""

import html
import json
import re
import sqlite3
import zipfile
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import pytest
from handbook.export.anki import field, write_deck
from handbook.export.book import Book, load_book
from handbook.export.links import Links
from handbook.project import Project


@dataclass(frozen=True)
class Note:
    guid: str
    model: str
    fields: Mapping[str, str]
    tags: tuple[str, ...]


@dataclass(frozen=True)
class Deck:
    notes: tuple[Note, ...]
    decks: tuple[str, ...]
    media: Mapping[str, bytes]
    cards: int


def read(path: Path, folder: Path) -> Deck:
    with zipfile.ZipFile(path) as archive:
        archive.extract("collection.anki2", folder)
        media = {
            name: archive.read(index) for index, name in json.loads(archive.read("media")).items()
        }
    with closing(sqlite3.connect(folder / "collection.anki2")) as database:
        models, decks = map(
            json.loads, database.execute("SELECT models, decks FROM col").fetchone()
        )
        rows = database.execute("SELECT guid, mid, flds, tags FROM notes ORDER BY id").fetchall()
        cards = database.execute("SELECT count(*) FROM cards").fetchone()[0]
    notes = []
    for guid, model, values, tags in rows:
        names = [f["name"] for f in models[str(model)]["flds"]]
        fields = dict(zip(names, values.split("\x1f"), strict=True))
        notes.append(Note(guid, models[str(model)]["name"], fields, tuple(tags.split())))
    return Deck(tuple(notes), tuple(d["name"] for d in decks.values()), media, cards)


@pytest.fixture(scope="module")
def book(shared_project: Project) -> Book:
    return load_book(shared_project)


@pytest.fixture(scope="module")
def deck(book: Book, tmp_path_factory: pytest.TempPathFactory) -> Deck:
    folder = tmp_path_factory.mktemp("anki")
    write_deck(book, folder / "book.apkg", site="https://example.org")
    return read(folder / "book.apkg", folder)


def test_two_kinds_of_notes(deck: Deck) -> None:
    answer, proof = deck.notes
    assert answer.model.endswith("问答") and proof.model.endswith("推导·手撕")
    assert deck.cards == 2
    assert "视觉算法面试手册::01 示例" in deck.decks
    assert answer.fields["题目"] == r"平方函数 \(f(x)=x^2\) 怎样求导？"
    assert answer.fields["回答"].startswith("平方函数的导数是自变量的两倍")
    assert r"\[f'(x) = 2x\]" in answer.fields["公式"]
    assert "忘记系数二" in answer.fields["易错点"]
    assert r"\[f'(x) = 2x\]" in proof.fields["结果"]
    assert proof.fields["提示"] == "在纸上推导出结果，并写出代码"


def test_code_is_the_snippet(deck: Deck, shared_project: Project) -> None:
    snippet = shared_project.snippet("demo", "square")
    assert snippet is not None
    shown = html.unescape(re.sub(r"<[^>]+>", "", deck.notes[1].fields["代码"]))
    assert shown.strip() == snippet.read_text("utf-8").strip()


def test_tags(deck: Deck) -> None:
    for note in deck.notes:
        assert set(note.tags) == {"章::示例", "难度::入门", "热度::常考", "标签::手推公式"}


def test_images_are_included(deck: Deck) -> None:
    used = {
        n
        for note in deck.notes
        for v in note.fields.values()
        for n in re.findall(r'src="([^"]+)"', v)
    }
    assert used == set(deck.media) == {"handbook-square.svg"}
    assert all(data.startswith(b"<svg") or b"<svg" in data[:300] for data in deck.media.values())


def test_nothing_of_the_website_is_left(deck: Deck) -> None:
    for note in deck.notes:
        for value in note.fields.values():
            assert not re.search(r'katex|data-|headerlink|footnote|href="(?!https://)', value)


def test_reimport_updates(book: Book, deck: Deck, tmp_path: Path) -> None:
    """内容改了，编号不变；修改时间更新，Anki 才会用新的盖掉旧的。"""
    question = book.questions[0]
    changed = replace(question.document, title_html="换了题目")
    part = replace(book.parts[0], questions=(replace(question, document=changed),))
    later = replace(book, parts=(part,), date=book.date + timedelta(days=1))
    write_deck(later, tmp_path / "new.apkg")
    fresh = read(tmp_path / "new.apkg", tmp_path)
    assert [note.guid for note in fresh.notes] == [note.guid for note in deck.notes]
    assert {note.fields["题目"] for note in fresh.notes} == {"换了题目"}


def test_formula_is_escaped() -> None:
    shown = '<p><span class="math" data-tex="a&lt;b &amp;\nc">…</span>后</p>'
    assert field(shown, Links({}, "a/b.html", "")) == r"<p>\(a&lt;b &amp; c\)后</p>"
