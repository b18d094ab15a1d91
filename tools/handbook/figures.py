"""全书的图长得一样：统一的 Matplotlib 参数，以及图到 SVG 的转换。只在执行器里导入。"""

import importlib
import io
from typing import Any

import matplotlib
import matplotlib.pyplot
from matplotlib.figure import Figure
from matplotlib.gridspec import SubplotParams

from handbook import svg

# 只用随 Matplotlib 一起安装的字体，各台机器上逐字节相同；文字转成轮廓，离线与 PDF 里不缺字
STYLE: Any = {  # Any：Matplotlib 的标注只认逐个写出的键
    "svg.fonttype": "path",
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 10,
    "axes.titlesize": 11,
    "axes.labelsize": 10,
    "legend.fontsize": 9,
    "xtick.labelsize": 9,
    "ytick.labelsize": 9,
    "figure.figsize": (6.4, 3.6),
    "figure.dpi": 100,
    "lines.linewidth": 1.8,
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "legend.frameon": False,
    "savefig.transparent": True,
    "savefig.bbox": None,
}


def prepare() -> None:
    """执行器启动时做一次：选无界面的后端，抹去各人自己的 matplotlibrc，套上统一参数。"""
    matplotlib.use("Agg")
    matplotlib.rcdefaults()
    matplotlib.rcParams.update(STYLE)
    # 只导入，不试画：画过一张，字体文件便开着；子进程关掉继承来的文件，就读不了字形，
    # 不关掉，各子进程又共用同一个读写位置
    importlib.import_module("matplotlib.backends.backend_svg")
    importlib.import_module("matplotlib.mathtext")


def to_svg(figure: Figure, salt: str) -> str:
    """图的 SVG；同样的图逐字节相同（`salt` 使各图内部的编号固定而互不相同）。"""
    if _is_default_layout(figure):
        figure.set_layout_engine("constrained")
    buffer = io.StringIO()
    with matplotlib.rc_context({"svg.hashsalt": salt}):
        nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
        figure.savefig(buffer, format="svg", metadata=nothing)
    return svg.minimise(buffer.getvalue())


def _is_default_layout(figure: Figure) -> bool:
    """作者没有自己排版（tight_layout、subplots_adjust）时，才替他自动排版。"""
    untouched = vars(figure.subplotpars) == vars(SubplotParams())
    return untouched and figure.get_layout_engine() is None
