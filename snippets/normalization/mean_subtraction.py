"""图像减均值：训练集的逐像素均值与逐通道均值，减去之后共性还剩多少，测试集该减哪个均值，纯 NumPy。

出处：Simonyan & Zisserman 2015 §2.1（逐通道均值），https://arxiv.org/abs/1409.1556；
     He et al. 2016 §4.2（逐像素均值），https://arxiv.org/abs/1512.03385
形状：一批图像 (N, H, W, C)，uint8 或浮点；逐像素均值 (H, W, C)，逐通道均值 (C,)。
"""

import numpy as np


def mean_image(images):
    """逐像素均值：每个位置、每个通道各一个数；(N, H, W, C) -> (H, W, C)"""
    return images.mean(axis=0)


def channel_sums(images):
    """一批的 (像素数, Σx, Σx²)；先转 float64，否则 uint8 的平方会回绕；-> 标量，(C,)，(C,)"""
    x = images.reshape(-1, images.shape[-1]).astype(float)  # (N·H·W, C)
    return len(x), x.sum(axis=0), (x**2).sum(axis=0)


def channel_stats(batches):
    """逐批累加，最后除一次：末批较小、图像大小不一都不影响 -> 逐通道 μ (C,)，σ (C,)"""
    n, total, total_square = 0, 0.0, 0.0
    for images in batches:
        count, s, s2 = channel_sums(images)
        n, total, total_square = n + count, total + s, total_square + s2
    mean = total / n
    return mean, np.sqrt(np.maximum(total_square / n - mean**2, 0))


def common_energy(images):
    """共性的份额 ‖μ‖² / E‖x‖²；E‖x‖² = ‖μ‖² + Σ_d σ_d²"""
    x = images.reshape(len(images), -1)  # (N, D)
    return (x.mean(axis=0) ** 2).sum() / (x**2).sum(axis=1).mean()


def mean_cosine(images):
    """两张不同的图的余弦相似度，对所有的图对取平均"""
    x = images.reshape(len(images), -1)  # (N, D)
    unit = x / np.linalg.norm(x, axis=1, keepdims=True)
    n = len(x)
    return ((unit @ unit.T).sum() - n) / (n * (n - 1))  # 对角线是自己与自己，都等于 1


def fold_mean(w, b, mean):
    """W(x - μ) + b = Wx + (b - Wμ)：减均值只改偏置；w (M, D)，b (M,)，mean (D,) -> (M,)"""
    return b - w @ mean


def accuracy(x, labels, mean):
    """在训练集上定好的规则「x - 均值 > 0 判为正类」的准确率；x (N,)"""
    return ((x - mean > 0) == labels).mean()


def brightness(positives: int, negatives: int, seed: int):
    """正类亮度 140±10，负类 100±10 -> 亮度 (N,)，标签 (N,)"""
    labels = np.arange(positives + negatives) < positives
    noise = np.random.default_rng(seed).normal(0, 10, size=len(labels))
    return np.where(labels, 140.0, 100.0) + noise, labels


def patches(n: int = 40, size: int = 12):
    """共同的背景（左暗右亮）加一块位置各异的亮斑；(n, size, size, 1)"""
    rng = np.random.default_rng(0)
    images = np.tile(np.linspace(80, 180, size), (n, size, 1))  # 每行相同的渐变
    for image, (i, j) in zip(images, rng.integers(0, size - 3, size=(n, 2)), strict=True):
        image[i : i + 3, j : j + 3] += 40
    return images[..., None]


def figure():
    """两张图、训练集的均值图、两张图减均值之后；减后的图用同一灰度范围。"""
    from matplotlib.figure import Figure

    images = patches()
    mean = mean_image(images)
    panels = {
        "image 1": images[0],
        "image 2": images[1],
        "mean": mean,
        "image 1 - mean": images[0] - mean,
        "image 2 - mean": images[1] - mean,
    }
    fig = Figure(figsize=(6.4, 1.7), layout="constrained")
    for ax, (name, image) in zip(fig.subplots(1, 5), panels.items(), strict=True):
        low, high = (-40, 40) if "-" in name else (60, 220)
        ax.imshow(image[..., 0], cmap="gray", vmin=low, vmax=high)
        ax.set(title=name, xticks=[], yticks=[])
        ax.title.set_fontsize(9)
    return fig


if __name__ == "__main__":
    images = patches()
    centered = images - mean_image(images)
    for name, x in {"原图": images, "减均值后": centered}.items():
        print(f"{name}：共性的份额 {common_energy(x):.3f}，平均余弦相似度 {mean_cosine(x):.3f}")
    same = np.allclose(images[0] - images[1], centered[0] - centered[1])
    print(f"两张图之差不变：{same}")

    rng = np.random.default_rng(1)
    data = rng.integers(0, 256, size=(10, 6, 6, 3)).astype(np.uint8)
    data[8:] //= 4  # 末批只有两张，而且偏暗
    batches = [data[0:4], data[4:8], data[8:10]]
    mean, std = channel_stats(batches)
    exact = data.reshape(-1, 3).astype(float)
    print(f"分批累加与整个数据集相同：{np.allclose(mean, exact.mean(axis=0))}，", end="")
    print(f"{np.allclose(std, exact.std(axis=0))}")
    wrong = np.mean([channel_stats([b])[0] for b in batches], axis=0)
    print(f"把各批均值再平均：偏差 {(wrong - mean).round(1)}")

    x_train, _ = brightness(500, 500, seed=2)
    x_test, labels = brightness(900, 100, seed=3)
    mu_train, mu_test = x_train.mean(), x_test.mean()
    print(f"均值：训练 {mu_train:.1f}（两类各半），测试 {mu_test:.1f}（九成正类）")
    print(f"测试减训练均值：准确率 {accuracy(x_test, labels, mu_train):.3f}", end="；")
    print(f"减测试均值：{accuracy(x_test, labels, mu_test):.3f}")
    single = data[:1].astype(float)
    print(f"单张图减自己的均值图：最大绝对值 {np.abs(single - mean_image(single)).max():.0f}")
