"""题头（P01）：写错的每一处都指到那一行，一次报完。"""

from pathlib import Path

import pytest
from handbook.errors import HandbookError
from handbook.page import front_matter, read_source

SHOWN = Path("docs/a/b.md")
TAGS = frozenset({"归一化", "卷积"})
GOOD = """\
---
title: 题目
title_en: Title
difficulty: 2
tags: [归一化, 卷积]
aliases: [别名]
related: [other]
---

正文第一行。
"""


def source(tmp_path, text):
    path = tmp_path / "b.md"
    path.write_text(text, "utf-8")
    return read_source(path, SHOWN)


def complaints(tmp_path, text):
    with pytest.raises(HandbookError) as caught:
        front_matter(source(tmp_path, text), SHOWN, TAGS)
    return [str(problem) for problem in caught.value.problems]


def test_good_header(tmp_path):
    page = source(tmp_path, GOOD)
    meta = front_matter(page, SHOWN, TAGS)
    assert (meta.title, meta.title_en, meta.difficulty) == ("题目", "Title", 2)
    assert (meta.tags, meta.aliases, meta.related) == (("归一化", "卷积"), ("别名",), ("other",))
    assert meta.has_code
    assert GOOD.splitlines()[page.body_line - 1 :] == page.body.splitlines()


def test_page_without_code(tmp_path):
    text = GOOD.replace("difficulty", "code: 无——只有定义\ndifficulty")
    assert not front_matter(source(tmp_path, text), SHOWN, TAGS).has_code


@pytest.mark.parametrize(
    ("old", "new", "line", "message"),
    [
        ("related", "relatd", 7, "题头不认识的键 relatd"),
        ("title_en: Title\n", "", 1, "题头缺少 title_en"),
        ("difficulty: 2", "difficulty: 4", 4, "难度 4 不在 1–3"),
        ("difficulty: 2", "difficulty: true", 4, "difficulty 应是非空的 int"),
        ("difficulty: 2", "difficulty: 二", 4, "difficulty 应是非空的 int"),
        ("title: 题目", "title: ''", 2, "title 应是非空的 str"),
        ("卷积]", "转置]", 5, "标签 转置 不在标签表"),
        ("卷积]", "归一化]", 5, "tags 有重复的项"),
        ("[别名]", "[2019]", 6, "aliases 的每一项应是文字"),
        ("[别名]", "别名", 6, "aliases 应是非空的 list"),
        ("related", "code: 无\nrelated", 7, "code 只能写「无——<理由>」"),
        ("related", "code: 无——\nrelated", 7, "code 只能写「无——<理由>」"),
        ("related", "kind: essay\nrelated", 7, "不认识的 kind essay"),
    ],
)
def test_wrong_key_is_named_at_its_line(tmp_path, old, new, line, message):
    (found,) = complaints(tmp_path, GOOD.replace(old, new, 1))
    assert found.startswith(f"docs/a/b.md:{line}: [P01] {message}")


def test_all_faults_at_once(tmp_path):
    text = GOOD.replace("difficulty: 2", "difficulty: 4").replace("卷积]", "转置]")
    assert len(complaints(tmp_path, text)) == 2


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("正文。\n", 1, "没有题头"),
        ("---\ntitle: 题\n正文。\n", 1, "题头没有结束"),
        ("---\ntitle: 题\ntags: [a\n---\n", 3, "题头不是合法的 YAML"),
        ("---\n- 题\n---\n", 2, "题头不是键值表"),
    ],
)
def test_unreadable_header(tmp_path, text, line, message):
    with pytest.raises(HandbookError, match=rf"docs/a/b\.md:{line}: \[P01\] {message}"):
        source(tmp_path, text)
