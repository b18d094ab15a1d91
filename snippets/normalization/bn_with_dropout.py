"""dropout 之后的 BN：训练与推理的方差差多少，怎样逐层累积，重估统计量能否修好，纯 NumPy。

出处：Li et al. 2019，https://arxiv.org/abs/1801.05134
形状：N = 样本数；a (N, D)，w (D, D_out)；keep 是保留概率 p（PyTorch 的参数是丢弃概率 1 - p）。
"""

import numpy as np


def dropout(a, keep: float, rng):
    """反向缩放（inverted）的 dropout：训练时除以 p，均值不变。a (N, D) -> (N, D)"""
    return a * (rng.random(a.shape) < keep) / keep


def bernoulli_noise(keep: float) -> float:
    """0/1 掩码 ξ 除以 p 的方差 ν = (1 - p)/p"""
    return (1 - keep) / keep


def uniform_noise(tau: float) -> float:
    """Uout 的乘性噪声 1 + U(-τ, τ) 的方差 ν = τ²/3"""
    return tau**2 / 3


def shift_ratio(a, w, nu: float):
    """ρ = Var_test / Var_train = v / (v + ν·Σ_i w_i² E[a_i²])，v = Var(w·a)。-> (D_out,)"""
    v = (a @ w).var(axis=0)  # (D_out,)
    return v / (v + nu * (a**2).mean(axis=0) @ w**2)


def relu_shift(keep: float) -> float:
    """a = ReLU(N(0, 1)) 且各特征独立、w 零均值时的 ρ = (1 - 1/π) / (1 - 1/π + ν)"""
    return (1 - 1 / np.pi) / (1 - 1 / np.pi + bernoulli_noise(keep))


def forward(a, weights, keep: float = 1.0, stats=None, rng=None):
    """逐层 dropout → 线性 → BN → ReLU；返回各层 ẑ 的平均方差与所用的 (μ, σ)。

    stats 为 None 是训练态：用本批的统计；否则是推理态：不丢弃，用给定的统计
    """
    variances, used = [], []
    for k, w in enumerate(weights):
        z = (dropout(a, keep, rng) if stats is None and keep < 1 else a) @ w
        mu, sigma = (z.mean(axis=0), z.std(axis=0)) if stats is None else stats[k]
        z_hat = (z - mu) / sigma  # (N, D)
        variances.append(z_hat.var(axis=0).mean())
        used.append((mu, sigma))
        a = np.maximum(z_hat, 0)
    return variances, used


def features(n: int, d: int, corr: float, rng):
    """ReLU 之前两两相关系数为 corr 的标准正态，取 ReLU。-> (n, d)"""
    common, own = rng.normal(size=(n, 1)), rng.normal(size=(n, d))
    return np.maximum(np.sqrt(corr) * common + np.sqrt(1 - corr) * own, 0)


def deep_net(layers: int = 8, n: int = 2000, d: int = 128):
    """输入 (n, d)、各层权重 (layers, d, d) 与随机数发生器"""
    rng = np.random.default_rng(0)
    weights = rng.normal(size=(layers, d, d)) / np.sqrt(d)
    return features(n, d, 0.0, rng), weights, rng


def inference_variances(keep: float):
    """带 dropout 训练得到的统计量用于推理：各层 ẑ 的方差"""
    a, weights, rng = deep_net()
    _, stats = forward(a, weights, keep, rng=rng)
    return forward(a, weights, stats=stats)[0]


def figure():
    from matplotlib.figure import Figure

    fig = Figure(figsize=(6.4, 3.2), layout="constrained")
    left, right = fig.subplots(1, 2)
    keeps = np.linspace(0.3, 1, 15)
    a, weights, rng = deep_net(1)
    measured = []
    for keep in keeps:
        sigma = forward(a, weights, keep, rng=rng)[1][0][1]
        measured.append(((a @ weights[0]).var(axis=0) / sigma**2).mean())
    left.plot(keeps, [relu_shift(keep) for keep in keeps], label="ReLU features, theory")
    left.plot(keeps, measured, "o", label="ReLU features, measured")
    left.plot(keeps, keeps, "--", label=r"zero-mean features: $\rho = p$")
    left.set(xlabel="keep probability $p$", ylabel=r"$\rho$", ylim=(0, 1.05))
    left.legend(fontsize="small")
    for keep in (0.9, 0.8, 0.5):
        right.plot(range(1, 9), inference_variances(keep), ".-", label=f"$p$ = {keep}")
    right.set(xlabel="BN layer", ylabel="test-time variance", ylim=(0, 1.05))
    right.legend()
    return fig


if __name__ == "__main__":
    for keep in (0.5, 0.8, 0.9):
        a, weights, rng = deep_net(1)
        sigma = forward(a, weights, keep, rng=rng)[1][0][1]
        measured = ((a @ weights[0]).var(axis=0) / sigma**2).mean()
        print(f"p = {keep}  ρ 的公式 {relu_shift(keep):.3f}  实测 {measured:.3f}")
        deep = inference_variances(keep)
        print(f"         第 1、2、8 层推理时的方差 {deep[0]:.3f}  {deep[1]:.3f}  {deep[7]:.3f}")
    a, weights, _ = deep_net()
    _, clean = forward(a, weights)  # 关掉 dropout 重估 μ、σ
    print(f"重估统计量之后第 8 层的方差 {forward(a, weights, stats=clean)[0][7]:.3f}")
    for d in (8, 64, 512):
        a = features(4000, d, 0.2, np.random.default_rng(1))
        ratio = shift_ratio(a, np.ones((d, 1)), bernoulli_noise(0.5))[0]
        print(f"ReLU 前相关系数 0.2、权重同号、p = 0.5：D = {d:<4}ρ = {ratio:.2f}")
    a, weights, _ = deep_net(1)
    print(f"Uout τ = 0.1：ρ = {shift_ratio(a, weights[0], uniform_noise(0.1)).mean():.3f}")
