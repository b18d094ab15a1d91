"""BN、LN、IN、GN 是同一个标准化，只差在哪些元素共用一组 μ 与 σ²；WN 归一化的是权重。纯 NumPy。

出处：Wu & He 2018 §3，https://arxiv.org/abs/1803.08494；
      Salimans & Kingma 2016 式 (2)，https://arxiv.org/abs/1602.07868
形状：卷积特征 (N, C, H, W)；序列特征 (N, T, D)；权重 (C_out, …)。省去逐通道的 γ、β。
"""

import numpy as np


def standardize(x, axes, eps: float):
    """x̂ = (x - μ) / √(σ² + ε)，μ 与 σ² 沿 axes 求；形状不变。"""
    mu, var = x.mean(axis=axes, keepdims=True), x.var(axis=axes, keepdims=True)
    return (x - mu) / np.sqrt(var + eps)


def batch_norm(x, eps: float = 1e-5):
    """训练态：每个通道一组，沿 N、H、W。"""
    return standardize(x, (0, 2, 3), eps)


def layer_norm(x, eps: float = 1e-5):
    """每个样本一组，沿 C、H、W。"""
    return standardize(x, (1, 2, 3), eps)


def token_layer_norm(x, eps: float = 1e-5):
    """Transformer 的 LN：(N, T, D) 里每个位置一组，只沿 D。"""
    return standardize(x, -1, eps)


def instance_norm(x, eps: float = 1e-5):
    """每个样本的每个通道一组，沿 H、W。"""
    return standardize(x, (2, 3), eps)


def group_norm(x, groups: int, eps: float = 1e-5):
    """每个样本的每 C/G 个相邻通道一组；G = 1 同 LN，G = C 同 IN。"""
    n, c, h, w = x.shape
    split = x.reshape(n, groups, c // groups, h, w)
    return standardize(split, (2, 3, 4), eps).reshape(x.shape)


def weight_norm(v, alpha):
    """w = α · v / ‖v‖，每个输出通道一个长度 α；v (C_out, …)，alpha (C_out,) -> v 的形状。"""
    flat = v.reshape(len(v), -1)  # (C_out, 每个输出的输入连接数)
    return (alpha[:, None] * flat / np.linalg.norm(flat, axis=1, keepdims=True)).reshape(v.shape)


def group_ids(n: int, positions: int, c: int, groups: int):
    """定义：编号相同的元素共用一组统计量。-> 名称到 (N, 位置, C) 编号的字典"""
    i, p, k = np.indices((n, positions, c))  # 样本、位置（H·W 或 T）、通道
    ids = {"BN": k, "LN": i, "IN": i * c + k, "GN": i * groups + k * groups // c}
    return ids | {"LN (token)": i * positions + p}


def by_definition(x, ids, eps: float = 1e-5):
    """逐组照抄定义；x 与 ids 都是 (N, 位置, C)，慢，只用来核对向量化的写法。"""
    y = np.empty_like(x)
    for one in np.unique(ids):
        y[ids == one] = standardize(x[ids == one], 0, eps)
    return y


def invariances(norm, x):
    """第 0 个样本的输出是否不变：别的样本乘 3、本样本乘 3、本样本的通道 0 乘 3。"""
    factors = np.ones((3, *x.shape))
    factors[0, 1:], factors[1, 0], factors[2, 0, 0] = 3, 3, 3
    return [np.allclose(norm(x * factor, eps=0)[0], norm(x, eps=0)[0]) for factor in factors]


def figure():
    """每格一个元素，同色共用一组 μ 与 σ²；行是位置（H·W 或 T），按样本分块，列是通道。"""
    from matplotlib.figure import Figure

    n, positions, c = 2, 3, 4
    fig = Figure(figsize=(6.4, 2.5), layout="constrained")
    axes = fig.subplots(1, 5, sharey=True)
    for ax, (name, ids) in zip(axes, group_ids(n, positions, c, groups=2).items(), strict=True):
        rows = ids.reshape(n * positions, c)
        ax.pcolormesh(rows, cmap="tab10", vmin=0, vmax=9, edgecolors="white", linewidth=0.5)
        ax.axhline(positions, color="black")
        ax.set(title=name, xlabel="$C$", xticks=[])
        ax.invert_yaxis()
    axes[0].set(ylabel=r"$H\times W$ in each sample", yticks=np.arange(n) * positions + 1.5)
    axes[0].set_yticklabels([f"$n={sample + 1}$" for sample in range(n)])
    return fig


if __name__ == "__main__":
    x = np.random.default_rng(0).normal(2.0, 3.0, size=(4, 6, 5, 5))
    norms = {"BN": batch_norm, "LN": layer_norm, "IN": instance_norm}
    norms["GN"] = lambda x, eps: group_norm(x, 2, eps)
    ids = group_ids(4, 25, 6, groups=2)
    print("    组数  每组元素数  输出不变：别的样本乘 3、本样本乘 3、通道 0 乘 3")
    for name, norm in norms.items():
        count = len(np.unique(ids[name]))
        print(f"{name}  {count:4d}  {x.size // count:10d}  {invariances(norm, x)}")
    print(f"GN(G=1) 等于 LN  {np.allclose(group_norm(x, 1), layer_norm(x))}")
    print(f"GN(G=C) 等于 IN  {np.allclose(group_norm(x, 6), instance_norm(x))}")
    alpha = np.arange(1.0, 5.0)
    w = weight_norm(x, alpha)
    print(f"WN 的各行长度    {np.linalg.norm(w.reshape(4, -1), axis=1).round(6)}")
    print(f"v 乘 3，w 不变   {np.allclose(weight_norm(3 * x, alpha), w)}")
