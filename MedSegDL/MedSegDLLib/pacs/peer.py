"""The sending side: results to another application entity by C-STORE. Storing one twice leaves one; nothing is waited for without end."""

from __future__ import annotations

from pathlib import Path
from ssl import SSLContext

import pydicom
from pynetdicom import AE

from ..errors import InputRefused, MedSegDLError
from .address import Address

CONNECT_S, ANSWER_S = 10.0, 60.0
OURS = "MEDSEGDL"
WARNINGS = range(0xB000, 0xC000)  # PS3.4 table B.2-1: stored, with a remark


class Peer:
    """Another application entity.

    Args:
        at: where it listens.
        title: ours.
        context: TLS.
    """

    def __init__(self, at: Address, title: str = OURS, context: SSLContext | None = None) -> None:
        self._at, self._title, self._context = at, title, context

    def send(self, path: Path) -> None:
        """Store one file.

        Raises:
            InputRefused: it does not answer, or does not take it.
        """
        instance = pydicom.dcmread(path)
        entity = AE(ae_title=self._title)
        entity.connection_timeout, entity.acse_timeout = CONNECT_S, CONNECT_S
        entity.dimse_timeout = entity.network_timeout = ANSWER_S
        entity.add_requested_context(instance.SOPClassUID, instance.file_meta.TransferSyntaxUID)
        secure = (self._context, self._at.host) if self._context else None
        association = entity.associate(self._at.host, self._at.port, ae_title=self._at.title, tls_args=secure)
        if not association.is_established:
            says = f"{self._at.title} does not answer, does not let us in, or takes nothing of the kind of {path.name}."
            raise InputRefused(says, "Check its address, and whether it knows us.")
        try:
            _stored(association.send_c_store(instance), path.name)
        except (ValueError, RuntimeError) as error:  # the line was cut
            raise InputRefused(f"{self._at.title} did not take {path.name}.", "It is sent again.") from error
        finally:
            association.release() if association.is_established else association.abort()


def _stored(answer: pydicom.Dataset, name: str) -> None:
    """Raises MedSegDLError for any answer but 'stored'."""
    status = answer.get("Status")
    if status is None:
        raise MedSegDLError(f"No answer came to {name}.", "It is sent again.")
    if status != 0 and status not in WARNINGS:
        raise MedSegDLError(f"{name} was not taken (status {status:#06x}).", "Ask the archive's administrator.")
