"""批归一化（训练态）的反向传播：逐路径的链式法则与化简式，纯 NumPy。

出处：Ioffe & Szegedy 2015，Algorithm 1 与 §3，https://arxiv.org/abs/1502.03167
形状：N = 共用一组统计量的元素个数，D = 特征数；卷积特征先经 channel_rows 排成 (N·H·W, C)。
"""

import numpy as np


def channel_rows(x):
    """(N, C, H, W) -> (N·H·W, C)：卷积层里一个通道共用 μ 与 σ²，行数才是公式里的 N。"""
    return np.moveaxis(x, 1, -1).reshape(-1, x.shape[1])


def forward(x, gamma, beta, eps: float = 1e-5):
    """y = γ·x̂ + β，x̂ = (x - μ) · rstd，rstd = 1 / √(σ² + ε)；σ² 除以 N（有偏）。

    x (N, D)，gamma (D,)，beta (D,) -> y (N, D) 与反向要用的 (x_hat, gamma, rstd)
    """
    rstd = 1 / np.sqrt(x.var(axis=0) + eps)  # (D,)
    x_hat = (x - x.mean(axis=0)) * rstd  # (N, D)
    return gamma * x_hat + beta, (x_hat, gamma, rstd)


def paths(dy, cache):
    """未化简的链式法则：dx 的三项，依次是直接、经均值 μ、经方差 σ²。

    dy (N, D) -> 直接 (N, D)，经均值 (D,)（每个样本分到的都一样），经方差 (N, D)
    """
    x_hat, gamma, rstd = cache
    dx_hat = gamma * dy  # (N, D)
    centered = x_hat / rstd  # x - μ，(N, D)
    dvar = -0.5 * rstd**3 * (dx_hat * centered).sum(axis=0)  # (D,)
    dmean = -rstd * dx_hat.sum(axis=0)  # (D,)；∂σ²/∂μ = 0，没有第二项
    return rstd * dx_hat, dmean / len(dy), dvar * 2 * centered / len(dy)


def backward(dy, cache):
    """dx = rstd · (dx̂ - mean(dx̂) - x̂ · mean(dx̂ · x̂))，其中 dx̂ = γ·dy。

    dy (N, D) -> dx (N, D)，dgamma (D,)，dbeta (D,)
    """
    x_hat, gamma, rstd = cache
    dx_hat = gamma * dy  # (N, D)
    slope = (dx_hat * x_hat).mean(axis=0)  # (D,)
    dx = rstd * (dx_hat - dx_hat.mean(axis=0) - x_hat * slope)  # (N, D)
    return dx, (dy * x_hat).sum(axis=0), dy.sum(axis=0)


def relative_error(actual, expected):
    """‖actual - expected‖ / ‖expected‖，同形数组 -> 标量。"""
    return np.linalg.norm(actual - expected) / np.linalg.norm(expected)


def batch_of(n: int):
    """n 个样本、2 个特征的一批，返回 (dy, cache)；均值 5、标准差 3，离零均值、单位方差很远。"""
    rng = np.random.default_rng(0)
    x = rng.normal(5.0, 3.0, size=(n, 2))
    _, cache = forward(x, gamma=np.array([1.0, 2.0]), beta=np.zeros(2))
    return rng.normal(size=(n, 2)), cache


def figure_gradient_paths():
    """计算图：x_i 到 x̂_j 的三条路径，边上是局部导数。"""
    from matplotlib.figure import Figure

    fig = Figure(figsize=(6.4, 2.9), layout="constrained")
    ax = fig.subplots(subplot_kw={"aspect": "equal"})
    ax.axis("off")
    at = {"$x_i$": (0, 0), r"$\mu$": (2, 1), r"$\sigma^2$": (2, 2)}
    at |= {r"$\hat{x}_j$": (4, 0), "$y_j$": (5, 0)}
    edges = [  # 起点、终点、局部导数、颜色
        ("$x_i$", r"$\hat{x}_j$", r"$1/\sqrt{\sigma^2+\varepsilon}$   only if $j=i$", "C0"),
        ("$x_i$", r"$\mu$", "$1/N$", "C1"),
        (r"$\mu$", r"$\hat{x}_j$", r"$-1/\sqrt{\sigma^2+\varepsilon}$   all $j$", "C1"),
        ("$x_i$", r"$\sigma^2$", r"$2(x_i-\mu)/N$", "C2"),
        (r"$\sigma^2$", r"$\hat{x}_j$", r"$-\hat{x}_j/2(\sigma^2+\varepsilon)$   all $j$", "C2"),
        (r"$\mu$", r"$\sigma^2$", "$0$", "0.5"),
        (r"$\hat{x}_j$", "$y_j$", r"$\gamma$", "0.5"),
    ]
    for tail, head, text, color in edges:
        arrow = {"arrowstyle": "->", "color": color, "shrinkA": 14, "shrinkB": 14}
        ax.annotate("", xy=at[head], xytext=at[tail], arrowprops=arrow)
        step = np.subtract(at[head], at[tail])
        lift = 3 * np.array([-step[1], step[0]]) / np.hypot(*step)  # 标注离开箭头 3 磅
        turn = {"rotation": np.degrees(np.arctan2(*step[::-1])), "rotation_mode": "anchor"}
        spot = {"xytext": lift, "textcoords": "offset points", "ha": "center", "va": "bottom"}
        ax.annotate(text, at[tail] + step / 2, **spot, **turn)
    for name, place in at.items():
        ax.text(*place, name, ha="center", va="center", fontsize=14)
    ax.set(xlim=(0, 5), ylim=(0, 2))
    return fig


def figure_residual():
    """dx̂ 对 x̂ 的回归直线：均值项是截距，方差项是斜率，dx / rstd 是残差。"""
    from matplotlib.figure import Figure

    dy, (x_hat, gamma, rstd) = batch_of(12)
    dx, _, _ = backward(dy, (x_hat, gamma, rstd))
    order = np.argsort(x_hat[:, 1])
    u, target = x_hat[order, 1], gamma[1] * dy[order, 1]
    kept = dx[order, 1] / rstd[1]
    fig = Figure(figsize=(6.4, 3.2), layout="constrained")
    ax = fig.subplots()
    ax.plot(u, target, "o", label=r"upstream $\partial L/\partial\hat{x}_i$")
    ax.plot(u, target - kept, label="removed: intercept (mean path) + slope (variance path)")
    ax.vlines(u, target - kept, target, "C2", label=r"kept: $\propto\partial L/\partial x_i$")
    ax.set(xlabel=r"$\hat{x}_i$", ylabel="gradient")
    fig.legend(loc="outside upper left", frameon=False)
    return fig


if __name__ == "__main__":
    dy, cache = batch_of(8)
    dx, _, _ = backward(dy, cache)
    direct, via_mean, via_var = paths(dy, cache)
    print(f"三条路径之和等于化简式  {np.allclose(direct + via_mean + via_var, dx)}")
    print(f"dx 的每一列之和为零     {np.allclose(dx.sum(axis=0), 0)}")
    print(f"只留直接路径的相对误差  {relative_error(direct, dx):.2f}")
    for n in (1, 2, 8):
        largest = np.abs(backward(*batch_of(n))[0]).max()
        print(f"N = {n} 时 |dx| 的最大值   {largest:.3f}")
