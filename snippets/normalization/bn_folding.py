"""推理时把 BN 融合进相邻的卷积，以及 BN 在前、补零时为什么融不准，纯 NumPy。

出处：融合公式 Jacob 等 2018，§3.2，https://arxiv.org/abs/1712.05877；
接口对照 torch.nn.utils.fusion.fuse_conv_bn_eval
形状：x (N, C_in, H, W)，weight (C_out, C_in, k, k)，bias 与各统计量 (C,)。
"""

import numpy as np


def bn_affine(gamma, beta, mean, var, eps: float = 1e-5):
    """推理态 BN 是逐通道的 s·x + t；返回 s、t，各 (C,)。"""
    s = gamma / np.sqrt(var + eps)
    return s, beta - s * mean


def along(v, axis: int, ndim: int):
    """(C,) 变形成只在 axis 维上有长度、可与 ndim 维张量广播的形状。"""
    return v.reshape([-1 if i == axis else 1 for i in range(ndim)])


def apply_affine(x, s, t):
    """s·x + t，逐通道。x (N, C, H, W)"""
    return along(s, 1, x.ndim) * x + along(t, 1, x.ndim)


def pad(x, p: int, value):
    """四周各补 p 圈，第 c 个通道补 value[c]。-> (N, C, H+2p, W+2p)"""
    n, c, h, w = x.shape
    out = np.broadcast_to(along(value, 1, 4), (n, c, h + 2 * p, w + 2 * p)).copy()
    out[:, :, p : p + h, p : p + w] = x
    return out


def conv2d(x, weight, bias, stride: int = 1):
    """不补边的卷积（互相关）。-> (N, C_out, H', W')"""
    windows = np.lib.stride_tricks.sliding_window_view(x, weight.shape[2:], axis=(2, 3))
    windows = windows[:, :, ::stride, ::stride]  # (N, C_in, H', W', k, k)
    return np.einsum("nchwkl,ockl->nohw", windows, weight) + along(bias, 1, 4)


def fold_conv_bn(weight, bias, s, t, out_axis: int = 0):
    """卷积 → BN：W' = s_o·W，b' = s_o·b + t_o；转置卷积的输出通道在第 1 维。"""
    return along(s, out_axis, weight.ndim) * weight, s * bias + t


def fold_bn_conv(weight, bias, s, t):
    """BN → 卷积：W' = W·s_c，b' = b + Σ W·t_c；要求每个抽头都落在图内（不补边）。"""
    return weight * along(s, 1, 4), bias + np.einsum("ockl,c->o", weight, t)


def neutral_padding(s, t):
    """经过 BN 恰好变成 0 的输入值：s·v + t = 0；要求 s ≠ 0。(C,)"""
    return -t / s


def border_excess(size: tuple[int, int], weight, t, p: int):
    """硬融合多算的量：落在图外的抽头的 Σ W·t。-> (C_out, H', W')，图内处处为 0"""
    outside = pad(np.zeros((1, len(t), *size)), p, value=t)  # 图内 0，图外 t_c
    return conv2d(outside, weight, np.zeros(len(weight)))[0]


def figure():
    """3×3 卷积、t = 1、权重全 1：硬融合的误差等于落在图外的抽头数。"""
    from matplotlib.figure import Figure

    excess = border_excess((6, 6), np.ones((1, 1, 3, 3)), np.ones(1), p=1)[0]  # (6, 6)
    fig = Figure(figsize=(3.6, 3.6), layout="constrained")
    ax = fig.subplots()
    ax.pcolormesh(excess, edgecolors="white", cmap="Blues", vmax=8)
    for (i, j), value in np.ndenumerate(excess):
        ax.text(j + 0.5, i + 0.5, f"{value:.0f}", ha="center", va="center")
    ax.set(aspect="equal", xticks=[], yticks=[], title="kernel taps outside the image")
    return fig


if __name__ == "__main__":
    rng = np.random.default_rng(0)
    x = rng.normal(size=(2, 3, 6, 6))
    weight, bias = rng.normal(size=(4, 3, 3, 3)), rng.normal(size=4)
    zero = np.zeros(3)
    out_bn = bn_affine(rng.normal(size=4), rng.normal(size=4), rng.normal(size=4), rng.random(4))
    in_bn = bn_affine(rng.normal(size=3), rng.normal(size=3), rng.normal(size=3), rng.random(3))

    exact = apply_affine(conv2d(pad(x, 1, zero), weight, bias), *out_bn)
    folded = conv2d(pad(x, 1, zero), *fold_conv_bn(weight, bias, *out_bn))
    print(f"卷积→BN，补零：处处相等           {np.allclose(folded, exact)}")

    exact = conv2d(pad(apply_affine(x, *in_bn), 1, zero), weight, bias)
    naive = conv2d(pad(x, 1, zero), *fold_bn_conv(weight, bias, *in_bn))
    wrong = ~np.isclose(naive, exact).all(axis=(0, 1))  # (6, 6)
    inner = wrong[1:-1, 1:-1].sum()
    print(f"BN→卷积，补零：36 处里不等的有     {wrong.sum()} 处，其中内部 {inner} 处")
    mended = conv2d(pad(x, 1, neutral_padding(*in_bn)), *fold_bn_conv(weight, bias, *in_bn))
    print(f"BN→卷积，改补 -t/s：处处相等      {np.allclose(mended, exact)}")
    before = conv2d(apply_affine(pad(x, 1, zero), *in_bn), weight, bias)
    print(f"先补零再 BN 再卷积：处处相等      {np.allclose(naive, before)}")
    print(f"BN 的 MAC 占 64 通道 3×3 卷积的   {1 / (64 * 3 * 3):.2%}")
