"""批统计的噪声：随批大小怎样变，相当于多强的正则，能不能拦住死记硬背，纯 NumPy。

出处：Luo et al. 2019，https://arxiv.org/abs/1809.00846 ；
      Zhang et al. 2017，https://arxiv.org/abs/1611.03530
形状：N = 算统计用的样本数；总体是零均值、单位方差。
"""

import math

import numpy as np


def normalize(x):
    """沿第 0 维（批）标准化，方差除以 N"""
    return (x - x.mean(axis=0)) / x.std(axis=0)


def noise_theory(x, n: int, skew: float = 0.0, kurt: float = 3.0):
    """Var[x̂ | x] ≈ (1 + κ₃x + (κ₄ - 1)x²/4) / N；高斯的 κ₃ = 0、κ₄ = 3"""
    return (1 + skew * x + (kurt - 1) * x**2 / 4) / n


def noise_measured(x: float, n: int, trials: int, rng):
    """固定一个样本 x，另外 n - 1 个每次重抽（高斯）：x̂ 的方差"""
    others = rng.normal(size=(n - 1, trials))
    return normalize(np.concatenate([np.full((1, trials), x), others]))[0].var()


def mean_variance(n: int, positions: int, rho: float):
    """卷积层 Var(μ_B)：n 张图各 M 个位置，同图任两位置的相关系数为 ρ"""
    return (1 + (positions - 1) * rho) / (n * positions)


def shrinkage(n: int):
    """τ(N) = E[σ_B] = √(2/N)·Γ(N/2)/Γ((N-1)/2)：回归 y = γ₀x + 噪声的最优 γ 是 γ₀·τ(N)"""
    return math.sqrt(2 / n) * math.exp(math.lgamma(n / 2) - math.lgamma((n - 1) / 2))


def fitted_gamma(gamma0: float, n: int, trials: int, rng):
    """在批归一化的输入上最小二乘拟合 y ≈ γx̂，返回 γ/γ₀；mean(x̂²) = 1，故 γ = mean(y·x̂)"""
    x, e = rng.normal(size=(2, n, trials))
    y = gamma0 * x + np.sqrt(1 - gamma0**2) * e
    return (y * normalize(x)).mean() / gamma0


def grouped_bn(z, group: int):
    """每 group 个样本各算各的统计（Ghost BN）。z (n, D) -> ẑ (n, D)，以及反向函数"""
    g = z.reshape(-1, group, z.shape[1])
    rstd = 1 / g.std(axis=1, keepdims=True)
    z_hat = (g - g.mean(axis=1, keepdims=True)) * rstd

    def backward(dz):
        dz = dz.reshape(g.shape)
        along = z_hat * (dz * z_hat).mean(axis=1, keepdims=True)
        return (rstd * (dz - dz.mean(axis=1, keepdims=True) - along)).reshape(z.shape)

    return z_hat.reshape(z.shape), backward


def grads(w, b, v, x, y, group: int):
    """f = relu(BN(xw) + b)·v，logistic 损失；返回 ∂L/∂w、∂L/∂b、∂L/∂v"""
    z_hat, backward = grouped_bn(x @ w, group)
    a = np.maximum(z_hat + b, 0)
    df = -y / (1 + np.exp(y * (a @ v))) / len(y)
    du = np.outer(df, v) * (a > 0)
    return x.T @ backward(du), du.sum(axis=0), a.T @ df


def train(x, y, group: int, steps: int = 200, width: int = 64, lr: float = 1.0):
    """全批梯度下降，每步重新分组；训练完用全训练集的统计推理，返回间隔 y·f (N,)"""
    rng = np.random.default_rng(0)
    w = rng.normal(size=(x.shape[1], width)) / np.sqrt(x.shape[1])
    b, v = np.zeros(width), rng.normal(size=width) / np.sqrt(width)
    for _ in range(steps):
        i = rng.permutation(len(y))
        dw, db, dv = grads(w, b, v, x[i], y[i], group)
        w, b, v = w - lr * dw, b - lr * db, v - lr * dv
    return y * (np.maximum(normalize(x @ w) + b, 0) @ v)


def figure():
    from matplotlib.figure import Figure

    fig = Figure(figsize=(6.4, 3.2), layout="constrained")
    left, right = fig.subplots(1, 2)
    rng, sizes = np.random.default_rng(0), 2 ** np.arange(2, 9)
    for x in (0.0, 2.0):
        measured = [noise_measured(x, n, 4000, rng) for n in sizes]
        (dots,) = left.loglog(sizes, measured, "o", label=f"$x$ = {x:.0f}, measured")
        left.loglog(sizes, noise_theory(x, sizes), color=dots.get_color(), label="first order")
    left.set(xlabel="statistics batch $N$", ylabel=r"Var$[\hat x\,|\,x]$")
    sizes = sizes[:5]  # 更大的批，收缩量小于蒙特卡洛误差
    measured = [1 - fitted_gamma(0.8, n, 1600000 // n, rng) for n in sizes]
    right.loglog(sizes, measured, "o", label="measured")
    right.loglog(sizes, [1 - shrinkage(n) for n in sizes], label=r"exact $1 - \tau(N)$")
    right.loglog(sizes, 3 / (4 * sizes), "--", label="$3 / (4N)$")
    right.set(xlabel="statistics batch $N$", ylabel=r"shrinkage of $\gamma$")
    right.set(xlim=left.get_xlim(), ylim=(0.002, 0.5))
    left.legend(fontsize="small")
    right.legend(fontsize="small")
    return fig


if __name__ == "__main__":
    rng = np.random.default_rng(0)
    for n in (8, 32, 128):
        values = [f"{n * noise_measured(x, n, 40000, rng):.2f}" for x in (0.0, 1.0, 2.0)]
        print(f"N = {n:<4}N·Var[x̂|x]，x = 0、1、2：{' '.join(values)}")
    print("一阶理论 1 + x²/2：         ", *(f"{noise_theory(x, 1):.2f}" for x in (0.0, 1.0, 2.0)))
    for n in (8, 32, 128):
        measured = fitted_gamma(0.8, n, 3200000 // n, rng)
        print(f"N = {n:<4}γ 缩小到 τ(N) = {shrinkage(n):.3f}，实测 {measured:.3f}")
    for rho in (0.0, 0.05, 1.0):
        count = 1 / mean_variance(32, 56 * 56, rho)
        print(f"32 张 56×56 的特征图，位置相关 {rho}：等效样本数 {count:.0f}")
    x, y = rng.normal(size=(128, 20)), rng.choice([-1.0, 1.0], size=128)
    for group in (8, 32, 128):
        print(f"随机标签，统计批 {group:<5}训练准确率 {(train(x, y, group) > 0).mean():.2f}")
