"""覆盖检查的每种缺口都能变红；有种子原文时逐行核对。"""

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from handbook.catalog import load_catalog
from handbook.errors import HandbookError
from handbook.inventory import Entry, load_inventory
from handbook.project import Project
from handbook.seed_documents import compare, read_documents
from handbook.seeds import coverage, coverage_source

REAL = Project.find(Path(__file__).parent)
LINES = ["题目甲", "", "  题目乙、题目丙  ", "题目丁"]


def mark(text):
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def entries(*changes):
    base = [
        Entry("000:1", mark("题目甲"), "question", "a", 2),
        Entry("000:3a", mark("题目乙、题目丙"), "question", "b", 3),
        Entry("000:3b", mark("题目乙、题目丙"), "question", "c", 4),
        Entry("000:4", mark("题目丁"), "question", "d", 5),
    ]
    return [*base, *changes]


def messages(lines, recorded=None):
    return [str(p) for p in compare({"000": lines}, entries() if recorded is None else recorded)]


def edit(path, old, new):
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new), "utf-8")


def problems(project):
    return "\n".join(map(str, coverage(load_catalog(project)).problems))


def test_accounted_documents_pass():
    assert messages(LINES) == []


def test_altered_line():
    (found,) = messages(["题目甲改", *LINES[1:]])
    assert found.startswith("tools/seeds/entries.tsv:2: 种子 000 第 1 行的内容变了")


def test_added_line():
    (found,) = messages([*LINES, "题目戊"])
    assert "种子 000 第 5 行没有记录" in found
    assert mark("题目戊") in found


def test_removed_line():
    (found,) = messages(LINES[:-1])
    assert "记录了种子 000 第 4 行，原文没有这一行" in found


def test_moved_lines():
    found = messages(["题目丁", *LINES[1:3], "题目甲"])
    assert [m.split("：")[0] for m in found] == [
        "tools/seeds/entries.tsv:2: 种子 000 第 1 行的内容记录在第 4 行；改法",
        "tools/seeds/entries.tsv:5: 种子 000 第 4 行的内容记录在第 1 行；改法",
    ]


def test_shift_by_a_blank_line_is_noticed():
    assert messages(["", *LINES])


def test_parts_of_a_line_share_its_fingerprint():
    bad = [*entries()[:2], Entry("000:3b", "0" * 12, "question", "c", 4), entries()[3]]
    assert "第 3 行" in messages(LINES, bad)[0]


def test_folder_without_documents(tmp_path):
    with pytest.raises(HandbookError, match="没有种子文档"):
        read_documents(tmp_path)


def test_complete_page_counts_and_missing_one_is_backlog(project):
    report = coverage(load_catalog(project))
    assert report.problems == ()
    assert (report.total.done, report.total.total) == (1, 2)
    assert report.backlog == {"demo": ("cube",)}
    assert [(s.name, s.done, s.total) for s in report.seeds] == [("000", 1, 2)]


def test_complete_chapter_must_be_complete(project):
    edit(project.docs / "demo/index.md", "order: 1\n", "order: 1\ncomplete: true\n")
    assert "docs/demo/index.md: 本章标为写完，却缺 cube" in problems(project)


def drop_cube(project):
    """清单里只留写完的那一题：全书写完。"""
    path = project.seeds / "questions.tsv"
    kept = [line for line in path.read_text("utf-8").splitlines() if not line.startswith("cube")]
    path.write_text("\n".join(kept) + "\n", "utf-8")
    edit(project.seeds / "entries.tsv", "question\tcube", "question\tsquare")


def second_chapter(project):
    """另立一章，一题未写。"""
    index = project.docs / "other/index.md"
    index.parent.mkdir()
    index.write_text("---\ntitle: 另一章\norder: 2\n---\n\n导语。\n", "utf-8")
    edit(project.seeds / "questions.tsv", "cube\tdemo", "cube\tother")


def test_mark_goes_once_every_chapter_is_complete(project):
    drop_cube(project)
    assert problems(project) == ""
    edit(project.docs / "demo/index.md", "order: 1\n", "order: 1\ncomplete: true\n")
    assert problems(project).startswith("docs/demo/index.md: 各章都已写完，complete 不再需要")


def test_complete_chapter_must_be_marked_while_others_are_not(project):
    second_chapter(project)
    assert "docs/demo/index.md: 本章已写完，却没有标 complete" in problems(project)
    edit(project.docs / "demo/index.md", "order: 1\n", "order: 1\ncomplete: true\n")
    assert problems(project) == ""


def test_missing_question_fails_after_the_marks_are_gone(project):
    second_chapter(project)
    assert "docs/other/index.md: 缺 cube" in problems(project)


def test_duplicate_question(project):
    edit(project.seeds / "questions.tsv", "cube\tdemo", "square\tdemo")
    with pytest.raises(HandbookError, match=r"questions\.tsv:3: square 在第 2 行已有"):
        load_catalog(project)


def test_unclaimed_ask_is_a_gap(project):
    edit(project.page("demo", "square"), ' {data-asks="2"}', "")
    assert "[P04] 要点 2「几何意义」没有标题认领" in problems(project)
    assert coverage(load_catalog(project)).total.done == 0


def test_placeholder_is_a_gap(project):
    edit(project.page("demo", "square"), "切线斜率随", "TODO 切线斜率随")
    assert "[P11] 占位文字「TODO」" in problems(project)


@pytest.mark.parametrize(
    ("file", "old", "new", "message"),
    [
        ("entries", "question\tsquare", "question\tsqare", "entries.tsv:3: 没有 sqare 这道题"),
        ("entries", "question\tsquare", "question\t", "条目 000:2a 没有归到任何题"),
        ("entries", "heading", "haeding", "entries.tsv:2: 不认识的类别 haeding"),
        ("entries", "000:2b", "000:2a", "条目 000:2a 出现 2 次"),
        ("entries", "question\tcube", "question\tsquare", "没有种子条目归到 cube"),
        ("entries", "heading\t", "heading\tcube", "entries.tsv:2: heading 不该归到题"),
        ("entries", "0123456789ab", "0123456789xy", "entries.tsv:2: 条目 000:1 的编号或指纹"),
        ("entries", "000:1\t", "0:1\t", "entries.tsv:2: 条目 0:1 的编号或指纹"),
        ("questions", "cube\tdemo", "cube\tnowhere", "cube 所在的章 nowhere 不存在"),
        ("questions", "求导\tderivation", "求导\tderivaton", "cube 的 kind derivaton 不认识"),
    ],
)
def test_inventory_contradictions(project, file, old, new, message):
    edit(project.seeds / f"{file}.tsv", old, new)
    assert message in problems(project)


def test_page_without_inventory_row_is_an_error(project):
    project.page("demo", "square").rename(project.page("demo", "sqare"))
    with pytest.raises(HandbookError, match="清单里没有 sqare"):
        load_catalog(project)


def test_addition_is_reported_not_refused(project):
    extra = project.page("demo", "extra")
    text = project.page("demo", "square").read_text("utf-8")
    extra.write_text(
        text.replace("title: 平方", "title: 另一个平方")
        .replace("difficulty: 1", "difficulty: 1\nkind: derivation")
        .replace(' {data-asks="1"}', "")
        .replace(' {data-asks="2"}', ""),
        "utf-8",
    )
    for source in (project.snippet("demo", "square"), project.snippet_test("demo", "square")):
        source.with_name(source.name.replace("square", "extra")).write_text(
            source.read_text("utf-8"), "utf-8"
        )
    report = coverage(load_catalog(project))
    assert report.additions == ("extra",)
    assert report.problems == ()
    assert "清单之外补充的题：extra" in coverage_source(load_catalog(project)).body


def run(project, *args):
    command = [sys.executable, str(REAL.root / "tools/check_coverage.py"), *args]
    return subprocess.run(command, cwd=project.root, capture_output=True, text=True, check=False)


def test_command_exit_codes_and_json(project):
    done = run(project, "--json")
    assert done.returncode == 0
    assert json.loads(done.stdout)["backlog"] == {"demo": ["cube"]}
    edit(project.page("demo", "square"), ' {data-asks="2"}', "")
    failed = run(project)
    assert failed.returncode == 1
    assert "docs/demo/square.md:" in failed.stderr
    assert "| 示例 | 2 | 0 | 0% |" in failed.stdout


def test_real_inventory_agrees_with_itself():
    inventory = load_inventory(REAL.seeds)
    assert len(inventory.questions) == 419
    report = coverage(load_catalog(REAL))
    assert [p for p in report.problems if p.path.parts[0] == "tools"] == []


@pytest.mark.skipif("HANDBOOK_SEEDS" not in os.environ, reason="没有给出种子原文的目录")
def test_real_documents_are_accounted_for():
    documents = read_documents(Path(os.environ["HANDBOOK_SEEDS"]))
    assert compare(documents, load_inventory(REAL.seeds).entries) == []
