"""Files in and out: NIfTI, NRRD, DICOM, pictures, Slicer's .seg.nrrd. Nothing is resampled or segmented here."""
