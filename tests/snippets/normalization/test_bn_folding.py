"""BN 融合：与 PyTorch 的逐层推理和官方融合函数比较，卷积、统计量、补边都用随机数。"""

import runpy

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from handbook.testing import load_snippet
from torch.nn.utils.fusion import fuse_conv_bn_eval, fuse_linear_bn_eval

fold = load_snippet(__file__)


def arrays(module):
    """PyTorch BN 层 -> 片段里的 (s, t)。"""
    names = (module.weight, module.bias, module.running_mean, module.running_var)
    return fold.bn_affine(*(v.detach().numpy() for v in names), eps=module.eps)


def random_bn(c, seed=0, layer=torch.nn.BatchNorm2d, eps=1e-3):
    generator = torch.Generator().manual_seed(seed)
    bn = layer(c, eps=eps, dtype=torch.float64).eval()
    with torch.no_grad():
        for v in (bn.weight, bn.bias, bn.running_mean):
            v.copy_(torch.randn(c, generator=generator))
        bn.running_var.copy_(torch.rand(c, generator=generator) + 0.01)
    return bn


def random_x(*shape):
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(9))


def numpy_bias(conv, c):
    return np.zeros(c) if conv.bias is None else conv.bias.detach().numpy()


@pytest.mark.parametrize("scale", [1.0, 1e-5])
def test_affine_form_of_inference_bn(scale):
    gamma, beta, mean = np.random.default_rng(0).normal(size=(3, 4))
    var = scale * np.array([0.2, 1.0, 3.0, 0.5])
    x = random_x(2, 4, 3, 5)
    args = [torch.from_numpy(v) for v in (mean, var, gamma, beta)]
    s, t = fold.bn_affine(gamma, beta, mean, var)
    ours = fold.apply_affine(x.numpy(), s, t)
    np.testing.assert_allclose(ours, F.batch_norm(x, *args).numpy(), rtol=1e-9, atol=1e-12)
    s, t = fold.bn_affine(gamma, beta, mean, var, eps=0.1)
    ours = fold.apply_affine(x.numpy(), s, t)
    np.testing.assert_allclose(ours, F.batch_norm(x, *args, eps=0.1).numpy(), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("stride", [None, 1, 2, 3])
@pytest.mark.parametrize("p", [0, 1, 2])
def test_conv_and_padding_match_torch(stride, p):
    x, weight = random_x(2, 3, 7, 6), random_x(4, 3, 3, 2)
    bias, value = random_x(4), random_x(3)
    padded = F.pad(x - value[:, None, None], (p, p, p, p)) + value[:, None, None]
    ours = fold.pad(x.numpy(), p, value.numpy())
    np.testing.assert_allclose(ours, padded.numpy(), rtol=1e-12, atol=1e-12)
    kwargs = {} if stride is None else {"stride": stride}
    expected = F.conv2d(padded, weight, bias, **kwargs).numpy()
    ours = fold.conv2d(ours, weight.numpy(), bias.numpy(), **kwargs)
    np.testing.assert_allclose(ours, expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize(
    "kwargs",
    [
        {"padding": 1},
        {"stride": 2, "padding": 2},
        {"dilation": 2},
        {"groups": 3},
        {"groups": 6, "padding": 1},
    ],
)
def test_fold_after_conv_matches_torch(bias, kwargs):
    conv = torch.nn.Conv2d(6, 6, 3, bias=bias, dtype=torch.float64, **kwargs).eval()
    bn, x = random_bn(6), random_x(2, 6, 8, 7)
    weight, shift = fold.fold_conv_bn(
        conv.weight.detach().numpy(), numpy_bias(conv, 6), *arrays(bn)
    )
    official = fuse_conv_bn_eval(conv, bn)
    np.testing.assert_allclose(weight, official.weight.detach().numpy(), rtol=1e-10)
    np.testing.assert_allclose(shift, official.bias.detach().numpy(), rtol=1e-10, atol=1e-14)
    fused = F.conv2d(x, torch.from_numpy(weight), torch.from_numpy(shift), **kwargs)
    expected = bn(conv(x)).detach().numpy()
    np.testing.assert_allclose(fused.numpy(), expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("bias", [True, False])
def test_pure_numpy_path_matches_torch(bias):
    conv = torch.nn.Conv2d(3, 5, 3, stride=2, padding=1, bias=bias, dtype=torch.float64)
    bn, x = random_bn(5, seed=1), random_x(2, 3, 7, 9)
    folded = fold.fold_conv_bn(conv.weight.detach().numpy(), numpy_bias(conv, 5), *arrays(bn))
    ours = fold.conv2d(fold.pad(x.numpy(), 1, np.zeros(3)), *folded, stride=2)
    np.testing.assert_allclose(ours, bn(conv(x)).detach().numpy(), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("bias", [True, False])
def test_transposed_conv_scales_axis_one(bias):
    conv = torch.nn.ConvTranspose2d(4, 4, 3, stride=2, bias=bias, dtype=torch.float64).eval()
    bn, x = random_bn(4, seed=2), random_x(2, 4, 5, 6)
    before = conv.weight.detach().numpy().copy()
    weight, shift = fold.fold_conv_bn(before, numpy_bias(conv, 4), *arrays(bn), out_axis=1)
    official = fuse_conv_bn_eval(conv, bn, transpose=True)
    np.testing.assert_allclose(weight, official.weight.detach().numpy(), rtol=1e-10)
    fused = F.conv_transpose2d(x, torch.from_numpy(weight), torch.from_numpy(shift), stride=2)
    expected = bn(conv(x)).detach().numpy()
    np.testing.assert_allclose(fused.numpy(), expected, rtol=1e-9, atol=1e-12)
    wrong, _ = fold.fold_conv_bn(before, numpy_bias(conv, 4), *arrays(bn))  # 方阵不会报错
    fused = F.conv_transpose2d(x, torch.from_numpy(wrong), torch.from_numpy(shift), stride=2)
    assert abs(fused.numpy() - expected).max() > 0.01


def test_fold_after_linear_matches_torch():
    linear, bn = torch.nn.Linear(5, 3, dtype=torch.float64).eval(), random_bn(3)
    flat = torch.nn.BatchNorm1d(3, eps=bn.eps, dtype=torch.float64).eval()
    flat.load_state_dict(bn.state_dict())
    weight = linear.weight.detach().numpy()
    ours = fold.fold_conv_bn(weight, linear.bias.detach().numpy(), *arrays(bn))
    official = fuse_linear_bn_eval(linear, flat)
    np.testing.assert_allclose(ours[0], official.weight.detach().numpy(), rtol=1e-10)
    np.testing.assert_allclose(ours[1], official.bias.detach().numpy(), rtol=1e-10)


@pytest.mark.parametrize("stride", [1, 2])
def test_fold_before_conv_is_exact_without_padding(stride):
    bn, x = random_bn(3, seed=3), random_x(2, 3, 8, 7)
    weight, bias = random_x(4, 3, 3, 3), random_x(4)
    expected = F.conv2d(bn(x), weight, bias, stride=stride).detach().numpy()
    folded = fold.fold_bn_conv(weight.numpy(), bias.numpy(), *arrays(bn))
    ours = fold.conv2d(x.numpy(), *folded, stride=stride)
    np.testing.assert_allclose(ours, expected, rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("k,p", [(3, 1), (5, 2), (3, 2)])
def test_fold_before_padded_conv_misses_the_border(k, p):
    bn, x = random_bn(3, seed=4), random_x(2, 3, 8, 7)
    weight, bias = random_x(4, 3, k, k), random_x(4)
    s, t = arrays(bn)
    expected = F.conv2d(bn(x), weight, bias, padding=p).detach().numpy()
    folded = fold.fold_bn_conv(weight.numpy(), bias.numpy(), s, t)
    naive = fold.conv2d(fold.pad(x.numpy(), p, np.zeros(3)), *folded)
    gap = naive - expected
    border = np.ones(gap.shape[2:], dtype=bool)
    border[p:-p, p:-p] = False
    assert abs(gap[:, :, ~border]).max() < 1e-10
    assert abs(gap[:, :, border]).min() > 1e-6
    excess = fold.border_excess((8, 7), weight.numpy(), t, p)
    np.testing.assert_allclose(gap, np.broadcast_to(excess, gap.shape), rtol=1e-8, atol=1e-10)
    mended = fold.conv2d(fold.pad(x.numpy(), p, fold.neutral_padding(s, t)), *folded)
    np.testing.assert_allclose(mended, expected, rtol=1e-9, atol=1e-10)


def test_padding_before_bn_folds_exactly():
    bn, x = random_bn(3, seed=5), random_x(2, 3, 6, 6)
    weight, bias = random_x(4, 3, 3, 3), random_x(4)
    expected = F.conv2d(bn(F.pad(x, (1, 1, 1, 1))), weight, bias).detach().numpy()
    folded = fold.fold_bn_conv(weight.numpy(), bias.numpy(), *arrays(bn))
    ours = fold.conv2d(fold.pad(x.numpy(), 1, np.zeros(3)), *folded)
    np.testing.assert_allclose(ours, expected, rtol=1e-9, atol=1e-11)


def test_training_mode_cannot_be_folded():
    conv, bn = torch.nn.Conv2d(3, 4, 3, dtype=torch.float64), random_bn(4)
    x = random_x(2, 3, 6, 6)
    folded = fold.fold_conv_bn(
        conv.weight.detach().numpy(), conv.bias.detach().numpy(), *arrays(bn)
    )
    ours = fold.conv2d(x.numpy(), *folded)
    np.testing.assert_allclose(ours, bn(conv(x)).detach().numpy(), rtol=1e-9, atol=1e-12)
    assert abs(ours - bn.train()(conv(x)).detach().numpy()).max() > 0.1


def test_relu_in_between_blocks_folding_backwards():
    weight, bias, x = random_x(4, 3, 3, 3), random_x(4), random_x(2, 3, 6, 6)
    bn = random_bn(4)
    expected = bn(torch.relu(F.conv2d(x, weight, bias))).detach().numpy()
    folded = fold.fold_conv_bn(weight.numpy(), bias.numpy(), *arrays(bn))
    assert abs(np.maximum(fold.conv2d(x.numpy(), *folded), 0) - expected).max() > 0.1
    after = random_x(2, 4, 1, 1)  # 但可以并进后面那个不补边的卷积
    folded = fold.fold_bn_conv(after.numpy(), np.zeros(2), *arrays(bn))
    hidden = torch.relu(F.conv2d(x, weight, bias)).numpy()
    whole = F.conv2d(torch.from_numpy(expected), after).numpy()
    np.testing.assert_allclose(fold.conv2d(hidden, *folded), whole, rtol=1e-9, atol=1e-11)


def test_epsilon_must_not_be_dropped():
    bn = random_bn(4, seed=6)
    with torch.no_grad():
        bn.running_var.fill_(1e-4)  # 死通道一类的小方差，ε = 1e-3 是它的十倍
    x = random_x(2, 4, 3, 3)
    expected = bn(x).detach().numpy()
    np.testing.assert_allclose(fold.apply_affine(x.numpy(), *arrays(bn)), expected, rtol=1e-9)
    bn.eps = 0.0
    ratio = fold.apply_affine(x.numpy(), *arrays(bn)) - expected
    assert abs(ratio).max() > 1


def test_demo_reports_the_border(capsys):
    runpy.run_path(fold.__file__, run_name="__main__")
    out = capsys.readouterr().out
    assert out.count("True") == 3 and "False" not in out
    assert f"不等的有     {36 - 16} 处，其中内部 0 处" in out
    assert f"{100 / 576:.2f}%" in out


def test_figure_counts_the_taps_outside():
    (ax,) = fold.figure().axes
    (mesh,) = ax.collections
    inside = F.conv2d(torch.ones(1, 1, 6, 6), torch.ones(1, 1, 3, 3), padding=1)[0, 0]
    np.testing.assert_array_equal(mesh.get_array(), 9 - inside.numpy())
    assert [text.get_text() for text in ax.texts] == [f"{9 - v:.0f}" for v in inside.flatten()]
    for text, (i, j) in zip(ax.texts, np.ndindex(6, 6), strict=True):
        assert text.get_position() == (j + 0.5, i + 0.5)
