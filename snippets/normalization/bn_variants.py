"""BN 的五种变体的前向（训练态），外加条件 BN，纯 NumPy。

出处：Batch Renorm https://arxiv.org/abs/1702.03275；Ghost BN https://arxiv.org/abs/1705.08741；
跨迭代 BN https://arxiv.org/abs/2002.05712；条件 BN https://arxiv.org/abs/1707.00683；
FRN https://arxiv.org/abs/1911.09737；Switchable Norm https://arxiv.org/abs/1806.10779
形状：x (N, C, H, W)；N = 批大小，C = 通道数，H、W = 特征图的高与宽；γ、β 未写出的函数取 1、0。
"""

import numpy as np

BATCH, LAYER, INSTANCE = (0, 2, 3), (1, 2, 3), (2, 3)


def standardize(x, mean, var, eps: float = 1e-5):
    """各变体共用的一步，差别只在 mean、var 从哪里来。"""
    return (x - mean) / np.sqrt(var + eps)


def moments(x, axes):
    """均值与有偏方差，保留维度以便广播。"""
    return x.mean(axis=axes, keepdims=True), x.var(axis=axes, keepdims=True)


def batch_renorm(x, running_mean, running_std, r_max: float, d_max: float, eps: float = 1e-5):
    """x̂ = (x - μ_B)/σ_B·r + d；r、d 在反向里当常数。running_* (1, C, 1, 1)"""
    mean, var = moments(x, BATCH)
    std = np.sqrt(var + eps)  # (1, C, 1, 1)
    r = np.clip(std / running_std, 1 / r_max, r_max)
    d = np.clip((mean - running_mean) / running_std, -d_max, d_max)
    return (x - mean) / std * r + d


def ghost_batch_norm(x, ghost_size: int):
    """把大批切成小批，各用各的统计量；N 须被 ghost_size 整除。"""
    ghosts = x.reshape(-1, ghost_size, *x.shape[1:])  # (N/g, g, C, H, W)
    return standardize(ghosts, *moments(ghosts, (1, 3, 4))).reshape(x.shape)


def linear_moments(u, w):
    """z = u·w 这一个通道的 μ = E[z]、ν = E[z²]，以及它们对 w 的梯度。u (m, D)，w (D,)"""
    z = u @ w  # (m,)
    return (z.mean(), u.mean(axis=0)), ((z**2).mean(), 2 * (z[:, None] * u).mean(axis=0))


def compensate(value, grad, w_old, w_now):
    """一阶泰勒：把旧权重下的统计量换算到现在的权重下。"""
    return value + grad @ (w_now - w_old)


def cross_iteration_stats(history, w_now):
    """CBN：history 是最近 k 步的 (u, w)；ν 不得小于 μ²，否则该步的方差为负。-> μ、σ²"""
    mus, nus = [], []
    for u, w_old in history:
        mu, nu = (compensate(*moment, w_old, w_now) for moment in linear_moments(u, w_old))
        mus.append(mu)
        nus.append(max(nu, mu**2))
    return np.mean(mus), np.mean(nus) - np.mean(mus) ** 2


def conditional_batch_norm(x, gamma, beta):
    """γ、β (N, C) 由条件（问句、类别）逐样本给出，统计量仍是整批的。"""
    x_hat = standardize(x, *moments(x, BATCH))
    return gamma[:, :, None, None] * x_hat + beta[:, :, None, None]


def frn(x, gamma, beta, tau, eps: float = 1e-6):
    """FRN + TLU：只除均方根、不减均值，再取 max(y, τ)。gamma、beta、tau (C, 1, 1)"""
    mean_square = (x**2).mean(axis=INSTANCE, keepdims=True)  # (N, C, 1, 1)
    return np.maximum(gamma * x / np.sqrt(mean_square + eps) + beta, tau)


def switchable_norm(x, mean_logits, var_logits):
    """SN：IN、LN、BN 三套均值与方差各按一组 softmax 权重混合。logits (3,)"""
    means, variances = zip(*(moments(x, axes) for axes in (INSTANCE, LAYER, BATCH)), strict=True)
    mix = [np.exp(v) / np.exp(v).sum() for v in (mean_logits, var_logits)]
    mean = sum(w * m for w, m in zip(mix[0], means, strict=True))  # (N, C, 1, 1)
    return standardize(x, mean, sum(w * v for w, v in zip(mix[1], variances, strict=True)))


def inference_gap(normalized, x):
    """训练态输出与真统计量（0、1）下的输出之差的均方根；x 取自标准正态。"""
    return np.sqrt(((normalized - x) ** 2).mean())


def figure():
    """批大小缩小时，训练态与推理态输出的差：BN、Batch Renorm（两种边界）、Ghost BN。"""
    from matplotlib.figure import Figure

    sizes = [4, 8, 16, 32, 64, 128]
    x = np.random.default_rng(0).normal(size=(128, 64, 1, 1))
    zero, one = np.zeros((1, 64, 1, 1)), np.ones((1, 64, 1, 1))
    bn, loose, tight = [], [], []
    for n in sizes:
        batches = x.reshape(-1, n, 64, 1, 1)
        bn.append(inference_gap(ghost_batch_norm(x, n), x))
        for gaps, bounds in [(loose, (3.0, 5.0)), (tight, (1.1, 0.1))]:
            out = [batch_renorm(batch, zero, one, *bounds) for batch in batches]
            gaps.append(inference_gap(np.concatenate(out), x))
    fig = Figure(figsize=(6.4, 3.2), layout="constrained")
    ax = fig.subplots()
    ax.plot(sizes, bn, "o-", label="BN (or Ghost BN with this ghost size)")
    ax.plot(sizes, tight, "s-", label=r"Batch Renorm, $r_{\max}=1.1,\ d_{\max}=0.1$")
    ax.plot(sizes, loose, "^-", label=r"Batch Renorm, $r_{\max}=3,\ d_{\max}=5$")
    ax.set_xscale("log", base=2)
    ax.set(xlabel="samples sharing statistics", ylabel="train - inference gap (RMS)")
    ax.legend(frameon=False)
    return fig


if __name__ == "__main__":
    rng = np.random.default_rng(0)
    x = rng.normal(loc=2.0, scale=3.0, size=(8, 4, 5, 5))
    mean, std = np.full((1, 4, 1, 1), 2.0), np.full((1, 4, 1, 1), 3.0)
    free = batch_renorm(x, mean, std, r_max=3.0, d_max=5.0)
    print(f"Batch Renorm 未截断时等于用滑动统计  {np.allclose(free, (x - mean) / std)}")
    closed = batch_renorm(x, mean, std, r_max=1.0, d_max=0.0)
    bn = standardize(x, *moments(x, BATCH))
    print(f"Batch Renorm 取 r_max=1、d_max=0 即 BN {np.allclose(closed, bn)}")
    print(f"Ghost BN 取 ghost_size=N 即 BN        {np.allclose(ghost_batch_norm(x, 8), bn)}")
    u, w = rng.normal(size=(16, 3)) + 1, rng.normal(size=3)
    drift = np.full(3, 0.1)
    stale, true = (u @ w).mean(), (u @ (w + drift)).mean()
    mended, _ = cross_iteration_stats([(u, w)], w + drift)
    print(f"CBN 均值：不补偿的误差 {abs(stale - true):.3f}，补偿后 {abs(mended - true):.3f}")
    one = np.ones((4, 1, 1))
    alone, together = frn(x[:1], one, 0 * one, 0 * one), frn(x, one, 0 * one, 0 * one)[:1]
    print(f"FRN 的输出与同批样本无关              {np.array_equal(alone, together)}")
    only_bn = np.array([-99.0, -99.0, 0.0])
    switched = switchable_norm(x, only_bn, only_bn)
    print(f"SN 的权重全给 BN 时即 BN              {np.allclose(switched, bn)}")
