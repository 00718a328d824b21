"""Every level of supervision: shares of labels, the mean teacher, pre-training, first weights from elsewhere, fine-tuning, validation."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from medsegdl_training.commands.main import main
from medsegdl_training.train.export import load_run
from medsegdl_training.train.loop import LOG, Run, Settings, train
from medsegdl_training.train.losses import LOSSES
from medsegdl_training.train.objectives import MeanTeacher, Progress, Supervised, ramp
from medsegdl_training.train.pretext import BLOCK, FillIn, Recognise, at_places, block_mask, contrast
from medsegdl_training.train.sampler import WithoutLabels
from medsegdl_training.train.supervision import Place, labelled_share, objective_of
from medsegdl_training.train.validation import validator
from medsegdl_training.transforms.augment import mirrored_only, recipe_for
from MedSegDLLib.network.inception_unet import PROFILES, InceptionUNet
from MedSegDLLib.network.weights import load_weights
from MedSegDLLib.tasks import NUCLEI
from Testing.core.tiny import tiny_network, tiny_weights
from Testing.training.made_up import Discs, write_pictures

RECIPE = recipe_for(NUCLEI)
SUPERVISED = Supervised(Discs(), RECIPE, LOSSES["dice-bce"])
TINY = ["--widths", "2", "2", "3", "--patch", "32", "32", "--batch", "2", "--threads", "1"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_pictures(tmp_path / "data", 4)


def run(command: str, folder: Path, out: Path, *more: str) -> int:
    return main([command, "--task", "nuclei", "--data", str(folder), "--out", str(out), "--steps", "2", *TINY, *more])


def settings_of(out: Path) -> dict:
    return json.loads((out / "settings.json").read_text(encoding="utf-8"))


def test_a_share_is_seeded_and_grows() -> None:
    names = [f"case{i}" for i in range(50)]
    few, more = labelled_share(names, 0.1, 1), labelled_share(names, 0.5, 1)
    assert len(few) == 5
    assert set(few) < set(more)
    assert few == labelled_share(names, 0.1, 1) != labelled_share(names, 0.1, 2)
    assert len(labelled_share(names, 0.001, 1)) == 1
    assert labelled_share(names, 1.0, 3) == names


def test_the_teachers_weight_rises_in_an_s() -> None:
    assert ramp(0.0) == pytest.approx(0.0067, abs=1e-4)
    assert ramp(0.2) == pytest.approx(0.2865, abs=1e-4)
    assert ramp(0.4) == ramp(1.0) == 1.0


def test_views_share_their_geometry_and_labels_of_the_unlabelled_do_not_matter() -> None:
    teacher = MeanTeacher(SUPERVISED, WithoutLabels(Discs()))
    still = replace(RECIPE, **{name: 0.0 for name in vars(RECIPE) if name.endswith("_share")})
    views = MeanTeacher(replace(SUPERVISED, recipe=replace(still, rotation_share=1.0)), Discs()).draw([1, 2, 3], "cpu")
    torch.testing.assert_close(views.weak, views.strong)
    first, second = (objective.draw([1, 2, 3], "cpu") for objective in (teacher, MeanTeacher(SUPERVISED, Discs())))
    assert torch.equal(first.strong, second.strong)
    assert not torch.equal(first.weak, first.strong)


def test_consistency_is_nothing_where_both_agree_and_counts_by_the_ramp() -> None:
    network = tiny_network(NUCLEI, 1)
    teacher = MeanTeacher(SUPERVISED, WithoutLabels(Discs()), weight=1.0)
    views = teacher.draw([4, 5], "cpu")
    alone = SUPERVISED.loss(network.supervised, network, views.labelled, Progress(0, 0.0))
    same = teacher.loss(network.supervised, network, replace(views, weak=views.strong), Progress(9, 1.0))
    torch.testing.assert_close(same, alone)
    late, early = (teacher.loss(network.supervised, network, views, Progress(0, spent)) - alone for spent in (1.0, 0.2))
    assert late > 0
    assert (early / late).item() == pytest.approx(ramp(0.2), rel=1e-2)


def test_the_student_learns_from_the_teacher_and_the_teacher_by_following_only() -> None:
    student, average = tiny_network(NUCLEI, 1).train().requires_grad_(True), tiny_network(NUCLEI, 2).requires_grad_(False)
    teacher = MeanTeacher(SUPERVISED, WithoutLabels(Discs()))
    views = teacher.draw([4, 5], "cpu")
    unlabelled = replace(views, labelled=replace(views.labelled, weight=torch.zeros_like(views.labelled.weight)))
    teacher.loss(student.supervised, average, unlabelled, Progress(0, 1.0)).backward()
    assert any(p.grad is not None and p.grad.any() for p in student.parameters())
    assert all(p.grad is None for p in average.parameters())


@pytest.mark.parametrize("shape", [(32, 40), (16, 16, 24)])
def test_masks_hide_whole_blocks(shape) -> None:
    mask = block_mask(shape, torch.Generator().manual_seed(0))
    assert mask.shape == (1, 1, *shape)
    assert 0.3 < mask.mean() < 0.9
    for axis in range(2, mask.ndim):
        places = mask.diff(dim=axis).nonzero()[:, axis] + 1
        assert len(places)
        assert not (places % BLOCK).any()


def test_what_is_hidden_is_not_seen_and_only_it_counts() -> None:
    objective = FillIn(Discs(), RECIPE)
    batch = objective.draw([1, 2], "cpu")
    hidden = batch.mask.expand_as(batch.seen).bool()
    for seen, mask in zip(batch.seen, hidden):
        assert seen[mask].std() < 1e-6
    right = objective.loss(lambda x: [torch.where(hidden, batch.whole, 99.0)], None, batch, Progress(0, 0))
    assert float(right) == 0
    assert float(objective.loss(lambda x: [torch.zeros_like(batch.whole)], None, batch, Progress(0, 0))) > 0.1


def test_contrast_is_low_where_places_are_known_again() -> None:
    places = torch.rand(2, 16, 2, generator=torch.Generator().manual_seed(0))
    level, other = (torch.randn(2, 8, 12, 12, generator=torch.Generator().manual_seed(seed)) for seed in (1, 2))
    assert contrast(level, level, places) < 1 < math.log(32) < contrast(level, other, places)  # the latter is what a guess costs
    rows = torch.arange(12.0)[None, None, :, None].expand(1, 1, 12, 10)
    found = at_places(rows, torch.tensor([[[0.0, 0.5], [0.999, 0.0], [0.26, 0.999]]]))
    assert found.flatten().tolist() == [0, 11, 3]


@pytest.mark.parametrize(("method", "outputs"), [(FillIn, 3), (Recognise, 16)])
def test_pretexts_are_learned(tmp_path: Path, method, outputs: int) -> None:
    settings = Settings(steps=60, batch=4, precision="float32", learning_rate=0.02, warm_up=5)
    torch.manual_seed(0)
    arch = replace(PROFILES["nuclei"], widths=(4, 4, 8), added_maps=2, out_channels=outputs, dropout=0.0)
    started = Run.start(InceptionUNet(arch), settings)
    train(started, method(Discs(), RECIPE), settings, tmp_path)
    losses = [json.loads(line)["loss"] for line in (tmp_path / LOG).read_text(encoding="utf-8").splitlines()]
    assert sum(losses[-10:]) < 0.9 * sum(losses[:10])


def test_labels_are_shared_out(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "few"
    assert run("run", folder, out, "--labels", "0.5", "--unlabelled", "--seed", "3") == 0
    names = [f"picture{i}" for i in range(4)]
    assert settings_of(out)["cases"] == labelled_share(names, 0.5, 3)
    assert settings_of(out)["unlabelled"] == "rest"
    assert main(["run", "--task", "nuclei", "--data", str(folder), "--out", str(out), "--resume", "--steps", "3", "--threads", "1"]) == 0
    assert settings_of(out)["cases"] == labelled_share(names, 0.5, 3)


def test_the_last_stretch_is_mirrored_only_and_in_shape(folder: Path, tmp_path: Path) -> None:
    assert run("run", folder, tmp_path / "out", "--augmentation", "mirror") == 0
    entry = settings_of(tmp_path / "out")
    assert entry["augmentation"] == "mirror"
    objective, sampler = objective_of(Place.of(NUCLEI, folder, entry, 1), entry, Settings(steps=1))
    assert objective.recipe == mirrored_only(recipe_for(NUCLEI)) and sampler.natural_share == 1.0


def scores(path: Path, dice: dict[str, float | None]) -> Path:
    cases = [{"name": name, "measures": {"Dice nucleus": value, "Kaggle precision": 0.1}} for name, value in dice.items()]
    path.write_text(json.dumps({"task": "nuclei", "protocol": "", "mean": {}, "cases": cases}), encoding="utf-8")
    return path


def test_what_is_done_badly_is_drawn_more_often(folder: Path, tmp_path: Path) -> None:
    file = scores(tmp_path / "scores.json", {"picture0": 0.95, "picture1": 0.75, "picture2": 0.0, "picture3": None})
    assert run("run", folder, tmp_path / "out", "--emphasis", str(file)) == 0
    entry = settings_of(tmp_path / "out")
    shares = entry["emphasis"]
    assert sum(shares.values()) == pytest.approx(4)
    assert shares["picture1"] / shares["picture0"] == pytest.approx(3)
    assert shares["picture2"] / shares["picture0"] == pytest.approx(3.5)  # what no network can do is held back
    assert shares["picture3"] / shares["picture0"] == pytest.approx(0.5)
    _, sampler = objective_of(Place.of(NUCLEI, folder, entry, 1), entry, Settings(steps=1))
    _, plain = objective_of(Place.of(NUCLEI, folder, entry, 1), {**entry, "emphasis": None}, Settings(steps=1))
    assert [float(b / a) for a, b in zip(plain._shares, sampler._shares)] == pytest.approx(list(shares.values()))


def test_scores_of_other_cases_are_refused(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    every = dict.fromkeys((f"picture{i}" for i in range(4)), 0.9)
    more, fewer = scores(tmp_path / "more.json", {**every, "test": 0.5}), scores(tmp_path / "fewer.json", {"picture0": 0.9})
    assert run("run", folder, tmp_path / "out", "--emphasis", str(more)) == 2
    assert "measures test, which is no training case" in capsys.readouterr().err
    assert run("run", folder, tmp_path / "out", "--emphasis", str(fewer)) == 2
    assert "does not measure picture1" in capsys.readouterr().err
    (tmp_path / "none.json").write_text("[]")
    assert run("run", folder, tmp_path / "out", "--emphasis", str(tmp_path / "none.json")) == 2
    assert "holds no scores" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_folder_of_pictures_without_labels_will_do(folder: Path, tmp_path: Path) -> None:
    assert run("run", folder, tmp_path / "run", "--unlabelled", str(folder / "images")) == 0
    (folder / "labels" / "picture0.png").unlink()
    assert run("pretrain", folder, tmp_path / "pre") == 0
    assert settings_of(tmp_path / "pre")["cases"] == [f"picture{i}" for i in range(4)]


@pytest.mark.parametrize("method", ["masked", "contrastive"])
def test_a_run_starts_from_pre_training(folder: Path, tmp_path: Path, method: str) -> None:
    before, after = tmp_path / "before", tmp_path / "after"
    assert run("pretrain", folder, before, "--method", method) == 0
    assert run("run", folder, after, "--init", str(before), "--rate", "1e-12") == 0
    first, second = (load_run(out)[0].average.state_dict() for out in (before, after))
    for name, tensor in second.items():
        if not name.startswith("segmenter.heads"):
            torch.testing.assert_close(tensor, first[name])
    made_by = settings_of(after)["command"].splitlines()
    assert [line.split()[1] for line in made_by] == ["pretrain", "run"]


def test_fine_tuning_goes_on_from_weights(folder: Path, tmp_path: Path) -> None:
    weights, out, tuned = tiny_weights(tmp_path, NUCLEI), tmp_path / "tuned", tmp_path / "out" / "nuclei.safetensors"
    options = ["--weights", str(weights), "--patch", "32", "32", "--batch", "2", "--threads", "1"]
    line = ["finetune", "--task", "nuclei", "--data", str(folder), "--out", str(out), "--steps", "2", *options]
    assert main([*line, "--rate", "1e-12"]) == 0
    assert main(["export", "--task", "nuclei", "--run", str(out), "--out", str(tuned)]) == 0
    given, made = (load_weights(path, NUCLEI) for path in (weights, tuned))
    for name, tensor in given.network.state_dict().items():
        torch.testing.assert_close(made.network.state_dict()[name], tensor, atol=1e-3, rtol=0)
    assert settings_of(out)["finetuned_from"] == given.manifest["sha256"]
    assert run("run", folder, tmp_path / "again", "--init", str(tuned)) == 0
    made_by = settings_of(tmp_path / "again")["command"].splitlines()
    assert [line.split()[1] for line in made_by] == ["finetune", "run"]


def test_weights_of_another_network_are_refused(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    weights = tiny_weights(tmp_path, NUCLEI)
    assert run("run", folder, tmp_path / "run", "--init", str(weights), "--widths", "4", "4", "6") == 2
    assert "of the network fits" in capsys.readouterr().err
    assert run("run", folder, tmp_path / "run", "--precision", "float16") == 2
    assert "needs a CUDA device" in capsys.readouterr().err
    assert run("run", folder, tmp_path / "run", "--validate-minutes", "1") == 3
    assert "nothing to validate on" in capsys.readouterr().err


def test_held_out_cases_are_measured(folder: Path, tmp_path: Path) -> None:
    assert run("run", folder, tmp_path / "run", "--holdout", "picture3", "--validate-minutes", "1e-9") == 0
    entries = [json.loads(line) for line in (tmp_path / "run" / LOG).read_text(encoding="utf-8").splitlines()]
    assert 0 <= entries[-1]["validation"] <= 1
    assert "picture3" not in settings_of(tmp_path / "run")["cases"]


def test_validation_is_dice() -> None:
    class Right(torch.nn.Module):
        arch = PROFILES["nuclei"]

        def supervised(self, x):
            return [60 * (x[:, :2] - 0.5)]

    measure = validator(Discs(), [0.5], "cpu")
    assert measure(Right()) == 1.0  # a disc is 0.8 above its ground
    wrong = Right()
    wrong.supervised = lambda x: [60 * (0.5 - x[:, :2])]
    assert measure(wrong) < 0.01


def test_a_plateau_ends_a_run(tmp_path: Path) -> None:
    settings = Settings(steps=50, batch=1, precision="float32", patience=4)
    started = Run.start(tiny_network(NUCLEI, seed=3), settings)
    measures = iter([0.5, 0.6, 0.6, 0.55, 0.6, 0.6, 0.6])
    fast = replace(settings, validate_minutes=1e-12)
    assert train(started, SUPERVISED, fast, tmp_path, validate=lambda network: next(measures)) == "plateau"
    assert started.step == 7  # measured from step 2 on; the best came at step 3
    assert started.plateau.best == pytest.approx(0.4)
