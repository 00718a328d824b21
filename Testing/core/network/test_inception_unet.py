"""The inception U-Net: parameter counts of the papers, shapes, gradients, and the laws of its parts."""

from __future__ import annotations

from dataclasses import asdict, replace
from itertools import pairwise

import pytest
import torch
import torch.nn.functional as F

from MedSegDLLib.errors import WeightsError
from MedSegDLLib.network.inception_unet import (
    PROFILES,
    Architecture,
    Decoder,
    Encoder,
    Fusion,
    HybridPool,
    Inception,
    InceptionUNet,
    InstanceNorm,
    Segmenter,
    build,
    conv_unit,
    describe,
    spectral_pool,
)
from MedSegDLLib.network.weights import find_weights
from MedSegDLLib.tasks import TASKS

KINDS = {
    "brain": replace(PROFILES["brain"], widths=(2, 2, 3, 3, 4)),
    "paper": replace(PROFILES["paper"], widths=(2, 2, 3, 3, 4)),
    "liver": replace(PROFILES["liver"], widths=(2, 3, 3, 4, 4)),
    "iunet": replace(PROFILES["iunet"], widths=(2, 3, 3, 4, 4)),
    "nuclei": replace(PROFILES["nuclei"], widths=(2, 3, 3, 4, 4)),
}
SIZES = {2: [(16, 16), (32, 48), (80, 16)], 3: [(16, 16, 16), (16, 16, 32)]}


@pytest.fixture(autouse=True)
def one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    yield
    torch.set_num_threads(threads)


def parameters(module: torch.nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def image(arch: Architecture, size: tuple[int, ...], batch: int = 1) -> torch.Tensor:
    return torch.randn(batch, arch.in_channels, *size)


def unit(inputs: int, outputs: int, kernel: int, dims: int) -> int:
    """Weights, biases, and the normalisation's scale and shift."""
    return inputs * outputs * kernel**dims + 3 * outputs


def inception(inputs: int, outputs: int, dims: int = 3) -> int:
    """Unfactorised, without the pooled branch."""
    return sum(unit(inputs, outputs, kernel, dims) for kernel in (1, 3, 5)) + unit(3 * outputs, outputs, 1, dims)


def test_the_paper_profile_has_the_papers_parameters():
    count = parameters(InceptionUNet(PROFILES["paper"]))
    assert count == 10_322_089, "by arithmetic from the published configuration, with transposed convolutions of 2"
    assert 10.3e6 <= count <= 10.6e6


def test_the_paper_profile_adds_up_by_hand():
    widths = (8, 16, 32, 64, 128)
    fusion = 4 * inception(1, 1) + 2 * inception(2, 2) + inception(4, 4)
    encoder = 2 * sum(inception(width, width) for width in widths) + sum(inception(*pair) for pair in pairwise(widths))
    up = sum(coarse * fine * 8 + fine for fine, coarse in pairwise(widths))
    decoder = up + sum(inception(2 * width, width) for width in widths[:-1])
    heads = sum(3 * width + 3 for width in widths[:3])
    network = InceptionUNet(PROFILES["paper"])
    assert parameters(network.fusion) == fusion
    assert parameters(network.encoder) == encoder
    assert parameters(network.decoder) == decoder
    assert parameters(network.segmenter) == heads
    assert fusion + encoder + decoder + heads == 10_322_089


def test_the_iunet_profile_has_its_papers_parameters():
    assert 3.6e6 <= parameters(InceptionUNet(PROFILES["iunet"])) <= 3.9e6


def test_an_inception_module_adds_up_by_hand():
    plain = PROFILES["paper"]
    assert parameters(Inception(plain, 4, 4)) == 4 * 4 * (1 + 27 + 125) + 3 * 12 + 12 * 4 + 12
    factorised = replace(plain, factorised=True)
    assert parameters(Inception(factorised, 4, 4)) == 4 * 4 * (1 + 27 + 54) + 4 * 12 + 12 * 4 + 12


def test_each_of_the_shipped_weights_fits_into_twelve_megabytes() -> None:
    sizes = {key: find_weights(task).stat().st_size for key, task in TASKS.items()}
    assert max(sizes.values()) <= 12e6, sizes


@pytest.mark.parametrize(("kind", "size"), [(kind, size) for kind, arch in KINDS.items() for size in SIZES[arch.spatial_dims]])
def test_any_size_divisible_by_sixteen_comes_back(kind, size):
    arch = KINDS[kind]
    assert arch.divisor == 16
    network = InceptionUNet(arch).eval()
    with torch.no_grad():
        logits = network(image(arch, size, batch=2))
    assert logits.shape == (2, arch.out_channels, *size) and logits.isfinite().all()


def test_the_paper_network_runs_at_its_smallest_size():
    network = InceptionUNet(PROFILES["paper"]).eval()
    with torch.no_grad():
        assert network(torch.randn(1, 4, 16, 16, 16)).shape == (1, 3, 16, 16, 16)


@pytest.mark.parametrize("kind", KINDS)
def test_gradients_reach_every_parameter(kind):
    arch = replace(KINDS[kind], widths=(2, 3, 3), added_maps=2, dropout=0.0)
    network = InceptionUNet(arch).train()
    levels = network.supervised(image(arch, (16,) * arch.spatial_dims, batch=2))
    sum((level * torch.randn_like(level)).mean() for level in levels).backward()
    for name, parameter in network.named_parameters():
        assert parameter.grad is not None and parameter.grad.isfinite().all(), name
        if not cancelled_by_normalisation(name, network):
            assert parameter.grad.abs().max() > 0, name


def cancelled_by_normalisation(name: str, network: InceptionUNet) -> bool:
    """A convolution's bias before a normalisation has no effect: its gradient is rounding."""
    owner, _, last = name.rpartition(".")
    return last == "bias" and not isinstance(network.get_submodule(owner), InstanceNorm)


@pytest.mark.parametrize("kind", KINDS)
def test_evaluation_repeats_itself_and_training_drops_channels(kind):
    arch = replace(KINDS[kind], widths=(2, 3, 3), added_maps=2, dropout=0.5)
    network = InceptionUNet(arch).eval()
    x = image(arch, (16,) * arch.spatial_dims)
    with torch.no_grad():
        assert torch.equal(network(x), network(x))
        network.train()
        assert not torch.equal(network(x), network(x))


def test_samples_of_a_batch_do_not_meet():
    network = InceptionUNet(KINDS["nuclei"]).eval()
    x = image(network.arch, (32, 32), batch=3)
    with torch.no_grad():
        torch.testing.assert_close(network(x)[1:2], network(x[1:2]), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("kind", ["brain", "nuclei"])
def test_coarser_maps_are_upsampled_and_added(kind):
    arch = KINDS[kind]
    network = InceptionUNet(arch).eval()
    with torch.no_grad():
        fused = network.fusion(image(arch, (16,) * arch.spatial_dims))
        decoded = network.decoder(network.encoder(fused))
        levels = network.segmenter(decoded)
        mode = "trilinear" if arch.spatial_dims == 3 else "bilinear"
        for level in range(arch.added_maps):
            expected = network.segmenter.heads[level](decoded[level])
            if level + 1 < arch.added_maps:
                expected = expected + F.interpolate(levels[level + 1], scale_factor=2, mode=mode, align_corners=False)
            torch.testing.assert_close(levels[level], expected)
    assert [level.shape[-1] for level in levels] == [16, 8, 4]


def test_the_answer_is_the_finest_level():
    network = InceptionUNet(KINDS["liver"]).eval()
    x = image(network.arch, (32, 32))
    with torch.no_grad():
        assert torch.equal(network(x), network.supervised(x)[0])


def test_the_encoder_halves_and_the_decoder_doubles():
    arch = KINDS["brain"]
    with torch.no_grad():
        encoded = Encoder(arch, 8)(torch.randn(1, 8, 16, 32, 48))
        decoded = Decoder(arch)(encoded)
    assert [tuple(level.shape[1:]) for level in encoded] == [(w, 16 >> n, 32 >> n, 48 >> n) for n, w in enumerate(arch.widths)]
    assert [level.shape for level in decoded] == [level.shape for level in encoded[:-1]]
    assert len(Segmenter(arch)(decoded)) == 3


def test_fusion_makes_eight_channels_of_four():
    fusion = Fusion(KINDS["paper"])
    with torch.no_grad():
        assert fusion(torch.randn(2, 4, 8, 8, 8)).shape == (2, 8, 8, 8, 8)


def test_a_modality_reaches_its_own_pair_and_the_whole_only():
    fusion = Fusion(KINDS["paper"]).eval()
    x = torch.randn(1, 4, 8, 8, 8)
    changed = x.clone()
    changed[:, 0] = torch.randn(8, 8, 8)
    with torch.no_grad():
        differs = (fusion(x) - fusion(changed)).abs().amax(dim=(0, 2, 3, 4)) > 1e-6
    assert differs[:4].any() and differs[4:6].any() and not differs[6:].any()


def test_the_order_of_modalities_matters():
    network = InceptionUNet(KINDS["brain"]).eval()
    x = image(network.arch, (16, 16, 16))
    with torch.no_grad():
        for order in ([1, 0, 2, 3], [2, 3, 0, 1], [3, 2, 1, 0]):
            assert not torch.allclose(network(x), network(x[:, order]))


def test_inception_keeps_or_halves():
    for arch in (KINDS["paper"], KINDS["liver"], KINDS["nuclei"]):
        x = torch.randn(1, 3, *(12,) * arch.spatial_dims)
        assert Inception(arch, 3, 5)(x).shape[1:] == (5, *x.shape[2:])
    assert Inception(KINDS["paper"], 3, 5, stride=2)(torch.randn(1, 3, 12, 12, 12)).shape[1:] == (5, 6, 6, 6)


def test_a_single_voxel_is_normalised_to_scale_and_shift_only():
    norm = InstanceNorm(3)
    x = torch.randn(2, 3, 1, 1, 1)
    assert torch.equal(norm(x), x)
    block = torch.randn(2, 3, 4, 4, 4) * 5 + 2
    flat = norm(block).flatten(2)
    torch.testing.assert_close(flat.mean(2), torch.zeros(2, 3), rtol=0, atol=1e-5)
    torch.testing.assert_close(flat.var(2, correction=0), torch.ones(2, 3), rtol=0, atol=1e-4)


def test_a_unit_never_lets_anything_but_a_fifth_of_the_negative_through():
    out = conv_unit(2, 1, 1, 1)(torch.randn(1, 1, 64, 64)).detach()
    assert out.min() < 0 < out.max() and out.min() > -0.3 * 8


@pytest.mark.parametrize("size", [(8, 8), (6, 10), (4, 12), (2, 2)])
def test_spectral_pooling_keeps_means(size):
    x = torch.randn(2, 3, *size)
    pooled = spectral_pool(x)
    assert pooled.shape == (2, 3, size[0] // 2, size[1] // 2)
    torch.testing.assert_close(pooled.mean((-2, -1)), x.mean((-2, -1)))


@pytest.mark.parametrize("frequency", [(0, 1), (1, 0), (1, 2), (3, 2)])
def test_spectral_pooling_keeps_slow_waves_exactly(frequency):
    def wave(rows: int, columns: int) -> torch.Tensor:
        row, column = torch.meshgrid(torch.arange(rows) / rows, torch.arange(columns) / columns, indexing="ij")
        return torch.cos(2 * torch.pi * (frequency[0] * row + frequency[1] * column) + 0.4)[None, None]

    torch.testing.assert_close(spectral_pool(wave(16, 12)), wave(8, 6), rtol=0, atol=1e-5)


def test_spectral_pooling_drops_fast_waves():
    columns = torch.arange(16) / 16
    fast = torch.cos(2 * torch.pi * 6 * columns).expand(16, 16)[None, None]
    assert spectral_pool(fast).abs().max() < 1e-5


def test_spectral_pooling_in_half_precision_keeps_its_type():
    x = torch.rand(1, 2, 16, 16)
    half = spectral_pool(x.half())
    assert half.dtype == torch.float16
    torch.testing.assert_close(half.float(), spectral_pool(x), rtol=0, atol=5e-3)


def test_hybrid_pooling_halves():
    assert HybridPool(3, 5)(torch.randn(1, 3, 16, 12)).shape == (1, 5, 8, 6)


@pytest.mark.parametrize("kind", KINDS)
def test_a_description_builds_the_same_network(kind):
    network = InceptionUNet(KINDS[kind]).eval()
    description = describe(network)
    description = {**description, "arguments": {**description["arguments"], "widths": list(network.arch.widths)}}  # as JSON gives it back
    twin = build(**description).eval()
    assert twin.arch == network.arch
    twin.load_state_dict(network.state_dict())
    x = image(network.arch, (16,) * network.arch.spatial_dims)
    with torch.no_grad():
        assert torch.equal(twin(x), network(x))


def test_unknown_descriptions_are_refused():
    arguments = asdict(KINDS["liver"])
    with pytest.raises(WeightsError, match="unknown network"):
        build("os.system", arguments)
    with pytest.raises(WeightsError, match="'command' in 'arguments' is unknown"):
        build("inception_unet", {**arguments, "command": "rm"})
    with pytest.raises(WeightsError, match="does not fit"):
        build("inception_unet", {key: value for key, value in arguments.items() if key != "widths"})
    with pytest.raises(WeightsError, match="does not fit"):
        build("inception_unet", {**arguments, "spatial_dims": 4})


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"spatial_dims": 1}, "from 2 to 3"),
        ({"in_channels": 3}, "four modalities"),
        ({"added_maps": 0}, "added_maps"),
        ({"added_maps": 5}, "4 levels"),
    ],
)
def test_an_architecture_that_cannot_be_is_refused(change, reason):
    with pytest.raises(ValueError, match=reason):
        replace(KINDS["paper"], **change)
