"""What a reader does with a result: outlines redrawn by points, the changes measured, corrected cases kept for training.
Only numpy, scipy and SimpleITK enter here, for Slicer's own Python does this work; no network and no scene.
"""
