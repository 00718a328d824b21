"""Mistakes that the tests must notice: each is made in a copy of the tree, and the tests named beside it have to fail.

Run by hand, some minutes: `make mutants`, or `python Testing/mutants.py WORD ...` for those whose name holds a word.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
COPIED = ("MedSegDL", "training", "Testing", "bench", "pyproject.toml", "CMakeLists.txt", "MedSegDL.json", "MedSegDL.png", "Resources")
LIB, TRAINING = "MedSegDL/MedSegDLLib", "training/medsegdl_training"


@dataclass(frozen=True)
class Mutant:
    """One mistake.

    Attributes:
        name: what it would mean to a user.
        file: where it is made.
        right, wrong: text that stands once in the file, and what takes its place.
        tests: files or folders that must fail.
    """

    name: str
    file: str
    right: str
    wrong: str
    tests: tuple[str, ...]


MUTANTS = (
    Mutant(
        "images are not brought to one grid",
        f"{LIB}/geometry/align.py",
        "if image is not None and not image.grid.same_as(grid):",
        "if image is not None and image.array.shape[:3] != grid.shape:",
        ("Testing/core/geometry", "Testing/core/test_pipeline.py"),
    ),
    Mutant(
        "another grid is filled with 0 whatever the background is",
        f"{LIB}/geometry/align.py",
        "return image if nothing == 0 else image.with_array(image.array.astype(np.float32) - np.float32(nothing))",
        "return image",
        ("Testing/core/geometry", "Testing/core/test_pipeline.py", "Testing/core/preprocess"),
    ),
    Mutant(
        "regions may leave the foreground",
        f"{LIB}/pipeline.py",
        "known = Known(ready.foreground, aligned.volumes[aligned.reference])",
        "known = Known(None, aligned.volumes[aligned.reference])",
        ("Testing/core/test_pipeline.py", "Testing/core/test_pipeline_wiring.py"),
    ),
    Mutant(
        "the foreground is not looked at when a region is restored",
        f"{LIB}/postprocess/restore.py",
        "limit = known.foreground if region.inside is None else masks[region.inside]",
        "limit = None if region.inside is None else masks[region.inside]",
        ("Testing/core/postprocess/test_restore.py",),
    ),
    Mutant(
        "regions need not lie inside one another",
        f"{LIB}/postprocess/restore.py",
        "limit = known.foreground if region.inside is None else masks[region.inside]",
        "limit = known.foreground",
        ("Testing/core/postprocess/test_restore.py",),
    ),
    Mutant(
        "the uncertainty counts outputs that are no regions",
        f"{LIB}/pipeline.py",
        "result.uncertainty = entropy(probabilities[: len(task.regions)], ready.prepared.grid, ready.aligned.grid)",
        "result.uncertainty = entropy(probabilities, ready.prepared.grid, ready.aligned.grid)",
        ("Testing/core/test_pipeline.py", "Testing/core/test_pipeline_wiring.py"),
    ),
    Mutant(
        "the statistics of a slab stand for those of the whole",
        f"{LIB}/network/slabs.py",
        "torch.tensor(self._voxels, dtype=torch.float64).div_(sum(self._voxels))",
        "torch.tensor([0.0] * (len(self._voxels) - 1) + [1.0], dtype=torch.float64)",
        ("Testing/core/network",),
    ),
    Mutant(
        "an enhancing tumour without T1ce",
        f"{LIB}/pipeline.py",
        "masks |= {key: np.zeros_like(masks[key]) for key in left_out(",
        "_ = {key: np.zeros_like(masks[key]) for key in left_out(",
        ("Testing/core/test_pipeline.py", "Testing/core/postprocess"),
    ),
    Mutant(
        "T1 and FLAIR exchanged without a word",
        f"{LIB}/checks/inputs.py",
        "    if against:\n        title, reason = against",
        "    if False:\n        title, reason = against",
        ("Testing/core/checks",),
    ),
    Mutant(
        "volumes in the wrong unit",
        f"{LIB}/result.py",
        "MM3_PER_ML = 1000.0",
        "MM3_PER_ML = 100.0",
        ("Testing/core/metrics", "Testing/core/test_pipeline.py"),
    ),
    Mutant(
        "left and right exchanged on the way to the file",
        f"{LIB}/io/nifti.py",
        "*affine[:3].ravel(),",
        "*(affine[:3] * [[-1], [1], [1]]).ravel(),",
        ("Testing/core/io",),
    ),
    Mutant(
        "weights of another file pass",
        f"{LIB}/network/weights.py",
        "if hashlib.sha256(content).hexdigest() != sha256:",
        "if not sha256:",
        ("Testing/core/network/test_weights.py",),
    ),
    Mutant(
        "N4 leaves the field in",
        f"{LIB}/preprocess/n4.py",
        "bspline.stack(planes, rows[0][part])[0].neg_().exp_()",
        "bspline.stack(planes, rows[0][part])[0].exp_()",
        ("Testing/core/preprocess", "Testing/judges"),
    ),
    Mutant(
        "tiles of an imported network count alike from middle to edge",
        f"{LIB}/network/tiles.py",
        "weight = weight[..., None] * line\n    coarse",
        "weight = weight[..., None] * line.clamp(min=1.0)\n    coarse",
        ("Testing/core/network", "Testing/judges/test_nnunet_against_itself.py"),
    ),
    Mutant(
        "tiles of an imported network do not overlap",
        f"{LIB}/network/tiles.py",
        "count = math.ceil((side - tile) / (tile * step)) + 1",
        "count = math.ceil((side - tile) / tile) + 1",
        ("Testing/core/network", "Testing/judges/test_nnunet_against_itself.py"),
    ),
    Mutant(
        "validation reads cases that are trained on",
        f"{TRAINING}/train/supervision.py",
        "selection = place.selection.held_out() if folder is None else Selection(folder)",
        "selection = Selection(place.selection.data) if folder is None else Selection(folder)",
        ("Testing/training/test_supervision.py",),
    ),
    Mutant(
        "a patient may be trained on and validated on",
        f"{TRAINING}/cases/selection.py",
        "return set(first & second)",
        "return set()",
        ("Testing/training/test_patients.py", "Testing/training/test_supervision.py"),
    ),
    Mutant(
        "the tumour's shape of a patient who is held out",
        f"{TRAINING}/train/brain_sampler.py",
        "selection.of(tumour_shapes(data))",
        "tumour_shapes(data)",
        ("Testing/training/test_brain.py", "Testing/training/test_patients.py"),
    ),
    Mutant(
        "the lesion's image of a patient who is held out",
        f"{TRAINING}/train/brain_sampler.py",
        "selection.of(find_lesions(data))",
        "find_lesions(data)",
        ("Testing/training/test_lesions.py",),
    ),
    Mutant(
        "the liver's shape of a patient who is held out",
        f"{TRAINING}/train/liver_sampler.py",
        "found = selection.of(find_files(selection.data))",
        "found = find_files(selection.data)",
        ("Testing/training/test_liver.py", "Testing/training/test_patients.py"),
    ),
    Mutant(
        "blocks of voxels lie elsewhere than what they hold",
        f"{LIB}/geometry/resample.py",
        "scale = np.diag([*map(float, steps[::-1]), 1.0])",
        "scale = np.diag([*map(float, steps), 1.0])",
        ("Testing/core/geometry/test_resample.py",),
    ),
    Mutant(
        "a background is judged by four faces of six",
        f"{LIB}/geometry/background.py",
        "for axis in range(3) for index in (0, -1)",
        "for axis in range(2) for index in (0, -1)",
        ("Testing/core/geometry/test_align.py",),
    ),
    Mutant(
        "what is left out of a region is told in voxels, not in mm3",
        f"{LIB}/postprocess/restore.py",
        "float(counts[small].sum() * voxel_volume_mm3)",
        "float(counts[small].sum())",
        ("Testing/core/postprocess/test_restore.py",),
    ),
    Mutant(
        "the smoothing before edges takes the sides of voxels in the wrong order",
        f"{LIB}/postprocess/edges.py",
        "sigmas = [SMOOTHING_MM / side for side in image.grid.spacing_mm[::-1]]",
        "sigmas = [SMOOTHING_MM / side for side in image.grid.spacing_mm]",
        ("Testing/judges/test_edges_against_scipy.py",),
    ),
    Mutant(
        "parts that share a corner are counted apart",
        f"{LIB}/metrics/size.py",
        "(mask[box] != 0).astype(np.uint8)), True)",
        "(mask[box] != 0).astype(np.uint8)), False)",
        ("Testing/core/metrics/test_size.py",),
    ),
    Mutant(
        "a lesion is measured as if rows and columns stood at right angles",
        f"{LIB}/metrics/diameters.py",
        "lean = columns @ rows / along",
        "lean = 0.0",
        ("Testing/core/metrics/test_diameters.py",),
    ),
    Mutant(
        "a region that the labels do not know is everything",
        f"{LIB}/metrics/labels.py",
        "key: tuple(sorted(values)) or (-1,)",
        "key: tuple(sorted(values))",
        ("Testing/core/metrics/test_labels.py",),
    ),
    Mutant(
        "a narrow lesion is a target",
        f"{LIB}/followup/response.py",
        "return min(lesion.longest_mm, across) >= criteria.smallest_mm",
        "return max(lesion.longest_mm, across) >= criteria.smallest_mm",
        ("Testing/core/followup",),
    ),
    Mutant(
        "a lesion three slices off is the same",
        f"{LIB}/followup/matching.py",
        "round(TOLERANCE_MM / side)) for side in grid.spacing_mm]",
        "round(TOLERANCE_MM / side)) for side in grid.spacing_mm[::-1]]",
        ("Testing/core/followup",),
    ),
    Mutant(
        "what lies beyond an image's grid counts as shown",
        f"{LIB}/checks/coverage.py",
        "values[((ijk < 0) | (ijk > last)).any(axis=1)] = np.nan",
        "values[((ijk < 0) | (ijk > last)).all(axis=1)] = np.nan",
        ("Testing/core/checks/test_contrasts.py",),
    ),
    Mutant(
        "a mirrored image is looked for about the middle of the grid",
        f"{LIB}/checks/contrasts.py",
        "middle = np.nonzero(np.isfinite(rank))[0].mean()",
        "middle = (rank.shape[0] - 1) / 2",
        ("Testing/core/checks/test_contrasts.py",),
    ),
    Mutant(
        "overlays in spare bits are read as intensities",
        f"{LIB}/dicom/pixels.py",
        "return (native << (form.allocated - 1 - form.high)) >> (form.allocated - form.stored)",
        "return native & ((1 << form.stored) - 1)",
        ("Testing/core/dicom/test_refusals.py",),
    ),
    Mutant(
        "padding takes tissue with it",
        f"{LIB}/dicom/pixels.py",
        "padding = (values >= ends[0]) & (values <= ends[1]) & (values < AIR_HU)",
        "padding = (values >= ends[0]) & (values <= ends[1])",
        ("Testing/core/dicom/test_refusals.py",),
    ),
    Mutant(
        "a negative slope runs over 16 bits",
        f"{LIB}/dicom/pixels.py",
        "ends = sorted(int(end) * slope + intercept for end in (volume.min(), volume.max()))",
        "ends = [int(end) * slope + intercept for end in (volume.min(), volume.max())]",
        ("Testing/core/dicom/test_refusals.py",),
    ),
    Mutant(
        "rounded positions add up along a series",
        f"{LIB}/dicom/series.py",
        "step_mm = float((heights[-1] - heights[0]) / places[-1])",
        "step_mm = usual",
        ("Testing/core/dicom/test_refusals.py",),
    ),
    Mutant(
        "two phases a minute apart are one acquisition",
        f"{LIB}/dicom/series.py",
        "int(text[2:4]) * 60",
        "int(text[2:4])",
        ("Testing/core/dicom/test_refusals.py",),
    ),
)


def main(words: list[str]) -> int:
    """Try the mutants whose name holds one of the words, or all; 1 if a single one lives."""
    chosen = [mutant for mutant in MUTANTS if not words or any(word in mutant.name for word in words)]
    alive = [mutant.name for mutant in chosen if not _killed(mutant)]
    print(f"{len(chosen) - len(alive)} of {len(chosen)} killed")
    return 1 if alive else 0


def _killed(mutant: Mutant) -> bool:
    with tempfile.TemporaryDirectory(prefix="medsegdl-mutant-") as folder:
        copy = Path(folder)
        for name in COPIED:
            source = ROOT / name
            (shutil.copytree if source.is_dir() else shutil.copy)(source, copy / name)
        path = copy / mutant.file
        text = path.read_text(encoding="utf-8")
        if text.count(mutant.right) != 1 or mutant.right == mutant.wrong:
            raise SystemExit(f"{mutant.name}: the text to change does not stand once in {mutant.file}")
        path.write_text(text.replace(mutant.right, mutant.wrong), encoding="utf-8")
        done = _tests(copy, mutant.tests)
    failed = done.returncode == 1
    print(f"{'killed' if failed else 'ALIVE '}  {mutant.name}  ({_by(done.stdout)})", flush=True)
    return failed


def _by(output: str) -> str:
    """The test that failed, or pytest's closing line."""
    lines = output.strip().splitlines() or ["no output"]
    return next((line.split(" - ")[0] for line in lines if line.startswith(("FAILED ", "ERROR "))), lines[-1]).removeprefix("FAILED ")


def _tests(copy: Path, tests: tuple[str, ...]) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(copy / "MedSegDL"), str(copy / "training"), str(copy)])}
    environment |= {"QT_QPA_PLATFORM": "offscreen", "MEDSEGDL_DATA": os.environ.get("MEDSEGDL_DATA", str(ROOT.parent / "shared" / "data"))}
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *tests]
    return subprocess.run(command, cwd=copy, env=environment, capture_output=True, text=True, check=False)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
