"""一个最小的手册：一章一题，三个文件齐全，供各工具的测试改坏它。"""

import itertools
import shutil
from pathlib import Path
from types import ModuleType

import pytest
from handbook.catalog import load_catalog
from handbook.project import Project

REAL = Project.find(Path(__file__).parent)

PAGE = """\
---
title: 平方函数 $f(x)=x^2$ 怎样求导？
title_en: Derivative of the square
difficulty: 1
tags: [手推公式]
---

## 一句话回答

平方函数的导数是自变量的两倍：在任意一点，用割线斜率取极限即可得到，几何上就是抛物线在该点的切线斜率，自变量越大斜率越大。

## 详细解答

### 由定义求导 {data-asks="1"}

设 $x \\in \\mathbb{R}$，由导数的定义 [^spivak] 展开即得。

!!! answer "结论"

    $$
    f'(x) = 2x
    $$

### 几何意义 {data-asks="2"}

切线斜率随 $x$ 线性增长，见图。%PADDING%

/// figure
    alt: 抛物线与它在 1 处的切线
抛物线在 $x=1$ 处的切线斜率为 2。
///

## 代码验证

/// snippet
///

与中心差分比较，相对误差不超过 $10^{-6}$。

## 易错点

- **误区**：忘记系数二。**后果**：梯度少一半。\
**正解**：导数是自变量的两倍。（检验：`test_derivative`）

## 面试追问

???+ question "三次方呢？"

    导数是三倍的平方。推导与此相同，只是展开多一项。

??? question "在零点呢？"

    导数为零。零点是极小值点，切线水平。

??? question "二阶导呢？"

    恒为二。所以它是严格凸的函数。

## 参考文献

[^spivak]: Spivak M. *Calculus*. Publish or Perish, 2008. \
[ISBN:978-0-914098-91-1](https://isbnsearch.org/isbn/9780914098911)
"""

# 汉字数够得上规则 P10
_STEP = (
    "自变量从第{a}个格点走到第{b}个格点，"
    "函数值的增量恰好是两个端点之和乘以步长，再走一步又多出两倍步长。"
)
_NUMERALS = "一二三四五六七八九十甲乙丙丁戊己庚辛壬癸"
PAGE = PAGE.replace(
    "%PADDING%",
    "".join(_STEP.format(a=a, b=b) for a, b in itertools.pairwise(_NUMERALS)),
)

SNIPPET = '''\
"""平方函数的导数。

出处：Spivak, Calculus, 第 9 章。
形状：标量；tangent 的 x 可以是数组。
约定：h 是割线的步长，不取零。
"""


def derivative(x):
    """f'(x) = 2x。"""
    return 2 * x


def secant(x, h):
    """割线斜率 ((x + h)² - x²) / h = 2x + h；标量 -> 标量。"""
    return ((x + h) ** 2 - x**2) / h


def tangent(x, at):
    """过 (at, at²) 的切线在 x 处的高度；x 可以是任意形状。"""
    slope = derivative(at)
    return at**2 + slope * (x - at)


def figure():
    """抛物线与切线。"""
    import numpy as np
    from matplotlib.figure import Figure

    fig = Figure(figsize=(4, 3))
    ax = fig.add_subplot()
    x = np.linspace(-2, 2, 21)
    ax.plot(x, x**2)
    ax.plot(x, tangent(x, 1.0))
    return fig


if __name__ == "__main__":
    print(f"f'(3) = {derivative(3)}")
    print(f"割线斜率 {secant(3, 0.5):.2f}")
'''

TEST = '''\
"""与中心差分比较。"""

from handbook.testing import load_snippet

square = load_snippet(__file__)


def test_derivative():
    h = 1e-5
    assert abs(square.derivative(3.0) - ((3 + h) ** 2 - (3 - h) ** 2) / (2 * h)) < 1e-8
'''

QUESTIONS = """\
slug\tchapter\ttitle\ttitle_en\tasks\tkind\tneeds\tasked
square\tdemo\t平方函数怎样求导？\tDerivative of the square\t\
由定义求导;几何意义\tderivation\tformula\t2
cube\tdemo\t立方函数怎样求导？\tDerivative of the cube\t求导\tderivation\t\t1
"""

ENTRIES = """\
entry\tfingerprint\tkind\tslug
000:1\t0123456789ab\theading\t
000:2a\t0123456789ac\tquestion\tsquare
000:2b\t0123456789ac\tquestion\tcube
"""


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """可以任意改写的最小手册；配置、主题、npm 包与真实项目相同。"""
    return write_handbook(tmp_path / "handbook")


@pytest.fixture(scope="module")
def shared_project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """一个测试文件共用的最小手册：只读，或只在建好之前改写。"""
    return write_handbook(tmp_path_factory.mktemp("shared") / "handbook")


def write_handbook(root: Path) -> Project:
    files = {
        "docs/demo/index.md": "---\ntitle: 示例\norder: 1\n---\n\n一章一题。\n",
        "docs/demo/square.md": PAGE,
        "snippets/demo/square.py": SNIPPET,
        "tests/snippets/demo/test_square.py": TEST,
        "tools/seeds/questions.tsv": QUESTIONS,
        "tools/seeds/entries.tsv": ENTRIES,
    }
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    shutil.copytree(REAL.docs / "about", root / "docs" / "about")
    for name in ("mkdocs.yml", "package.json", "package-lock.json", "docs/index.md"):
        if (REAL.root / name).is_file():
            shutil.copy(REAL.root / name, root / name)
    (root / "node_modules").symlink_to(REAL.node_modules)
    for name in ("theme", "templates", "lint", "export"):
        if (REAL.root / "tools" / name).is_dir():
            (root / "tools" / name).symlink_to(REAL.root / "tools" / name)
    return Project(root.resolve())


class Broken:
    """把最小手册改坏一处，再看检查报了什么。"""

    PAGE = "docs/demo/square.md"
    SNIPPET = "snippets/demo/square.py"
    TEST = "tests/snippets/demo/test_square.py"

    def __init__(self, project: Project):
        self.project = project

    def path(self, name: str) -> Path:
        return self.project.root / name

    def change(self, name: str, old: str, new: str) -> None:
        text = self.path(name).read_text("utf-8")
        assert old in text, f"{name} 里没有 {old}"
        self.path(name).write_text(text.replace(old, new, 1), "utf-8")

    def line(self, name: str, text: str) -> int:
        """`text` 第一次出现在第几行。"""
        before, found, _ = self.path(name).read_text("utf-8").partition(text)
        assert found, f"{name} 里没有 {text}"
        return before.count("\n") + 1

    def found(self, module: ModuleType) -> list[str]:
        """这一项检查的全部问题，写成一行。"""
        catalog = load_catalog(self.project)
        problems = module.check(catalog, list(catalog.pages.values()))
        return [str(problem) for problem in problems]


@pytest.fixture
def broken(project: Project) -> Broken:
    return Broken(project)
