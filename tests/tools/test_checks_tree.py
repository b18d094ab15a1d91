"""页面的语法树：行号、章节、属性与各种容器都认得。"""

from pathlib import Path

from handbook.checks.tree import parse
from handbook.page import read_source

TEXT = """\
---
title: 题
---

## 甲 {data-asks="1 2" .wide}

第一行 $a$，
第二行 `code` 与 [^key]，[链接](b.md)。

$$
x
= y
$$

!!! answer "结论 $z$"

    里面。

    - 一
    - 二 ![图](c.png)

/// figure | name
    alt: 文字
图注。
///

| 头 | $h$ |
| --- | --- |
| 格 | 文 |

## 乙

```bash
make
```

[^key]: 出处。
"""


def document(tmp_path: Path, text: str = TEXT):
    path = tmp_path / "a.md"
    path.write_text(text, "utf-8")
    return parse(read_source(path, Path("a.md")))


def line_of(text: str) -> int:
    return TEXT[: TEXT.index(text)].count("\n") + 1


def test_every_leaf_stands_on_its_own_line(tmp_path):
    leaves = [leaf for block in document(tmp_path).blocks for leaf in block.leaves]
    wanted = {
        "a": "$a$", "code": "`code`", "key": "[^key]，", "b.md": "[链接]", "z": "$z$",
        "里面。": "里面。", "一": "- 一", "c.png": "![图]", "图注。": "图注。", "h": "$h$",
        "格": "| 格", "make\n": "```bash", "出处。": "[^key]:",
    }  # fmt: skip
    lines = {leaf.text: leaf.line for leaf in leaves if leaf.text in wanted}
    assert lines == {text: line_of(mark) for text, mark in wanted.items()}


def test_display_formula_starts_at_its_dollars(tmp_path):
    (block,) = [b for b in document(tmp_path).blocks if b.kind == "math_block"]
    assert block.line == line_of("$$")
    assert block.raw.strip() == "x\n= y"


def test_sections_and_attributes(tmp_path):
    parsed = document(tmp_path)
    assert [(s.title, s.line) for s in parsed.sections] == [
        ("甲", line_of("## 甲")),
        ("乙", line_of("## 乙")),
    ]
    heading = parsed.blocks[0]
    assert (heading.raw, heading.text) == ("甲", "甲")
    assert heading.attrs["data-asks"] == "1 2"
    assert {b.section for b in parsed.blocks} == {"甲", "乙"}


def test_containers_are_known(tmp_path):
    parsed = document(tmp_path)
    inside = {
        leaf.text: {node.type for node in block.within}
        for block in parsed.blocks
        for leaf in block.of("text", "code_block")
    }
    assert "admonition" in inside["里面。"]
    assert "container_figure" in inside["图注。"]
    assert "table" in inside["格"]
    assert "footnote_reference" in inside["出处。"]


def test_text_leaves_out_formulas_and_code(tmp_path):
    paragraph = document(tmp_path).blocks[1]
    assert paragraph.text == "第一行 ，\n第二行  与 ，链接。"
    assert paragraph.prose("X") == "第一行 X，\n第二行 X 与 ，链接。"


def test_fence_keeps_its_language(tmp_path):
    (fence,) = [b for b in document(tmp_path).blocks if b.kind == "fence"]
    assert fence.attrs["info"] == "bash"
