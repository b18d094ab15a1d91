"""BN 放在 ReLU 之前、之后还是不放：同一个小 MLP 的训练损失，以及残差主干上的方差，纯 NumPy。

出处：Ioffe & Szegedy 2015 §3.2，https://arxiv.org/abs/1502.03167 ；
      He et al. 2016，https://arxiv.org/abs/1603.05027
形状：N = 批大小；每一步的 x 是 (N, D_in)，y 是 (N, D_out)；标签 t 是 (N,)，取 ±1。
"""

import itertools

import numpy as np


def linear(x, p):
    """xW + b，(N, D_in) -> (N, D_out)；返回输出与反向函数，后者给出 dx 与各参数的梯度"""

    def backward(dy):
        return dy @ p["w"].T, {"w": x.T @ dy, "b": dy.sum(axis=0)}

    return x @ p["w"] + p["b"], backward


def relu(x, p):
    """max(x, 0)，形状不变"""
    return np.maximum(x, 0), lambda dy: (dy * (x > 0), {})


def batch_norm(x, p, eps: float = 1e-5):
    """γx̂ + β，逐列用本批统计，(N, D) -> (N, D)"""
    rstd = 1 / np.sqrt(x.var(axis=0) + eps)  # (D,)
    x_hat = (x - x.mean(axis=0)) * rstd

    def backward(dy):
        dxh = p["gamma"] * dy
        dx = rstd * (dxh - dxh.mean(axis=0) - x_hat * (dxh * x_hat).mean(axis=0))
        return dx, {"gamma": (dy * x_hat).sum(axis=0), "beta": dy.sum(axis=0)}

    return p["gamma"] * x_hat + p["beta"], backward


ORDERS = {
    "none": (linear, relu),
    "before": (linear, batch_norm, relu),  # 原论文
    "after": (linear, relu, batch_norm),
}


def init(widths, seed: int):
    """各层参数：He 初始化的 w，b = 0，γ = 1，β = 0"""
    rng = np.random.default_rng(seed)
    shapes = itertools.pairwise(widths)  # (D_in, D_out)
    ws = [rng.normal(size=shape) * np.sqrt(2 / shape[0]) for shape in shapes]
    zero = [np.zeros(w.shape[1]) for w in ws]
    return [{"w": w, "b": o, "gamma": o + 1, "beta": o} for w, o in zip(ws, zero, strict=True)]


def forward(params, order: str, x):
    """logit (N, 1) 与逐个算子的（层号, 反向函数）；最后一层只有 linear"""
    tape = []
    for k, p in enumerate(params):
        for op in ORDERS[order] if k < len(params) - 1 else (linear,):
            x, backward = op(x, p)
            tape.append((k, backward))
    return x, tape


def loss_and_grads(params, order: str, x, t):
    """logistic 损失 mean(log(1 + exp(-t·logit))) 与各层参数的梯度"""
    logit, tape = forward(params, order, x)
    margin = t * logit[:, 0]
    dx = (-t / (1 + np.exp(margin)) / len(t))[:, None]  # (N, 1)
    grads = [{} for _ in params]
    for k, backward in reversed(tape):
        dx, grad = backward(dx)
        grads[k].update(grad)
    return np.logaddexp(0, -margin).mean(), grads


def train(order: str, lr: float, seed: int, steps: int = 40, depth: int = 6, width: int = 16):
    """全批梯度下降，返回每步更新前的损失（长 steps）"""
    x, t = spirals()
    params, losses = init([2] + [width] * depth + [1], seed), []
    for _ in range(steps):
        loss, grads = loss_and_grads(params, order, x, t)
        losses.append(loss)
        pairs = zip(params, grads, strict=True)
        params = [{k: v - lr * g.get(k, 0) for k, v in p.items()} for p, g in pairs]
    return losses


def spirals(n: int = 64):
    """两条一圈半的螺线，各 n 点：x (2n, 2)，t (2n,)"""
    r = np.linspace(0.2, 1, n)
    arm = 3 * r[:, None] * np.stack([np.cos(3 * np.pi * r), np.sin(3 * np.pi * r)], axis=1)
    return np.concatenate([arm, -arm]), np.repeat([1.0, -1.0], n)


def standardize(x):
    """x̂，逐列零均值、单位方差，(N, D) -> (N, D)"""
    return (x - x.mean(axis=0)) / x.std(axis=0)


def skewness(x):
    """各列的偏度 E[x̂³]，再对列平均：高斯为 0"""
    return (standardize(x) ** 3).mean()


def residual_stream(blocks: int, bn_after_add: bool, n: int = 512, d: int = 256):
    """x ← x + W·relu(BN(x))，可选相加后再过 BN。

    返回逐块 x 的方差，与输入沿恒等支路到此处累计乘上的系数（各长 blocks）
    """
    rng = np.random.default_rng(0)
    x, variances, skip = rng.normal(size=(n, d)), [], [1.0]
    for _ in range(blocks):
        w = rng.normal(size=(d, d)) * np.sqrt(2 / d)
        x = x + np.maximum(standardize(x), 0) @ w
        skip.append(skip[-1] * (1 / x.std(axis=0)).mean() if bn_after_add else skip[-1])
        x = standardize(x) if bn_after_add else x
        variances.append(x.var(axis=0).mean())
    return variances, skip[1:]


def figure_units():
    from matplotlib.figure import Figure

    units = {
        "original": "conv BN ReLU conv BN add ReLU",
        "BN after add": "conv BN ReLU conv add BN ReLU",
        "pre-activation": "BN ReLU conv BN ReLU conv add",
    }
    fig = Figure(figsize=(6.4, 3.6), layout="constrained")
    for ax, (title, unit) in zip(fig.subplots(1, 3), units.items(), strict=True):
        ops = ["input", *unit.split()]
        for k, op in enumerate(ops):
            ax.text(0, -k, op, ha="center", va="center", bbox={"fc": "none", "boxstyle": "round"})
            if k:
                ax.annotate("", (0, -k + 0.3), (0, -k + 0.7), arrowprops={"arrowstyle": "->"})
        add = -ops.index("add")
        ax.plot([0.3, 1, 1], [0, 0, add], color="C0")  # 跳连
        ax.annotate("", (0.3, add), (1, add), arrowprops={"arrowstyle": "->", "color": "C0"})
        ax.set(title=title, xlim=(-1, 1.5), ylim=(-7.5, 0.5))
        ax.axis("off")
    return fig


def figure_curves():
    from matplotlib.figure import Figure

    fig = Figure(figsize=(6.4, 3.4), layout="constrained")
    axes = fig.subplots(1, 2, sharey=True)
    for ax, lr in zip(axes, (0.03, 0.3), strict=True):
        for order, style in (("none", ":"), ("before", "-"), ("after", "--")):
            losses = np.mean([train(order, lr, seed) for seed in range(3)], axis=0)
            ax.semilogy(losses, style, label=order)
        ax.set(xlabel="step", title=rf"$\eta$ = {lr}")
    axes[0].set(ylabel="training loss")
    axes[0].legend()
    return fig


if __name__ == "__main__":
    for lr in (0.03, 0.3):
        final = {o: np.mean([train(o, lr, seed)[-1] for seed in range(3)]) for o in ORDERS}
        print(f"η = {lr}：最后一步的损失", {o: f"{loss:.3f}" for o, loss in final.items()})
    x, t = spirals()
    params = init([2, 8, 8, 1], 0)
    db = [loss_and_grads(params, order, x, t)[1][0]["b"] for order in ("before", "after")]
    print("BN 在前：卷积偏置的梯度全为零", [bool(np.allclose(g, 0)) for g in db])
    z = np.random.default_rng(0).normal(size=(200000, 1))
    print(f"偏度：z {abs(skewness(z)):.2f}，ReLU(z) {skewness(np.maximum(z, 0)):.2f}")
    print(f"预激活，20 块之后主干的方差 {residual_stream(20, False)[0][-1]:.1f}")
    print(f"预测 1 + 20·(1 - 1/π) = {1 + 20 * (1 - 1 / np.pi):.1f}")
    print(f"相加后再 BN，20 块之后恒等支路的系数 {residual_stream(20, True)[1][-1]:.4f}")
    print(f"预测 (2 - 1/π)^(-10) = {(2 - 1 / np.pi) ** -10:.4f}")
