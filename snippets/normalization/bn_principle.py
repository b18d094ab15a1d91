"""批归一化（BN）的训练态前向与它的三条性质，纯 NumPy。

出处：Ioffe & Szegedy 2015，Algorithm 1、§3.2 与 §3.3，https://arxiv.org/abs/1502.03167
形状：N = 批大小，D = 特征数，C = 通道数，H、W = 特征图的高与宽；全连接层里 C 就是 D。
"""

import numpy as np


def stat_axes(x):
    """除第 1 维（特征或通道）以外的全部维：(N, D) -> (0,)，(N, C, H, W) -> (0, 2, 3)。"""
    return tuple(axis for axis in range(x.ndim) if axis != 1)


def batch_norm(x, gamma, beta, eps: float = 1e-5):
    """y = γ·(x - μ)/√(σ² + ε) + β；σ² 除以 m（有偏），ε 在根号里面。

    x (N, D) 或 (N, C, H, W)，gamma、beta (C,) -> y 与 x 同形
    """
    mu = x.mean(axis=stat_axes(x), keepdims=True)  # (1, C, 1, 1)
    var = x.var(axis=stat_axes(x), keepdims=True)  # (1, C, 1, 1)
    x_hat = (x - mu) / np.sqrt(var + eps)  # (N, C, H, W)
    return gamma.reshape(mu.shape) * x_hat + beta.reshape(mu.shape)


def batch_norm_loop(x, gamma, beta, eps: float = 1e-5):
    """定义的直译：逐通道取出它的 m = N·H·W 个数，减均值、除标准差。x (N, C, H, W)"""
    y = np.empty_like(x)
    for c in range(x.shape[1]):
        values = x[:, c]  # (N, H, W)
        mu = values.sum() / values.size
        var = ((values - mu) ** 2).sum() / values.size
        y[:, c] = gamma[c] * (values - mu) / np.sqrt(var + eps) + beta[c]
    return y


def identity_params(x, eps: float = 1e-5):
    """让 BN 退回恒等映射的参数：γ = √(σ² + ε)，β = μ；各 (C,)。"""
    return np.sqrt(x.var(axis=stat_axes(x)) + eps), x.mean(axis=stat_axes(x))


def sigmoid_slope(z):
    """σ'(z) = σ(z)·(1 - σ(z))，最大值 1/4 在 z = 0 处。"""
    s = 1 / (1 + np.exp(-z))
    return s * (1 - s)


def demo_batch():
    """8 张 3 通道 4×4 的特征图，均值 4、标准差 5：sigmoid 的饱和区。"""
    return np.random.default_rng(0).normal(loc=4.0, scale=5.0, size=(8, 3, 4, 4))


def figure():
    """sigmoid 的导数曲线，与 BN 前后激活前值的直方图。"""
    from matplotlib.figure import Figure

    x = demo_batch()
    fig = Figure(figsize=(6.4, 3.2), layout="constrained")
    ax = fig.subplots()
    z = np.linspace(-10, 18, 113)
    ax.plot(z, sigmoid_slope(z), label=r"$\sigma'(z)$")
    x_hat = batch_norm(x, np.ones(3), np.zeros(3))
    for values, label, color in [(x, "before BN", "C1"), (x_hat, "after BN", "C2")]:
        density, edges = np.histogram(values, bins=np.arange(-10, 19), density=True)
        ax.stairs(density, edges, label=label, color=color, fill=True, alpha=0.5)
    ax.set(xlabel="$z$", ylabel="density / slope", xlim=(-10, 18))
    ax.legend(frameon=False)
    return fig


if __name__ == "__main__":
    x = demo_batch()
    ones, zeros = np.ones(3), np.zeros(3)
    y = batch_norm(x, gamma=2 * ones, beta=7 * ones)
    print(f"γ=2、β=7 时各通道的均值    {y.mean(axis=(0, 2, 3)).round(4)}")
    print(f"γ=2、β=7 时各通道的标准差  {y.std(axis=(0, 2, 3)).round(4)}")
    print(f"γ=√(σ²+ε)、β=μ 还原输入    {np.allclose(batch_norm(x, *identity_params(x)), x)}")
    x_hat = batch_norm(x, ones, zeros)
    print(f"输入加 100，输出不变       {np.allclose(batch_norm(x + 100, ones, zeros), x_hat)}")
    gap = abs(batch_norm(100 * x, ones, zeros) - x_hat).max()
    print(f"输入乘 100，输出变化 <1e-6  {gap < 1e-6}")
    before, after = sigmoid_slope(x).mean(), sigmoid_slope(x_hat).mean()
    print(f"sigmoid 的平均导数         {before:.3f} -> {after:.3f}")
    shifted = np.roll(x, (1, 2), axis=(2, 3))
    same = np.allclose(batch_norm(shifted, ones, zeros), np.roll(x_hat, (1, 2), axis=(2, 3)))
    print(f"与空间平移可交换           {same}")
