"""记号（M02）：公式用了哪些符号、介绍了哪些、没介绍的报在第一次用到的行。"""

import pytest
from handbook.checks import symbols
from handbook.checks.formula import bound, introduced
from handbook.checks.formula import symbols as used
from handbook.katex import shared

PAGE = "docs/demo/square.md"


@pytest.fixture
def tree(project):
    return lambda tex: shared(project).parse(tex, display=False)


@pytest.mark.parametrize(
    ("tex", "names"),
    [
        (r"\hat{\mathbf{x}}_i'", {"x", "i"}),
        (r"\boldsymbol{\theta}^\top \bar{\Gamma} \ell", {r"\theta", r"\Gamma", r"\ell"}),
        (r"\mathcal{L}_D \mathbb{R}^{N\times d}", {r"\mathcal{L}", "D", r"\mathbb{R}", "N", "d"}),
        (r"\mathrm{Var}[x] \operatorname{softmax}(\text{中文} z)", {"x", "z"}),
        (r"\frac{a}{\sqrt[3]{b}} \underbrace{c}_{\text{项}}", {"a", "b", "c"}),
        (r"\begin{cases} p & q \\ r \end{cases} \left(s\right)", {"p", "q", "r", "s"}),
        (r"1.5 + \infty \le \ldots \to \nabla", set()),
        (r"\sum_{j=1}^{J} \log u_j", {"j", "J", "u"}),
    ],
)
def test_symbols_of_a_formula(tree, tex, names):
    assert set(used(tree(tex))) == names


@pytest.mark.parametrize(
    ("tex", "names"),
    [
        (r"\rho", {r"\rho"}),
        (r"m \in (0,1)", {"m"}),
        (r"x_1,\dots,x_N", {"x"}),
        (r"\gamma,\beta", {r"\gamma", r"\beta"}),
        (r"(u, v)", {"u", "v"}),
        (r"\left(r, s\right)", {"r", "s"}),
        (r"0 < \alpha < 1", {r"\alpha"}),
        (r"f(x) = ax + b", {"f"}),
        (r"\{x_i\}_{i=1}^N", {"x"}),
        (r"H \times W \times C", {"H", "W", "C"}),
        (r"\hat{q} = q + 1", {"q"}),
        (r"\Delta q", {"q"}),
        (r"\lvert q \rvert", {"q"}),
        # 算式不是介绍
        (r"a + b", set()),
        (r"2^p", set()),
        (r"1/q", set()),
        (r"ab", set()),
        (r"\frac{q}{2}", set()),
        (r"2q", set()),
    ],
)
def test_introduced_symbols(tree, tex, names):
    assert introduced(tree(tex)) == names


@pytest.mark.parametrize(
    ("tex", "names"),
    [
        (r"\sum_{j=1}^J a_j", {"j"}),
        (r"\int f(t)\,\mathrm{d}t", {"t"}),
        (r"\mathbb{E}_{u\sim p}[u]", {"u"}),
        (r"\max_{u,v} u+v", {"u", "v"}),
        (r"\{x_i\}_{i=1}^N", {"i"}),
        (r"x_i", set()),
    ],
)
def test_bound_symbols(tree, tex, names):
    assert set(bound(tree(tex))) == names


def test_minimal_page_passes(broken):
    assert broken.found(symbols) == []


def test_unknown_symbol_is_reported_once_at_its_first_use(broken):
    broken.change(PAGE, "切线斜率随", "取 $x = 2 + \\xi$。\n又 $3 + \\xi$。切线斜率随")
    (problem,) = broken.found(symbols)
    line = broken.line(PAGE, "取 $x = 2")
    assert problem.startswith(f"{PAGE}:{line}: [M02] 符号 \\xi 没有介绍")


@pytest.mark.parametrize(
    "text",
    [
        "设 $\\xi$ 是一个数。\n\n由 $x = 2 + \\xi$ 得到。",
        "由 $x = 2 + \\xi$ 得到，其中 $\\xi \\in (0, 1)$。",
        "由此\n\n$$\nx = 2 + \\xi\n$$\n\n其中 $\\xi$ 是一个数。",
        "由 $\\sum_{\\xi=1}^{3} 2\\xi$ 得到。",
    ],
)
def test_introduced_symbol_passes(broken, text):
    broken.change(PAGE, "切线斜率随", text + "\n\n切线斜率随")
    assert broken.found(symbols) == []


def test_introduction_two_paragraphs_later_is_too_late(broken):
    text = "由 $x = 2 + \\xi$ 得到。\n\n一段话。\n\n其中 $\\xi$ 是一个数。\n\n切线斜率随"
    broken.change(PAGE, "切线斜率随", text)
    (problem,) = broken.found(symbols)
    assert f"{PAGE}:{broken.line(PAGE, '由 $x = 2')}:" in problem


def test_scope_is_a_chapter(broken):
    """β 只在「归一化」一章有固定的意思；把范围改成本章就认得。"""
    broken.change(PAGE, "切线斜率随", "取 $2 + \\beta$。\n\n切线斜率随")
    assert [p for p in broken.found(symbols) if "符号 \\beta" in p]
    broken.change("docs/about/notation.md", "归一化层的平移 | 归一化 |", "平移 | 归一化、示例 |")
    assert broken.found(symbols) == []
