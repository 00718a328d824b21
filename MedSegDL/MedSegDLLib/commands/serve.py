"""`medsegdl serve`: one worker on this machine for many desks."""

from __future__ import annotations

import argparse
import ipaddress
import os
import secrets
import socket
import sys
from pathlib import Path

from ..errors import Cancelled, InputRefused, MedSegDLError, UsageError
from ..worker.wire import DEFAULT_PORT
from .broken_pipe import refuse_lost_output
from .terminal import NOTICE, path

TOKEN_VARIABLE = "MEDSEGDL_TOKEN"
LEAST_TOKEN = 16  # letters
GRACE_S = 3  # for answers under way when the server is told to end


def add(command: argparse.ArgumentParser) -> None:
    """Options."""
    command.add_argument("--host", default="127.0.0.1", help="address to listen at (default: %(default)s, this machine only)")
    command.add_argument("--port", type=int, default=DEFAULT_PORT, help="default: %(default)s; 0 takes a free one")
    command.add_argument("--token-file", type=path, metavar="FILE", help=f"holds the token (default: ${TOKEN_VARIABLE}, else a new one)")
    command.add_argument("--certificate", type=path, metavar="FILE", help="PEM certificate: HTTPS")
    command.add_argument("--key", type=path, metavar="FILE", help="PEM key of the certificate")
    command.add_argument("--plain", action="store_true", help="let other machines in without HTTPS (a closed network, a proxy before it)")
    command.add_argument("--most-jobs", type=int, default=64, metavar="N", help="jobs at once, of all clients (default: %(default)s)")
    command.add_argument("--most-gib", type=float, default=4.0, metavar="GIB", help="of one job's images (default: %(default)s)")
    command.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    """`medsegdl serve`."""
    try:
        import uvicorn
    except ModuleNotFoundError as error:
        raise UsageError("serve needs uvicorn and starlette.", "Install them: pip install 'medsegdl[serve]'.") from error
    from ..io.private_folder import private_folder
    from ..serve.app import Service
    from ..serve.jobs import Limits
    from ..worker.environment import Interpreter, Source, worker_launch

    _refuse_open_door(arguments)
    token = _token(arguments.token_file)
    limits = Limits(jobs=arguments.most_jobs, jobs_each=arguments.most_jobs, job_bytes=int(arguments.most_gib * 2**30))
    with private_folder() as folder, _listening(arguments.host, arguments.port) as listener:
        service = Service(folder, token, worker_launch(Interpreter(Path(sys.executable), Source.SETTING)), limits)
        tls = {"ssl_certfile": arguments.certificate, "ssl_keyfile": arguments.key}
        quiet = {"log_level": "warning", "access_log": False, "server_header": False}
        server = uvicorn.Server(uvicorn.Config(service.app(), lifespan="on", timeout_graceful_shutdown=GRACE_S, **quiet, **tls))
        service.stop = lambda: setattr(server, "should_exit", True)
        print(f"Address for clients: {_address(arguments, listener, token)}\n{NOTICE}")
        refuse_lost_output()  # whom nobody can reach need not wait
        try:
            server.run(sockets=[listener])
        except Cancelled:
            print("Stopped.")
        if service.failure is not None:
            raise MedSegDLError(service.failure.message, service.failure.remedy)


def _refuse_open_door(arguments: argparse.Namespace) -> None:
    if (arguments.certificate is None) != (arguments.key is None):
        raise UsageError("--certificate and --key belong together.", "Give both.")
    if not (_is_loopback(arguments.host) or arguments.certificate or arguments.plain):
        raise UsageError(
            "Other machines would send images without encryption.", "Give --certificate and --key, or --plain where that is meant."
        )


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _token(file: Path | None) -> str:
    """The token of a file or of the environment, else a new one. Raises InputRefused where a file's is too short to be one."""
    token = os.environ.get(TOKEN_VARIABLE, "") if file is None else file.read_text(encoding="utf-8")
    token = token.strip()
    if not token and file is None:
        return secrets.token_urlsafe(24)
    if len(token) < LEAST_TOKEN or not token.isascii() or not token.isprintable() or set(token) & set(" @/:"):
        raise InputRefused(f"The token has fewer than {LEAST_TOKEN} letters and digits, or others.", "Take `openssl rand -hex 24`.")
    return token


def _listening(host: str, port: int) -> socket.socket:
    try:
        return socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise InputRefused(f"Nobody can be served at {host}, port {port}: {reason.lower()}.", "Choose another --host or --port.") from error


def _address(arguments: argparse.Namespace, listener: socket.socket, token: str) -> str:
    host, port = listener.getsockname()[:2]
    return f"{'https' if arguments.certificate else 'http'}://{token}@{f'[{host}]' if ':' in host else host}:{port}"
