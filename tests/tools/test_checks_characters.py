"""字符（M03）与禁用的宏（M04）。"""

import pytest
from handbook.checks import characters

PAGE = "docs/demo/square.md"
SNIPPET = "snippets/demo/square.py"
TEST = "tests/snippets/demo/test_square.py"


def test_minimal_handbook_passes(broken):
    assert broken.found(characters) == []


@pytest.mark.parametrize(
    ("char", "message"),
    [
        ("\u200b", "不可见字符 U+200B（ZERO WIDTH SPACE）"),
        ("\ufeff", "不可见字符 U+FEFF"),
        ("\u00ad", "不可见字符 U+00AD（SOFT HYPHEN）"),
        ("\u202e", "不可见字符 U+202E"),
        ("\u2028", "不可见字符 U+2028"),
        ("\u00a0", "异常空格 U+00A0（NO-BREAK SPACE）"),
        ("\u3000", "异常空格 U+3000（IDEOGRAPHIC SPACE）"),
        ("\uff21", "全角字母或数字 U+FF21"),
        ("\uff13", "全角字母或数字 U+FF13"),
        ("\u0430", "西里尔字母 U+0430（CYRILLIC SMALL LETTER A）"),
    ],
)
@pytest.mark.parametrize(
    ("name", "where"),
    [
        (PAGE, "切线斜率随"),
        (SNIPPET, "抛物线与切线"),
        (TEST, "与中心差分比较"),
        ("docs/demo/index.md", "一章一题"),
    ],
)
def test_deceptive_character(broken, name, where, char, message):
    line = broken.line(name, where)
    text = broken.path(name).read_text("utf-8")
    column = text.split("\n")[line - 1].index(where) + 1
    broken.change(name, where, char + where)
    (problem,) = broken.found(characters)
    assert problem.startswith(f"{name}:{line}: [M03] 第 {column} 列有{message}")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("$x=1$", "$α=1$", r"公式里有 α U+03B1（GREEK SMALL LETTER ALPHA）；改法：写成 LaTeX 命令"),
        ("$x=1$", "$x−1$", "公式里有 − U+2212（MINUS SIGN）"),
        ("$x=1$", "$x，1$", "公式里有 ， U+FF0C"),
        ("$x=1$", "$x为1$", "公式里有 为 U+4E3A"),
        ("处的切线斜率为", "处的切线斜率 `Κ` 为", "代码里有 Κ U+039A（GREEK CAPITAL LETTER"),
    ],
)
def test_deceptive_character_in_a_formula(broken, old, new, message):
    broken.change(
        PAGE, f"抛物线在 {old}" if "$" in old else old, f"抛物线在 {new}" if "$" in old else new
    )
    (problem,) = broken.found(characters)
    assert problem.startswith(f"{PAGE}:{broken.line(PAGE, new)}: [M03] {message}")


def test_chinese_in_text_is_fine(broken):
    broken.change(PAGE, "f'(x) = 2x", "f'(x) = 2x \\quad \\text{处处成立，且 σ 无关}")
    assert broken.found(characters) == []


def test_line_inside_a_display_formula(broken):
    broken.change(PAGE, "f'(x) = 2x", "f'(x) \\\\\n    = 2х".replace("х", "ξ"))
    (problem,) = broken.found(characters)
    assert problem.startswith(f"{PAGE}:{broken.line(PAGE, '= 2ξ')}: ")


@pytest.mark.parametrize(
    "macro", ["def", "newcommand", "renewcommand", "color", "textcolor", "href", "htmlClass"]
)
def test_banned_macro(broken, macro):
    broken.change(PAGE, "f'(x) = 2x", f"\\{macro}{{a}}{{b}}")
    line = broken.line(PAGE, f"\\{macro}")
    assert broken.found(characters)[0].startswith(
        f"{PAGE}:{line}: [M04] 公式里有禁用的 \\{macro}；"
    )


def test_longer_command_with_the_same_beginning_is_fine(broken):
    broken.change(PAGE, "f'(x) = 2x", "\\left( 2x \\right) \\lettrine \\define")
    assert broken.found(characters) == []


def test_greek_identifier(broken):
    broken.change(SNIPPET, "return 2 * x", "μ = 2 * x\n    return μ")
    found = broken.found(characters)
    assert found[0].startswith(
        f"{SNIPPET}:{broken.line(SNIPPET, 'μ = 2')}: [M03] 标识符 μ 不是 ASCII"
    )
    assert len(found) == 2


def test_greek_in_comments_is_fine(broken):
    broken.change(SNIPPET, "return 2 * x", "return 2 * x  # σ² = 2x̂")
    assert broken.found(characters) == []
