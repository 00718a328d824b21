"""Markdown tables from the pieces' answers. Numbers in, text out."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

Answers = dict[str, dict]


def table(title: str, heads: Sequence[str], rows: Sequence[Sequence[str]], note: str = "") -> str:
    """A section with one table; empty where there are no rows."""
    if not rows:
        return ""
    lines = [f"| {' | '.join(cells)} |" for cells in (heads, ["---"] * len(heads), *rows)]
    return "\n".join([f"## {title}", "", *([note, ""] if note else []), *lines])


def failures(failed: dict[str, str]) -> str:
    """What could not be measured, plainly."""
    return table("Not measured", ["piece", "why"], [[name, why.replace("|", "/")] for name, why in failed.items()])


def phases(answers: Answers) -> str:
    """Seconds and memory by phase."""
    parts = []
    for name, title in (
        ("phases-brain", "Brain case by phase"),
        ("phases-head", "Head from the scanner by phase"),
        ("phases-liver", "CT by phase"),
    ):
        if name not in answers:
            continue
        case = answers[name]
        rows = [
            [_phase(phase), f"{case['first_s'][phase]:.2f}", f"{seconds:.2f}", _mb(case["peak_mb"][phase])]
            for phase, seconds in case["later_s"].items()
        ]
        total = [sum(case[key].values()) for key in ("first_s", "later_s")]
        rows.append(["**all**", f"**{total[0]:.2f}**", f"**{total[1]:.2f}**", f"**{_mb(case['highest_mb'])}**"])
        note = (
            f"{case['input']}; {case['threads']} threads, strategy '{case['strategy']}'. From arrays to masks: "
            f"**{case['arrays_to_masks_s']:.1f} s** (median of {max(case['runs'] - 1, 1)} later runs)."
        )
        if name == "phases-head" and "phases-brain" in answers:
            share = sum(case["later_s"].values()) / sum(answers["phases-brain"]["later_s"].values())
            note += f" File to file it takes **{share:.1f} times** as long as the prepared case."
        parts.append(table(title, ["phase", "first, s", "later, s", "peak of the process, MiB"], rows, note))
    return "\n\n".join(parts)


def _phase(name: str) -> str:
    return "N4" if name == "bias correction" else name


def _mb(value: float | None) -> str:
    return "-" if not value else f"{value:.0f}"


def worker(answers: Answers) -> str:
    """From click to segments."""
    if "worker" not in answers:
        return ""
    found = answers["worker"]
    rows = [
        ["panel opened and clicked at once", f"{found['click_at_once_s']:.1f}"],
        ["worker ready after the panel opened (hidden)", f"{found['ready_s']:.1f}"],
        ["worker warm after the panel opened (hidden)", f"{found['warm_s']:.1f}"],
        ["click to segments, first case, warm", f"{found['first_case_s']:.1f}"],
        ["click to segments, later case", f"{found['later_case_s']:.1f}"],
    ]
    return table("Through the worker", ["brain case, four volumes, CPU", "seconds"], rows)


def bias(answers: Answers) -> str:
    """N4 and its peers."""
    found = [row for name in ("n4-simpleitk", "n4-ants") if name in answers for row in answers[name]["rows"]]
    rows = [
        [
            row["peer"],
            str(row["shrink"]),
            "+".join(map(str, row["iterations"])),
            str(row["volumes"]),
            str(row["threads"]),
            f"{row['peer_s']:.1f}",
            f"{row['ours_s']:.2f}",
            f"**{row['peer_s'] / row['ours_s']:.0f}x**",
            "-" if row["rms"] is None else f"{row['rms']:.0e}",
        ]
        for row in found
    ]
    heads = [
        "peer",
        "shrink",
        "iterations",
        "volumes",
        "threads",
        "peer, s",
        "ours, s",
        "ratio",
        "difference of log fields, rms",
    ]
    return table("N4 at equal iterations", heads, rows, "From array to full-size field and corrected volume; ours: median of 3 runs.")


def networks(answers: Answers) -> str:
    """Whole-case predictors."""
    rows = []
    if "monai" in answers:
        rows.append(_network_row(answers["monai"], answers["monai"]["ours_s"], "the same, without N4"))
    if "nnunet" in answers and "phases-brain" in answers:
        rows.append(_network_row(answers["nnunet"], answers["phases-brain"]["arrays_to_masks_s"], "arrays to masks, with N4"))
    heads = [
        "peer",
        "weights",
        "peer's grid, passes",
        "our grid, passes",
        "peer, s",
        "ours, s",
        "ratio",
        "peer's peak, MiB",
        "peer's clock",
        "ours",
    ]
    note = (
        "Whole cases as each works by default: other grids, passes and weights, so the ratios are of a user's wait, not of the networks "
        "(those stand in the next table). Peers with random weights: speed does not depend on them."
    )
    return table("Predictors on the same four volumes", heads, rows, note)


def equal_grid(answers: Answers) -> str:
    """The networks alone, on the same tensor."""
    found = answers.get("equal-grid", {"rows": []})["rows"]
    ours = {row["grid"]: row["seconds"] for row in found if row["network"].startswith("ours")}
    rows = [
        [
            row["grid"],
            " x ".join(map(str, row["shape"])),
            row["network"],
            f"{row['seconds']:.2f}",
            f"{row['seconds'] / ours[row['grid']]:.2f}",
        ]
        for row in found
    ]
    heads = ["grid", "voxels", "network, weights", "one pass, s", "of ours"]
    return table(
        "Networks at equal grid and passes", heads, rows, "One forward pass over the same tensor, no mirroring; the second of two."
    )


def _network_row(found: dict, ours_s: float, what: str) -> list[str]:
    return [
        found["peer"],
        f"{found['peer_parameters'] / 1e6:.1f} M",
        found["peer_grid"],
        found["ours_grid"],
        f"{found['peer_s']:.1f}",
        f"{ours_s:.1f}",
        f"**{found['peer_s'] / ours_s:.1f}x**",
        _mb(found["peer_peak_mb"]),
        found["note"],
        what,
    ]


def bias_threads(answers: Answers) -> str:
    """N4 of four volumes: how many at a time, on how many threads each."""
    if "n4-threads" not in answers:
        return ""
    found = answers["n4-threads"]
    rows = [[row["what"], f"{row['seconds']:.2f}", f"{row['cpu_s']:.2f}", f"{row['difference']:.0e}"] for row in found["rows"]]
    heads = ["how", "seconds", "seconds of processor time", "greatest difference of the lattices"]
    return table("N4 of four volumes on this machine", heads, rows, f"Estimate only, medians of {found['runs']}; the first is what runs.")


def compiled(answers: Answers) -> str:
    """What compiling the network costs and brings."""
    if "compiled" not in answers:
        return ""
    found = answers["compiled"]
    rows = [[row["what"], f"{row['first_s']:.1f}", f"{row['later_s']:.2f}", f"{row['difference']:.0e}"] for row in found["rows"]]
    heads = ["the brain's network", "first pass, s", "later, s", "greatest difference of the logits"]
    side = "x".join(map(str, found["tile"]))
    return table("Would torch.compile pay for its start?", heads, rows, f"One volume of {side}; later: median of {found['runs']}.")


def disk(answers: Answers) -> str:
    """Compression and threads of reading and writing."""
    if "disk" not in answers:
        return ""
    found = answers["disk"]
    levels = [
        [
            f"**{row['level']}**" if row["chosen"] else str(row["level"]),
            f"{row['mask_s']:.2f}",
            f"{row['mask_bytes'] / 1000:.0f}",
            f"{row['segmentation_s']:.2f}",
            f"{row['segmentation_bytes'] / 1000:.0f}",
        ]
        for row in found["levels"]
    ]
    heads = ["gzip level", "one mask .nii.gz, s", "kB", "two regions .seg.nrrd, s", "kB"]
    works = [[row["what"], f"{row['one_s']:.2f}", f"{row['all_s']:.2f}"] for row in found["threads"]]
    return "\n\n".join(
        [
            table("Compression", heads, levels, f"Made-up regions of 512x512x{found['slices']}; the level in use is bold."),
            table("Reading and writing side by side", ["what", "one thread, s", f"{found['cores']} threads, s"], works),
        ]
    )


def memory(answers: Answers) -> str:
    """The estimate against the measurement."""
    if "memory" not in answers:
        return ""
    rows = []
    for row in [*answers["memory"]["rows"], *answers["memory"]["cases"]]:
        ratio = f"{row['estimated_mb'] / row['measured_mb']:.2f}" if row["estimated_mb"] and row["measured_mb"] else "-"
        phase = _phase(row["peak_phase"]) if "peak_phase" in row else "-"
        rows.append([row["what"], _mb(row["estimated_mb"]), _mb(row["measured_mb"]), ratio, phase, row.get("strategy", "-")])
    note = "Networks: what a pass adds. Cases: the highest peak of the process, foretold before the run, and its phase."
    return table("Memory", ["what", "estimated, MiB", "measured, MiB", "ratio", "phase of the peak", "strategy"], rows, note)


def truth(answers: Answers) -> str:
    """Bias correction against known fields."""
    if "bias-truth" not in answers:
        return ""
    found = answers["bias-truth"]
    rows = [
        [
            row["candidate"],
            f"{row['error_rms']:.4f}",
            f"{row['found_without_rms']:.3f}",
            f"{row['white_cv_after']:.4f}",
            f"{row['white_cv_biased_after']:.4f}",
            f"{row['tumour_contrast_kept']:.0%}" if "tumour_contrast_kept" in row else "-",
        ]
        for row in found["rows"]
    ]
    first = found["rows"][0]
    note = (
        f"Means over {', '.join(found['subjects'])}. A known log field of rms {first['known_rms']:.3f} was put on each. White "
        f"matter varies by {first['white_cv_before']:.4f} as it came, {first['white_cv_biased']:.4f} with the field. Error: rms of "
        "(field found with it, less field found without, less the field). Contrast: log of tumour over white matter, after over before."
    )
    heads = ["method", "error", "field found without", "variation after", "variation after, known field on", "tumour contrast kept"]
    return table("N4 against known fields on real heads", heads, rows, note)


def scaling(answers: Answers) -> str:
    """Network and restore as the image grows."""
    rows = []
    for name, unit in (("scaling-brain", "{0}x{0}x{0}, four volumes"), ("scaling-liver", "512x512x{0}")):
        for point in answers.get(name, {"points": []})["points"]:
            seconds = point["seconds"]
            shown = [f"{seconds.get(phase, 0.0):.2f}" for phase in ("bias correction", "prepare", "network", "restore")]
            rows.append([unit.format(point["size"]), *shown, f"{sum(seconds.values()):.1f}", _mb(point["peak_mb"])])
    heads = ["image", "N4, s", "prepare, s", "network, s", "restore, s", "all, s", "peak, MiB"]
    return table("As the image grows", heads, rows)


STEP_VARIANTS = {"torch": "torch's own, s", "convolutions": "our convolutions, s", "ours": "and inputs shared, s"}


def imported(answers: Answers) -> str:
    """An imported network against where it comes from."""
    if "imported" not in answers:
        return ""
    found = answers["imported"]
    rows, left_out = [], []
    for row in found["rows"]:
        if "not_run" in row:
            left_out.append(f"{row['name']}: {row['not_run']}")
            rows.append([row["name"], "not run", *["-"] * 10])
            continue
        theirs, ours = row.get("nnunet", {"died": "its outputs alone take more than the memory"}), row["ours"]
        if "died" in theirs:
            left_out.append(f"nnU-Net, {row['name']}: {theirs['died']}")
        pairs = [
            [one["seconds"], one["processor_s"], one["peak_mb"] - one["before_mb"]] if "seconds" in one else [math.nan] * 3
            for one in (theirs, ours)
        ]
        sides = zip(zip(*pairs, strict=True), (1, 1, 0), strict=True)
        times, processor, memory = ([f"{a:.{digits}f}", f"{b:.{digits}f}", f"{b / a:.2f}"] for (a, b), digits in sides)
        parts = f"{ours['phases']['network']:.1f} + {ours['phases']['restore']:.1f}"
        figures = (cell.replace("nan", "-") for cell in (*times, *processor, parts, *memory))
        rows.append([row["name"], *figures, row.get("date", "-")])
    tile = " x ".join(map(str, found["tile"]))
    note = (
        f"The same random weights ({found['features']} features a stage, tile {tile}, step 0.5), volumes of noise, from file to file; "
        f"libraries are loaded before. Memory is what comes on top of them. {_loads(found['rows'])}{found['machine']}"
        + (f" Not run: {'; '.join(left_out)}." if left_out else "")
    )
    heads_of = [[f"nnU-Net, {unit}", f"ours, {unit}", "ours / theirs"] for unit in ("s", "s of processor", "MiB")]
    heads = ["", *heads_of[0], *heads_of[1], "network + restore of ours, s", *heads_of[2], "measured"]
    return table("An imported network against nnU-Net's own predictor", heads, rows, note)


def _loads(rows: list[dict]) -> str:
    loads = sorted(row["load"] for row in rows if "load" in row)
    return f"Load of the machine meanwhile {loads[0]:.1f} to {loads[-1]:.1f}. " if loads else ""


def training_step(answers: Answers) -> str:
    """A step of training by part."""
    if "training-step" not in answers:
        return ""
    found = answers["training-step"]
    seconds = found["seconds"]
    parts = {part: [seconds[name][part] for name in STEP_VARIANTS] for part in seconds["torch"]}
    parts["**all**"] = [sum(seconds[name].values()) for name in STEP_VARIANTS]
    rows = [[part, *(f"{value:.2f}" for value in values), f"{values[-1] / values[0]:.2f}"] for part, values in parts.items()]
    note = (
        f"The brain's network, a batch of one, {' x '.join(map(str, found['patch']))} voxels, float32, {found['threads']} thread, "
        f"{found['processor']}; medians of processor time, in turns. The losses of equal steps lie {found['losses_apart']:.1e} apart."
    )
    return table("A step of training", ["part", *STEP_VARIANTS.values(), "ratio"], rows, note)


COHORT_TABLES = {"cohort": "Many patients", "cohort-small": "Many patients of little work each"}
COHORT_HEADS = ["how", "seconds", "times", "processor, s"]


def cohort(answers: Answers) -> str:
    """A cohort against a shell loop and against nnU-Net's predictor of folders, and what its driver takes."""
    parts = []
    for name, title in COHORT_TABLES.items():
        if name in answers:
            found = answers[name]
            ways = {"loop": "shell loop of `medsegdl segment`", "cohort": "`medsegdl cohort`", "again": "the same again (nothing to do)"}
            note = f"{found['cases']} cases ({found['what']}), start-up included; masks {'equal' if found['equal'] else 'NOT equal'}."
            parts.append(table(title, COHORT_HEADS, [_against(found, "loop", way, how) for way, how in ways.items()], note))
    if "cohort-nnunet" in answers:
        found = answers["cohort-nnunet"]
        ways = {"nnunet": "nnU-Net's `predict_from_files`", "ours": "`medsegdl cohort`"}
        image, tile = (" x ".join(map(str, found[key])) for key in ("shape", "tile"))
        note = f"{found['cases']} volumes of {image}, a small imported network (tile {tile}, step 0.5, no mirroring), start-up included; "
        note += "{} answered by nnU-Net, {} by ours.".format(*found["answered"])
        rows = [_against(found, "nnunet", way, how) for way, how in ways.items()]
        parts.append(table("Many patients and nnU-Net", COHORT_HEADS, rows, note))
    if "cohort-driver" in answers:
        parts.append(_driver(answers))
    return "\n\n".join(parts)


def _against(found: dict, first: str, way: str, how: str) -> list[str]:
    """A row: seconds, how many times quicker than the first way, processor time of all its processes."""
    seconds = found[f"{way}_s"]
    return [how, f"{seconds:.1f}", f"{found[f'{first}_s'] / seconds:.1f}", f"{found[f'{way}_processor_s']:.1f}"]


def _driver(answers: Answers) -> str:
    """The driver's memory and time; the time as a share of a case's work where that was measured too, of the smaller cases first."""
    found, whole = answers["cohort-driver"], answers.get("cohort-small", answers.get("cohort"))
    share = "-" if whole is None else f"{0.1 * found['ms_a_case'] / (whole['cohort_s'] / whole['cases']):.1f} %"
    row = [str(found["cases"]), f"{found['mb']:.0f}", f"{found['growth_mb']:.1f}", f"{found['ms_a_case']:.1f}"]
    row += [f"{found['processor_ms_a_case']:.1f}", share]
    heads = [
        "made-up cases",
        "driver's memory at most, MB",
        "more than after a tenth, MB",
        "time a case, ms",
        "driver's processor time a case, ms",
    ]
    heads += ["time a case of a case's time above"]
    return table("Many patients: the driver", heads, [row], "Cases that take no time of their own, on two workers.")


def desks(answers: Answers) -> str:
    """A server under many clients."""
    if "desks" not in answers:
        return ""
    found = answers["desks"]
    memory = ", ".join(f"{mb:.0f}" for mb in found["memory_mb"])
    keys = ("clients", "requests", "once", "right", "cuts", "half_uploads", "killed_clients", "left")
    row = [str(found[key]) for key in keys] + [f"{found['seconds']:.0f}", memory]
    heads = [
        "clients",
        "requests",
        "answered once",
        "right",
        "lines cut",
        "uploads left half done",
        "other clients killed (-9)",
        "files left",
        "seconds",
    ]
    heads += ["server, MB (start, middle, end)"]
    return table("Many desks: `medsegdl serve`", heads, [row], "Stand-in network; the server was killed (-9) and started anew halfway.")


def desks_memory(answers: Answers) -> str:
    """Where the memory of a server ends."""
    if "desks-memory" not in answers:
        return ""
    found = answers["desks-memory"]
    heads = ["requests answered", "server, MB"]
    rows = [[str(place * found["requests"]), f"{mb:.1f}"] for place, mb in enumerate(found["after_mb"])]
    note = "Stand-in network, 20 clients at a time; resident memory of the server without its worker."
    return table("One server for long", heads, rows, note)


def from_the_scanner(answers: Answers) -> str:
    """Brain masks, motions and tumours of heads as the scanner gives them."""
    if "from-the-scanner" not in answers:
        return ""
    found = answers["from-the-scanner"]
    extraction = [
        [row["head"], row["input"], _or_dash(row["dice"], 3), f"{row['ml']:.0f}", f"{row['seconds']:.1f}", f"{row['processor_s']:.1f}"]
        for row in found["extraction"]
    ]
    registration = [
        [
            row["head"],
            row["what"],
            "yes" if row["seen"] else "no",
            f"{row['mm']:.1f}",
            f"{row['degrees']:.1f}",
            f"{row['seconds']:.1f}",
        ]
        for row in found["registration"]
    ]
    tumour = [
        [row["head"], row["how"], *(f"{row[key]:.2f}" for key in ("WT", "TC", "ET")), f"{row['found_ml']:.0f}", f"{row['seconds']:.1f}"]
        for row in found["tumour"]
    ]
    note = f"{found['threads']} threads. Dice with HD-BET's mask, of painted heads with the brain around which they are painted."
    heads = ["head", "motion", "seen", "mm left", "degrees left", "seconds"]
    motions = "T1ce against FLAIR, moved by a known motion: the largest error 60 mm from the middle, and the angle that is left."
    return "\n\n".join(
        part
        for part in (
            table("From the scanner: brain", ["head", "input", "Dice", "mL", "seconds", "processor, s"], extraction, note),
            table("From the scanner: registration", heads, registration, motions),
            table("From the scanner: tumour", ["head", "how", "WT", "TC", "ET", "WT found, mL", "seconds"], tumour),
        )
        if part
    )


def _or_dash(value: float | None, digits: int) -> str:
    return "-" if value is None else f"{value:.{digits}f}"


TABLES: tuple[Callable[[Answers], str], ...] = (
    phases,
    from_the_scanner,
    worker,
    bias,
    bias_threads,
    networks,
    compiled,
    disk,
    memory,
    truth,
    training_step,
    imported,
    cohort,
    desks,
    desks_memory,
    scaling,
)
