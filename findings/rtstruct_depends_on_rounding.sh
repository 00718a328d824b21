#!/usr/bin/env bash
# RTSTRUCT written by rt-utils 1.2.7 and read by dcmrtstruct2nii 5 (over scikit-image 0.26.0, pydicom 2.4.4). (2026-11-29)
# Guess: mask to contours and back is right within a few per cent, on any grid; a small lesion keeps its place.
# Happens: rt-utils draws the contour through the CENTRES of the outermost voxels, so for the reader those lie exactly on the line, in
# or out by rounding. Pixels of 1 mm from origin 0: all come back. Pixels of 0.977 mm from -250.112: of 10 x 10 voxels 9 x 9 remain,
# of 2 x 2 one, and a lesion of one voxel is gone. rt-utils reads its own file back in full, so its round trip does not show it.
# Matters: a test on a neat phantom passes and the clinical scan loses volume. (Upstream has merged an opt-in for voxel edges, PR 141.)
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet rt-utils==1.2.7 dcmrtstruct2nii==5 pydicom==2.4.4 opencv-python==5.0.0.93 scikit-image==0.26.0 SimpleITK==2.5.7 numpy==2.2.6
venv/bin/python - <<'PY'
import contextlib, io, os, warnings
from importlib.metadata import version

warnings.filterwarnings("ignore")
import numpy as np
import pydicom
import SimpleITK as sitk
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

with contextlib.redirect_stdout(io.StringIO()):
    from dcmrtstruct2nii import dcmrtstruct2nii
    from rt_utils import RTStructBuilder

def write_ct(folder, pixel, corner):
    os.makedirs(folder)
    study, series, frame = generate_uid(), generate_uid(), generate_uid()
    for k in range(12):
        ds = Dataset()
        ds.file_meta = FileMetaDataset()
        ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        ds.SOPClassUID = ds.file_meta.MediaStorageSOPClassUID = CTImageStorage
        ds.SOPInstanceUID = ds.file_meta.MediaStorageSOPInstanceUID = generate_uid()
        ds.StudyInstanceUID, ds.SeriesInstanceUID, ds.FrameOfReferenceUID = study, series, frame
        ds.PatientName, ds.PatientID, ds.Modality, ds.StudyDate, ds.StudyTime = "Phantom", "1", "CT", "20200101", "000000"
        ds.PatientBirthDate = ds.PatientSex = ds.StudyID = ds.AccessionNumber = ds.ReferringPhysicianName = ""
        ds.InstanceNumber, ds.SeriesNumber, ds.Rows, ds.Columns = k + 1, 1, 40, 40
        ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation, ds.SamplesPerPixel = 16, 16, 15, 1, 1
        ds.PhotometricInterpretation, ds.RescaleIntercept, ds.RescaleSlope = "MONOCHROME2", 0, 1
        ds.PixelSpacing, ds.SliceThickness = [pixel, pixel], 1
        ds.ImagePositionPatient, ds.ImageOrientationPatient = [corner, corner, k], [1, 0, 0, 0, 1, 0]
        ds.PixelData = bytes(40 * 40 * 2)
        ds.is_little_endian, ds.is_implicit_VR = True, False
        ds.save_as(f"{folder}/{k}.dcm", write_like_original=False)

def round_trip(name, pixel, corner):
    write_ct(f"{name}/ct", pixel, corner)
    builder = RTStructBuilder.create_new(dicom_series_path=f"{name}/ct")
    for side in (1, 2, 10):
        mask = np.zeros((40, 40, 12), bool)
        mask[12 : 12 + side, 12 : 12 + side, 1 : 1 + side] = True
        builder.add_roi(mask=mask, name=f"cube{side}")
    with contextlib.redirect_stdout(io.StringIO()):
        builder.save(f"{name}/rt.dcm")
        dcmrtstruct2nii(f"{name}/rt.dcm", f"{name}/ct", f"{name}/out")
    own = RTStructBuilder.create_from(f"{name}/ct", f"{name}/rt.dcm")
    own = [int(own.get_roi_mask_by_name(f"cube{side}").sum()) for side in (1, 2, 10)]
    other = [int((sitk.GetArrayFromImage(sitk.ReadImage(f"{name}/out/mask_cube{side}.nii.gz")) > 0).sum()) for side in (1, 2, 10)]
    print(f"pixel {pixel} mm, corner {corner}: voxels written [1, 8, 1000], read by rt-utils {own}, by dcmrtstruct2nii {other}")
    return own, other

print(*(f"{package} {version(package)}" for package in ("rt-utils", "dcmrtstruct2nii", "pydicom", "scikit-image")))
# Guess: 1, 8 and 1000 within a few per cent, four times.
assert round_trip("neat", 1, 0) == ([1, 8, 1000], [1, 8, 1000]), "behaviour changed: neat grid"
assert round_trip("clinical", 0.977, -250.112) == ([1, 8, 1000], [0, 2, 810]), "behaviour changed: clinical grid"
PY
