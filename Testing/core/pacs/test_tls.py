"""Slices and results over TLS: with certificates of our own on the loopback."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydicom.uid import ExplicitVRLittleEndian
from pynetdicom import AE

from MedSegDLLib.errors import MedSegDLError
from MedSegDLLib.pacs.address import Address, Encryption
from MedSegDLLib.pacs.peer import Peer
from MedSegDLLib.pacs.queue import Queue
from MedSegDLLib.pacs.receiver import Receiver
from MedSegDLLib.pacs.wanted import Wanted

from ..dicom.secure import certificate, needs_openssl
from ..dicom_kinds import CT, plain, save

pytestmark = needs_openssl
HERE = Address("STATION", "127.0.0.1", 0)


@pytest.fixture
def queue(tmp_path: Path) -> Iterator[Queue]:
    made = Queue(tmp_path / "queue", 10**8)
    yield made
    made.close()


def sent(receiver: Receiver, encryption: Encryption, path: Path) -> bool:
    """Whether a slice is taken."""
    at = Address(HERE.title, HERE.host, receiver.port)
    try:
        Peer(at, context=encryption.client(at)).send(path)
    except MedSegDLError:
        return False
    return True


def test_only_who_speaks_tls_and_trusts_us_can_send(queue: Queue, tmp_path: Path) -> None:
    mine, another = Encryption(*certificate(tmp_path)), certificate(tmp_path, "another")
    path = save(plain(CT), tmp_path / "one.dcm")
    receiver = Receiver(HERE, queue, Wanted(()), context=mine.server(HERE))
    try:
        assert not sent(receiver, Encryption(), path), "in plain"
        assert not sent(receiver, Encryption(authority=another[0]), path), "the certificate is a stranger's"
        assert queue.states() == {}
        assert sent(receiver, Encryption(authority=mine.certificate), path)
    finally:
        receiver.close()
    assert list(queue.states()) == [1]


def test_who_says_nothing_keeps_nobody_out(queue: Queue, tmp_path: Path) -> None:
    """A monitor that only looks whether the port is open, a sender that was cut off while it shook hands."""
    mine = Encryption(*certificate(tmp_path))
    path = save(plain(CT), tmp_path / "one.dcm")
    receiver = Receiver(HERE, queue, Wanted(()), context=mine.server(HERE))
    try:
        with socket.create_connection((HERE.host, receiver.port)) as silent, socket.create_connection((HERE.host, receiver.port)) as cut:
            cut.sendall(b"\x16\x03\x01")
            assert sent(receiver, Encryption(authority=mine.certificate), path)
            silent.sendall(b"GET / HTTP/1.0\r\n\r\n")
            assert sent(receiver, Encryption(authority=mine.certificate), path)
    finally:
        receiver.close()


def test_with_an_authority_senders_show_a_certificate_too(queue: Queue, tmp_path: Path) -> None:
    ours, theirs, strangers = (certificate(tmp_path, name) for name in ("ours", "theirs", "strangers"))
    path = save(plain(CT), tmp_path / "one.dcm")
    receiver = Receiver(HERE, queue, Wanted(()), context=Encryption(*ours, authority=theirs[0]).server(HERE))
    try:
        assert not sent(receiver, Encryption(authority=ours[0]), path), "none"
        assert not sent(receiver, Encryption(*strangers, authority=ours[0]), path), "not one that is trusted"
        assert queue.states() == {}
        assert sent(receiver, Encryption(*theirs, authority=ours[0]), path)
    finally:
        receiver.close()
    assert list(queue.states()) == [1]


def test_results_go_only_to_whom_we_trust(tmp_path: Path) -> None:
    archive, another = certificate(tmp_path, "archive"), certificate(tmp_path, "another")
    path = save(plain(CT), tmp_path / "one.dcm")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*archive)
    entity = AE(ae_title="ARCHIVE")
    entity.add_supported_context(CT, ExplicitVRLittleEndian)
    server = entity.start_server(("127.0.0.1", 0), block=False, ssl_context=context)
    try:
        at = Address("ARCHIVE", "127.0.0.1", server.server_address[1])
        for encryption in (Encryption(authority=another[0]), Encryption(*another)):
            with pytest.raises(MedSegDLError, match="does not answer"):
                Peer(at, context=encryption.client(at)).send(path)
        with pytest.raises(MedSegDLError, match="was not taken"):  # spoken to: it has no room for slices
            Peer(at, context=Encryption(authority=archive[0]).client(at)).send(path)
    finally:
        server.shutdown()
