"""公式：KaTeX 的语法树 → Typst。每个节点都真的交给 Typst 编译；不认识的要报出来。"""

from collections.abc import Callable
from pathlib import Path

import pytest
import typst
from handbook.export.typst_chars import symbols
from handbook.export.typst_math import Formula, UnknownNode, convert
from handbook.export.typst_space import class_of, gap
from handbook.katex import shared
from handbook.project import Project
from pypdf import PdfReader

REAL = Project.find(Path(__file__).parent)
TEMPLATE = REAL.root / "tools" / "export" / "book.typ"

# LaTeX → 应有的 Typst；空串表示只要求编译通过
CASES = {
    r"x": "x",
    r"xy": "x y",
    r"2x": "2 x",
    r"3.14": "3.14",
    r"n=3.": r"n=3 \.",
    r"f(x)": r"f\(x\)",
    r"12{,}345": r'12 class("normal", \,)345',
    r"a\,b": "a#h(0.1667em)b",
    r"a=\,b": "a=#h(0.4444em)b",
    r"a,\ b": r"a\,#h(0.5em)b",
    r"-\,x": "−#h(0.1667em)x",
    r"x_i^2": "attach(x, t: 2, b: i)",
    r"f'": "attach(f, t: ′)",
    r"{}_a": 'attach("", b: a)',
    r"\frac{a}{b}": "frac(a, b)",
    r"\binom{n}{k}": "binom(n, k)",
    r"\genfrac{[}{]}{0pt}{}{a}{b}": "",
    r"\sqrt{x}": "sqrt(x)",
    r"\sqrt[3]{x}": "",
    r"\hat{x}\vec{v}\overline{ab}\underline{c}": "",
    r"\mathbf{W}\boldsymbol{\theta}\mathbb{R}\mathcal{L}\mathfrak{g}\mathsf{A}\mathtt{t}": "",
    r"\mathrm{Var}(x)": r'upright("Var")\(x\)',
    r"\text{若 $x$ 大}": "",
    r"\operatorname{softmax}(z)": r'op("softmax")\(z\)',
    r"\operatorname*{arg\,max}_x": 'attach(op("arg max", limits: #true), b: x)',
    r"\sum_{i=1}^N x_i": "",
    r"\int_0^1\oint\prod\lim_{n\to\infty}\max_i": "",
    r"\sum_{\substack{i\\j}}": "",
    r"x\not=y": "x≠y",
    r"x\not\in A": "x∉A",
    r"a\mid b": r'a class("relation", \|)b',
    r"|x|\|y\|\lvert z\rvert\lVert w\rVert": "",
    r"\left(\frac{a}{b}\middle|c\right]": "",
    r"\left.x\right|_{0}": "",
    r"\big(\Big[\bigg\{\Bigg|": "",
    r"a\bmod b": '',
    r"a\pmod{b}": "",
    r"\begin{aligned}a&=b,&c&=d\\e&=f\end{aligned}": r"a & =b\, & #h(1em) c & =d \ e & =f",
    r"1+\left\{\begin{aligned}a&=b\\c&=d\end{aligned}\right.": "",
    r"\begin{cases}x&x>0\\0&\text{否则}\end{cases}": "",
    r"\begin{pmatrix}a&b\\c&d\end{pmatrix}": "",
    r"\left[\begin{array}{l|r}a&b\\\hline c&d\end{array}\right]": "",
    r"\underbrace{a+b}_{\text{和}}+\overbrace{c}^n+\underbrace{d}": "",
    r"\boxed{x}\cancel{y}": "",
    r"\smash{x}\phantom{y}z": "",
    r"\overset{!}{=}\underset{x}{\min}\stackrel{d}{\to}": "",
    r"A\xrightarrow{f}B\xleftarrow[b]{a}C": "",
    r"\mathop{A}\mathbin{B}\mathrel{C}": "",
    r"\displaystyle\frac12\textstyle\tfrac12\dfrac12": "",
    r"\alpha\beta\to\infty\cdots\ldots\partial\nabla\top": "",
    r"a\kern3pt b\large c": "",
    r"\neq\coloneqq\notin": "",
    r"\# \% \& \_ \{ \} ; : ! ? / \backslash": "",
}  # fmt: skip


@pytest.fixture(scope="module")
def to_typst() -> Callable[[str], Formula]:
    katex = shared(REAL)
    symbol = symbols(katex)
    return lambda tex: convert(katex.parse(tex, display=True), symbol)


def compile_typst(folder: Path, body: str) -> PdfReader:
    (folder / "book.typ").write_text(TEMPLATE.read_text("utf-8"), "utf-8")
    page = '#import "/book.typ": *\n#set page(width: 20cm)\n' + body
    (folder / "main.typ").write_text(page, "utf-8")
    target = folder / "main.pdf"
    typst.compile(str(folder / "main.typ"), output=str(target), root=str(folder))
    return PdfReader(target)


@pytest.mark.parametrize("tex", [tex for tex, expected in CASES.items() if expected])
def test_written_as_expected(tex: str, to_typst: Callable[[str], Formula]) -> None:
    assert to_typst(tex).body == CASES[tex]


def test_every_kind_compiles(tmp_path: Path, to_typst: Callable[[str], Formula]) -> None:
    """逐个公式占一页：少一页或报错都说明没有编译成。"""
    pages = "\n#pagebreak()\n".join(f"$ {to_typst(tex).body} $" for tex in CASES)
    assert len(compile_typst(tmp_path, pages).pages) == len(CASES)


# 前一个比后一个宽多少 em：显式的空加在自动的空之上，字符串与数字旁边没有多余的空
WIDER = [
    (r"a=\,b", r"a=b", 1 / 6),
    (r"a\,=b", r"a=b", 1 / 6),
    (r"a+\quad b", r"a+b", 1),
    (r"a,\;b", r"a,b", 5 / 18),
    (r"\log\,x", r"\log x", 1 / 6),
    (r"\text{aa}(x)", r"\text{aa(}x)", 0),
    (r"12{,}345", r"\text{12,345}", 0),
    (r"a\bmod b", r"a\text{mod}b", 2 * (4 + 1) / 18),
]


def test_spacing_measured(tmp_path: Path, to_typst: Callable[[str], Formula]) -> None:
    """宽度由 Typst 自己量，一行印一个。"""
    width = "measure(${}$).width.to-absolute()"
    rows = [
        f"{width.format(to_typst(wide).body)} - {width.format(to_typst(narrow).body)}"
        for wide, narrow, _ in WIDER
    ]
    shown = "".join(f"#context str(({row}) / 11pt)\n#pagebreak(weak: true)\n" for row in rows)
    pages = compile_typst(tmp_path, shown).pages
    found = [float(page.extract_text().replace("−", "-")) for page in pages]
    assert found == pytest.approx([extra for *_, extra in WIDER], abs=2e-3)


def test_tag_is_split_off(to_typst: Callable[[str], Formula]) -> None:
    assert to_typst(r"x=1\tag{3.2}") == Formula("x=1", "(3.2)")


def test_unknown_node() -> None:
    with pytest.raises(UnknownNode, match="hologram"):
        convert([{"type": "hologram", "mode": "math"}], str)


@pytest.mark.parametrize("tex", [r"\utilde{x}", r"\begin{CD}A@>>>B\end{CD}"])
def test_unknown_command(tex: str, to_typst: Callable[[str], Formula]) -> None:
    with pytest.raises(UnknownNode):
        to_typst(tex)


def test_gap_table() -> None:
    """几处查 The TeXbook 第 170 页的表。"""
    assert gap("mord", "mrel") == gap("mrel", "mord") == 5 / 18
    assert gap("mord", "mbin") == 4 / 18
    assert gap("mpunct", "mord") == 3 / 18
    assert gap("mopen", "mord") == gap("mrel", "mrel") == gap(None, "mrel") == 0
    minus = {"type": "atom", "family": "bin", "text": "-"}
    assert class_of(minus, "mord") == "mbin"
    assert class_of(minus, None) == class_of(minus, "mrel") == "mord"
