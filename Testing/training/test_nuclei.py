"""The nuclei's sampler: shapes, targets, the normalisation of inference, no held-out picture."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
import torch

from medsegdl_training.cases.pictures import STEPS
from medsegdl_training.cases.selection import Selection
from medsegdl_training.train.nuclei_sampler import boundary_of, find_cases, make_sampler
from MedSegDLLib.errors import InputRefused
from MedSegDLLib.geometry.image import Image
from MedSegDLLib.io.read import read_image
from MedSegDLLib.preprocess.normalise import prepare
from MedSegDLLib.tasks import NUCLEI
from Testing.training.made_up import write_pictures


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_pictures(tmp_path / "data")


def test_shapes_and_kinds(folder: Path) -> None:
    sampler = make_sampler(Selection(folder), NUCLEI.plan, (32, 32), 1)
    batch = sampler.draw(torch.Generator().manual_seed(0), 5)
    assert batch.x.shape == (5, 3, 32, 32)
    assert batch.y.shape == (5, 2, 32, 32)
    assert batch.weight.shape == (5, 2)
    assert batch.x.dtype == batch.y.dtype == batch.weight.dtype == torch.float32
    assert 0 <= batch.x.min() < 0.2
    assert 0.8 < batch.x.max() <= 1
    assert set(batch.y.unique().tolist()) == {0.0, 1.0}


def test_the_seed_replays(folder: Path) -> None:
    sampler = make_sampler(Selection(folder), NUCLEI.plan, (32, 32), 1)
    first, second, other = (sampler.draw(torch.Generator().manual_seed(seed), 4).x for seed in (1, 1, 2))
    assert torch.equal(first, second)
    assert not torch.equal(first, other)


def test_patches_larger_than_the_picture_are_filled(folder: Path) -> None:
    sampler = make_sampler(Selection(folder), NUCLEI.plan, (96, 96), 1)
    batch = sampler.draw(torch.Generator().manual_seed(0), 2)
    assert batch.x.shape == (2, 3, 96, 96)
    assert batch.y[:, 0].any()


def test_a_sample_in_shape_is_a_part_of_its_picture(folder: Path) -> None:
    sampler = make_sampler(Selection(folder), NUCLEI.plan, (32, 32), 1)
    whole = torch.stack([torch.from_numpy(channels.astype(np.float32)) for channels in sampler._channels]) / STEPS
    parts = whole.unfold(2, 32, 1).unfold(3, 32, 1)  # (pictures, colours, rows, columns, 32, 32)

    def is_a_part(x: torch.Tensor) -> bool:
        return bool(((parts - x[None, :, None, None]).abs().amax(dim=(1, 4, 5)) < 1e-5).any())

    generator = torch.Generator().manual_seed(0)
    assert all(map(is_a_part, sampler.in_shape().draw(generator, 12).x))
    usual = [is_a_part(x) for x in sampler.draw(generator, 24).x]
    assert any(usual) and not all(usual)


def test_pictures_are_drawn_as_often_as_their_shares_say(folder: Path) -> None:
    sampler = make_sampler(Selection(folder), NUCLEI.plan, (32, 32), 1).in_shape()
    alone = sampler.emphasising({"picture0": 0.0, "picture1": 0.0})
    whole = torch.from_numpy(sampler._channels[2].astype(np.float32)) / STEPS
    parts = whole.unfold(1, 32, 1).unfold(2, 32, 1)  # (colours, rows, columns, 32, 32)
    for x in alone.draw(torch.Generator().manual_seed(0), 8).x:
        assert float((parts - x[:, None, None]).abs().amax(dim=(0, 3, 4)).min()) < 1e-5
    even = sampler.emphasising(dict.fromkeys(sampler.cases, 0.5))
    first, second = (each.draw(torch.Generator().manual_seed(3), 6).x for each in (sampler, even))
    assert torch.equal(first, second)


def test_held_out_pictures_are_never_read(folder: Path) -> None:
    whole, part = (make_sampler(Selection(folder, holdout), NUCLEI.plan, (32, 32), 1) for holdout in ((), ("picture1",)))
    assert part.cases == ("picture0", "picture2")
    assert whole.data_hash != part.data_hash
    (folder / "images" / "picture1.png").write_bytes(b"damaged")
    assert make_sampler(Selection(folder, ("picture1",)), NUCLEI.plan, (32, 32), 1).data_hash == part.data_hash


def test_the_hash_follows_contents_not_names(folder: Path, tmp_path: Path) -> None:
    first = make_sampler(Selection(folder), NUCLEI.plan, (32, 32), 1).data_hash
    moved = folder.rename(tmp_path / "elsewhere")
    assert make_sampler(Selection(moved), NUCLEI.plan, (32, 32), 1).data_hash == first


def test_training_sees_what_inference_sees(folder: Path) -> None:
    sampler = make_sampler(Selection(folder), NUCLEI.plan, (32, 32), 1)
    for case, channels in zip(find_cases(folder), sampler._channels):
        image = read_image(case.inputs["image"])
        x = prepare({"image": image}, np.ones(image.array.shape[:3], bool), NUCLEI.plan).x[:, 0]
        torch.testing.assert_close(torch.from_numpy(channels.astype(np.float32)) / STEPS, x, atol=1e-5, rtol=0)
        assert isinstance(image, Image)


def test_boundaries_lie_between_nuclei_only() -> None:
    labels = torch.zeros(1, 20, 40, dtype=torch.long)
    labels[0, 2:18, 2:12], labels[0, 2:18, 12:20] = 1, 2  # they touch between columns 11 and 12
    labels[0, 2:18, 23:28] = 3  # three pixels from the second
    labels[0, 2:18, 33:38] = 4  # five pixels from the third: apart
    boundary = boundary_of(labels)[0]
    row = boundary[10].nonzero().flatten().tolist()
    assert row == [10, 11, 12, 13, 21]  # two pixels either side; the middle of the gap
    assert not boundary[:, 24:].any()
    assert not boundary_of(torch.zeros(1, 8, 8, dtype=torch.long)).any()


def test_targets_split_what_touches(folder: Path) -> None:
    from MedSegDLLib.postprocess.instances import split_instances

    case = find_cases(folder)[0]
    labels = torch.from_numpy(sitk.GetArrayFromImage(sitk.ReadImage(str(case.reference))).astype(np.int64))[None]
    numbers = split_instances((labels[0] > 0).float().numpy(), boundary_of(labels)[0].float().numpy())
    left, right = numbers[10, 8], numbers[10, 21]
    assert left != right
    assert left > 0
    assert right > 0


def test_refusals_say_what_is_wrong(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(InputRefused, match="no pictures"):
        find_cases(tmp_path)
    (folder / "labels" / "picture2.png").unlink()
    with pytest.raises(InputRefused, match=r"picture2\.png has no label map"):
        find_cases(folder)
    sitk.WriteImage(sitk.GetImageFromArray(np.zeros((5, 5), np.uint16)), str(folder / "labels" / "picture2.png"))
    with pytest.raises(InputRefused, match="differ in size"):
        make_sampler(Selection(folder), NUCLEI.plan, (32, 32), 1)
