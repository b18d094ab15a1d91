"""散文里的小数（P16）：出自代码的输出，或所在段落有出处。"""

import pytest
from handbook.checks import numbers
from handbook.checks.numbers import decimals, unsourced
from handbook.checks.tree import parse
from handbook.page import Source

PAGE = "docs/demo/square.md"


def blocks(project, text):
    return parse(Source(project.page("demo", "square"), {}, text, 1)).blocks


def missing(project, text, output=""):
    return [d.shown for d in unsourced(blocks(project, text), output)]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("误差是 0.123，另有 1,234.5 与 12.5%。", ["0.123", "1,234.5", "12.5%"]),
        ("误差是 $0.123$ 与 $12.5\\%$。", ["0.123", "12.5\\%"]),
        ("−0.5 到 0.5 之间", ["0.5", "0.5"]),
        ("整数 12 与 3 个、10% 不查", []),
        ("mAP@0.5、§3.1、第 2.1 节、Python 3.11、PyTorch 2.13、v1.5", []),
        ("算式 $x = 0.1$ 与代码 `0.2` 不查", []),
        ("地址 1.2.3 不是小数", []),
    ],
)
def test_decimals_in_prose(project, text, found):
    shown = [d.shown for block in blocks(project, text) for d in decimals(block)]
    assert sorted(shown) == sorted(found)


@pytest.mark.parametrize(
    ("shown", "output", "sourced"),
    [
        ("0.46", "误差 0.46", True),
        ("0.46", "误差 0.4587", True),  # 四舍五入到同样的位数
        ("0.46", "误差 0.466", False),
        ("0.46", "误差 0.5", False),
        ("0.46", "误差 -0.46", True),
        ("0.46", "误差 4.6e-1", True),
        ("0.50", "命中 0.5", True),
        ("1.00", "命中 1", True),
        ("1,234.5", "1234.5", True),
        ("12.5%", "12.5%", True),
        ("12.5%", "0.125", True),
        ("12.5%", "0.13", False),
        ("0.125", "12.5", False),
    ],
)
def test_comparison_with_the_output(project, shown, output, sourced):
    assert (missing(project, f"这里是 {shown}。", output) == []) is sourced


@pytest.mark.parametrize(
    "text",
    [
        "得 0.321 [^a]。\n\n[^a]: A.",
        "如下 [^a]：\n\n- 一是 0.321\n- 二是 0.4\n\n[^a]: A.",
        "| 量 | 值 [^a] |\n| --- | --- |\n| 一 | 0.321 |\n\n[^a]: A.",
        "如下 [^a]：\n\n| 量 | 值 |\n| --- | --- |\n| 一 | 0.321 |\n\n[^a]: A.",
    ],
)
def test_cited_numbers_pass(project, text):
    assert missing(project, text) == []


@pytest.mark.parametrize(
    "text",
    [
        "出处 [^a]。\n\n得 0.321。\n\n[^a]: A.",
        "出处 [^a]。\n\n- 一是 0.321\n\n[^a]: A.",
        "| 量 | 值 |\n| --- | --- |\n| 一 | 0.321 |",
    ],
)
def test_uncited_numbers_are_found(project, text):
    assert missing(project, text) == ["0.321"]


def test_real_output_is_compared(broken):
    """最小手册的演示打印割线斜率 6.50。"""
    broken.change(PAGE, "切线斜率随", "步长 0.5 时割线斜率是 6.50，不是 7.25。\n\n切线斜率随")
    found = broken.found(numbers)
    line = broken.line(PAGE, "步长 0.5")
    assert [p.split("；")[0] for p in found] == [
        f"{PAGE}:{line}: [P16] 0.5 不知从哪里来",
        f"{PAGE}:{line}: [P16] 7.25 不知从哪里来",
    ]


def test_broken_snippet_is_reported(broken):
    broken.change("snippets/demo/square.py", "return 2 * x", "return 2 / 0")
    (problem,) = broken.found(numbers)
    assert problem.startswith(f"{PAGE}:{broken.line(PAGE, '/// snippet')}: ")
