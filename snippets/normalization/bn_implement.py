"""一个完整的 BN 层：训练前向、滑动统计更新、推理前向，纯 NumPy。

出处：Ioffe & Szegedy 2015，Algorithm 1、2，https://arxiv.org/abs/1502.03167；
默认值与滑动方差取 PyTorch 的约定，
https://docs.pytorch.org/docs/stable/generated/torch.nn.BatchNorm2d.html
形状：x (N, C) 或 (N, C, H, W)；channel_axis=-1 时是 (N, H, W, C)。
"""

import numpy as np


def batch_stats(x, channel_axis: int = 1):
    """每个通道的均值、有偏方差 (C,)，以及参与统计的元素个数 m = N·H·W。"""
    flat = np.moveaxis(x, channel_axis, 0).reshape(x.shape[channel_axis], -1)  # (C, m)
    return flat.mean(axis=1), flat.var(axis=1), flat.shape[1]


def normalize(x, mean, var, gamma, beta, eps: float, channel_axis: int):
    """y = γ·(x - mean)/√(var + ε) + β；训练与推理共用，差别只在传进来的统计量。"""
    shape = np.ones(x.ndim, dtype=int)
    shape[channel_axis] = -1
    mean, var, gamma, beta = (v.reshape(shape) for v in (mean, var, gamma, beta))  # (1, C, 1, 1)
    return gamma * (x - mean) / np.sqrt(var + eps) + beta


def moving_average(old, new, momentum: float):
    """PyTorch 的约定：momentum 是新值的权重。"""
    return (1 - momentum) * old + momentum * new


class BatchNorm:
    """gamma、beta 是参数，由优化器更新；running_* 是缓冲区，只在训练前向里更新。"""

    def __init__(self, c: int, eps: float = 1e-5, momentum: float = 0.1, channel_axis: int = 1):
        self.gamma, self.beta = np.ones(c), np.zeros(c)
        self.running_mean, self.running_var = np.zeros(c), np.ones(c)
        self.eps, self.momentum, self.channel_axis = eps, momentum, channel_axis
        self.training = True

    def track(self, mean, var, m: int):
        """滑动方差存无偏估计 m/(m-1)·σ²；归一化本身用的是有偏的 σ²。"""
        self.running_mean = moving_average(self.running_mean, mean, self.momentum)
        self.running_var = moving_average(self.running_var, var * m / (m - 1), self.momentum)

    def __call__(self, x):
        mean, var = self.running_mean, self.running_var
        if self.training:
            mean, var, m = batch_stats(x, self.channel_axis)
            if m == 1:
                raise ValueError("训练态每个通道至少要有 2 个值，否则方差恒为 0")
            self.track(mean, var, m)
        return normalize(x, mean, var, self.gamma, self.beta, self.eps, self.channel_axis)


def one_pass_var(x):
    """E[x²] - E[x]²：省一次遍历，但 |μ| ≫ σ 时是两个大数相减。"""
    return (x * x).mean() - x.mean() ** 2


def figure():
    """批均值恒为 1 时，滑动均值从 0 追上它的过程。"""
    from matplotlib.figure import Figure

    fig = Figure(figsize=(6.4, 3.2), layout="constrained")
    ax = fig.subplots()
    for momentum in (0.5, 0.1, 0.01):
        running = [0.0]
        for _ in range(60):
            running.append(moving_average(running[-1], 1.0, momentum))
        ax.plot(running, label=f"momentum = {momentum}")
    ax.axhline(1.0, color="gray", linewidth=0.8)
    ax.set(xlabel="training steps", ylabel="running_mean / batch mean", xlim=(0, 60))
    ax.legend(frameon=False)
    return fig


if __name__ == "__main__":
    rng = np.random.default_rng(0)
    x = rng.normal(loc=5.0, scale=3.0, size=(4, 2, 8, 8))
    bn = BatchNorm(2)
    y = bn(x)
    print(f"训练态输出的均值、标准差    {abs(y.mean()):.4f}  {y.std():.4f}")
    mean, var, m = batch_stats(x)
    print(f"每通道参与统计的元素个数    {m}")
    print(f"一步后 running_mean / 批均值 {(bn.running_mean / mean).round(4)}")
    for _ in range(9):
        bn(x)
    print(f"十步后 running_mean / 批均值 {(bn.running_mean / mean).round(4)}")
    bn.training = False
    alone, together = bn(x[:1]), bn(x)[:1]
    print(f"推理态与同批样本无关        {np.array_equal(alone, together)}")
    pair = np.array([9999, 10001], dtype=np.float32)
    print(f"float32 的方差：两遍 {pair.var()}，一遍 {one_pass_var(pair)}，真值 1")
