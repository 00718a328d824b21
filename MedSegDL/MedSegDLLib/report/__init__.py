"""The report of one case: pictures, volumes, lesions, findings and the run record on one page, and the figures as CSV.
numpy, SimpleITK and the standard library only, so that Slicer's own Python makes it too. No name of a patient, file or folder enters.
"""
