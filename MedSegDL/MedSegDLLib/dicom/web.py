"""An archive over DICOMweb: one study out of it (QIDO, WADO), results into it (STOW). Slices go to the folder that is given, nowhere else.

Nothing is waited for without end; what may pass by itself (no connection, 5xx) is tried again after growing pauses.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

import pydicom
import requests
from dicomweb_client.api import DICOMwebClient
from pydicom.dataset import Dataset
from requests.utils import get_environ_proxies

from ..errors import InputRefused, UsageError
from .study import KINDS

TIMEOUTS_S = (10.0, 60.0)  # for a connection, and between two pieces of an answer
PAUSES_S = (1.0, 4.0, 16.0)
PASSING = (408, 429, 500, 502, 503, 504)
LOOPBACK = ("localhost", "127.0.0.1", "::1")
SYSTEMS_AUTHORITIES = "REQUESTS_CA_BUNDLE"  # where --ca is not given
MODALITY, SERIES_UID = "00080060", "0020000E"
AS_STORED = (("application/dicom", "*"),)
FAILED_SOP_SEQUENCE = "FailedSOPSequence"
Answer = TypeVar("Answer")

logging.getLogger("dicomweb_client").addHandler(logging.NullHandler())
logging.getLogger("dicomweb_client").propagate = False


@dataclass(frozen=True)
class Login:
    """How to be let in.

    Attributes:
        user, password: for HTTP basic authentication; none where the user is empty.
        token: a bearer token in place of them.
        authority: a file of certificates that are trusted; None for those of $REQUESTS_CA_BUNDLE, else of certifi.
    """

    user: str = ""
    password: str = field(default="", repr=False)
    token: str = field(default="", repr=False)
    authority: Path | None = None

    @property
    def secret(self) -> bool:
        """Whether something is sent that others must not read."""
        return bool(self.user or self.token)


class Archive:
    """A DICOMweb server.

    Args:
        url: where its services begin (".../dicom-web").
        login: how to be let in.

    Raises:
        UsageError: no URL, or a password that would cross a network unencrypted.
    """

    def __init__(self, url: str, login: Login = Login()) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.username or parts.password:
            raise UsageError("The archive's address is no plain http or https URL.", "Give one like https://pacs.example/dicom-web.")
        if login.secret and parts.scheme == "http" and parts.hostname not in LOOPBACK:
            raise UsageError("A password would cross the network unencrypted.", "Give an https address.")
        session = _session(url, login, loopback=parts.hostname in LOOPBACK)
        headers = {"Authorization": f"Bearer {login.token}"} if login.token else None
        self._client = DICOMwebClient(url.rstrip("/"), session=session, headers=headers, timeout=TIMEOUTS_S)
        self._client.set_http_retry_params(retry=False)

    def fetch(self, study: str, folder: Path, most_bytes: int) -> int:
        """Every MR, CT and PET series of a study, each into a folder of its own under numbers; the bytes that came.

        Raises:
            InputRefused: no such study, no answer, or more than `most_bytes`.
        """
        found = _patiently(lambda: self._client.search_for_series(study, fields=["Modality"], get_remaining=True))
        wanted = [entry[SERIES_UID]["Value"][0] for entry in found if entry.get(MODALITY, {}).get("Value", [""])[0] in KINDS]
        if not wanted:
            raise InputRefused(f"The archive has {'no images' if found else 'nothing'} of this study.", "Check the study's UID.")
        total = 0
        for number, series in enumerate(wanted):
            total += _patiently(partial(self._series, study, series, folder / f"{number}", most_bytes - total))
        return total

    def _series(self, study: str, series: str, place: Path, most_bytes: int) -> int:
        place.mkdir(exist_ok=True)
        total = 0
        for number, instance in enumerate(self._client.iter_series(study, series, media_types=AS_STORED)):
            path = place / f"{number}"
            pydicom.dcmwrite(path, instance)
            total += path.stat().st_size
            if total > most_bytes:
                raise InputRefused("The study is larger than may be fetched.", "Raise --most-gb if it is meant.")
        return total

    def send(self, paths: Sequence[Path]) -> None:
        """Store files, one by one; storing one twice leaves one.

        Raises:
            InputRefused: the archive did not take one.
        """
        for path in paths:
            self.send_one(path)

    def send_one(self, path: Path) -> None:
        """Store one file. Raises as `send`."""
        instance = pydicom.dcmread(path)
        answer = _patiently(lambda: self._client.store_instances([instance]))
        if isinstance(answer, Dataset) and answer.get(FAILED_SOP_SEQUENCE):
            code = answer.FailedSOPSequence[0].get("FailureReason", 0)
            raise InputRefused(f"The archive did not take {path.name} (reason {code:#06x}).", "Ask its administrator.")


def _session(url: str, login: Login, loopback: bool) -> requests.Session:
    """A session that goes by what was given. Left to itself, requests prefers $REQUESTS_CA_BUNDLE to `verify` and ~/.netrc to a token."""
    session = requests.Session()
    session.trust_env = False
    session.auth = (login.user, login.password) if login.user else None
    session.verify = str(login.authority) if login.authority else os.environ.get(SYSTEMS_AUTHORITIES) or True
    session.proxies = {} if loopback else get_environ_proxies(url)
    return session


def _patiently(call: Callable[[], Answer], pauses: Sequence[float] = PAUSES_S) -> Answer:
    """Try again after growing pauses what may pass by itself; a sentence for what does not."""
    for pause in (*pauses, None):
        try:
            return call()
        except requests.exceptions.SSLError as error:
            raise InputRefused("The archive's certificate is not trusted.", "Give its authority with --ca.") from error
        except requests.HTTPError as error:
            status = error.response.status_code if error.response is not None else 0
            if pause is None or status not in PASSING:
                raise _refused(status) from error
        except (requests.RequestException, OSError) as error:
            if isinstance(error, OSError) and not isinstance(error, requests.RequestException):
                raise
            if pause is None:
                raise InputRefused("The archive does not answer.", "Check its address, and whether it runs.") from error
        time.sleep(pause)
    raise AssertionError("the last try returns or raises")


def _refused(status: int) -> InputRefused:
    if status in (401, 403):
        return InputRefused(f"The archive does not let us in ({status}).", "Give --user and the password, or a token; see --help.")
    if status == 404:
        return InputRefused("The archive knows no such study, or its address is another one (404).", "Check the address and the UID.")
    return InputRefused(f"The archive answers with an error ({status}).", "Try again later, or ask its administrator.")
