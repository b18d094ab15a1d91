"""梯度、尺度不变性与训练轨迹都与 PyTorch 的 autograd 和 torch.optim.SGD 比较。"""

import itertools
import math
import re
import runpy

import numpy as np
import pytest
import torch
from handbook.testing import load_snippet, snippet_path

bn = load_snippet(__file__)


def torch_loss(w, gamma, beta, x, t):
    z = x @ w
    z_hat = (z - z.mean()) / z.var(unbiased=False).sqrt()
    return ((gamma * z_hat + beta - t) ** 2).mean() / 2


def autograd(w, gamma, beta, x, t):
    params = [torch.tensor(p, dtype=torch.float64, requires_grad=True) for p in (w, gamma, beta)]
    loss = torch_loss(*params, torch.tensor(x), torch.tensor(t))
    return loss.item(), *[g.numpy() for g in torch.autograd.grad(loss, params)]


def random_case(n, d, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.normal(1, 2, size=(n, d))
    return rng.normal(size=d), rng.normal(), rng.normal(), x, rng.normal(size=n)


def torch_train(w, x, t, lr, steps, affine_lr=0.1):
    x, t = torch.tensor(x), torch.tensor(t)
    w, gamma, beta = (
        torch.tensor(p, dtype=torch.float64, requires_grad=True) for p in (w, 1.0, 0.0)
    )
    groups = [{"params": [w], "lr": lr}, {"params": [gamma, beta], "lr": affine_lr}]
    opt, losses, norms = torch.optim.SGD(groups), [], []
    for _ in range(steps):
        opt.zero_grad()
        loss = torch_loss(w, gamma, beta, x, t)
        loss.backward()
        losses.append(loss.item())
        norms.append(w.norm().item())
        opt.step()
    return losses, norms


def torch_plain(w, x, t, lr, steps):
    x, t = torch.tensor(x), torch.tensor(t)
    w = torch.tensor(w, requires_grad=True)
    opt, losses = torch.optim.SGD([w], lr=lr), []
    for _ in range(steps):
        opt.zero_grad()
        loss = ((x @ w - t) ** 2).mean() / 2
        loss.backward()
        losses.append(loss.item())
        opt.step()
    return losses


@pytest.mark.parametrize(("n", "d"), [(8, 3), (5, 1), (40, 12)])
def test_loss_and_grads(n, d):
    case = random_case(n, d, seed=n)
    for mine, expected in zip(bn.loss_and_grads(*case), autograd(*case), strict=True):
        np.testing.assert_allclose(mine, expected, rtol=1e-9, atol=1e-13)


@pytest.mark.parametrize("a", [0.01, 0.5, 3.0, 100.0])
def test_scale_invariance(a):
    """ℓ(aw) = ℓ(w)，∇ℓ(aw) = ∇ℓ(w)/a，黑塞矩阵乘 1/a²；片段与 autograd 都如此。"""
    w, *rest = random_case(30, 6, seed=1)
    for evaluate in (bn.loss_and_grads, autograd):
        loss, dw, *affine = evaluate(w, *rest)
        loss_a, dw_a, *affine_a = evaluate(a * w, *rest)
        np.testing.assert_allclose(loss_a, loss, rtol=1e-12)
        np.testing.assert_allclose(dw_a, dw / a, rtol=1e-9)
        np.testing.assert_allclose(affine_a, affine, rtol=1e-10)
    gamma, beta, x, t = (torch.tensor(v, dtype=torch.float64) for v in rest)

    def hessian(v):
        return torch.autograd.functional.hessian(
            lambda p: torch_loss(p, gamma, beta, x, t), torch.tensor(v)
        ).numpy()

    np.testing.assert_allclose(hessian(a * w), hessian(w) / a**2, rtol=1e-7, atol=1e-9 / a**2)


def test_gradient_is_orthogonal_and_norm_only_grows():
    x, t, w = bn.problem()
    _, dw, _, _ = autograd(w, 1.0, 0.0, x, t)
    assert abs(w @ dw) < 1e-12
    for lr in (0.1, 10.0):
        norms = bn.train_bn(w, x, t, lr, 30)[1]
        np.testing.assert_allclose(norms[1] ** 2, w @ w + lr**2 * dw @ dw, rtol=1e-12)
        assert all(b > a for a, b in itertools.pairwise(norms))


@pytest.mark.parametrize(("n", "sigma", "gamma"), [(6, 0.3, 1.0), (50, 4.0, 1.7), (9, 1.0, 0.2)])
def test_grad_norm_is_pythagoras(n, sigma, gamma):
    rng = np.random.default_rng(n)
    z = sigma * rng.normal(2, 1, size=n)
    dy = rng.normal(size=n)
    v = torch.tensor(z, requires_grad=True)
    z_hat = (v - v.mean()) / v.var(unbiased=False).sqrt()
    (dz,) = torch.autograd.grad(gamma * z_hat, v, torch.tensor(dy))
    mine = bn.grad_norm_sq(dy, z_hat.detach().numpy(), gamma, z.std())
    np.testing.assert_allclose(mine, (dz**2).sum().item(), rtol=1e-9)


def test_bn_does_not_always_shrink_the_gradient():
    """只有 γ/σ ≤ 1 时才保证变小；σ 小的时候反而放大。"""
    rng = np.random.default_rng(4)
    dy, z_hat = rng.normal(size=20), rng.normal(size=20)
    z_hat = (z_hat - z_hat.mean()) / z_hat.std()
    assert bn.grad_norm_sq(dy, z_hat, 1.0, 1.0) < dy @ dy
    assert bn.grad_norm_sq(dy, z_hat, 1.0, 0.1) > dy @ dy


@pytest.mark.parametrize(("lr", "steps"), [(0.05, 12), (1.0, 25), (50.0, 7)])
def test_training_matches_torch(lr, steps):
    w, _, _, x, t = random_case(32, 5, seed=7)
    for mine, expected in zip(
        bn.train_bn(w, x, t, lr, steps, 0.3), torch_train(w, x, t, lr, steps, 0.3), strict=True
    ):
        np.testing.assert_allclose(mine, expected, rtol=1e-9)
    np.testing.assert_allclose(
        bn.train_plain(w, x, t, lr, steps), torch_plain(w, x, t, lr, steps), rtol=1e-9
    )
    default = bn.train_bn(w, x, t, lr, steps)[0]
    np.testing.assert_allclose(default, torch_train(w, x, t, lr, steps)[0], rtol=1e-9)


def test_affine_parameters_are_not_scale_invariant():
    """ℓ 对 (γ, β) 的黑塞矩阵是单位阵：它们的学习率仍须小于 2。"""
    x, t, w = bn.problem()
    z = torch.tensor(x @ w)
    z_hat = (z - z.mean()) / z.var(unbiased=False).sqrt()
    hessian = torch.autograd.functional.hessian(
        lambda p: ((p[0] * z_hat + p[1] - torch.tensor(t)) ** 2).mean() / 2,
        torch.zeros(2, dtype=torch.float64),
    )
    np.testing.assert_allclose(hessian.numpy(), np.eye(2), atol=1e-12)
    assert bn.train_bn(w, x, t, 0.1, 80, affine_lr=1.9)[0][-1] < 1
    assert bn.train_bn(w, x, t, 0.1, 80, affine_lr=2.1)[0][-1] > 1e3


def test_plain_training_diverges_beyond_two_over_curvature():
    x, t, w = bn.problem()
    limit = 2 / np.linalg.eigvalsh(x.T @ x / len(t)).max()
    assert bn.train_plain(w, x, t, 0.95 * limit, 400)[-1] < 0.05
    assert bn.train_plain(w, x, t, 1.05 * limit, 400)[-1] > 1e3
    for lr in (limit, 10 * limit, 100 * limit):
        losses, norms = bn.train_bn(w, x, t, lr, 400)
        assert losses[-1] < 0.05
        assert norms[-1] > norms[0]


# 等价变异：0.0 → 1.0：β 的平移方向被投影掉，不影响 ∂ℓ/∂w
@pytest.mark.parametrize(("lr", "decay", "batch"), [(0.1, 0.05, 16), (0.7, 0.01, 5)])
def test_turning_angle_matches_torch(lr, decay, batch):
    x, t, w = bn.problem(n=40, d=4)
    steps = 41
    p = torch.tensor(w, requires_grad=True)
    opt = torch.optim.SGD([p], lr=lr, weight_decay=decay)
    rng, cosines = np.random.default_rng(0), []
    for _ in range(steps):
        i = rng.integers(40, size=batch)
        old = p.detach().clone()
        opt.zero_grad()
        torch_loss(p, 1.0, 0.0, torch.tensor(x[i]), torch.tensor(t[i])).backward()
        opt.step()
        cosines.append(torch.cosine_similarity(old, p.detach(), dim=0).item())
    expected = math.acos(np.mean(cosines[20:]))
    assert bn.turning_angle(w, x, t, lr, decay, steps, batch) == pytest.approx(expected, rel=1e-7)


def test_equilibrium_angle_depends_only_on_lr_times_decay():
    """稳态时 ‖w'‖ = ‖w‖ 且 ∇ ⊥ w，故 cos θ = 1 - ηλ；与初始尺度无关。"""
    x, t, w = bn.problem()
    for lr, decay, scale in ((0.1, 0.02, 1.0), (1.0, 0.002, 1.0), (0.1, 0.02, 0.3)):
        angle = bn.turning_angle(scale * w, x, t, lr, decay)
        assert angle == pytest.approx(math.acos(1 - lr * decay), rel=1e-2)
    assert angle == bn.turning_angle(scale * w, x, t, lr, decay, 4000, 16)


def test_problem():
    for n, d in ((256, 10), (40, 3)):
        x, t, w = bn.problem(n, d)
        rng = np.random.default_rng(0)
        raw = rng.normal(size=(n, d)) * [4 ** (k / (d - 1)) for k in range(d)]
        raw -= raw.mean(axis=0)
        clean = raw @ rng.normal(size=d)
        noisy = clean / clean.std() + rng.normal(scale=0.3, size=n)
        np.testing.assert_allclose(x, raw, rtol=1e-12)
        np.testing.assert_allclose(t, noisy - noisy.mean(), rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(w, rng.normal(size=d) / math.sqrt(d), rtol=1e-12)
    assert bn.problem()[0].shape == (256, 10)


def test_figure():
    x, t, w = bn.problem()
    left, right = bn.figure().axes
    for line, lr in zip(left.lines[:2], (0.1, 1), strict=True):
        np.testing.assert_allclose(line.get_ydata(), torch_plain(w, x, t, lr, 60), rtol=1e-6)
        assert line.get_label().endswith(f"= {lr}")
    for above, below, lr in zip(left.lines[2:], right.lines, (0.1, 1, 10, 100), strict=True):
        losses, norms = torch_train(w, x, t, lr, 60)
        np.testing.assert_allclose(above.get_ydata(), losses, rtol=1e-6)
        np.testing.assert_allclose(below.get_ydata(), norms, rtol=1e-6)
        assert above.get_label().endswith(f"= {lr}")
    assert left.get_ylim() == (0.02, 20)
    assert left.get_yscale() == right.get_yscale() == "log"
    assert tuple(left.figure.get_size_inches()) == (6.4, 3.4)


def test_demo(capsys):
    runpy.run_path(str(snippet_path(__file__)), run_name="__main__")
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 11
    x, t, w = bn.problem()
    ratio = np.linalg.norm(autograd(10 * w, 1.5, 0.2, x, t)[1])
    ratio /= np.linalg.norm(autograd(w, 1.5, 0.2, x, t)[1])
    assert lines[0] == f"权重放大 10 倍，梯度乘以 {ratio:.3f}"
    assert lines[1] == "权重与梯度正交 True"
    top = np.linalg.svd(x, compute_uv=False)[0] ** 2 / 256
    assert lines[2].endswith(f"= {2 / top:.3f}")
    assert lines[3].endswith(f"第 10 步损失 {torch_plain(w, x, t, 1, 11)[10]:.0e}")
    for line, lr in zip(lines[4:8], (0.1, 1, 10, 100), strict=True):
        losses, norms = torch_train(w, x, t, lr, 201)
        expected = [f"{losses[200]:.4f}", *(f"{norms[k]:.2f}" for k in (0, 1, 200))]
        expected.append(f"{lr / norms[200] ** 2:.3f}")
        assert line.startswith(f"BN，η = {lr} ")
        assert re.findall(r"\d+\.\d+", line.split("步损失")[1]) == expected
    for line, (lr, decay) in zip(lines[8:], ((0.1, 0.02), (1, 0.002), (0.1, 0.08)), strict=True):
        formula, measured = re.findall(r"0\.\d{4}", line)
        assert line.startswith(f"η = {lr}，λ = {decay}：")
        assert formula == f"{math.sqrt(2 * lr * decay):.4f}"
        assert float(measured) == pytest.approx(math.acos(1 - lr * decay), rel=1e-2)
