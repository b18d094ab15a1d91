"""跨卡同步 BN：合并各卡的统计量，反向再同步两个和，结果与单卡大批的 BN 相同，纯 NumPy。

出处：合并公式 Chan, Golub & LeVeque 1983，https://doi.org/10.1080/00031305.1983.10483115；
     BN 的前向与反向 Ioffe & Szegedy 2015，https://arxiv.org/abs/1502.03167
形状：第 k 卡的输入 (N_k, C)，各卡的 N_k 可以不等；卷积特征 (N, C, H, W) 先转成 (N·H·W, C)。
"""

from functools import reduce

import numpy as np


def all_reduce(vectors):
    """求和后人手一份：真机上是一次集合通信"""
    return np.sum(vectors, axis=0)


def local_sums(x):
    """一张卡上报的向量 [Σx, Σx², N_k]；x (N_k, C) -> (2C+1,)"""
    return np.concatenate([x.sum(axis=0), (x**2).sum(axis=0), np.full(1, len(x), x.dtype)])


def stats_from_sums(total):
    """μ = Σx / N，σ² = Σx² / N - μ²；(2C+1,) -> N，μ (C,)，σ² (C,)"""
    n = total[-1]
    mean, mean_square = np.split(total[:-1] / n, 2)
    return n, mean, mean_square - mean**2  # 均值远大于标准差时，两个大数相减


def local_moments(x):
    """(N_k, μ_k, M_k)，M_k = Σ(x - μ_k)²；x (N_k, C)"""
    mean = x.mean(axis=0)
    return len(x), mean, ((x - mean) ** 2).sum(axis=0)


def merge(a, b):
    """两组 (N, μ, M) 合成一组；只减均值，不减平方：没有大数抵消"""
    (n_a, mean_a, m_a), (n_b, mean_b, m_b) = a, b
    n, delta = n_a + n_b, mean_b - mean_a
    return n, mean_a + delta * (n_b / n), m_a + m_b + delta**2 * (n_a * n_b / n)


def sync_stats(shards):
    """all-gather 各卡的 (N_k, μ_k, M_k) 后逐个合并 -> N，μ，有偏的 σ²"""
    n, mean, m = reduce(merge, map(local_moments, shards))
    return n, mean, m / n


def forward(shards, gamma, beta, eps: float = 1e-5):
    """各卡用同一组 μ、σ² 归一化自己的那份；shards 是 (N_k, C) 的列表"""
    n, mean, var = sync_stats(shards)
    rstd = 1 / np.sqrt(var + eps)
    x_hats = [(x - mean) * rstd for x in shards]
    return [gamma * x_hat + beta for x_hat in x_hats], (x_hats, gamma, rstd, n)


def backward(dys, cache):
    """dx = γ·rstd · (dy - Σdy/N - x̂·Σ(dy·x̂)/N)，两个 Σ 都跨所有的卡"""
    x_hats, gamma, rstd, n = cache
    pairs = list(zip(dys, x_hats, strict=True))
    local = [(dy.sum(axis=0), (dy * x_hat).sum(axis=0)) for dy, x_hat in pairs]
    dbeta, dgamma = all_reduce(local)  # (2, C)：第二次集合通信
    dxs = [gamma * rstd * (dy - dbeta / n - x_hat * dgamma / n) for dy, x_hat in pairs]
    return dxs, dgamma, dbeta


def resnet50_bn_channels():
    """ResNet-50 各 BN 层的通道数：stem，四个 stage 的 1×1、3×3、1×1，各 stage 的下采样支路"""
    channels = [64]
    for blocks, width in zip((3, 4, 6, 3), (64, 128, 256, 512), strict=True):
        channels += [width, width, 4 * width] * blocks + [4 * width]
    return channels


def variance_errors(offset, sizes=(40, 7, 16, 1)):
    """float32 的数据均值为 offset、标准差约为 1：两种合并法的方差的相对误差"""
    rng = np.random.default_rng(0)
    shards = [(offset + rng.normal(size=(n, 64))).astype(np.float32) for n in sizes]
    exact = np.concatenate(shards).astype(np.float64).var(axis=0)
    candidates = stats_from_sums(all_reduce([local_sums(x) for x in shards])), sync_stats(shards)
    return [np.abs(var / exact - 1).max() for _, _, var in candidates]


def figure():
    """float32 下方差的相对误差随 |μ|/σ 的变化：Σx² 法按平方增长，(N, μ, M) 法按一次方。"""
    from matplotlib.figure import Figure

    offsets = 10.0 ** np.arange(0, 4.1, 0.5)
    errors = np.array([variance_errors(offset) for offset in offsets])  # (9, 2)
    fig = Figure(figsize=(6.4, 3.2), layout="constrained")
    ax = fig.subplots()
    ax.loglog(offsets, errors[:, 0], "o-", label=r"$\Sigma x,\ \Sigma x^2$")
    ax.loglog(offsets, errors[:, 1], "s--", label=r"merge $(N,\ \mu,\ M)$")
    ax.axhline(1, color="C7", lw=0.8)  # 误差与方差本身一样大
    ax.set_xlabel(r"$|\mu|\,/\,\sigma$ of the data (float32)")
    ax.set_ylabel("relative error of the variance")
    ax.legend()
    return fig


if __name__ == "__main__":
    a, b = np.array([[0.0], [2.0]]), np.array([[10.0], [12.0]])
    print(f"两卡各自的方差 {a.var():.0f} 与 {b.var():.0f}，合并后 {sync_stats([a, b])[2][0]:.0f}")
    pair = forward([a], gamma=1.0, beta=0.0)[0][0].ravel()
    print(f"每卡两个样本，不同步时输出 {pair.round(3)}")

    rng = np.random.default_rng(0)
    x, dy, gamma, beta = rng.normal(3, 2, (9, 4)), rng.normal(size=(9, 4)), np.ones(4), np.zeros(4)
    shards, dys = np.split(x, [5, 8]), np.split(dy, [5, 8])  # 三张卡：5、3、1 个样本
    ys, cache = forward(shards, gamma, beta)
    dxs, dgamma, _ = backward(dys, cache)
    (y_big,), big_cache = forward([x], gamma, beta)
    (dx_big,), dgamma_big, _ = backward([dy], big_cache)
    same = np.allclose(np.vstack(ys), y_big), np.allclose(np.vstack(dxs), dx_big)
    print(f"三卡与单卡相同：前向 {same[0]}，dx {same[1]}，dγ {np.allclose(dgamma, dgamma_big)}")
    zero = [np.allclose(dx.sum(axis=0), 0) for dx in [np.vstack(dxs), *dxs]]
    print(f"Σdx = 0：所有卡合起来 {zero[0]}，单独一张卡 {any(zero[1:])}")

    big_mean = [np.float32([[10000], [10001]]), np.float32([[10002]])]
    naive = stats_from_sums(all_reduce([local_sums(x) for x in big_mean]))[2][0]
    print(f"float32 的 10000、10001、10002：Σx² 法的方差 {naive:.4f}，", end="")
    print(f"合并法 {sync_stats(big_mean)[2][0]:.4f}，真值 {2 / 3:.4f}")
    for offset in (100.0, 1000.0):
        print("|μ|/σ = {:.0f}：相对误差 {:.0e} 与 {:.0e}".format(offset, *variance_errors(offset)))

    channels = resnet50_bn_channels()
    floats = sum(4 * c + 1 for c in channels)  # 前向 2C+1，反向 2C
    print(f"ResNet-50：{len(channels)} 个 BN 层，每步 {2 * len(channels)} 次集合通信，", end="")
    print(f"{floats} 个 float32 = {floats * 4 / 1024:.0f} KiB")
    for n in (2, 16):
        print(f"N = {n}：批均值的标准差 {1 / np.sqrt(n):.2f}σ，有偏方差的期望 {1 - 1 / n:.2f}σ²")
