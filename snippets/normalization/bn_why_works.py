"""BN 的尺度不变与有效学习率：一个带 BN 的线性神经元，纯 NumPy。

出处：van Laarhoven 2017，https://arxiv.org/abs/1706.05350 ；
      Arora et al. 2019，https://arxiv.org/abs/1812.03981
形状：x (N, D)，w (D,)，目标 y (N,)；gamma、beta 是标量。
"""

import numpy as np


def loss_and_grads(w, gamma, beta, x, y):
    """ℓ = mean((γẑ + β - y)²)/2，ẑ = BN(xw)；返回 ℓ、∂ℓ/∂w (D,)、∂ℓ/∂γ、∂ℓ/∂β"""
    z = x @ w  # (N,)
    z_hat = (z - z.mean()) / z.std()
    dy_hat = (gamma * z_hat + beta - y) / len(y)
    dz = gamma / z.std() * (dy_hat - dy_hat.mean() - z_hat * (dy_hat * z_hat).mean())
    return len(y) * (dy_hat**2).sum() / 2, x.T @ dz, (dy_hat * z_hat).sum(), dy_hat.sum()


def grad_norm_sq(dy_hat, z_hat, gamma, sigma):
    """‖∂ℓ/∂z‖² = (γ/σ)²·(‖dy_hat‖² - ⟨1, dy_hat⟩²/N - ⟨ẑ, dy_hat⟩²/N)：两个方向被投影掉"""
    removed = (dy_hat.sum() ** 2 + (dy_hat @ z_hat) ** 2) / len(dy_hat)
    return (gamma / sigma) ** 2 * (dy_hat @ dy_hat - removed)


def train_plain(w, x, y, lr: float, steps: int):
    """没有 BN 的线性回归：η > 2/λ_max 就发散。返回每步的损失"""
    losses = []
    for _ in range(steps):
        error = x @ w - y
        losses.append((error**2).mean() / 2)
        w = w - lr * x.T @ error / len(y)
    return losses


def train_bn(w, x, y, lr: float, steps: int, affine_lr: float = 0.1):
    """有 BN：η 只用在尺度不变的 w 上，γ、β 另用小学习率。返回每步的损失与 ‖w‖"""
    gamma, beta, losses, norms = 1.0, 0.0, [], []
    for _ in range(steps):
        loss, dw, dgamma, dbeta = loss_and_grads(w, gamma, beta, x, y)
        losses.append(loss)
        norms.append(np.linalg.norm(w))
        w = w - lr * dw  # dw ⊥ w，所以 ‖w‖² 每步恰好增加 η²‖dw‖²
        gamma, beta = gamma - affine_lr * dgamma, beta - affine_lr * dbeta
    return losses, norms


def turning_angle(w, x, y, lr: float, decay: float, steps: int = 4000, batch: int = 16):
    """带权重衰减的 SGD 转入稳态后（后一半步数），w 每步转过的角度：arccos(平均余弦)"""
    rng, cosines = np.random.default_rng(0), []
    for _ in range(steps):
        i = rng.integers(len(y), size=batch)
        new = (1 - lr * decay) * w - lr * loss_and_grads(w, 1.0, 0.0, x[i], y[i])[1]
        cosines.append(w @ new / np.linalg.norm(w) / np.linalg.norm(new))
        w = new
    return np.arccos(np.mean(cosines[steps // 2 :]))


def problem(n: int = 256, d: int = 10):
    """各特征尺度从 1 到 4 的回归题：中心化的 x (n, d)、y (n,) 与初始权重 (d,)"""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(n, d)) * np.geomspace(1, 4, d)
    x = x - x.mean(axis=0)
    y = x @ rng.normal(size=d)
    y = y / y.std() + 0.3 * rng.normal(size=n)
    return x, y - y.mean(), rng.normal(size=d) / np.sqrt(d)


def figure():
    from matplotlib.figure import Figure

    x, y, w = problem()
    fig = Figure(figsize=(6.4, 3.4), layout="constrained")
    left, right = fig.subplots(1, 2)
    for lr in (0.1, 1):
        left.semilogy(train_plain(w, x, y, lr, 60), "--", label=rf"no BN, $\eta$ = {lr}")
    for lr in (0.1, 1, 10, 100):
        losses, norms = train_bn(w, x, y, lr, 60)
        (line,) = left.semilogy(losses, label=rf"BN, $\eta$ = {lr}")
        right.semilogy(norms, color=line.get_color())
    left.set(xlabel="step", ylabel="training loss", ylim=(0.02, 20))
    right.set(xlabel="step", ylabel=r"$\Vert w \Vert$")
    fig.legend(*left.get_legend_handles_labels(), loc="outside lower center", ncols=3)
    return fig


if __name__ == "__main__":
    x, y, w = problem()
    _, dw, _, _ = loss_and_grads(w, 1.5, 0.2, x, y)
    _, dw10, _, _ = loss_and_grads(10 * w, 1.5, 0.2, x, y)
    print(f"权重放大 10 倍，梯度乘以 {np.linalg.norm(dw10) / np.linalg.norm(dw):.3f}")
    print(f"权重与梯度正交 {np.allclose(w @ dw, 0)}")
    print(f"没有 BN 时学习率的上限 2/λ_max = {2 / np.linalg.eigvalsh(x.T @ x / len(y)).max():.3f}")
    print(f"没有 BN，η = 1：第 10 步损失 {train_plain(w, x, y, 1, 11)[-1]:.0e}")
    for lr in (0.1, 1, 10, 100):
        losses, norms = train_bn(w, x, y, lr, 201)
        size = f"‖w‖ {norms[0]:.2f} → {norms[1]:.2f} → {norms[-1]:.2f}"
        rate = f"η/‖w‖² = {lr / norms[-1] ** 2:.3f}"
        print(f"BN，η = {lr:<4} 第 200 步损失 {losses[-1]:.4f}  {size}  {rate}")
    for lr, decay in ((0.1, 0.02), (1, 0.002), (0.1, 0.08)):
        measured = turning_angle(w, x, y, lr, decay)
        print(f"η = {lr}，λ = {decay}：√(2ηλ) = {np.sqrt(2 * lr * decay):.4f}  实测 {measured:.4f}")
