"""题目清单的读法，拿 csv 以外的办法独立核对。"""

from pathlib import Path

import pytest
from handbook.errors import HandbookError
from handbook.inventory import KINDS, load_inventory
from handbook.project import Project

REAL = Project.find(Path(__file__).parent)
QUESTIONS = "slug\tchapter\ttitle\ttitle_en\tasks\tkind\tneeds\tasked\n"


def rows(name: str) -> list[list[str]]:
    lines = (REAL.seeds / name).read_text("utf-8").split("\n")
    return [line.split("\t") for line in lines[1:] if line]


def test_every_question_is_read_in_order():
    inventory = load_inventory(REAL.seeds)
    assert [(q.slug, q.chapter, q.title, q.asked) for q in inventory.questions.values()] == [
        (row[0], row[1], row[2], int(row[7])) for row in rows("questions.tsv")
    ]
    assert {q.kind for q in inventory.questions.values()} == set(KINDS)


def test_asks_are_split_and_never_empty():
    inventory = load_inventory(REAL.seeds)
    for row in rows("questions.tsv"):
        asks = inventory.questions[row[0]].asks
        assert asks
        assert ";".join(asks) == row[4]


def test_entries_know_their_document_and_line():
    inventory = load_inventory(REAL.seeds)
    assert [e.id for e in inventory.entries] == [row[0] for row in rows("entries.tsv")]
    by_id = {entry.id: entry for entry in inventory.entries}
    assert (by_id["000:4a"].seed, by_id["000:4a"].seed_line) == ("000", 4)
    assert (by_id["000:2"].slug, by_id["000:2"].line) == ("vision-task-differences", 3)
    assert by_id["000:1"].slug == ""


def test_questions_of_a_chapter():
    found = [q.slug for q in load_inventory(REAL.seeds).of_chapter("normalization")]
    assert found == [row[0] for row in rows("questions.tsv") if row[1] == "normalization"]
    assert "bn-backward" in found


def test_quotes_are_plain_characters(tmp_path):
    row = 'a\tdemo\t"题"\t"T"\t一;;二 ; \tcode\tformula;figure\t3\n'
    (tmp_path / "questions.tsv").write_text(QUESTIONS + row, "utf-8")
    (tmp_path / "entries.tsv").write_text("entry\tfingerprint\tkind\tslug\n", "utf-8")
    question = load_inventory(tmp_path).questions["a"]
    assert question.title == '"题"'
    assert question.asks == ("一", "二")
    assert question.needs == {"formula", "figure"}


def test_duplicate_slug_is_refused(tmp_path):
    row = "a\tdemo\t题\tT\t一\tcode\t\t3\n"
    (tmp_path / "questions.tsv").write_text(QUESTIONS + row * 2, "utf-8")
    (tmp_path / "entries.tsv").write_text("entry\tfingerprint\tkind\tslug\n", "utf-8")
    with pytest.raises(HandbookError, match=r"tools/seeds/questions\.tsv:3: a 在第 2 行已有"):
        load_inventory(tmp_path)
