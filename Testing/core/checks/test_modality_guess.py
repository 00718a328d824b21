"""The modality guess: names from data sets and hospitals, DICOM tags, and when it must rather say nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from MedSegDLLib.checks.modality_guess import SCORES, Candidate, guess_modalities, is_label_map
from MedSegDLLib.tasks import BRAIN, LIVER, NUCLEI

NAMES = {
    "t1": """
        BraTS-GLI-00000-000-t1n.nii.gz | Brats18_2013_2_1_t1.nii.gz | VSD.Brain.XX.O.MR_T1.54513.mha | UPENN-GBM-00001_11_T1.nii.gz
        sub-01_ses-pre_T1w.nii.gz | sub-01_ses-post_T1w.nii.gz | MPRAGE | t1_mprage_sag_p2_iso | t1 mprage sag nativ | T1 TSE ohne KM
        T1 vor Kontrastmittel | T1 SANS INJECTION | T1 non injecté | T1 SIN CONTRASTE | T1 SENZA MDC | T1 basale | T1 PRE GAD
        AX T1 FLAIR | T1 w/o contrast | T1 pre-op | T1 post-op | no contrast T1 | sT1W_3D_TFE | T1_brain_masked.nii.gz | AX FSPGR
        T1_AX_OtherEXampleTCIA_TCGA-FG-6692_Si_TCGA-FG-6692_T1_AX_SE_10_se2d1_t1.nii.gz | C:\\data\\flair_study\\pat\\T1.nrrd
        /studies/T2_cohort/flair_vs_T2/subject7_T1.nii.gz | T2_cohort_07_T1.nii.gz | Unenhanced T1
    """,
    "t1ce": """
        BraTS-GLI-00000-000-t1c.nii.gz | Brats18_2013_2_1_t1ce.nii.gz | VSD.Brain.XX.O.MR_T1c.54514.mha | UPENN-GBM-00001_11_T1GD.nii.gz
        sub-01_ce-gadolinium_T1w.nii.gz | sub-01_ses-pre_T1ce.nii.gz | T1_SE_tra_nach_KM | T1 mit Kontrastmittel | t1_km | AX T1 INJECTÉ
        AX T1 APRES GADO | SAG T1 CON CONTRASTE | T1 con gadolinio | T1 DOPO MDC | Ax T1 FLAIR +C | T1+C | T1 C+ | T1-gd | t1+c | T1+
        AX 3D T1 BRAVO POST | 3D MPRAGE +C | sT1W_3D_TFE_GD | T1 w contrast | preop_T1ce | AxT1PostGad | 6: AX T1 FSE POST | 3DT1_gado
        T1 ax se +gd | patient_t2_t1ce.nii.gz | T1c_subtrMeanDivStd.nii.gz | BRATS_HG0001_T1C_slice90.nii.gz | T1 post Gadovist
        MRHR_T1_AX_POST_GAD_OtherEXampleTCIA_TCGA-FG-6692_Si_TCGA-FG-6692_MRHR_T1_AX_POST_GAD_SE_13_se2d1r_t1c.nii.gz
    """,
    "t2": """
        BraTS-GLI-00000-000-t2W.nii.gz | BraTS-GLI-00027-000-t2w.nii.gz | VSD.Brain.XX.O.MR_T2.54515.mha | t2_tse_tra_512 | T2 CUBE
        5: AX T2 FSE | postop_T2 | pt1_t2.nii.gz | T2 post contrast | sub-02_T2w.nii.gz | T2 BLADE | T2W_TSE | AX T2 PROPELLER
        MRHR_T2_AX_OtherEXampleTCIA_TCGA-FG-6692_Si_TCGA-FG-6692_MRHR_T2_AX_SE_2_tse2d1_11_t2.nii.gz
    """,
    "flair": """
        BraTS-GLI-00000-000-t2f.nii.gz | Brats18_2013_2_1_flair.nii.gz | VSD.Brain.XX.O.MR_Flair.54512.mha | t2_tirm_tra_dark-fluid
        AX T2 FLAIR | pt1_flair.nii.gz | AxT2Flair | FLAIR post gad | CUBE FLAIR | UCSF-PDGM-0004_FLAIR_bias.nii.gz | t2_spc_da-fl_darkfluid
        Flair_subtrMeanDivStd.nii.gz | sub-01_FLAIR.nii.gz | Flair | TIRM tra
        MRHR_FLAIR_AX_OtherEXampleTCIA_TCGA-FG-6692_Si_TCGA-FG-6692_MRHR_FLAIR_AX_SE_IR_5_tir2d1_21_fla.nii.gz
    """,
    None: """
        VSD.Brain_3more.XX.O.OT.54517.mha | BraTS-GLI-00000-000-seg.nii.gz | OTMultiClass.nii.gz | brainmask.nii.gz | T1_mask.nii.gz
        BRATS_HG0001_atropos_truth_slice90.nii.gz | flair_labels.nrrd | Segmentation of T1 | UCSF-PDGM-0004_brain_segmentation.nii.gz
        T2*_GRE | T2 star | t2_fl2d_tra_hemo | ep2d_diff_3scan_trace_ADC | TOF_3D_MRA | localizer | T10_report | perfusion T2 | T1 map
        t1_bias_field.nii.gz | t1_subtraction | CT head | IM0001.dcm | scan.nii.gz | /studies/T2_cohort/scan.nii.gz | WT.nii.gz
    """,
}
CASES = [(name.strip(), key) for key, block in NAMES.items() for line in block.strip().splitlines() for name in line.split("|")]


@pytest.mark.parametrize(("name", "key"), CASES)
def test_a_name_alone(name: str, key: str | None) -> None:
    assert guess_modalities([Candidate(name)], BRAIN) == ({key: 0} if key else {})


def names(*given: str) -> dict[str, str]:
    """Input key -> name guessed among the given ones, in both orders."""
    forward = {key: given[i] for key, i in guess_modalities([Candidate(name) for name in given], BRAIN).items()}
    backward = {key: given[::-1][i] for key, i in guess_modalities([Candidate(name) for name in given[::-1]], BRAIN).items()}
    assert forward == backward
    return forward


SETS = [
    ("T1n.mha", "T1_post_GAD.mha", "t2W.mha", "tirm.mha"),
    ("p_t1.nii", "p_t1ce.nii", "p_t2.nii", "p_flair.nii", "p_seg.nii"),
    ("T1 nativ tra", "T1 tra KM", "T2 tse tra", "T2 flair tra", "ep2d_diff", "localizer"),
    ("SAG T1", "AX T1 GADO", "AX T2", "AX FLAIR", "AX T2*", "AX DIFF"),
]


@pytest.mark.parametrize("given", SETS)
def test_a_set_is_told_apart(given: tuple[str, ...]) -> None:
    assert names(*given) == dict(zip(("t1", "t1ce", "t2", "flair"), given, strict=False))


def test_every_candidate_is_used_once() -> None:
    assert names("T1 post") == {"t1ce": "T1 post"}
    assert names("T1") == {"t1": "T1"}


def test_two_that_fit_equally_are_left_to_the_user() -> None:
    assert names("T2 tse", "T2 fse", "flair") == {"flair": "flair"}


def test_the_better_of_two_is_taken() -> None:
    assert names("T2 tra", "T2 cor") == {"t2": "T2 tra"}
    assert names("T1 post sag", "T1 post 3D") == {"t1ce": "T1 post 3D"}


def test_nothing_gives_nothing() -> None:
    assert guess_modalities([], BRAIN) == {}
    assert guess_modalities([], LIVER) == {}


def tagged(name: str = "IM1", **tags: object) -> Candidate:
    return Candidate(name, {key: str(value) for key, value in tags.items()})


TAGGED = [
    (tagged(SeriesDescription="t1_se_tra"), "t1"),
    (tagged(SeriesDescription="t1_se_tra", ContrastBolusAgent="Gadovist"), "t1ce"),
    (tagged(SeriesDescription="t1_se_tra nativ", ContrastBolusAgent="Gadovist"), "t1"),
    (tagged(SeriesDescription="t1_se_tra", ContrastBolusAgent="NONE"), "t1"),
    (tagged(SeriesDescription="Head 3", ProtocolName="AX T2 FSE"), "t2"),
    (tagged(SeriesDescription="AX FLAIR", ProtocolName="T1 T2 FLAIR protocol"), "flair"),
    (tagged(SeriesDescription="FLAIR tra", ContrastBolusAgent="Gadovist"), "flair"),
    (tagged(EchoTime=94, RepetitionTime=9000, InversionTime=2500), "flair"),
    (tagged(EchoTime=101, RepetitionTime=5000), "t2"),
    (tagged(EchoTime=12, RepetitionTime=520), "t1"),
    (tagged(EchoTime=12, RepetitionTime=520, ContrastBolusAgent="Dotarem 15 ml"), "t1ce"),
    (tagged(EchoTime=2.9, RepetitionTime=1900, InversionTime=900), "t1"),
    (tagged("T1 FLAIR", EchoTime=12, RepetitionTime=2000, InversionTime=860), "t1"),
    (tagged("flair.nrrd", SeriesDescription="t2_tse"), "flair"),
    (tagged("t1.nrrd", SeriesDescription="AX T1 POST"), "t1ce"),
    (tagged("t1.nrrd", Modality="CT"), None),
    (tagged("t1.nrrd", Modality="SEG"), None),
    (tagged(EchoTime="?", RepetitionTime="fast"), None),
]


@pytest.mark.parametrize(("candidate", "key"), TAGGED)
def test_tags(candidate: Candidate, key: str | None) -> None:
    assert guess_modalities([candidate], BRAIN) == ({key: 0} if key else {})


def test_one_input_takes_the_only_image() -> None:
    assert guess_modalities([Candidate("volume 3")], LIVER) == {"ct": 0}
    assert guess_modalities([Candidate("cells.png")], NUCLEI) == {"image": 0}
    assert guess_modalities([Candidate("liver_seg.nii.gz"), Candidate("case7.zip")], LIVER) == {"ct": 1}
    assert guess_modalities([Candidate("a.png"), Candidate("b.png")], NUCLEI) == {}


def test_a_ct_is_found_among_others() -> None:
    given = [Candidate("T1 abdomen"), tagged("ABD 2.0", Modality="CT"), tagged("MR liver", Modality="MR"), Candidate("mask")]
    assert guess_modalities(given, LIVER) == {"ct": 1}
    assert guess_modalities([tagged("liver", Modality="MR")], LIVER) == {}
    assert guess_modalities([Candidate("T2 tse")], LIVER) == {}


def test_the_table_speaks_of_inputs_that_there_are() -> None:
    assert set(SCORES) <= {entry.key for task in (BRAIN, LIVER, NUCLEI) for entry in task.inputs}


KEY_OF = {"t1n": "t1", "t1c": "t1ce", "t2f": "flair", "t1ce": "t1ce", "t1": "t1", "t2": "t2", "t2w": "t2", "flair": "flair", "fla": "flair"}


def test_every_real_case(data: Path) -> None:
    folders = [folder for folder in sorted((data / "brain").glob("*/*")) if folder.is_dir()]
    assert folders
    for folder in folders:
        candidates = [Candidate(str(path)) for path in sorted(folder.iterdir())]
        found = {key: Path(candidates[index].name).name for key, index in guess_modalities(candidates, BRAIN).items()}
        truth = {}
        for path in folder.iterdir():
            stem = path.name.lower().removesuffix(".nii.gz").removesuffix("_subtrmeandivstd").split("_slice")[0]
            key = KEY_OF.get(stem.replace("-", "_").rsplit("_", 1)[-1])
            if key:
                truth[key] = path.name
        assert found == truth
        assert len(truth) == (2 if folder.parent.name == "two_modalities" else 4)


def test_label_maps_are_known_by_their_names(data: Path) -> None:
    labels = [path for pattern in ("*seg*", "*OTMulti*", "*mask*", "*MASK*", "*truth*") for path in (data / "brain").glob(f"*/*/{pattern}")]
    assert labels
    assert all(is_label_map(Candidate(path.name)) for path in labels)
