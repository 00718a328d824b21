"""What is imported after the panel has opened, a module a step: neither the opening nor the first use of a tool waits for it.

Those who need such a module import it in the function that does. No widget may enter.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator

LIBRARY = __package__.rpartition(".")[0]
# In the order in which a user comes upon them; what a module itself imports stands before it, so that no step is long.
LATER = (
    *("worker.bundles", "worker.installation", "metrics", "metrics.diameters", "metrics.density", "io.nifti", "io.seg_nrrd"),
    *("worker.save_dicom", "scene.dicom_nodes", "correction.sampling", "correction.outline", "correction.changes"),
    *("correction.training_case", "record", "report.case", "report.planes", "report.png", "report.table", "report.page"),
    *("checks.findings", "followup.matching", "followup.response", "followup.course", "followup.page", "worker.packages"),
)
FOREIGN = ("statistics",)  # of Python itself


def importing() -> Iterator[None]:
    """Import them, one a step (20 ms at most each, from source)."""
    for name in (*FOREIGN, *(f"{LIBRARY}.{name}" for name in LATER)):
        importlib.import_module(name)
        yield
