"""The way to an archive: TLS with a certificate of our own, and being let in; whatever this machine's environment says."""

from __future__ import annotations

import base64
import threading
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from MedSegDLLib.dicom import web
from MedSegDLLib.dicom.web import Archive, Login
from MedSegDLLib.errors import InputRefused

from ..orthanc import LOGIN, Server, locked_orthanc, needs_orthanc  # noqa: F401 - a fixture
from .secure import certificate, needs_openssl, tls_in_front, web_server

MOST = 10**6
NOTHING = "nothing of this study"  # the archive's answer was heard


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web.time, "sleep", lambda seconds: None)


def knock(url: str, folder: Path, login: Login) -> str:
    """What is said of a study that the archive does not have."""
    with pytest.raises(InputRefused) as caught:
        Archive(url, login).fetch("1.2.3", folder, MOST)
    return caught.value.message


@needs_openssl
def test_only_a_trusted_certificate_is_spoken_to(tmp_path: Path) -> None:
    heard: list[str] = []

    def answer(request: BaseHTTPRequestHandler) -> tuple[int, bytes]:
        heard.append(request.headers.get("Authorization", ""))
        return 200, b"[]"

    pem, key = certificate(tmp_path)
    other, _ = certificate(tmp_path, "another")
    with web_server(pem, key, answer) as url:
        assert "is not trusted" in knock(url, tmp_path, Login("me", "secret"))
        assert "is not trusted" in knock(url, tmp_path, Login("me", "secret", authority=other))
        assert not heard, "a password was sent to a stranger"
        assert NOTHING in knock(url, tmp_path, Login("me", "secret", authority=pem))
        assert NOTHING in knock(url, tmp_path, Login(token="abc", authority=pem))
    assert heard == ["Basic " + base64.b64encode(b"me:secret").decode(), "Bearer abc"]


@needs_openssl
def test_the_environment_does_not_decide_whom_we_trust_or_who_we_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """requests prefers $REQUESTS_CA_BUNDLE to a session's own choice, ~/.netrc to a token, and sends what it can through a proxy."""
    heard: list[str] = []

    def answer(request: BaseHTTPRequestHandler) -> tuple[int, bytes]:
        heard.append(request.headers.get("Authorization", ""))
        return 200, b"[]"

    pem, key = certificate(tmp_path)
    other, _ = certificate(tmp_path, "another")
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login stranger password theirs\n", encoding="utf-8")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(other))
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    with web_server(pem, key, answer) as url:
        assert NOTHING in knock(url, tmp_path, Login(token="abc", authority=pem))
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(pem))
        assert "is not trusted" in knock(url, tmp_path, Login(token="abc", authority=other))
    assert heard == ["Bearer abc"]


@needs_openssl
def test_errors_and_a_stall_of_the_archive_end_in_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    heard: list[int] = []
    released = threading.Event()

    def answer(request: BaseHTTPRequestHandler) -> tuple[int, bytes]:
        heard.append(len(heard))
        if "stalls" in request.path:
            released.wait(30)
        return (500, b"{}") if "fails" in request.path or len(heard) < 3 else (200, b"[]")

    pem, key = certificate(tmp_path)
    with web_server(pem, key, answer) as url:
        assert NOTHING in knock(url, tmp_path, Login(authority=pem)), "the third answer is a good one"
        assert len(heard) == 3
        assert "answers with an error (500)" in knock(f"{url}/fails", tmp_path, Login(authority=pem))
        assert len(heard) == 3 + len(web.PAUSES_S) + 1
        monkeypatch.setattr(web, "TIMEOUTS_S", (20.0, 0.2))
        assert "does not answer" in knock(f"{url}/stalls", tmp_path, Login(authority=pem))
        released.set()


@needs_orthanc
@needs_openssl
def test_orthanc_behind_tls_asks_for_a_password(locked_orthanc: Server, tmp_path: Path) -> None:  # noqa: F811
    pem, key = certificate(tmp_path)
    with tls_in_front(pem, key, locked_orthanc.http) as url:
        assert NOTHING in knock(url, tmp_path, Login(*LOGIN, authority=pem))
        assert "does not let us in (401)" in knock(url, tmp_path, Login("me", "wrong", authority=pem))
        assert "does not let us in (401)" in knock(url, tmp_path, Login(authority=pem))
        assert "is not trusted" in knock(url, tmp_path, Login(*LOGIN))
