"""The command `serve`."""

from __future__ import annotations

import json
import signal
import sys
from contextlib import contextmanager
from threading import Event
from typing import TYPE_CHECKING, Any

import click

from harness.cli.settings import fake_options, split_options
from harness.cli.shared import FILE, OUTPUT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.serving import Server

# Seconds between two checks for a signal: on Windows, a wait without a timeout is not interrupted by signals.
SIGNAL_INTERVAL = 0.5
SET = '$env:{name}="{value}"' if sys.platform == "win32" else "export {name}={value}"


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="The port; by default a free one.")
@click.option(
    "--scenario", type=FILE, metavar="FILE", help="A scenario, as YAML or JSON, for every world to begin with."
)
@click.option(
    "--time",
    type=click.Choice(["virtual", "real"]),
    default="virtual",
    show_default=True,
    help="Virtual: nobody waits. Real: runs and streams take real time, and the clock is timed.",
)
@click.option(
    "--spare-waiting/--no-spare-waiting",
    default=False,
    help="Tell clients by headers not to wait between polls and before retries. The real service did not.",
)
@click.option("--execute", is_flag=True, help="Execute the cells of scripts that come over the network.")
@click.option(
    "--token",
    envvar="HARNESS_TOKEN",
    show_envvar=True,
    help="The token that the control API requires. One is generated if other machines can reach the server.",
)
@click.option(
    "--state",
    type=OUTPUT,
    metavar="FILE",
    help="Keep all requests, so that a server with this file continues where the last one ended or was killed. "
    "The file grows with every request; delete it to start over.",
)
@click.option(
    "--tls-cert",
    type=FILE,
    metavar="FILE",
    help="A certificate, as PEM: the server then speaks HTTPS, to clients that trust it.",
)
@click.option("--tls-key", type=FILE, metavar="FILE", help="Its private key, unless that is in the same file.")
@click.option(
    "--json", "as_json", is_flag=True, help="Print the address of the server for programs, as one line of JSON."
)
@fake_options
def serve(host: str, port: int, as_json: bool, **given: Any) -> None:
    """Serve a fake Assistants API to programs in any language, until Ctrl+C.

    Every API key has a world of its own, with its objects, clock and scripts. Runs without a script get a placeholder
    answer: there is no model. Below /_harness/ are a page that shows what happens, and an API to script and inspect it.

    \b
        harness serve --port 8000 --scenario weather.yaml
    """
    from harness.loopback import is_loopback
    from harness.serving import serve as served

    options, how = split_options(given, command="harness serve")
    with _stop_signal() as stop, served(options, host=host, port=port, **how) as server:
        if not is_loopback(host):
            _warn(host, server)
        click.echo(json.dumps(_as_dict(server)) if as_json else _greeting(server))
        while not stop.wait(SIGNAL_INTERVAL):
            pass
        if not as_json:
            click.echo("\nStopping.")


def _as_dict(server: Server) -> dict[str, Any]:
    return {
        "url": server.url,
        "base_url": server.base_url,
        "inspector": server.inspector,
        "token": server.worlds.token,
        "environment": server.environment,
    }


def _greeting(server: Server) -> str:
    variables = [
        (name.startswith("AZURE") or name == "OPENAI_API_VERSION", SET.format(name=name, value=value))
        for name, value in server.environment.items()
    ]
    only_key = server.worlds.options.api_key is not None
    return "\n".join(
        [
            f"A fake OpenAI Assistants API is at {server.url}",
            "It follows scripts: it is no model, and asks nobody else. Programs find it by these variables:",
            "",
            *(f"    {line}" for is_azure, line in variables if not is_azure),
            "",
            "Clients of Azure:",
            "",
            *(f"    {line}" for is_azure, line in variables if is_azure),
            "",
            "No other key is accepted." if only_key else "Any other key works as well, and has a world of its own.",
            "This page shows what happens:",
            "",
            f"    {server.inspector}",
            "",
            "Ctrl+C ends it.",
        ]
    )


def _warn(host: str, server: Server) -> None:
    open_text = "" if server.url.startswith("https") else ", and the connection is not encrypted"
    warning = f"Warning: whoever reaches {host} reaches this fake{open_text}."
    click.echo(f"{warning} Its control API requires this token: {server.worlds.token}", err=True)


@contextmanager
def _stop_signal() -> Iterator[Event]:
    """Yields an event that the first SIGINT or SIGTERM sets; the second one has its usual effect."""
    stop = Event()
    before: dict[signal.Signals, Any] = {}

    def restore() -> None:
        while before:
            signal.signal(*before.popitem())

    def handle(*_: object) -> None:
        restore()
        stop.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        before[number] = signal.signal(number, handle)
    try:
        yield stop
    finally:
        restore()
