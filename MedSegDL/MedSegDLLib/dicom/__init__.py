"""DICOM in and out: which series an examination holds, where their frames lie, their numbers; results as SEG, SR and capture."""
