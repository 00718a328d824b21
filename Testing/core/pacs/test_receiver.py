"""What comes in over the loopback, with pynetdicom as the other side; and what goes out."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pynetdicom
import pytest
from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRLittleEndian
from pynetdicom import AE, evt

from MedSegDLLib.errors import MedSegDLError, UsageError
from MedSegDLLib.pacs import peer as sending
from MedSegDLLib.pacs import receiver as room
from MedSegDLLib.pacs.address import Address, Encryption, address
from MedSegDLLib.pacs.peer import Peer
from MedSegDLLib.pacs.queue import RECEIVING, WAITING, Queue
from MedSegDLLib.pacs.receiver import NOT_UNDERSTOOD, OUT_OF_RESOURCES, SUCCESS, Limits, Receiver
from MedSegDLLib.pacs.wanted import Wanted

from ..dicom_kinds import CT, SEGMENTATION, plain, save

LONG = 1e6
HERE = Address("STATION", "127.0.0.1", 0)


def one_slice(number: int = 1, **tags: object) -> Dataset:
    """Small, and without pixels: the receiver looks at headers."""
    made = plain(CT, number)
    for keyword, value in tags.items():
        setattr(made, keyword, value)
    return made


@pytest.fixture
def queue(tmp_path: Path) -> Iterator[Queue]:
    made = Queue(tmp_path / "queue", 10**8)
    yield made
    made.close()


@pytest.fixture
def listening(queue: Queue) -> Iterator[Callable[..., Receiver]]:
    opened: list[Receiver] = []

    def listen(limits: Limits = Limits(), *patterns: str) -> Receiver:
        opened.append(Receiver(HERE, queue, Wanted(patterns), limits))
        return opened[-1]

    yield listen
    for one in opened:
        one.close()


def association(port: int, called: str = HERE.title, calling: str = "SENDER") -> pynetdicom.association.Association:
    entity = AE(ae_title=calling)
    for storage in (CT, SEGMENTATION):
        entity.add_requested_context(storage, ExplicitVRLittleEndian)
    entity.add_requested_context("1.2.840.10008.1.1")
    entity.acse_timeout = entity.dimse_timeout = entity.network_timeout = 20
    return entity.associate("127.0.0.1", port, ae_title=called)


def until(condition: Callable[[], object]) -> None:
    """Wait for what another thread does."""
    limit = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < limit
        time.sleep(0.02)


def test_slices_are_kept_and_a_study_is_complete_once_its_sender_took_leave(queue: Queue, listening) -> None:
    link = association(listening().port)
    assert link.is_established and link.send_c_echo().Status == SUCCESS
    for number in (1, 2, 3):
        assert link.send_c_store(one_slice(number)).Status == SUCCESS
    assert queue.settle(0, LONG) == [], "still connected"
    assert link.send_c_store(plain(SEGMENTATION, 9, "9")).Status == SUCCESS
    link.release()
    until(lambda: queue.settle(0, LONG) == [(1, WAITING, 3)])


def test_who_is_cut_off_is_waited_for(queue: Queue, listening) -> None:
    port = listening().port
    link = association(port)
    assert link.send_c_store(one_slice()).Status == SUCCESS
    link.abort()
    assert queue.settle(0, LONG) == [] and queue.states() == {1: RECEIVING}
    link = association(port)
    for number in (1, 2):
        assert link.send_c_store(one_slice(number)).Status == SUCCESS
    link.release()
    until(lambda: queue.settle(0, LONG) == [(1, WAITING, 2)])


def test_strangers_are_not_let_in(listening) -> None:
    port = listening(Limits(callers=("KNOWN",))).port
    assert association(port, called="ANOTHER").is_rejected
    assert association(port).is_rejected
    link = association(port, calling="KNOWN")
    assert link.is_established
    link.release()


def test_what_makes_no_sense_is_refused(queue: Queue, listening) -> None:
    nameless = one_slice()
    del nameless.StudyInstanceUID
    link = association(listening().port)
    assert link.send_c_store(nameless).Status == NOT_UNDERSTOOD
    link.release()
    assert queue.states() == {}


def test_an_object_without_end_is_cut_off(queue: Queue, listening) -> None:
    link = association(listening(Limits(instance_bytes=10**5)).port)
    answer = link.send_c_store(one_slice(PixelData=bytes(3 * 10**6), BitsAllocated=16, Rows=1000, Columns=1500))
    assert "Status" not in answer and queue.states() == {}
    until(lambda: link.is_aborted)


def test_a_full_disk_is_told_and_the_study_is_no_whole(queue: Queue, listening, monkeypatch: pytest.MonkeyPatch) -> None:
    link = association(listening().port)
    assert link.send_c_store(one_slice(1)).Status == SUCCESS
    monkeypatch.setattr(room, "LEAST_FREE_BYTES", 1 << 60)
    assert link.send_c_store(one_slice(2)).Status == OUT_OF_RESOURCES
    monkeypatch.undo()
    link.release()
    assert queue.settle(0, LONG) == []
    link = association(link.acceptor.port)
    assert link.send_c_store(one_slice(2)).Status == SUCCESS
    link.release()
    until(lambda: queue.settle(0, LONG) == [(1, WAITING, 2)])


@pytest.mark.parametrize(
    ("patterns", "taken"),
    [
        ((), True),
        (("StudyDescription=*Liver*", "Modality=ct"), True),
        (("00081030=abdomen liver",), True),
        (("StudyDescription=*liver*", "Modality=MR"), False),
        (("ProtocolName=*",), True),
        (("ProtocolName=?*",), False),
    ],
)
def test_studies_are_chosen_by_tags(patterns: tuple[str, ...], taken: bool) -> None:
    assert Wanted(patterns)(one_slice(StudyDescription="Abdomen LIVER")) is taken


@pytest.mark.parametrize("pattern", ["Liver", "NoSuchTag=1", "0008103=1", "zzzzzzzz=1", "=1"])
def test_a_pattern_without_a_tag_is_wrong_usage(pattern: str) -> None:
    with pytest.raises(UsageError):
        Wanted([pattern])


@pytest.mark.parametrize("text", ["104", "AET", "AET:", "AET:70000", "A\\B:104", ":104", "SEVENTEEN_LETTERS:104", "A@B@C:1", "AET@ho st:1"])
def test_what_is_no_address_is_wrong_usage(text: str) -> None:
    with pytest.raises(UsageError):
        address(text)


def test_addresses_are_this_machines_unless_told_otherwise(tmp_path: Path) -> None:
    assert address("MY STATION:104") == Address("MY STATION", "127.0.0.1", 104) and address("A@[::1]:1").is_loopback
    network = address("A@10.0.0.1:104")
    for call in (Encryption().server, Encryption().client, Encryption(authority=tmp_path / "none").server):
        with pytest.raises(UsageError, match="unencrypted"):
            call(network)
    assert Encryption(plain=True).server(network) is None and Encryption().server(address("A:1")) is None
    with pytest.raises(UsageError, match="together"):
        Encryption(certificate=tmp_path / "mine.pem")
    with pytest.raises(MedSegDLError, match="PEM"):
        Encryption(tmp_path / "mine.pem", tmp_path / "key.pem").server(network)


@pytest.mark.parametrize(("status", "fails"), [(0x0000, False), (0xB000, False), (0xA700, True), (0x0122, True)])
def test_only_what_the_other_side_stored_counts_as_sent(tmp_path: Path, status: int, fails: bool) -> None:
    came: list[str] = []

    def store(event: evt.Event) -> int:
        came.append(event.request.AffectedSOPInstanceUID)
        return status

    entity = AE(ae_title="ARCHIVE")
    entity.add_supported_context(CT, ExplicitVRLittleEndian)
    server = entity.start_server(("127.0.0.1", 0), block=False, evt_handlers=[(evt.EVT_C_STORE, store)])
    try:
        path = save(one_slice(), tmp_path / "one.dcm")
        peer = Peer(Address("ARCHIVE", "127.0.0.1", server.server_address[1]))
        if fails:
            with pytest.raises(MedSegDLError, match=f"{status:#06x}"):
                peer.send(path)
        else:
            peer.send(path)
        with pytest.raises(MedSegDLError, match="nothing of the kind"):
            peer.send(save(plain(SEGMENTATION), tmp_path / "another.dcm"))
    finally:
        server.shutdown()
    assert came == [one_slice().SOPInstanceUID]
    with pytest.raises(MedSegDLError, match="does not answer"):
        peer.send(path)


def test_an_archive_that_stalls_is_not_waited_for_without_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stall = threading.Event()
    monkeypatch.setattr(sending, "ANSWER_S", 0.3)
    entity = AE(ae_title="ARCHIVE")
    entity.add_supported_context(CT, ExplicitVRLittleEndian)
    server = entity.start_server(("127.0.0.1", 0), block=False, evt_handlers=[(evt.EVT_C_STORE, lambda event: stall.wait(60) * 0)])
    try:
        with pytest.raises(MedSegDLError, match="No answer"):
            Peer(Address("ARCHIVE", "127.0.0.1", server.server_address[1])).send(save(one_slice(), tmp_path / "one.dcm"))
    finally:
        stall.set()
        server.shutdown()
