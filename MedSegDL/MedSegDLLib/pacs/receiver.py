"""The receiving side: a C-STORE provider (pynetdicom) that puts slices into the queue, and acknowledges what lies on the disk.

Objects that are no volumes (reports, segmentations, our own results that a router sends back) are acknowledged and not kept.
"""

from __future__ import annotations

import logging
import shutil
import sqlite3
import threading
from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from socket import socket
from ssl import SSLContext, SSLSocket

import pydicom
from pydicom.dataset import Dataset
from pynetdicom import AE, ALL_TRANSFER_SYNTAXES, AllStoragePresentationContexts, evt
from pynetdicom.sop_class import Verification

from ..dicom.classes import VOLUME_CLASSES
from ..dicom.values import UNREADABLE
from ..errors import InputRefused
from .address import Address
from .queue import Queue, TooMuch
from .wanted import Wanted

# PS3.4 table B.2-1
SUCCESS, OUT_OF_RESOURCES, NOT_UNDERSTOOD = 0x0000, 0xA700, 0xC000
LEAST_FREE_BYTES = 1 << 28  # left for results and for the queue itself
LARGEST_PDU = 1 << 17  # what we ask senders to keep to
NETWORK_S = 60.0  # between two pieces of a slice; a sender that stalls for longer is cut off
UIDS = (0x0020000D, 0x00080018)  # StudyInstanceUID, SOPInstanceUID

# What pynetdicom would say names who called and what was sent.
logging.getLogger("pynetdicom").addHandler(logging.NullHandler())
logging.getLogger("pynetdicom").propagate = False


@dataclass(frozen=True)
class Limits:
    """What may come.

    Attributes:
        instance_bytes: of one object; a sender of more is cut off before it lies in memory.
        associations: connections at once.
        callers: AE titles that are let in; none lets in all.
    """

    instance_bytes: int = 2 << 30
    associations: int = 10
    callers: tuple[str, ...] = ()


class LateHandshake:
    """A TLS context whose handshakes wait for the thread of the connection.

    pynetdicom (3.0) shakes hands where it accepts: one caller who says nothing would keep out all others, and the server from ending.
    """

    def __init__(self, context: SSLContext) -> None:
        self._context = context

    def wrap_socket(self, caller: socket, server_side: bool) -> SSLSocket:
        """The caller's socket, with TLS from its first byte on, and not waited for without end."""
        caller.settimeout(NETWORK_S)
        return self._context.wrap_socket(caller, server_side=server_side, do_handshake_on_connect=False)


class Receiver:
    """Listens until it is closed.

    Args:
        at: where, and under which title; port 0 takes a free one.
        queue: where slices go.
        wanted: which studies.
        limits: what may come.
        context: TLS.

    Raises:
        InputRefused: nobody can listen there.
    """

    def __init__(self, at: Address, queue: Queue, wanted: Wanted, limits: Limits = Limits(), context: SSLContext | None = None) -> None:
        self._queue, self._wanted, self._limits = queue, wanted, limits
        self._lock = threading.Lock()
        self._heard: dict[object, set[int]] = {}  # by association: studies of which it sent slices
        self._coming: dict[object, int] = {}  # by association: bytes of the object that is on its way
        self.refusals: list[str] = []
        try:
            self._server = self._entity(at).start_server(
                (at.host, at.port),
                block=False,
                ssl_context=LateHandshake(context) if context else None,
                evt_handlers=list(self._handlers().items()),
            )
        except OSError as error:
            says = f"Nobody can listen at {at.host}, port {at.port}: {(error.strerror or str(error)).lower()}."
            raise InputRefused(says, "Choose another port.") from error
        self.port: int = self._server.server_address[1]

    def close(self) -> None:
        """Let nobody in any more; whoever is sending is cut off."""
        self._server.shutdown()
        self._server.server_close()

    def _entity(self, at: Address) -> AE:
        entity = AE(ae_title=at.title)
        for context in AllStoragePresentationContexts:
            entity.add_supported_context(context.abstract_syntax, ALL_TRANSFER_SYNTAXES)
        entity.add_supported_context(Verification)
        entity.require_called_aet = True
        entity.require_calling_aet = list(self._limits.callers)
        entity.maximum_associations = self._limits.associations
        entity.maximum_pdu_size = LARGEST_PDU
        entity.network_timeout = entity.dimse_timeout = NETWORK_S
        return entity

    def _handlers(self) -> dict[object, Callable[[evt.Event], object]]:
        return {
            evt.EVT_C_STORE: self._store,
            evt.EVT_PDU_RECV: self._count,
            evt.EVT_RELEASED: self._released,
            evt.EVT_CONN_CLOSE: self._closed,
        }

    def _count(self, event: evt.Event) -> None:
        """Cut off who sends an object without end, while it is coming."""
        with self._lock:
            coming = self._coming[event.assoc] = self._coming.get(event.assoc, 0) + len(event.pdu)
        if coming > self._limits.instance_bytes:
            event.assoc.abort()

    def _store(self, event: evt.Event) -> int:
        with self._lock:
            self._coming[event.assoc] = 0
        if event.request.AffectedSOPClassUID not in VOLUME_CLASSES:
            return SUCCESS
        content = event.encoded_dataset()
        try:
            header = header_of(content, self._wanted)
            study, instance = (str(header[tag].value or "") for tag in UIDS)
            wanted = self._wanted(header)
        except UNREADABLE:
            return NOT_UNDERSTOOD
        return self._kept(event, study, instance, content, wanted) if study and instance else NOT_UNDERSTOOD

    def _kept(self, event: evt.Event, study: str, instance: str, content: bytes, wanted: bool) -> int:
        try:
            free = shutil.disk_usage(self._queue.folder).free - len(content)
            number = self._queue.receive(study, instance, content, wanted, room=free >= LEAST_FREE_BYTES)
        except (TooMuch, OSError, sqlite3.Error):
            return OUT_OF_RESOURCES
        with self._lock:
            self._heard.setdefault(event.assoc, set()).add(number)
        return SUCCESS

    def _released(self, event: evt.Event) -> None:
        with self._lock:
            heard = self._heard.pop(event.assoc, set())
        self._queue.released(heard)

    def _closed(self, event: evt.Event) -> None:
        with self._lock:
            self._heard.pop(event.assoc, None)
            self._coming.pop(event.assoc, None)


def header_of(content: bytes, wanted: Wanted) -> Dataset:
    """The tags of an object that are looked at, and no others. Raises one of `UNREADABLE`."""
    return pydicom.dcmread(BytesIO(content), stop_before_pixels=True, specific_tags=[*UIDS, *wanted.tags, 0x00080005])
