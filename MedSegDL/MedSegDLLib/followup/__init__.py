"""Follow-up: the results of several studies of one patient beside each other. Lesions matched, change in mL and mm, response by criteria.
An aid to the reader, not a diagnosis. numpy and SimpleITK; no scene, no worker.
"""
