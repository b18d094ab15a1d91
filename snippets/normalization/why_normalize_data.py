"""输入归一化的作用：黑塞矩阵的条件数、梯度下降的步数、最近邻、异常值与饱和，纯 NumPy。

出处：LeCun et al. 1998，Efficient BackProp §4.3，https://doi.org/10.1007/3-540-49430-8_2
形状：N = 样本数，D = 特征数；x (N, D)，y (N,)；参数 θ 是 D 个权重接一个偏置，(D+1,)。
"""

import numpy as np


def standardize(x):
    """逐列 (x - μ) / σ，σ 除以 N；x (N, D) -> (N, D)"""
    return (x - x.mean(axis=0)) / x.std(axis=0)


def whiten(x):
    """转到协方差的特征方向再各除以 √λ，输出的协方差是单位阵；x (N, D) -> (N, D)"""
    centered = x - x.mean(axis=0)
    lam, u = np.linalg.eigh(centered.T @ centered / len(x))  # (D,)，(D, D)
    return centered @ u / np.sqrt(lam)


def add_bias(x):
    """末列添 1，让偏置成为一个普通的参数；(N, D) -> (N, D+1)"""
    return np.column_stack([x, np.ones(len(x))])


def hessian(x):
    """L(θ) = ‖Xθ - y‖² / 2N 的黑塞 H = XᵀX / N，与 y 无关；x (N, D) -> (D+1, D+1)"""
    return add_bias(x).T @ add_bias(x) / len(x)


def condition_number(h):
    """κ = λmax / λmin"""
    lam = np.linalg.eigvalsh(h)  # 升序
    return lam[-1] / lam[0]


def best_rate(h):
    """η = 2 / (λmin + λmax)：让最陡与最平两个方向收缩得一样快"""
    return 2 / np.linalg.eigvalsh(h)[[0, -1]].sum()


def gd_path(h, error, steps: int):
    """误差 e = θ - θ* 的轨迹 e ← (I - ηH) e；error (D,) -> (steps+1, D)"""
    path = [error]
    for _ in range(steps):
        path.append(path[-1] - best_rate(h) * h @ path[-1])
    return np.array(path)


def gd_steps(x, y, tol: float = 1e-6, limit: int = 20000):
    """从 θ = 0 起做梯度下降，多余损失 L - L* 降到初始的 tol 倍要几步；limit 步内不到则 None"""
    xb, rate = add_bias(x), best_rate(hessian(x))
    theta = np.zeros(xb.shape[1])
    fitted = xb @ np.linalg.lstsq(xb, y)[0]  # Xθ*：可逆的缩放不改变它，各种预处理可以比
    for steps in range(limit):
        if ((xb @ theta - fitted) ** 2).sum() <= tol * (fitted**2).sum():  # 正比于 L - L*
            return steps
        theta -= rate * xb.T @ (xb @ theta - y) / len(y)


def nearest(x, i: int):
    """离第 i 个样本最近的另一个样本（欧氏距离）；x (N, D)"""
    return int(((x - x[i]) ** 2).sum(axis=1).argsort()[1])  # 第 0 名是自己


def min_max(x):
    """(x - min) / (max - min)；x (N,) -> [0, 1] 里的 (N,)"""
    return (x - x.min()) / (x.max() - x.min())


def gap_ratio(x):
    """最大值与次大值的间隔占全距的比例：任何 (x - a) / s（s > 0）都不改变它；x (N,)"""
    second, largest = np.sort(x)[-2:]
    return (largest - second) / (x.max() - x.min())


def sigmoid_slope(z):
    """σ'(z) = σ(1 - σ)，写成 1 / (4 cosh²(z/2))"""
    return 0.25 / np.cosh(z / 2) ** 2


def houses():
    """面积（单位 10 m²）与房间数，相关；y 是价格。x (200, 2)，y (200,)"""
    rng = np.random.default_rng(0)
    z = rng.normal(size=(200, 2))
    x = np.column_stack([10 + 3 * (0.6 * z[:, 0] + 0.8 * z[:, 1]), 3 + z[:, 0]])
    return x, 2 * x[:, 0] + x[:, 1] + 5 + rng.normal(size=200)


def figure():
    """三种预处理下的损失等高线与梯度下降轨迹（去均值后偏置独立，只画两个权重）。"""
    from matplotlib.figure import Figure

    x = houses()[0]
    panels = {"centered": x - x.mean(axis=0), "standardized": standardize(x), "whitened": whiten(x)}
    angle = np.linspace(0, 2 * np.pi, 49)
    circle = np.array([np.cos(angle), np.sin(angle)])  # (2, 49)
    fig = Figure(figsize=(6.4, 2.8), layout="constrained")
    for ax, (name, data) in zip(fig.subplots(1, 3), panels.items(), strict=True):
        h = hessian(data)[:2, :2]
        lam, u = np.linalg.eigh(h)
        for radius in (0.25, 0.5, 0.75, 1.0):  # 等高线 eᵀHe = radius²
            ax.plot(*(radius * u @ (circle / np.sqrt(lam)[:, None])), color="C7", lw=0.8)
        start = u @ (np.sqrt(0.5) / np.sqrt(lam))  # 两个特征方向的多余损失各占一半
        ax.plot(*gd_path(h, start, 12).T, "o-", ms=3, lw=1)
        ax.set_title(f"{name}, $\\kappa$ = {condition_number(h):.1f}", fontsize=9)
        ax.set_aspect("equal", adjustable="datalim")
        ax.set_xlabel("$w_1 - w_1^*$")
    fig.axes[0].set_ylabel("$w_2 - w_2^*$")
    return fig


if __name__ == "__main__":
    x, y = houses()
    for name, data in {
        "原始": x,
        "去均值": x - x.mean(axis=0),
        "标准化": standardize(x),
        "白化": whiten(x),
    }.items():
        kappa = condition_number(hessian(data))
        print(f"{name}：κ = {kappa:.1f}，梯度下降 {gd_steps(data, y)} 步")
    rho = np.corrcoef(x.T)[0, 1]
    print(f"(1+ρ)/(1-ρ) = {(1 + rho) / (1 - rho):.1f}，等于标准化后的 κ")
    metric = x * [10, 1]  # 面积改用 m²
    kappa = condition_number(hessian(metric))
    print(f"面积改用 m²：κ = {kappa:.0f}，解方程约丢 {np.log10(kappa):.1f} 位有效数字；", end="")
    print(f"标准化后仍是 {condition_number(hessian(standardize(metric))):.1f}")
    print(f"float32 约有 {-np.log10(np.finfo(np.float32).eps):.1f} 位有效数字")

    people = np.array([[1.70, 60.0], [1.71, 90.0], [1.90, 61.0], [1.50, 75.0]])  # 身高 m、体重 kg
    print(f"0 号的最近邻：m 与 kg 时是 {nearest(people, 0)} 号，", end="")
    print(f"mm 与 kg 时是 {nearest(people * [1000, 1], 0)} 号")

    data = np.append(np.arange(1.0, 10.0), 1000.0)  # 1–9 与一个异常值
    print(f"min-max 后正常值挤在 [0, {min_max(data)[8]:.4f}]")
    print(f"z-score 后异常值只有 {standardize(data)[9]:.3f}，上界 √(N-1) = {np.sqrt(9):.3f}")
    print(f"间隔占比：缩放前 {gap_ratio(data):.4f}，缩放后 {gap_ratio(min_max(data)):.4f}")

    rng = np.random.default_rng(1)
    pixels = rng.integers(0, 256, size=(100, 784)).astype(float)
    w = rng.normal(size=(784, 1000)) / np.sqrt(784)  # 每个单元的权重平方和约为 1
    print(f"像素的均方根 {np.sqrt((pixels**2).mean()):.0f}")
    for name, inputs in {"0–255": pixels, "标准化": standardize(pixels)}.items():
        z = inputs @ w  # (100, 1000)
        share = (sigmoid_slope(z) < 1e-3).mean()
        print(f"{name} 输入：z 的均方根 {np.sqrt((z**2).mean()):.0f}，σ' < 0.001 占 {share:.1%}")
    with np.errstate(over="ignore"):
        print(f"float16：最大 {np.finfo(np.float16).max:.0f}，300² = {np.float16(300) ** 2}")
