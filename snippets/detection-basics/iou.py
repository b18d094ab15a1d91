"""框的交并比 IoU：照抄定义的循环、两两向量化，以及 anchor 对真实框的平均最大 IoU。

出处：Everingham et al. 2010 §4.2（交并比），https://doi.org/10.1007/s11263-009-0275-4；
      Redmon & Farhadi 2017 §2（平均最大 IoU），https://arxiv.org/abs/1612.08242
单位：像素；框是 (x1, y1, x2, y2)，默认连续坐标、宽为 x2 - x1；pixel=1 是旧的含端点约定。
"""

import numpy as np


def iou_one(p, q, pixel: float = 0.0) -> float:
    """照抄定义：两个框各 (4,)。宽、高先与零取大再相乘，否则两个负数相乘得正面积。"""
    p, q = np.asarray(p, dtype=float), np.asarray(q, dtype=float)  # 无符号整数相减会回绕
    dx = max(0.0, min(p[2], q[2]) - max(p[0], q[0]) + pixel)
    dy = max(0.0, min(p[3], q[3]) - max(p[1], q[1]) + pixel)
    union = area(p[:2], p[2:], pixel) + area(q[:2], q[2:], pixel) - dx * dy
    return float(dx * dy / union) if union > 0 else 0.0


def area(low, high, pixel: float):
    """左上角、右下角 (..., 2) -> 面积 (...)；次序颠倒（空集）的算零。"""
    return np.prod(np.maximum(np.subtract(high, low) + pixel, 0), axis=-1)


def pairwise_iou(a, b, pixel: float = 0.0):
    """a (N, 4)，b (M, 4) -> (N, M)；并集为零（两个零面积框）时定为 0，不产生 NaN。"""
    a = np.asarray(a, dtype=float)[:, None]  # (N, 1, 4)；先转浮点，整数坐标相乘会溢出
    b = np.asarray(b, dtype=float)[None]  # (1, M, 4)
    low = np.maximum(a[..., :2], b[..., :2])  # (N, M, 2)
    high = np.minimum(a[..., 2:], b[..., 2:])  # (N, M, 2)
    inter = area(low, high, pixel)  # (N, M)
    union = area(a[..., :2], a[..., 2:], pixel) + area(b[..., :2], b[..., 2:], pixel) - inter
    return np.divide(inter, union, out=np.zeros_like(inter), where=union > 0)


def mean_best_iou(anchors, truths):
    """每个真实框取最合身的 anchor，再对真实框平均：(N, 4)，(M, 4) -> 标量。"""
    return pairwise_iou(anchors, truths).max(axis=0).mean()


def at_origin(boxes):
    """把框 (N, 4) 的左上角都移到原点 -> (N, 4)：只比形状，YOLOv2 聚类先验框即如此。"""
    return boxes - np.tile(boxes[:, :2], 2)


def shifted(side: float, shift: float, pixel: float = 0.0):
    """边长 side 的正方形与它沿横、纵各移 shift 像素后的 IoU。"""
    box = np.array([0.0, 0.0, side, side])
    return iou_one(box, box + shift, pixel)


def figure_overlap():
    """交集的左上角取大、右下角取小；y 轴向下。"""
    from matplotlib.figure import Figure

    fig = Figure(figsize=(6.4, 3.2), layout="constrained")
    ax = fig.subplots(subplot_kw={"aspect": "equal"})
    p, q = np.array([0, 0, 5, 4]), np.array([3, 1, 9, 5])
    low, high = np.maximum(p[:2], q[:2]), np.minimum(p[2:], q[2:])
    for (x1, y1), (x2, y2), color in [(p[:2], p[2:], "C0"), (q[:2], q[2:], "C1")]:
        ax.plot([x1, x2, x2, x1, x1], [y1, y1, y2, y2, y1], color=color)
    ax.fill_between([low[0], high[0]], low[1], high[1], color="C2", alpha=0.5, lw=0)
    ax.plot(*np.transpose([low, high]), "ko")
    ax.annotate(r"$\max(x_1),\max(y_1)$", low, (-6, 5), textcoords="offset points", ha="right")
    ax.annotate(r"$\min(x_2),\min(y_2)$", high, (6, -14), textcoords="offset points")
    ax.text(p[0], p[3], " $A$", va="bottom", fontsize=13)
    ax.text(q[2], q[3], "$B$ ", va="bottom", ha="right", fontsize=13)
    ax.text(*(low + high) / 2, f"IoU = {iou_one(p, q):.2f}", ha="center", va="center")
    ax.set(xlabel="$x$", ylabel="$y$", ylim=(5.5, -0.5))
    return fig


def figure_resolution():
    """同样的像素偏差，边长越小 IoU 掉得越多。"""
    from matplotlib.figure import Figure

    fig = Figure(figsize=(6.4, 3.2), layout="constrained")
    ax = fig.subplots()
    sides = np.geomspace(8, 512, 25)
    for shift in (1, 2, 4):
        ax.semilogx(sides, [shifted(s, shift) for s in sides], base=2, label=f"shift {shift} px")
    ax.axhline(0.5, color="0.5", linestyle="--")
    ax.set(xlabel="side of the square (px)", ylabel="IoU", ylim=(0, 1))
    ax.legend(frameon=False)
    return fig


if __name__ == "__main__":
    box = [0, 0, 10, 10]
    pairs = {"错开一半": [5, 0, 15, 10], "共边": [10, 0, 20, 10], "包含": [0, 0, 5, 5]}
    for name, other in pairs.items():
        print(f"{name}  连续 {iou_one(box, other):.4f}  含端点 {iou_one(box, other, 1.0):.4f}")
    print(f"两个重合的零面积框  {iou_one([3, 3, 3, 3], [3, 3, 3, 3]):.4f}")
    anchors = np.array([[0, 0, 16, 16], [0, 0, 24, 32], [8, 4, 24, 20]])
    truths = np.array([[0, 0, 16, 32], [4, 4, 20, 20]])
    print(f"anchor × 真实框\n{pairwise_iou(anchors, truths).round(4)}")
    print(f"平均最大 IoU      {mean_best_iou(anchors, truths):.4f}")
    print(f"只比形状          {mean_best_iou(at_origin(anchors), at_origin(truths)):.4f}")
    for side, shift in [(10, 2), (100, 2), (100, 20)]:
        print(f"边长 {side}、各移 {shift} 像素  {shifted(side, shift):.4f}")
