"""How the seconds of each phase grow with the image, as one picture."""

from __future__ import annotations

from pathlib import Path

PHASES = ("check", "align", "bias correction", "prepare", "network", "restore")
COLORS = ("#8c8c8c", "#c9a227", "#2a7f9e", "#7bb661", "#b5432e", "#5b4a8a")
TITLES = {"scaling-brain": ("Brain, four volumes of n x n x n voxels of 1 mm", "n"), "scaling-liver": ("CT, 512 x 512 x n", "n slices")}


def draw_scaling(points: dict[str, list[dict]], path: Path) -> None:
    """Stacked seconds by phase, one panel a task; `points` as in the answers of `scaling`. The suffix of `path` decides the format."""
    import matplotlib

    matplotlib.use("Agg")
    matplotlib.rcParams["svg.hashsalt"] = "medsegdl"
    import matplotlib.pyplot as plt

    figure, panels = plt.subplots(1, len(points), figsize=(5.2 * len(points), 3.6), squeeze=False, layout="constrained")
    for panel, (name, series) in zip(panels[0], points.items(), strict=True):
        sizes = [point["size"] for point in series]
        layers = [[point["seconds"].get(phase, 0.0) for point in series] for phase in PHASES]
        panel.stackplot(sizes, layers, labels=PHASES, colors=COLORS, alpha=0.9)
        memory = panel.twinx()
        memory.plot(sizes, [point["peak_mb"] / 1024 for point in series], "k.--", linewidth=1, label="peak memory")
        title, unit = TITLES[name]
        panel.set(title=title, xlabel=unit, ylabel="seconds", xticks=sizes, xlim=(sizes[0], sizes[-1]), ylim=(0, None))
        memory.set(ylabel="peak memory, GiB", ylim=(0, None))
        panel.grid(axis="y", alpha=0.3)
    handles, labels = panels[0][0].get_legend_handles_labels()
    figure.legend(handles[::-1], labels[::-1], loc="outside right center", frameon=False, title="dashed: peak\nmemory of the\nprocess")
    figure.savefig(path, metadata={"Date": None} if path.suffix == ".svg" else None)
    plt.close(figure)
