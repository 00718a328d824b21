"""The loop: it learns, resumes bit by bit, keeps its budget, and a SIGTERM leaves a whole checkpoint."""

from __future__ import annotations

import json
import os
import signal
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from medsegdl_training.train.dropout import SampleDropout, SampleSeeds, seed_by_sample, uniform
from medsegdl_training.train.loop import CHECKPOINT, LOG, Run, Settings, follow, train
from medsegdl_training.train.losses import LOSSES
from medsegdl_training.train.objectives import Supervised
from medsegdl_training.train.state import trim_log
from medsegdl_training.transforms.augment import recipe_for
from MedSegDLLib.tasks import NUCLEI
from Testing.core.tiny import tiny_network
from Testing.training.made_up import Discs

RECIPE = recipe_for(NUCLEI)
OBJECTIVE = Supervised(Discs(), RECIPE, LOSSES["dice-bce"])
SETTINGS = Settings(steps=6, batch=2, precision="float32", warm_up=2)


def fresh(settings: Settings = SETTINGS) -> Run:
    return Run.start(tiny_network(NUCLEI, seed=3), settings)


def losses(folder: Path) -> list[float]:
    return [json.loads(line)["loss"] for line in (folder / LOG).read_text(encoding="utf-8").splitlines()]


def equal(one: torch.nn.Module, other: torch.nn.Module) -> bool:
    return all(torch.equal(a, b) for a, b in zip(one.state_dict().values(), other.state_dict().values()))


def test_it_learns_to_see_discs(tmp_path: Path) -> None:
    settings = replace(SETTINGS, steps=80, batch=4, learning_rate=0.03, average=0.9)
    run = fresh(settings)
    assert train(run, OBJECTIVE, settings, tmp_path) == "done"
    seen = losses(tmp_path)
    assert sum(seen[-10:]) < 0.6 * sum(seen[:10])
    batch = Discs().draw(torch.Generator().manual_seed(9), 8)
    with torch.no_grad():
        found, true = run.average(batch.x)[:, 0] > 0, batch.y[:, 0] > 0
    dice = 2 * (found & true).sum() / (found.sum() + true.sum())
    assert dice > 0.8


def test_stopping_and_going_on_is_the_same_as_never_stopping(tmp_path: Path) -> None:
    straight, parts = tmp_path / "straight", tmp_path / "parts"
    straight.mkdir()
    parts.mkdir()
    whole = fresh()
    train(whole, OBJECTIVE, SETTINGS, straight)

    first = fresh()
    first_report = stop_after(3)
    assert train(first, OBJECTIVE, SETTINGS, parts, first_report) == "stopped"
    assert first.step == 4  # the step under way is finished
    torch.manual_seed(12345)  # another process would not have this one's random state
    second = fresh()
    second.load(parts / CHECKPOINT)
    assert train(second, OBJECTIVE, SETTINGS, parts) == "done"

    assert losses(parts) == losses(straight)
    assert equal(second.network, whole.network)
    assert equal(second.average, whole.average)
    assert not equal(second.network, second.average)


def stop_after(step: int):
    """A listener that sends this very process a SIGTERM after so many steps, as a batch system does."""

    def told(entry: dict) -> None:
        if entry["step"] == step:
            os.kill(os.getpid(), signal.SIGTERM)

    return told


def test_a_signal_leaves_a_whole_checkpoint_and_the_handlers_as_they_were(tmp_path: Path) -> None:
    before = signal.getsignal(signal.SIGTERM)
    run = fresh()
    assert train(run, OBJECTIVE, SETTINGS, tmp_path, stop_after(2)) == "stopped"
    assert signal.getsignal(signal.SIGTERM) is before
    again = fresh()
    again.load(tmp_path / CHECKPOINT)
    assert again.step == 3
    assert equal(again.network, run.network)
    assert sorted(path.name for path in tmp_path.iterdir()) == [CHECKPOINT, LOG]


def test_the_checkpoint_before_survives_a_failed_save(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = fresh()
    run.save(tmp_path / CHECKPOINT)

    def full(state: object, path: Path) -> None:
        path.write_bytes(b"half")
        raise RuntimeError("no room")

    monkeypatch.setattr(torch, "save", full)
    with pytest.raises(RuntimeError):
        run.save(tmp_path / CHECKPOINT)
    monkeypatch.undo()
    fresh().load(tmp_path / CHECKPOINT)
    assert [path.name for path in tmp_path.iterdir()] == [CHECKPOINT]


def test_a_checkpoint_runs_no_code(tmp_path: Path) -> None:
    class Payload:
        def __reduce__(self):
            return (os.mkdir, (str(tmp_path / "executed"),))

    torch.save({"network": Payload()}, tmp_path / CHECKPOINT)
    with pytest.raises(Exception, match=r"[Ww]eights.only"):
        fresh().load(tmp_path / CHECKPOINT)
    assert not (tmp_path / "executed").exists()


def test_a_checkpoint_of_the_first_version_still_loads(tmp_path: Path) -> None:
    run = fresh()
    train(run, OBJECTIVE, SETTINGS, tmp_path)
    state = torch.load(tmp_path / CHECKPOINT, weights_only=True)
    torch.save({name: part for name, part in state.items() if name not in ("scaler", "plateau")}, tmp_path / CHECKPOINT)
    again = fresh()
    again.load(tmp_path / CHECKPOINT)
    assert equal(again.average, run.average)
    assert train(again, OBJECTIVE, replace(SETTINGS, steps=8), tmp_path) == "done"
    assert again.step == 8


@pytest.mark.parametrize("optimiser", ["adamw", "sgd"])
@pytest.mark.parametrize("schedule", ["cosine", "poly"])
def test_every_optimiser_and_schedule_learns(tmp_path: Path, optimiser: str, schedule: str) -> None:
    rate = 0.03 if optimiser == "adamw" else 0.01
    settings = replace(SETTINGS, steps=50, batch=4, learning_rate=rate, optimiser=optimiser, schedule=schedule)
    train(fresh(settings), OBJECTIVE, settings, tmp_path)
    assert sum(losses(tmp_path)[-10:]) < 0.8 * sum(losses(tmp_path)[:10])


def test_a_poly_rate_falls_as_nnu_nets(tmp_path: Path) -> None:
    settings = Settings(steps=100, warm_up=1, learning_rate=1.0, schedule="poly")
    assert settings.rate(50, 0) == pytest.approx(0.5**0.9)
    assert settings.rate(100, 0) == 0


def test_a_killed_runs_log_is_cut_back_to_its_checkpoint(tmp_path: Path) -> None:
    log = tmp_path / LOG
    log.write_text('{"step": 1}\n{"step": 2}\n{"step": 3}\n{"ste')
    trim_log(log, 2)
    assert log.read_text(encoding="utf-8") == '{"step": 1}\n{"step": 2}\n'
    trim_log(tmp_path / "none", 2)
    assert not (tmp_path / "none").exists()


def test_a_batch_that_is_not_finite_changes_nothing(tmp_path: Path) -> None:
    class Broken(Discs):
        def draw(self, generator, batch):
            drawn = super().draw(generator, batch)
            return replace(drawn, y=drawn.y, x=drawn.x * float("nan"))

    run = fresh()
    before = [value.clone() for value in run.network.state_dict().values()]
    train(run, replace(OBJECTIVE, sampler=Broken(), recipe=replace(RECIPE, bounds=None)), replace(SETTINGS, steps=1), tmp_path)
    assert all(torch.equal(a, b) for a, b in zip(before, run.network.state_dict().values()))


def test_the_rate_warms_up_and_falls_to_nothing_at_the_nearer_budget() -> None:
    settings = Settings(steps=100, minutes=10, warm_up=10, learning_rate=1.0)
    assert settings.rate(0, 0) == pytest.approx(0.1)
    assert settings.rate(9, 0) == pytest.approx(1.0, abs=0.03)
    assert settings.rate(50, 0) == pytest.approx(0.5)
    assert settings.rate(50, 600) == 0  # the time is over
    assert settings.rate(100, 0) == 0
    assert settings.spent(20, 300) == 0.5


def test_settings_that_make_no_sense() -> None:
    with pytest.raises(ValueError, match="budget"):
        Settings()
    with pytest.raises(ValueError, match="precision"):
        Settings(steps=1, precision="float8")


def test_time_ends_a_run(tmp_path: Path) -> None:
    run = fresh()
    assert train(run, OBJECTIVE, replace(SETTINGS, steps=None, minutes=0.01), tmp_path) == "done"
    assert run.step >= 1
    assert run.seconds >= 0.6


def test_the_average_follows() -> None:
    one, other = tiny_network(NUCLEI, 0), tiny_network(NUCLEI, 1)
    follow(one, other, 0.9, step=0)  # early on: decay 0.1
    follow(other, other, 0.9, step=0)
    start, target = tiny_network(NUCLEI, 0).state_dict(), other.state_dict()
    for key, value in one.state_dict().items():
        torch.testing.assert_close(value, 0.1 * start[key] + 0.9 * target[key])


def test_three_dimensions_go_the_same_way(tmp_path: Path) -> None:
    from medsegdl_training.train.sampler import Batch
    from MedSegDLLib.tasks import BRAIN

    class Balls(Discs):
        def draw(self, generator, batch):
            x = torch.randn(batch, 4, 8, 8, 8, generator=generator)
            y = (x[:, :3] > 0).float()
            return Batch(x, y, torch.tensor([[1.0, 1.0, 0.0]]).expand(batch, 3))

    settings = replace(SETTINGS, steps=2, precision="bfloat16")
    run = Run.start(tiny_network(BRAIN), settings)
    assert train(run, Supervised(Balls(), recipe_for(BRAIN), LOSSES["paper"]), settings, tmp_path) == "done"
    assert all(loss == loss for loss in losses(tmp_path))


def test_a_compiled_forward_pass_gives_the_same_losses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    compiled = torch.compile
    monkeypatch.setattr(
        torch, "compile", lambda module: compiled(module, backend="aot_eager")
    )  # traced as ever, but without a C++ compiler
    for name in ("plain", "compiled"):
        (tmp_path / name).mkdir()
        settings = replace(SETTINGS, steps=2, compile=name == "compiled")
        torch.manual_seed(0)
        network = tiny_network(NUCLEI, seed=3)  # with dropout: its masks follow the samples' seeds, compiled or not
        train(Run.start(network, settings), OBJECTIVE, settings, tmp_path / name)
    assert losses(tmp_path / "compiled") == pytest.approx(losses(tmp_path / "plain"), rel=1e-4)


def test_dropout_follows_the_samples_not_their_order_in_a_batch() -> None:
    network = torch.nn.Sequential(torch.nn.Conv2d(3, 64, 1), torch.nn.Dropout2d(0.4), torch.nn.Conv2d(64, 2, 1)).train()
    masks = seed_by_sample(network, "cpu")
    x = torch.rand(4, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    masks.follow([11, 12, 13, 14])
    whole = network(x)
    masks.follow([13, 11])
    torch.testing.assert_close(network(x[[2, 0]]), whole[[2, 0]])
    masks.follow([11, 12])
    twice = network(torch.cat([x[:2], x[:2]]))  # two views of the same samples: other masks
    torch.testing.assert_close(twice[:2], whole[:2])
    assert not torch.allclose(twice[2:], whole[:2])
    masks.follow([21, 22, 23, 24])
    assert not torch.allclose(network(x), whole)
    assert torch.equal(network.eval()(x), network(x))


def test_dropout_drops_as_often_as_it_says_and_independently() -> None:
    drawn = uniform(torch.randint(2**62, (400,), generator=torch.Generator().manual_seed(1)), 3, (400, 96))
    assert float(drawn.min()) >= 0 and float(drawn.max()) < 1
    kept = (drawn >= 0.3).double()
    assert float(kept.mean()) == pytest.approx(0.7, abs=0.01)
    for axis in (0, 1):
        assert float(kept.mean(axis).std()) == pytest.approx((0.21 / kept.shape[axis]) ** 0.5, rel=0.25)
    assert float(torch.corrcoef(kept.T).fill_diagonal_(0).abs().max()) < 0.25
    other = uniform(torch.randint(2**62, (400,), generator=torch.Generator().manual_seed(1)), 4, (400, 96))
    assert abs(float(torch.corrcoef(torch.stack([drawn.flatten(), other.flatten()]))[0, 1])) < 0.02


def test_dropout_keeps_the_mean() -> None:
    layer = SampleDropout(0.25, 0, SampleSeeds("cpu")).train()
    layer.seeds.follow(range(300))
    out = layer(torch.ones(300, 40, 2, 2, 2))
    assert float(out.mean()) == pytest.approx(1.0, abs=0.02)
    assert sorted(out.unique().tolist()) == pytest.approx([0.0, 4 / 3])
    assert bool((out.flatten(2).std(2) == 0).all())  # whole channels
