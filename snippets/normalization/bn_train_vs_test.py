"""BN 的两种状态：用哪一套统计量、滑动统计怎样累积、小批与排序批出什么错，纯 NumPy。

出处：Ioffe & Szegedy 2015，§3.1，https://arxiv.org/abs/1502.03167；Caffe 的 batch_norm_layer，
https://caffe.berkeleyvision.org/tutorial/layers/batchnorm.html；
Wu & Johnson 2021，§3，https://arxiv.org/abs/2105.07576
形状：x (m,) 是一个通道里参与统计的 m 个数；B 个批的统计量是 (B,)。
"""

import numpy as np


def standardize(x, mean, var, eps: float = 1e-5):
    """两种状态共用的一步；x 的形状任意。"""
    return (x - mean) / np.sqrt(var + eps)


def train_mode(x, eps: float = 1e-5):
    """批统计：x 自己的均值与有偏方差。"""
    return standardize(x, x.mean(), x.var(), eps)


def pytorch_uses_batch_stats(training: bool, track_running_stats: bool = True) -> bool:
    """训练态用批统计；没有滑动统计可用时，eval() 也只能用批统计。"""
    return training or not track_running_stats


def caffe_uses_global_stats(phase: str, use_global_stats: bool | None = None) -> bool:
    """默认由阶段决定：TRAIN 为 false，TEST 为 true；prototxt 里写了就以写的为准。"""
    return phase == "TEST" if use_global_stats is None else use_global_stats


def pytorch_running(values, init: float, momentum: float = 0.1):
    """r ← (1-momentum)·r + momentum·v：初值 init 的权重按 (1-momentum)^T 衰减。"""
    running = init
    for v in values:
        running = (1 - momentum) * running + momentum * v
    return running


def caffe_running(values, fraction: float = 0.999):
    """Caffe 累加未归一的和与权重，读出时相除，所以没有初值偏差。"""
    total = weight = 0.0
    for v in values:
        total, weight = fraction * total + v, fraction * weight + 1
    return total / weight


def precise_stats(means, variances):
    """等大的各批的 μ_B、有偏 σ_B² (T,) -> 全体数据的均值与方差（全方差公式）。"""
    return np.mean(means), np.mean(variances) + np.var(means)


def sign_accuracy(x_hat, label):
    """按归一化后的符号分两类的准确率；x_hat、label 同形，label 取 ±1。"""
    return float(np.mean(np.sign(x_hat) == label))


def relative_noise(m: int):
    """正态数据的批统计噪声：μ_B 的标准差除以 σ，σ_B² 的标准差除以 σ²。"""
    return 1 / np.sqrt(m), np.sqrt(2 * (m - 1)) / m


def measured_noise(m: int, rng, trials: int):
    """上式的实测：trials 个批，各 m 个标准正态数。"""
    batches = rng.normal(size=(trials, m))
    return batches.mean(axis=1).std(), batches.var(axis=1).std()


def figure():
    """批统计的噪声随参与统计的元素个数下降：点是实测，线是公式。"""
    from matplotlib.figure import Figure

    rng = np.random.default_rng(0)
    sizes = 2 ** np.arange(1, 10)
    fig = Figure(figsize=(6.4, 3.4), layout="constrained")
    ax = fig.subplots()
    theory = np.array([relative_noise(m) for m in sizes])  # (9, 2)
    measured = np.array([measured_noise(m, rng, trials=4000) for m in sizes])  # (9, 2)
    for i, name in enumerate([r"$\mu_B$ / $\sigma$", r"$\sigma_B^2$ / $\sigma^2$"]):
        (line,) = ax.plot(sizes, theory[:, i], label=f"std of {name}")
        ax.plot(sizes, measured[:, i], "o", color=line.get_color())
    ax.set_xscale("log", base=2)
    ax.set_yscale("log", base=2)
    ax.set(xlabel="values per channel, $m$", ylabel="relative noise")
    ax.legend(frameon=False)
    return fig


if __name__ == "__main__":
    print(f"训练态，m=1：{train_mode(np.array([7.0]))}")
    print(f"训练态，m=2：{train_mode(np.array([3.0, 900.0])).round(3)}")
    noise = np.linspace(-1, 1, 50)
    x = np.stack([noise + 3, noise - 3])  # (2, 50)：每行一类，按类别排好序的两个批
    label = np.array([[1], [-1]]) * np.ones_like(x)
    by_batch = np.stack([train_mode(batch) for batch in x])  # (2, 50)
    print(f"排序的测试集，批统计的准确率   {sign_accuracy(by_batch, label):.2f}")
    mean, var = precise_stats(x.mean(axis=1), x.var(axis=1))
    print(f"排序的测试集，全局统计的准确率 {sign_accuracy(standardize(x, mean, var), label):.2f}")
    print(f"全局方差 {var:.3f} = 批内 {x.var(axis=1).mean():.3f} + 批间 {x.mean(axis=1).var():.3f}")
    steps = np.full(20, 5.0)
    print(f"20 步后的滑动均值：PyTorch {pytorch_running(steps, 0.0):.4f}，", end="")
    print(f"Caffe {caffe_running(steps):.4f}，真值 5")
    for m in (2, 32, 1024):
        of_mean, of_var = relative_noise(m)
        print(f"m={m:4d}：μ_B 的相对噪声 {of_mean:.3f}，σ_B² 的相对噪声 {of_var:.3f}")
