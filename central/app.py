"""The hub's process: one event loop with the hub, the console and the API."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
from collections.abc import Iterator

import structlog
import uvicorn
from starlette.applications import Starlette

from central.api import routes as api
from central.assembly import Hub
from central.auth.middleware import middleware
from central.clock import Clock
from central.config import CentralConfig
from central.console import errors as console_errors
from central.console import routes as console
from central.errors import PortBusy
from central.notify import announced
from central.services import Services

GRACE_S = 2  # live pages stay open until then

log = structlog.get_logger()


class _Server(uvicorn.Server):
    """uvicorn without its own signal handling: the loop's handlers below stop it."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals alone."""
        yield


def create_app(services: Services) -> Starlette:
    """The web application on a running hub."""
    return Starlette(
        routes=[*api.routes(services), *console.routes(services)],
        middleware=middleware(services),
        exception_handlers=console_errors.exception_handlers(services),
    )


async def serve(config: CentralConfig, clock: Clock) -> bool:
    """Run until SIGTERM or SIGINT; False if a part failed.

    Raises `CentralError` when the hub cannot start.
    """
    failures: list[str] = []
    stop = asyncio.Event()

    def failed() -> None:
        failures.append("part")
        stop.set()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    hub = Hub(config, clock, failed=failed)
    with _listening(config) as listener:
        services = await hub.start()
        try:
            await _serve_pages(services, listener, stop)
        finally:
            await hub.stop()
    log.info("hub_stopped")
    return not failures


async def _serve_pages(services: Services, listener: socket.socket, stop: asyncio.Event) -> None:
    server = _Server(
        uvicorn.Config(
            create_app(services),
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=GRACE_S,
        )
    )
    pages = asyncio.create_task(server.serve(sockets=[listener]))
    stopped = asyncio.create_task(stop.wait())
    host, port = listener.getsockname()[:2]
    log.info("hub_ready", console=f"http://{host}:{port}/", site=services.config.site)
    async with announced():
        await asyncio.wait((pages, stopped), return_when=asyncio.FIRST_COMPLETED)
        services.changes.close()
        server.should_exit = True
        stopped.cancel()
        await pages


@contextlib.contextmanager
def _listening(config: CentralConfig) -> Iterator[socket.socket]:
    """The console's socket, bound before anything else starts. Raises `PortBusy`."""
    host, port = config.http.host, config.http.port
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # With the protocol named asyncio turns Nagle's algorithm off; without, each answer that is sent
    # in two parts waits 40 ms for the browser's delayed acknowledgement.
    with socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, port))
        except OSError as exc:
            raise PortBusy(
                f"console: {host}:{port} cannot be used ({exc.strerror}): end the program that"
                " holds it, or set another `http.port` in the hub's configuration"
            ) from exc
        yield listener
