"""BN 让反向传播的尺度不再依赖权重的尺度：逐层增益的理论值与实测，纯 NumPy。

出处：Ioffe & Szegedy 2015 §3.3，https://arxiv.org/abs/1502.03167 ；
      Yang et al. 2019，https://arxiv.org/abs/1902.08129
形状：N = 批大小，D = 每层宽度；a、u、delta 都是 (N, D)，每层的 W 是 (D, D)。
"""

import numpy as np


def normal_mean(f, gamma: float = 1.0, beta: float = 0.0) -> float:
    """E[f(u)]，u ~ N(β, γ²)；步长 0.001 的中点求和，β = 0 时格点避开 ReLU 的折点"""
    t = (np.arange(20000) + 0.5) / 1000 - 10
    return float((f(beta + gamma * t) * np.exp(-t * t / 2)).sum() / 1000 / np.sqrt(2 * np.pi))


def mean_sq_slope(dphi, gamma: float = 1.0, beta: float = 0.0) -> float:
    """E[φ'(u)²]：饱和得越厉害越接近 0"""
    return normal_mean(lambda u: dphi(u) ** 2, gamma, beta)


def gain(phi, dphi, gamma: float = 1.0, beta: float = 0.0) -> float:
    """χ = γ² E[φ'(u)²] / Var[φ(u)]：带 BN 时，梯度的均方往回传一层乘上的倍数"""
    mean = normal_mean(phi, gamma, beta)
    var = normal_mean(lambda u: (phi(u) - mean) ** 2, gamma, beta)
    return gamma**2 * mean_sq_slope(dphi, gamma, beta) / var


def bn_forward(z, gamma: float = 1.0):
    """u = γ·ẑ（取 ε = 0、β = 0）；缓存 ẑ 与 γ/σ。z (N, D) -> u (N, D)"""
    z_hat = (z - z.mean(axis=0)) / z.std(axis=0)
    return gamma * z_hat, (z_hat, gamma / z.std(axis=0))


def bn_backward(du, z_hat, scale):
    """∂L/∂z = (γ/σ)·(du - mean(du) - ẑ·mean(du·ẑ))：减掉沿 1 与 ẑ 的分量，再乘 γ/σ"""
    return scale * (du - du.mean(axis=0) - z_hat * (du * z_hat).mean(axis=0))


def forward(a, weights, phi, bn: bool):
    """a ← φ(BN(aW))，bn 为假时 a ← φ(aW)；返回最后一层的 a 与每层的缓存"""
    cache = []
    for w in weights:
        u, norm = bn_forward(a @ w) if bn else (a @ w, None)
        cache.append((w, u, norm))
        a = phi(u)
    return a, cache


def backward(delta, cache, dphi):
    """从 ∂L/∂a_L 回传，返回 [∂L/∂a_0, …, ∂L/∂a_L]，各 (N, D)"""
    deltas = [delta]
    for w, u, norm in reversed(cache):
        delta = dphi(u) * delta
        delta = delta if norm is None else bn_backward(delta, *norm)
        delta = delta @ w.T  # 有 BN 时 γ/σ ∝ 1/‖W‖，正好与这里的 W 抵消
        deltas.append(delta)
    return deltas[::-1]


def random_net(n: int = 256, d: int = 256, layers: int = 20):
    """输入 (n, d)、标准差 1/√d 的各层权重、最后一层的随机上游梯度 (n, d)"""
    rng = np.random.default_rng(0)
    weights = rng.normal(size=(layers, d, d)) / np.sqrt(d)
    return rng.normal(size=(n, d)), weights, rng.normal(size=(n, d))


def rms_by_layer(phi, dphi, alpha: float, bn: bool, **size):
    """权重乘 α 后，各层 u 的标准差（长 L）与 ∂L/∂a_1…∂L/∂a_L 的均方根（长 L）"""
    a, weights, delta = random_net(**size)
    cache = forward(a, alpha * weights, phi, bn)[1]
    deltas = backward(delta, cache, dphi)[1:]  # 输入 a_0 没有过 φ，不在稳态内，略去
    return [u.std() for _, u, _ in cache], [np.sqrt((x**2).mean()) for x in deltas]


ACTIVATIONS = {
    "sigmoid": (lambda u: 1 / (1 + np.exp(-u)), lambda u: np.exp(-u) / (1 + np.exp(-u)) ** 2),
    "tanh": (np.tanh, lambda u: 1 - np.tanh(u) ** 2),
    "relu": (lambda u: np.maximum(u, 0), lambda u: (u > 0) * 1.0),
}


def figure():
    from matplotlib.figure import Figure

    fig = Figure(figsize=(6.4, 3.6), layout="constrained")
    left, right = fig.subplots(1, 2)
    layers = np.arange(1, 21)
    for alpha, label in ((0.5, "0.5"), (1, "1"), (np.sqrt(2), r"$\sqrt{2}$ (He)"), (2, "2")):
        forward_std, grad = rms_by_layer(*ACTIVATIONS["relu"], alpha, bn=False)
        left.semilogy(layers, forward_std, label=rf"no BN, $\alpha$ = {label}")
        right.semilogy(layers, np.array(grad) / grad[-1])
    forward_std, grad = rms_by_layer(*ACTIVATIONS["relu"], 1, bn=True)
    left.semilogy(layers, forward_std, ".", label=r"BN, any $\alpha$")
    right.semilogy(layers, np.array(grad) / grad[-1], ".")
    theory = gain(*ACTIVATIONS["relu"]) ** ((20 - layers) / 2)
    right.semilogy(layers, theory, "k--", label=r"$\chi^{(L-l)/2}$")
    left.set(xlabel="layer $l$", ylabel="std of $u_l$")
    right.set(xlabel="layer $l$", ylabel=r"rms of $\partial L/\partial a_l$ (top = 1)")
    right.legend()
    fig.legend(*left.get_legend_handles_labels(), loc="outside lower center", ncols=3)
    return fig


if __name__ == "__main__":
    for name, (phi, dphi) in ACTIVATIONS.items():
        grad = rms_by_layer(phi, dphi, 1, bn=True)[1]
        measured = (grad[0] / grad[-1]) ** (2 / 19)
        print(f"{name:8s}理论增益 {gain(phi, dphi):.3f}  实测 {measured:.3f}")
    for alpha in (0.5, 1, 2):
        plain, norm = (rms_by_layer(*ACTIVATIONS["relu"], alpha, bn=bn)[1] for bn in (False, True))
        ratios = f"无 BN {plain[0] / plain[-1]:.1e}  有 BN {norm[0] / norm[-1]:.1f}"
        print(f"ReLU，α = {alpha:<4}第 1 层梯度 / 第 20 层梯度：{ratios}")
    for gamma, beta in ((1, 0), (5, 0), (1, 3)):
        slope = mean_sq_slope(ACTIVATIONS["tanh"][1], gamma, beta)
        print(f"u ~ N({beta}, {gamma}²)  E[tanh'(u)²] = {slope:.3f}")
    for gamma in (0.5, 1, 3):
        print(f"tanh γ = {gamma:<4}χ = {gain(*ACTIVATIONS['tanh'], gamma):.3f}")
    rng = np.random.default_rng(1)
    _, norm = bn_forward(rng.normal(size=(2, 3)))
    dz = bn_backward(rng.normal(size=(2, 3)), *norm)
    print(f"批大小 2 时 ∂L/∂z 全为零  {np.allclose(dz, 0)}")
