"""公式里符号之间的空。

TeX 在两个符号之间自动留空，显式的空（`\\,`、`\\quad`）另加在上面；Typst 见到显式的空就不再自动留，
所以要把 TeX 会留的那一份补上。分类与数值取自 The TeXbook 第 18 章的表，单位 1/18 em。
"""

from typing import Any

Node = dict[str, Any]

_LEFT = ("mord", "mop", "mbin", "mrel", "mopen", "mclose", "mpunct", "minner")
_TABLE = {
    "mord":   (0, 3, 4, 5, 0, 0, 0, 3),
    "mop":    (3, 3, 0, 5, 0, 0, 0, 3),
    "mbin":   (4, 4, 0, 0, 4, 0, 0, 4),
    "mrel":   (5, 5, 0, 0, 5, 0, 0, 5),
    "mopen":  (0, 0, 0, 0, 0, 0, 0, 0),
    "mclose": (0, 3, 4, 5, 0, 0, 0, 3),
    "mpunct": (3, 3, 0, 3, 3, 3, 3, 3),
    "minner": (3, 3, 4, 5, 3, 0, 3, 3),
}  # fmt: skip
_NOT_BINARY_AFTER = (None, "mbin", "mop", "mrel", "mopen", "mpunct")


def class_of(node: Node, before: str | None) -> str:
    """节点的类；前面没有左操作数的二元运算符是正负号，算普通符号。"""
    kind = node["type"]
    if kind == "supsub":
        return class_of(node["base"], before) if node["base"] else "mord"
    if kind == "mclass":
        found = str(node["mclass"])
    elif kind == "atom":
        found = {"textord": "mord"}.get(node["family"], f"m{node['family']}")
    else:
        found = {"op": "mop", "operatorname": "mop", "leftright": "minner"}.get(kind, "mord")
    return "mord" if found == "mbin" and before in _NOT_BINARY_AFTER else found


def gap(left: str | None, right: str | None) -> float:
    """两类符号之间的空，em；一边没有符号则没有空。"""
    if left not in _TABLE or right not in _LEFT:
        return 0.0
    return _TABLE[left][_LEFT.index(right)] / 18
