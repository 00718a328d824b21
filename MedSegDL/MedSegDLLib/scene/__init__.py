"""The bridge to Slicer's scene: MRML node <-> Image, Result -> segmentation, table, subject hierarchy, pictures.
The only room that imports slicer or vtk; no arithmetic of segmentation and no torch may enter.
"""
