"""The provider as a program, started by Terraform: `python -m tests.azure_sim.provider`.

Its environment: AZSIM_CLOUD, the cloud's file, and AZSIM_KEYS, a folder with `key.pem` and `cert.pem`.
"""

import os
import shutil
import signal
import sys
import tempfile
import threading
from concurrent import futures
from pathlib import Path
from typing import Any

import grpc  # type: ignore[import-untyped]

from tests.azure_sim.cloud import Cloud
from tests.azure_sim.provider.pb import controller, controller_rpc, provider_rpc, stdio_rpc
from tests.azure_sim.provider.server import Provider

COOKIE = "d602bf8f470bc67ca7faa0386276bbdd4330efaf76d1a219cb4d6991ca9872b2"
THREADS = 16


class Controller:
    """Terraform's word to end."""

    def __init__(self) -> None:
        self.over = threading.Event()

    def Shutdown(self, _request: Any, context: Any) -> Any:
        """End as soon as the answer is out."""
        context.add_callback(self.over.set)
        return controller.Empty()


class Stdio:
    """Output for Terraform to show: there is none. A stream that waited would hold a thread for ever."""

    def StreamStdio(self, _request: Any, _context: Any) -> Any:
        """End at once."""
        return iter(())


def main() -> None:
    """Serve on a socket until Terraform has enough."""
    if os.environ.get("TF_PLUGIN_MAGIC_COOKIE") != COOKIE:
        sys.exit("This is a stand-in for azurerm, used by tests. It is started by Terraform.")
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Terraform gets it too, and tells us what to do
    keys = Path(os.environ["AZSIM_KEYS"])
    folder = tempfile.mkdtemp(prefix="az")  # short: a socket's path has at most 107 bytes
    try:
        _serve(keys, f"{folder}/s", Path(os.environ["AZSIM_CLOUD"]))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    os._exit(0)  # threads that still hang about would cost the two seconds Terraform waits for


def _serve(keys: Path, socket: str, cloud: Path) -> None:
    control = Controller()
    server = grpc.server(futures.ThreadPoolExecutor(THREADS))
    provider_rpc.add_ProviderServicer_to_server(Provider(Cloud(cloud, caller=True)), server)
    controller_rpc.add_GRPCControllerServicer_to_server(control, server)
    stdio_rpc.add_GRPCStdioServicer_to_server(Stdio(), server)
    pair = ((keys / "key.pem").read_bytes(), (keys / "cert.pem").read_bytes())
    server.add_secure_port(f"unix://{socket}", grpc.ssl_server_credentials([pair]))
    server.start()
    certificate = "".join(pair[1].decode().split("\n")[1:-2]).rstrip("=")  # PEM is base64 of what is wanted
    sys.stdout.write(f"1|6|unix|{socket}|grpc|{certificate}\n")
    sys.stdout.flush()
    parent = os.getppid()
    while not control.over.wait(1.0) and os.getppid() == parent:
        pass  # a Terraform that was killed says nothing, and leaves us to another parent
    server.stop(None)


if __name__ == "__main__":
    main()
