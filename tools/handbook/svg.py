"""图的 SVG 文本：瘦身、尺寸、文件名。纯文本进出，不导入 Matplotlib。"""

import re

_PROLOGUE = re.compile(r"<\?xml.*?\?>|<!DOCTYPE.*?>|<!--.*?-->|<metadata>.*?</metadata>", re.DOTALL)
_GEOMETRY = re.compile(r'\b(?:d|x|y|points)="[^"]*"')
_NUMBER = re.compile(r"-?\d+\.\d+(?![\d.e])")
_PX_PER_PT = 96 / 72  # CSS 的约定：1 pt = 4/3 px


def file_name(slug: str, name: str) -> str:
    """`figure()` 的图是 <slug>.svg，`figure_<名>()` 的是 <slug>-<名>.svg。"""
    return f"{slug}-{name}.svg" if name else f"{slug}.svg"


def minimise(svg: str) -> str:
    """去掉序言、注释、元数据与行首空白，坐标留两位小数（0.01 pt，肉眼看不出）。"""
    bare = _PROLOGUE.sub("", svg)
    rounded = _GEOMETRY.sub(lambda m: _NUMBER.sub(_two_digits, m[0].replace("\n", "")), bare)
    return "\n".join(line.strip() for line in rounded.splitlines() if line.strip()) + "\n"


def size(svg: str) -> tuple[int, int]:
    """根元素的宽与高，换算成 CSS 像素；没有写明时抛 ValueError。"""
    values = []
    for side in ("width", "height"):
        found = re.search(rf'<svg\b[^>]*?\s{side}="([\d.]+)pt"', svg)
        if found is None:
            raise ValueError(f"SVG 的根元素没有以 pt 计的 {side}：{svg[:80]!r}")
        values.append(round(float(found[1]) * _PX_PER_PT))
    return values[0], values[1]


def _two_digits(match: re.Match[str]) -> str:
    short = f"{float(match[0]):.2f}".rstrip("0").rstrip(".")
    return "0" if short == "-0" else short
