"""片段与测试的写法（S02–S06、T02、T04）。"""

import pytest
from handbook.catalog import load_catalog
from handbook.checks import run_all, snippets

SNIPPET = "snippets/demo/square.py"
TEST = "tests/snippets/demo/test_square.py"
LONG = "def long(x):\n" + '    """标量。"""\n' + "".join(f"    x = x + {i}\n" for i in range(10))


def test_minimal_snippet_passes(broken):
    assert broken.found(snippets) == []


@pytest.mark.parametrize(
    ("old", "new", "where", "message"),
    [
        ("出处：", "来自 ", '"""平方函数', "[S02] 文档串没有「出处：」"),
        ("形状：", "大小：", '"""平方函数', "[S02] 文档串没有「形状：」或「单位：」"),
        ('    """f\'(x) = 2x。"""\n', "", "def derivative", "[S02] derivative() 没有文档串"),
        ("def derivative", "import cv2\n\n\ndef derivative", "import cv2", "[S03] 导入了 cv2"),
        (
            "def derivative", "from torch import nn\n\n\ndef derivative", "from torch",
            "[S03] 导入了 torch",
        ),
        (
            "def derivative", "import matplotlib.pyplot as plt\n\n\ndef derivative",
            "import matplotlib", "[S03] 导入了 matplotlib.pyplot；改法：移进 figure() 里面",
        ),
        (
            "def derivative", LONG + "    return x\n\n\ndef derivative", "def long",
            "[S04] long() 有 11 行",
        ),
        ("return 2 * x", "return 2 * x  # " + "很" * 50, "很很", "[S04] 这一行有 120 列"),
        ("if __name__", "if not __name__", '"""平方函数', "[S05] 没有演示"),
        ("return 2 * x", "global n\n    return 2 * x", "global n", "[S06] 改写全局变量"),
        (
            "return 2 * x", "return np.random.rand() * x", "np.random",
            "[S06] np.random.rand() 用全局的随机状态",
        ),
        (
            "return 2 * x", "return np.random.default_rng().normal() * x", "np.random",
            "[S06] 随机数没有播种",
        ),
        ("return 2 * x", "return 2 * x  # pragma: no cover", "pragma", "[T02] 用了 pragma"),
    ],
)  # fmt: skip
def test_snippet_rule_turns_red_at_its_line(broken, old, new, where, message):
    broken.change(SNIPPET, old, new)
    place = f"{SNIPPET}:{broken.line(SNIPPET, where)}: {message}"
    found = broken.found(snippets)
    assert [p for p in found if p.startswith(place)], found


def test_seeded_generator_is_fine(broken):
    broken.change(SNIPPET, "return 2 * x", "return np.random.default_rng(0).normal() * x")
    assert broken.found(snippets) == []


def test_ten_lines_are_fine(broken):
    """空行、注释与文档串不算。"""
    broken.change(SNIPPET, "def derivative", LONG + "\n    # 注释\n\n\ndef derivative")
    assert broken.found(snippets) == []


def test_length_of_the_body(broken):
    body = "".join(f"V{i} = {i}\n" for i in range(90))
    broken.change(SNIPPET, "def derivative", body + "\n\ndef derivative")
    (problem,) = broken.found(snippets)
    assert problem.startswith(f"{SNIPPET}:1: [S04] 主体 105 行，应在 15–100 行")
    text = broken.path(SNIPPET).read_text("utf-8")
    start, end = text.index("V0 ="), text.index("def figure")
    broken.path(SNIPPET).write_text(text[:start] + "\n\n" + text[end:], "utf-8")
    assert [p for p in broken.found(snippets) if "[S04] 主体 5 行" in p]


def test_recorded_snippet_may_use_torch(broken):
    broken.change(SNIPPET, "def derivative", "import torch\n\n\ndef derivative")
    broken.path("snippets/demo/square.out").write_text("6\n", "utf-8")
    assert broken.found(snippets) == []


C_SOURCE = (
    "/*\n * 出处：K&R，第 1 章。\n * 单位：毫秒。\n */\n#include <stdio.h>\n" + "int a;\n" * 12
)


def test_c_snippet(broken):
    broken.path(SNIPPET).unlink()
    path = broken.path("snippets/demo/square.c")
    path.write_text(C_SOURCE, "utf-8")
    assert broken.found(snippets) == []
    path.write_text(C_SOURCE.replace("出处：", ""), "utf-8")
    (problem,) = broken.found(snippets)
    assert problem.startswith("snippets/demo/square.c:1: [S02] 文档串没有「出处：」")


def test_syntax_error_is_named(broken):
    broken.change(SNIPPET, "return 2 * x", "return 2 *")
    problems = [str(p) for p in run_all(load_catalog(broken.project))]
    line = broken.line(SNIPPET, "return 2 *")
    assert [p for p in problems if p.startswith(f"{SNIPPET}:{line}: [S03] 不合 Python 语法")]


BODY = "    h = 1e-5\n"


@pytest.mark.parametrize(
    ("old", "new", "where", "message"),
    [
        ("    assert abs", "    print(abs", "def test_derivative", "test_derivative 没有断言"),
        ("def test_derivative", "def derivative", '"""与中心差分', "没有测试函数"),
        (BODY, "    time.sleep(1)\n" + BODY, "time.sleep", "测试里有sleep（sleep）"),
        (BODY, "    t = time.perf_counter()\n" + BODY, "perf_counter", "测试里有计时"),
        ("from handbook", "from unittest import mock\nfrom handbook", "mock", "测试里有mock"),
        ("def test_derivative()", "def test_derivative(mocker)", "mocker", "测试里有mock"),
        ("def test_der", "@pytest.mark.skip\ndef test_der", "pytest.mark", "测试里有跳过（skip）"),
        (BODY, '    pytest.importorskip("a")\n' + BODY, "importorskip", "测试里有跳过"),
        ("def test_der", "@pytest.mark.xfail\ndef test_der", "pytest.mark", "测试里有xfail"),
        ("def test_der", "@given(x)\ndef test_der", "def test_der", "hypothesis 会计时或随机"),
        (
            "def test_der", "@given(x)\n@settings(deadline=None)\ndef test_der", "def test_der",
            "hypothesis 会计时或随机",
        ),
    ],
)  # fmt: skip
def test_test_rule_turns_red_at_its_line(broken, old, new, where, message):
    broken.change(TEST, old, new)
    if "print(abs" in new:
        broken.change(TEST, "< 1e-8", "< 1e-8)")
    place = f"{TEST}:{broken.line(TEST, where)}: [T04] "
    found = broken.found(snippets)
    assert [p for p in found if p.startswith(place) and message in p], found


@pytest.mark.parametrize(
    "decorators",
    [
        "@given(x)\n@settings(deadline=None, derandomize=True, max_examples=50)\n",
        "QUIET = settings(deadline=None, derandomize=True)\n\n\n@QUIET\n@given(x)\n",
    ],
)
def test_quiet_hypothesis_passes(broken, decorators):
    broken.change(TEST, "def test_derivative", decorators + "def test_derivative")
    assert broken.found(snippets) == []


def test_variable_named_skip_is_fine(broken):
    broken.change(TEST, BODY, "    skip, sleep = 1, 2\n    skip += sleep\n" + BODY)
    assert broken.found(snippets) == []


def test_assertion_in_a_helper_counts(broken):
    broken.change(TEST, "    assert abs", "    close(abs")
    broken.change(TEST, "< 1e-8", "< 1e-8)")
    broken.change(TEST, "def test_der", "def close(x):\n    assert x\n\n\ndef test_der")
    assert broken.found(snippets) == []
