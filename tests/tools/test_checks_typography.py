"""排版（W01、W02）：autocorrect 只看文字，markdownlint 一次查完。"""

import pytest
from handbook.catalog import load_catalog
from handbook.checks import typography
from handbook.checks.report import report_to
from handbook.errors import HandbookError

PAGE = "docs/demo/square.md"


def spacing(project, text):
    problems = []
    typography.spacing(text, 1, report_to(problems, project, project.page("demo", "square")))
    return [p.fix for p in problems]


@pytest.mark.parametrize(
    ("text", "fix"),
    [
        ("批大小是64个", "写作「批大小是 64 个」"),
        ("用X表示", "写作「用 X 表示」"),
        ("中文,中文", "写作「中文，中文」"),
        ("中文 ，中文", "写作「中文，中文」"),
        ("批(BN)大小", "写作「批（BN）大小」"),
        ("批 (BN) 大小", "写作「批（BN）大小」"),
        ("批 (小批) 大小", "写作「批（小批）大小」"),
        ("如下: X", "写作「如下：X」"),
        ("完了.", "写作「完了。」"),
        ("是吗?", "写作「是吗？」"),
    ],
)
def test_spacing(project, text, fix):
    typography._configure((project.root / "tools/lint/autocorrect.json").read_text("utf-8"))
    assert spacing(project, text) == [fix]


@pytest.mark.parametrize(
    "text",
    [
        "批归一化（batch normalization, BN）的 X。",
        "在 [0, 1] 与 (0, 1) 之间",
        "比例 1:2，占 50% 的",
    ],
)
def test_right_spacing(project, text):
    assert spacing(project, text) == []


def test_minimal_handbook_passes(broken):
    assert broken.found(typography) == []


@pytest.mark.parametrize(
    ("old", "new", "where", "message"),
    [
        ("切线斜率随", "前一行\n切线斜率随着x变", "切线斜率随着x", "[W01] 排版「切线斜率随着x变"),
        ("线性增长，", "线性增长$y$，", "切线斜率随", "增长X，"),
        ("怎样求导？", "怎样求3次导？", "title:", "[W01] 排版「"),
        ("抛物线与它在 1 处", "抛物线与它在1处", "alt:", "[W01] 排版「抛物线与它在1处"),
        ("\n\n- **误区", "\n\n\n\n- **误区", "- **误区", "[W02] Multiple consecutive blank"),
        ("切线斜率随", "切线斜率随 \t", "切线斜率随", "[W02] Hard tabs"),
    ],
)
def test_rule_turns_red_at_its_line(broken, old, new, where, message):
    broken.change(PAGE, old, new)
    found = broken.found(typography)
    line = broken.line(PAGE, where)
    if "blank" in message:  # 多出的空行在它前面
        line -= 1
    place = f"{PAGE}:{line}: "
    assert [p for p in found if p.startswith(place) and message in p], found


@pytest.mark.parametrize(
    "text",
    [
        "代码 `x=1,y=2` 与公式 $a,b$ 里照旧。",
        "论断 [^spivak]，与 [^spivak]。",
        "**小题。** 正文接着写。",
        "[链接](square.md#a,b) 的地址照旧。",
    ],
)
def test_code_formulas_notes_and_links_are_not_touched(broken, text):
    broken.change(PAGE, "切线斜率随", f"{text}\n\n切线斜率随")
    assert broken.found(typography) == []


def test_other_documents_are_checked_too(broken):
    broken.change("docs/demo/index.md", "一章一题。", "一章1题。")
    line = broken.line("docs/demo/index.md", "一章1题")
    assert broken.found(typography)[0].startswith(f"docs/demo/index.md:{line}: [W01] ")


def test_one_page_only(broken):
    broken.change("docs/demo/index.md", "一章一题。", "一章1题。")
    catalog = load_catalog(broken.project)
    assert typography.check(catalog, []) == []


def test_missing_markdownlint_is_named(broken):
    (broken.project.root / "node_modules").unlink()
    with pytest.raises(HandbookError, match="没有 markdownlint；改法：运行 npm ci"):
        broken.found(typography)
