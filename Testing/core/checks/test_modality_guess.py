"""The modality guess: names from data sets and hospitals, DICOM tags, and when it must rather say nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from MedSegDLLib.checks.modality_guess import SCORES, Candidate, contradiction, guess_modalities, guesses, is_label_map
from MedSegDLLib.tasks import BRAIN, LIVER, NUCLEI

NAMES = {
    "t1": """
        BraTS-GLI-00000-000-t1n.nii.gz | Brats18_2013_2_1_t1.nii.gz | VSD.Brain.XX.O.MR_T1.54513.mha | UPENN-GBM-00001_11_T1.nii.gz
        sub-01_ses-pre_T1w.nii.gz | sub-01_ses-post_T1w.nii.gz | MPRAGE | t1_mprage_sag_p2_iso | t1 mprage sag nativ | T1 TSE ohne KM
        T1 vor Kontrastmittel | T1 SANS INJECTION | T1 non injecté | T1 SIN CONTRASTE | T1 SENZA MDC | T1 basale | T1 PRE GAD
        AX T1 FLAIR | T1 w/o contrast | T1 pre-op | T1 post-op | no contrast T1 | sT1W_3D_TFE | T1_brain_masked.nii.gz | AX FSPGR
        T1_AX_OtherEXampleTCIA_TCGA-FG-6692_Si_TCGA-FG-6692_T1_AX_SE_10_se2d1_t1.nii.gz | C:\\data\\flair_study\\pat\\T1.nrrd
        /studies/T2_cohort/flair_vs_T2/subject7_T1.nii.gz | T2_cohort_07_T1.nii.gz | Unenhanced T1
        T1_to_FLAIR | T1_to_FLAIR.nii.gz | sub-1_space-FLAIR_T1w.nii.gz | sub-01_ses-1_acq-FLAIR_run-2_T1w.nii.gz | T1_pre | t1_pre.nii.gz
        sub-3_space-T2w_desc-preproc_T1w.nii.gz | T1_reg_to_T2.nii.gz | t12mni.nii.gz | rT1.nii | t1_coregistered_to_t2_flair.nii.gz
        sub-7_UNIT1.nii.gz | T1 recalé sur FLAIR | T1 auf T2 registriert | T1 sem contraste | T1 zonder contrast | T1 bez kontrastu
        T1 uten kontrast | Т1 без контраста | T1平扫
        sub_01_T1.nii.gz | sub01_t1.nii.gz | T1 precontrast | T1 noncontrast
        T1toFLAIR.nii.gz | T1regFLAIR.nii.gz | T1wtoT2w | T1w-noCE | T1noncontrast | EGD-0001_T1.nii.gz | T1_N4corrected.nii.gz
        SAG 3D T1 FSPGR FAT SAT | t1_tse_fs_tra | T1W_FFE | Ax T1 FLAIR PROPELLER | t1_vibe_tra | sub-1_ce-none_T1w.nii.gz
    """,
    "t1ce": """
        BraTS-GLI-00000-000-t1c.nii.gz | Brats18_2013_2_1_t1ce.nii.gz | VSD.Brain.XX.O.MR_T1c.54514.mha | UPENN-GBM-00001_11_T1GD.nii.gz
        sub-01_ce-gadolinium_T1w.nii.gz | sub-01_ses-pre_T1ce.nii.gz | T1_SE_tra_nach_KM | T1 mit Kontrastmittel | t1_km | AX T1 INJECTÉ
        AX T1 APRES GADO | SAG T1 CON CONTRASTE | T1 con gadolinio | T1 DOPO MDC | Ax T1 FLAIR +C | T1+C | T1 C+ | T1-gd | t1+c | T1+
        AX 3D T1 BRAVO POST | 3D MPRAGE +C | sT1W_3D_TFE_GD | T1 w contrast | preop_T1ce | AxT1PostGad | 6: AX T1 FSE POST | 3DT1_gado
        MPRAGE+C | T1_MPRAGE_+C | BraTS-MET-00086-000-t1c.nii.gz | BraTS20_Training_001_t1ce.nii.gz | x_t1gd.nii.gz | T1Gd | T1_Gd | T1_ce
        sub-1_space-T2w_ce-gadolinium_T1w.nii.gz | sub-2_acq-postcontrast_T1w.nii.gz | T1ce_to_FLAIR.nii.gz | t1ce2flair.nii.gz
        T1_post_reg_T2.nii.gz | T1wCE | T1 pós contraste | T1 met contrast | T1 med kontrast | T1 po kontraście | T1增强
        Т1 с контрастом | T1 VIBE FS POST | sub-4_ce-gd_desc-brain_T1w.nii.gz | t1_fl3d_tra_km
        ReMIND-001-preop-SER-3D_AX_T1_postcontrast.nii.gz | T1postcontrast | T1_postGd | sub-1_acq-gd_T1w.nii.gz | ceT1 | T1ceToFLAIR
        T1 ax se +gd | patient_t2_t1ce.nii.gz | T1c_subtrMeanDivStd.nii.gz | BRATS_HG0001_T1C_slice90.nii.gz | T1 post Gadovist
        MRHR_T1_AX_POST_GAD_OtherEXampleTCIA_TCGA-FG-6692_Si_TCGA-FG-6692_MRHR_T1_AX_POST_GAD_SE_13_se2d1r_t1c.nii.gz
    """,
    "t2": """
        BraTS-GLI-00000-000-t2W.nii.gz | BraTS-GLI-00027-000-t2w.nii.gz | VSD.Brain.XX.O.MR_T2.54515.mha | t2_tse_tra_512 | T2 CUBE
        sub-1_space-FLAIR_T2w | sub-1_space-FLAIR_T2w.nii.gz | T2_reg_T1 | T2_reg_T1.nii.gz | T2_to_T1ce.nii.gz | t2_in_t1_space.nii.gz
        t22t1.nii.gz | T2_registered_to_T1_post | T2_T1space.nii.gz | sub-2_acq-T1_space-T1w_T2w.nii.gz | BraTS-PED-00002-000-t2w.nii.gz
        T2 recalé sur T1 | T2 coregistered T1Gd | T2 FAT SAT | t2_tse_fs_tra | t2_space_sag_p2_iso | from-T1_to-MNI_T2w.nii.gz
        T2toT1.nii.gz | T2wRegToT1c.nii.gz | T2onT1ce | PD_T2 | rT2.nii | regT2.nii.gz | T2_warped_MNI152.nii.gz
        sub-1_label-brain_space-T1w_T2w.nii.gz | T2W TSE CLEAR
        5: AX T2 FSE | postop_T2 | pt1_t2.nii.gz | T2 post contrast | sub-02_T2w.nii.gz | T2 BLADE | T2W_TSE | AX T2 PROPELLER
        MRHR_T2_AX_OtherEXampleTCIA_TCGA-FG-6692_Si_TCGA-FG-6692_MRHR_T2_AX_SE_2_tse2d1_11_t2.nii.gz
    """,
    "flair": """
        BraTS-GLI-00000-000-t2f.nii.gz | Brats18_2013_2_1_flair.nii.gz | VSD.Brain.XX.O.MR_Flair.54512.mha | t2_tirm_tra_dark-fluid
        space-T1w_FLAIR | sub-1_space-T1w_FLAIR.nii.gz | FLAIR_to_T1.nii.gz | flair2t1.nii.gz | FLAIR_in_T1_space | FLAIR_reg_T1_post_gad
        T2_FLAIR_to_T1ce.nii.gz | FLAIR auf T1 registriert | FLAIR_T1space.nii.gz | BraTS-GLI-00010-001-t2f.nii.gz | t2_space_flair_sag
        sub-9_ses-T1_FLAIR.nii.gz | rFLAIR.nii.gz | FLAIR_MNI152_reg | 3D T2 SPACE FLAIR FS | FLAIR LongTR | UCSF-PDGM-0004_FLAIR.nii.gz
        FLAIRtoT1.nii.gz | FLAIRregT1 | PB-T2FLAIR | AX T2 FLAIR | pt1_flair.nii.gz | AxT2Flair | FLAIR post gad | CUBE FLAIR
        UCSF-PDGM-0004_FLAIR_bias.nii.gz | t2_spc_da-fl_darkfluid
        Flair_subtrMeanDivStd.nii.gz | sub-01_FLAIR.nii.gz | Flair | TIRM tra
        MRHR_FLAIR_AX_OtherEXampleTCIA_TCGA-FG-6692_Si_TCGA-FG-6692_MRHR_FLAIR_AX_SE_IR_5_tir2d1_21_fla.nii.gz
    """,
    None: """
        VSD.Brain_3more.XX.O.OT.54517.mha | BraTS-GLI-00000-000-seg.nii.gz | OTMultiClass.nii.gz | brainmask.nii.gz | T1_mask.nii.gz
        BRATS_HG0001_atropos_truth_slice90.nii.gz | flair_labels.nrrd | Segmentation of T1 | UCSF-PDGM-0004_brain_segmentation.nii.gz
        T2*_GRE | T2 star | t2_fl2d_tra_hemo | ep2d_diff_3scan_trace_ADC | TOF_3D_MRA | localizer | T10_report | perfusion T2 | T1 map
        T1_SUB | SUB AX T1 | AX T1 SUBTRACTION | T1 Subtraktion | T1 soustraction | T1ce-T1.nii.gz | T1c minus T1 | delta T1 | t1_diff
        T1 DIXON W | t1_vibe_dixon_tra_opp | T1 water | T1 fat | T1 in phase | T2 STIR | DERIVED T1 | eADC | rCBV_T1 | SWI | DWI_b1000
        T1w_T2w_ratio.nii.gz | T1_jacobian.nii.gz | T1_to_FLAIR_transform.nii.gz | T1_warpfield.nii.gz | T1_wm.nii.gz | T1_gm | qT1
        T1_csf.nii.gz | T1 post - T1 pre | T1_post-T1_pre.nii.gz | ADC (T2) | sub-1_space-T1w_desc-brain_mask.nii.gz
        sub-1_space-FLAIR_dseg.nii.gz | sub-1_label-tumor_probseg.nii.gz | T1_seg.nii.gz
        sub-1_T1map.nii.gz | sub-1_T2star.nii.gz | sub-1_dir-AP_dwi.nii.gz | FLAIR_T1.nii.gz | T1_aseg.mgz | flair_label.nii | T1 inv1
        flair_pred.nii.gz | 3-plane localizer T2 | FLAIR_GlistrBoost.nii.gz | T2_lesion.nii.gz | sub-1_space-T1w_ADC.nii.gz | B0_T2 DWI
        t1_bias_field.nii.gz | t1_subtraction | CT head | IM0001.dcm | scan.nii.gz | /studies/T2_cohort/scan.nii.gz | WT.nii.gz
    """,
}
CASES = [(name.strip(), key) for key, block in NAMES.items() for line in block.strip().splitlines() for name in line.split("|")]


def test_there_are_names_enough() -> None:
    assert len(CASES) >= 200
    assert len({name for name, _ in CASES}) == len(CASES)


@pytest.mark.parametrize(("name", "key"), CASES)
def test_a_name_alone(name: str, key: str | None) -> None:
    assert guess_modalities([Candidate(name)], BRAIN) == ({key: 0} if key else {})


def tagged(name: str = "IM1", **tags: object) -> Candidate:
    return Candidate(name, {key: str(value) for key, value in tags.items()})


REASONS = [
    (Candidate("sub-1_space-FLAIR_T2w.nii.gz"), "t2", "its name says 't2w'"),
    (Candidate("T1 ax POST"), "t1ce", "its name says 't1' and 'post'"),
    (tagged(SeriesDescription="AX FLAIR"), "flair", "its series description says 'flair'"),
    (tagged(EchoTime=94, RepetitionTime=9000, InversionTime=2500), "flair", "its times are 'TE 94, TR 9000, TI 2500 ms'"),
    (tagged("T1", ContrastBolusAgent="Dotarem 15 ml"), "t1ce", "its name says 't1', its header names the contrast agent 'Dotarem 15 ml'"),
]


@pytest.mark.parametrize(("candidate", "key", "reason"), REASONS)
def test_each_guess_gives_its_reason(candidate: Candidate, key: str, reason: str) -> None:
    assert guesses([candidate], BRAIN)[key].reason == reason


def test_the_only_image_is_a_reason() -> None:
    assert guesses([Candidate("volume 3")], LIVER)["ct"].reason == "It is the only image."


CONTRADICTIONS = [
    ("flair", Candidate("x_t1.nii.gz"), "T1"),
    ("t1", Candidate("x_flair.nii.gz"), "FLAIR"),
    ("t1", Candidate("BraTS-GLI-00000-000-t1c.nii.gz"), "T1ce"),
    ("t1ce", Candidate("T1 pre"), "T1"),
    ("t2", Candidate("BraTS-GLI-00000-000-t2f.nii.gz"), "FLAIR"),
    ("t2", Candidate("sub-1_ADC_T2.nii.gz"), "none of the images that are needed"),
    ("flair", tagged("flair.nrrd", SeriesDescription="t1_se_tra"), "T1"),
    ("t1", tagged(EchoTime=94, RepetitionTime=9000, InversionTime=2500), "FLAIR"),
    ("t2", Candidate("sub-1_space-FLAIR_T2w.nii.gz"), None),
    ("t1", Candidate("T1_to_FLAIR.nii.gz"), None),
    ("t1ce", Candidate("T1_ax.nii.gz"), None),  # named after its weighting alone
    ("flair", Candidate("scan_7.nii.gz"), None),
    ("flair", Candidate(""), None),
    ("t2", Candidate("p1_t2.nii.gz"), None),
]


@pytest.mark.parametrize(("key", "candidate", "looks_like"), CONTRADICTIONS)
def test_what_speaks_against_a_choice(key: str, candidate: Candidate, looks_like: str | None) -> None:
    found = contradiction(candidate, key, BRAIN)
    assert (found and found[0]) == looks_like


@pytest.mark.parametrize("name", ["CT portal venous phase", "abd_phase2.nii.gz", "3dircadb_01_ct.nii.gz", "fat_patient", "perfusion CT"])
def test_words_of_mr_do_not_speak_against_a_ct(name: str) -> None:
    assert contradiction(Candidate(name), "ct", LIVER) is None


def test_no_true_name_speaks_against_itself() -> None:
    for name, key in CASES:
        if key:
            assert contradiction(Candidate(name), key, BRAIN) is None, name


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


TAGGED = [
    (tagged(SeriesDescription="t1_se_tra"), "t1"),
    (tagged(SeriesDescription="t1_se_tra", ContrastBolusAgent="Gadovist"), "t1ce"),
    (tagged(SeriesDescription="t1_se_tra nativ", ContrastBolusAgent="Gadovist"), "t1"),
    (tagged(SeriesDescription="t1_se_tra", ContrastBolusAgent="NONE"), "t1"),
    (tagged(SeriesDescription="T2W/TSE/CLEAR"), "t2"),  # no path, though it has slashes
    (tagged(SeriesDescription="T1W/SE w/o contrast/tra"), "t1"),
    (tagged(SeriesDescription="Head 3", ProtocolName="AX T2 FSE"), "t2"),
    (tagged(SeriesDescription="AX FLAIR", ProtocolName="T1 T2 FLAIR protocol"), "flair"),
    (tagged(SeriesDescription="FLAIR tra", ContrastBolusAgent="Gadovist"), "flair"),
    (tagged(EchoTime=94, RepetitionTime=9000, InversionTime=2500), "flair"),
    (tagged(EchoTime=101, RepetitionTime=5000), "t2"),
    (tagged(EchoTime=12, RepetitionTime=520), "t1"),
    (tagged(EchoTime=12, RepetitionTime=520, ContrastBolusAgent="Dotarem 15 ml"), "t1ce"),
    (tagged(EchoTime=2.9, RepetitionTime=1900, InversionTime=900), "t1"),
    (tagged("T1 FLAIR", EchoTime=12, RepetitionTime=2000, InversionTime=860), "t1"),
    (tagged("flair.nrrd", SeriesDescription="t2_tse"), "t2"),  # the header before the name
    (tagged("t1.nrrd", SeriesDescription="AX T1 POST"), "t1ce"),
    (tagged("t1.nrrd", Modality="CT"), None),
    (tagged("t1.nrrd", Modality="SEG"), None),
    (tagged(EchoTime="?", RepetitionTime="fast"), None),
    (tagged("t1.nrrd", SeriesDescription="AX FLAIR"), "flair"),
    (tagged("T1_FLAIR_2019", SeriesDescription="t2_tse_tra"), "t2"),
    (tagged(SeriesDescription="AX T1 POST", ImageType="DERIVED\\SECONDARY\\SUBTRACTION"), None),
    (tagged(SeriesDescription="AX T1 POST", ImageType="DERIVED\\SUBTRACTION"), None),
    (tagged(SeriesDescription="AX T1 POST", ImageType="DERIVED\\SECONDARY\\MPR"), "t1ce"),
    (tagged(SeriesDescription="AX T1", ImageType="ORIGINAL\\PRIMARY\\M\\ND\\NORM"), "t1"),
    (tagged(SeriesDescription="t1_vibe", ImageType="DERIVED\\PRIMARY\\DIXON\\WATER"), None),
    (tagged(SeriesDescription="T2", ImageType="DERIVED\\PRIMARY\\DIFFUSION\\ADC"), None),
    (tagged(SeriesDescription="3D T1", ImageType="DERIVED\\SECONDARY\\PROJECTION IMAGE"), None),
    (tagged(ProtocolName="T1 T2 FLAIR protocol", EchoTime=101, RepetitionTime=5000), "t2"),
    (tagged("sub-1_space-FLAIR_T1w.nii.gz", ContrastBolusAgent="Gadovist"), "t1ce"),
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
