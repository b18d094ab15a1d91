"""术语（W03）：不用的写法报在对的行，引号、代码、别名与参考文献里的不算。"""

import pytest
from handbook.checks import terms
from handbook.checks.terms import load_glossary
from handbook.errors import HandbookError
from handbook.project import Project

PAGE = "docs/demo/square.md"
GLOSSARY = "docs/about/glossary.md"


def test_minimal_page_passes(broken):
    assert broken.found(terms) == []


@pytest.mark.parametrize(
    ("bad", "good"),
    [("批标准化", "批归一化"), ("Pytorch", "PyTorch"), ("雅克比矩阵", "雅可比矩阵")],
)
def test_forbidden_spelling(broken, bad, good):
    broken.change(PAGE, "切线斜率随", f"前一行\n{bad}的切线斜率随")
    (problem,) = broken.found(terms)
    assert problem.startswith(
        f"{PAGE}:{broken.line(PAGE, bad)}: [W03] 术语「{bad}」不是规范写法；改法：写「{good}」"
    )


def test_forbidden_spelling_in_title_and_headings(broken):
    broken.change(PAGE, "怎样求导", "怎样做批标准化")
    broken.change(PAGE, "### 几何意义", "### 全联接的意义")
    assert [p.split(" ")[0] for p in broken.found(terms)] == [
        f"{PAGE}:2:",
        f"{PAGE}:{broken.line(PAGE, '全联接')}:",
    ]


@pytest.mark.parametrize(
    "text",
    [
        "有人写作「批标准化」。",
        "有人写作“批标准化”。",
        "用 `pytorch` 与 $\\text{批标准化}$。",
        "批 $x$ 标准化。",  # 公式隔开的不是一个词
        "数据增强学习到的。",
        "mypytorch2 是别的名字。",
        "领域自适应。",  # 规范写法里恰好含有不用的写法
    ],
)
def test_allowed_mentions(broken, text):
    broken.change(PAGE, "切线斜率随", f"{text}\n\n切线斜率随")
    assert broken.found(terms) == []


def test_aliases_and_references_may_say_anything(broken):
    broken.change(PAGE, "difficulty: 1\n", "difficulty: 1\naliases: [批标准化]\n")
    broken.change(PAGE, "*Calculus*", "*Pytorch*")
    assert broken.found(terms) == []


def test_glossary_rows(project):
    (term,) = [t for t in load_glossary(project).terms if t.name == "转置卷积"]
    assert term.english == ("transposed convolution", "deconvolution")
    assert term.synonyms == ("反卷积",)
    assert "逆卷积" in term.forbidden


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("| 批归一化 | BN | | |", "「批归一化」在「批归一化」那行已有"),
        ("| 某词 | x | 反卷积 | |", "「反卷积」在「转置卷积」那行已有"),
        ("| | x | y | |", "这一行不是四列"),
    ],
)
def test_bad_glossary(broken, row, message):
    path = broken.path(GLOSSARY)
    path.write_text(path.read_text("utf-8").rstrip() + f"\n{row}\n", "utf-8")
    last = len(path.read_text("utf-8").splitlines())
    with pytest.raises(HandbookError, match=rf"glossary\.md:{last}: \[W03\] {message}"):
        load_glossary(broken.project)


def test_real_glossary_is_large_and_sound():
    assert len(load_glossary(Project.find()).terms) >= 200
