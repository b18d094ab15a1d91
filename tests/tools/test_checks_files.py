"""文件一一对应（S01）与站内链接（P14）。"""

import pytest
from handbook.checks import files, links

PAGE = "docs/demo/square.md"
SNIPPET = "snippets/demo/square.py"
TEST = "tests/snippets/demo/test_square.py"


def test_minimal_handbook_passes(broken):
    assert broken.found(files) == []
    assert broken.found(links) == []


@pytest.mark.parametrize(
    ("name", "message"), [(SNIPPET, f"没有片段 {SNIPPET}"), (TEST, f"没有测试 {TEST}")]
)
def test_missing_file(broken, name, message):
    broken.path(name).unlink()
    (problem,) = broken.found(files)
    assert problem.startswith(f"{PAGE}: [S01] {message}")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("snippets/demo/other.py", "没有页面 docs/demo/other.md"),
        ("snippets/square.py", "snippets/ 里不该有的文件"),
        ("snippets/demo/square.txt", "snippets/ 里不该有的文件"),
        ("snippets/demo/square.cpp", "片段已有 square.py，又有 square.cpp"),
        ("tests/snippets/demo/test_other.py", "没有页面 docs/demo/other.md"),
        ("tests/snippets/demo/square.py", "不是 test_<名>.py"),
    ],
)
def test_stray_file(broken, name, message):
    broken.path(name).write_text("", "utf-8")
    (problem,) = broken.found(files)
    assert problem.startswith(f"{name}: [S01] {message}")


def test_output_without_snippet(broken):
    broken.path(SNIPPET).rename(broken.path("snippets/demo/square.out"))
    assert "snippets/demo/square.out: [S01] 录下的输出没有片段" in "\n".join(broken.found(files))


def test_helpers_and_recorded_output_are_fine(broken):
    for name in ("snippets/_shared.py", "snippets/demo/_box.py", "snippets/demo/square.out"):
        broken.path(name).write_text("", "utf-8")
    broken.path("tests/snippets/conftest.py").write_text("", "utf-8")
    assert broken.found(files) == []


def test_page_without_code_has_no_files(broken):
    broken.change(PAGE, "difficulty: 1\n", "difficulty: 1\ncode: 无——只有定义\n")
    line = broken.line(PAGE, "code:")
    assert broken.found(files) == [
        f"{PAGE}:{line}: [S01] 题头说没有代码，却有 {name}；改法：删去 {name}，或去掉题头的 code"
        for name in (SNIPPET, TEST)
    ]


@pytest.mark.parametrize(
    ("href", "message"),
    [
        ("cube.md", "没有页面 cube.md"),
        ("../demo/cube.md#见", "没有页面 ../demo/cube.md"),
        ("square.html", "不是相对路径的 .md"),
        ("/demo/square.md", "不是相对路径的 .md"),
        ("http://example.org", "不是 https"),
    ],
)
def test_wrong_link(broken, href, message):
    broken.change(PAGE, "切线斜率随", f"前一行\n[那一页]({href})，切线斜率随")
    (problem,) = broken.found(links)
    assert problem.startswith(f"{PAGE}:{broken.line(PAGE, '[那一页]')}: [P14] ")
    assert message in problem


@pytest.mark.parametrize("href", ["square.md", "../demo/square.md#几何意义", "#几何意义"])
def test_right_link(broken, href):
    broken.change(PAGE, "切线斜率随", f"[这一页]({href})，切线斜率随")
    assert broken.found(links) == []
