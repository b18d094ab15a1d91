"""常用的归一化、标准化与白化：按列的仿射缩放、按行的 L2、PCA 与 ZCA 白化、图像的标准化，纯 NumPy。

出处：Kessy, Lewin & Strimmer 2018（白化），https://arxiv.org/abs/1512.00809；
     图像 torchvision 的 ResNet50_Weights 与 tf.image.per_image_standardization 的文档
形状：N = 样本数，D = 特征数；x (N, D)，每列的 τ、α 各 (D,)；图像 (H, W, 3)。
"""

import numpy as np


def min_max(x):
    """τ = min，α = max - min：训练集落在 [0, 1]；x (N, D) -> τ (D,)，α (D,)，下同"""
    return x.min(axis=0), np.ptp(x, axis=0)


def mean_norm(x):
    """τ = 均值，α = max - min：均值为 0，全距为 1"""
    return x.mean(axis=0), np.ptp(x, axis=0)


def z_score(x):
    """τ = 均值，α = 标准差（除以 N）：均值为 0，方差为 1"""
    # 常数列的标准差在浮点下可能是 1e-17，用全距判断
    return x.mean(axis=0), np.where(np.ptp(x, axis=0) == 0, 0.0, x.std(axis=0))


def max_abs(x):
    """τ = 0，α = max|x|：0 仍是 0，稀疏矩阵不会变稠密"""
    return np.zeros(x.shape[1]), np.abs(x).max(axis=0)


def robust(x):
    """τ = 中位数，α = 四分位距：少数异常值支配不了它们"""
    q1, median, q3 = np.percentile(x, [25, 50, 75], axis=0)
    return median, q3 - q1


def apply(x, tau, alpha):
    """x̂ = (x - τ) / α；常数列 α = 0，按 1 处理。τ、α 只从训练集来"""
    return (x - tau) / np.where(alpha == 0, 1.0, alpha)


def l2_rows(x, eps: float = 1e-12):
    """每个样本（行）除以自己的 L2 范数；x (N, D) -> (N, D)"""
    return x / np.maximum(np.linalg.norm(x, axis=1, keepdims=True), eps)


def whitening(x, eps: float = 0.0):
    """Σ = U diag(λ) Uᵀ -> μ，W_pca = U diag(λ+ε)^(-1/2)，W_zca = W_pca Uᵀ；x̂ = (x - μ) W"""
    mu = x.mean(axis=0)
    centered = x - mu
    lam, u = np.linalg.eigh(centered.T @ centered / len(x))  # 升序 (D,)，(D, D)
    lam, u = lam[::-1], u[:, ::-1]  # PCA 的约定：方差大的方向在前
    u = u * np.where(np.diag(u) < 0, -1, 1)  # 特征向量的符号任意，取对角元非负
    w_pca = u / np.sqrt(lam + eps)  # 第 j 列除以 √(λ_j + ε)
    return mu, w_pca, w_pca @ u.T


def normalize_image(image, mean, std):
    """uint8 -> /255 -> 逐通道 z-score；(H, W, 3) -> (3, H, W)"""
    return ((image / 255.0 - mean) / std).transpose(2, 0, 1)


def standardize_per_image(image):
    """用这张图自己的均值与标准差；σ 不小于 1/√n，纯色图得 0 而不是 NaN；形状不变"""
    x = image.astype(float)  # uint8 直接相减会回绕
    return (x - x.mean()) / max(x.std(), 1 / np.sqrt(x.size))


def correlated_points():
    """二维相关数据：方差都约 4，相关系数约 0.8；(60, 2)"""
    z = np.random.default_rng(0).normal(size=(60, 2))
    return np.column_stack([5 + 2 * z[:, 0], 1 + 1.6 * z[:, 0] + 1.2 * z[:, 1]])


def figure():
    """去均值、PCA 白化、ZCA 白化的散点；两个样本用颜色标出，看它们转到哪里。"""
    from matplotlib.figure import Figure

    x = correlated_points()
    mu, w_pca, w_zca = whitening(x)
    panels = {"centered": np.eye(2), "PCA whitened": w_pca, "ZCA whitened": w_zca}
    marked = [x[:, 0].argmax(), x[:, 1].argmin()]
    fig = Figure(figsize=(6.4, 2.5), layout="constrained")
    for ax, (name, w) in zip(fig.subplots(1, 3), panels.items(), strict=True):
        points = (x - mu) @ w
        ax.plot(*points.T, "o", ms=3, color="C7")
        for color, i in zip(("C1", "C0"), marked, strict=True):
            ax.plot([0, points[i, 0]], [0, points[i, 1]], "o-", ms=6, color=color)
        ax.set(title=name, xlim=(-5.5, 5.5), ylim=(-5.5, 5.5), aspect="equal")
    return fig


if __name__ == "__main__":
    column = np.array([[1.0], [2.0], [3.0], [4.0], [10.0]])
    for method in (min_max, mean_norm, z_score, max_abs, robust):
        values = apply(column, *method(column)).ravel()
        print(f"{method.__name__:9s} " + " ".join(f"{v:6.3f}" for v in values))
    outside = apply(np.array([[13.0]]), *min_max(column))[0, 0]
    print(f"测试时来了 13：min-max 得 {outside:.3f}，出了 [0, 1]")
    print(f"[3, 4] 按行 L2：{l2_rows(np.array([[3.0, 4.0]]))[0]}")

    x = correlated_points()
    mu, w_pca, w_zca = whitening(x)
    print(f"原来的相关系数 {np.corrcoef(x.T)[0, 1]:.2f}")
    for name, w in {"PCA": w_pca, "ZCA": w_zca}.items():
        white = (x - mu) @ w
        identity = np.allclose(np.cov(white.T, bias=True), np.eye(2))
        moved = ((white - (x - mu)) ** 2).sum(axis=1).mean()
        print(f"{name} 白化：协方差为单位阵 {identity}，离去均值的数据的均方距离 {moved:.2f}")

    small, large = 32 * 32 * 3, 224 * 224 * 3
    print(f"协方差矩阵的元素：32×32×3 的图 {small**2:.1e} 个，224×224×3 的图 {large**2:.1e} 个")

    mean, std = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
    print(f"ImageNet 的均值 × 255 = {(mean * 255).round(3)}，标准差 × 255 = {(std * 255).round(3)}")
    ends = normalize_image(np.array([[[0] * 3, [255] * 3]], np.uint8), mean, std)  # (3, 1, 2)
    print(f"0 与 255 变成：{', '.join(f'{a:.2f} 与 {b:.2f}' for a, b in ends[:, 0])}")
    flat = np.full((4, 4, 3), 200, np.uint8)
    print(f"纯色图逐图标准化后的最大绝对值 {np.abs(standardize_per_image(flat)).max():.0f}")
