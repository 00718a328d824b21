"""Who is called how: AE titles with host and port, encrypted or not. Nobody is reached, or let in, over a network in plain by mistake."""

from __future__ import annotations

import ipaddress
import re
import ssl
from dataclasses import dataclass
from pathlib import Path

from ..errors import InputRefused, UsageError

LOOPBACK = "127.0.0.1"
LARGEST_PORT = 65535
LETTER = r"[!-9;-?A-\[\]-~]"  # PS3.5 section 6.2: no backslash; '@' and ':' would be read as ours
AE_TITLE = rf"{LETTER}(( |{LETTER}){{0,14}}{LETTER})?"  # 16 of them, no blank at the ends
HOST = r"\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.-]+"
WRITTEN = re.compile(rf"(?P<title>{AE_TITLE})(@(?P<host>{HOST}))?:(?P<port>\d{{1,5}})")


@dataclass(frozen=True)
class Address:
    """An application entity.

    Attributes:
        title: its AE title.
        host, port: where it listens.
    """

    title: str
    host: str
    port: int

    def __str__(self) -> str:
        return f"{self.title}@{self.host}:{self.port}"

    @property
    def is_loopback(self) -> bool:
        """Whether it is this machine's own."""
        try:
            return self.host == "localhost" or ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False


def address(text: str) -> Address:
    """AET:PORT on this machine, or AET@HOST:PORT. Raises UsageError."""
    found = WRITTEN.fullmatch(text)
    if found is None or int(found["port"]) > LARGEST_PORT:
        raise UsageError(f"'{text}' is no address of a DICOM service.", "Write AET:PORT, or AET@HOST:PORT for another machine's network.")
    return Address(found["title"], (found["host"] or LOOPBACK).strip("[]"), int(found["port"]))


@dataclass(frozen=True)
class Encryption:
    """TLS of both directions.

    Attributes:
        certificate, key: ours, PEM files.
        authority: PEM file of whom we trust; given, senders have to show a certificate too.
        plain: other machines may be spoken to without.
    """

    certificate: Path | None = None
    key: Path | None = None
    authority: Path | None = None
    plain: bool = False

    def __post_init__(self) -> None:
        if (self.certificate is None) != (self.key is None):
            raise UsageError("--certificate and --key belong together.", "Give both.")

    @property
    def wanted(self) -> bool:
        """Whether connections are encrypted."""
        return self.certificate is not None or self.authority is not None

    def server(self, at: Address) -> ssl.SSLContext | None:
        """For those who call us. Raises UsageError where images would cross a network in plain, InputRefused for unusable files."""
        self._refuse_open(at)
        if self.certificate is None:
            return None
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self._load(context)
        context.verify_mode = ssl.CERT_REQUIRED if self.authority else ssl.CERT_NONE
        return context

    def client(self, peer: Address) -> ssl.SSLContext | None:
        """For whom we call. Raises as `server`."""
        if not self.wanted:
            self._refuse_open(peer)
            return None
        context = ssl.create_default_context()
        self._load(context)
        return context

    def _refuse_open(self, other: Address) -> None:
        if not (other.is_loopback or self.plain or self.certificate):
            says = f"{other} is on a network, and images would cross it unencrypted."
            raise UsageError(says, "Give --certificate and --key, or --plain where that is meant.")

    def _load(self, context: ssl.SSLContext) -> None:
        try:
            if self.certificate is not None:
                context.load_cert_chain(self.certificate, self.key)
            if self.authority is not None:
                context.load_verify_locations(self.authority)
        except OSError as error:  # ssl's own errors are of this kind
            raise InputRefused("The certificate, its key or --ca cannot be used.", "Give PEM files that belong together.") from error
