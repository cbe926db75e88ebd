"""Packer's qemu builder, doing what a local build of imagegen does: the same disk, machine, scripts, end and image.

Wherever Packer leaves a choice it has the quicker one: an overlay and no copy of the disk, no wait for a boot menu, no
display, its own checksum (which is quicker than sha256sum), and a base that has a user, a key and host keys already.
"""

import base64
import json
import re
import shutil
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from generator.local import accelerator, host, images, inputs, machine
from generator.local.qmp import Agent
from generator.workspace.blueprint import BUILD_USER
from tests.bench.commands import Failed, environment, run
from tests.bench.place import Place

MODULES = Path(__file__).parents[2] / "modules"
BAKE_SECONDS = 600.0
# What the guest agent does in imagegen's machines, cloud-init does in a cloud's: SSH comes up with the machine.
BAKE = """set -e
systemctl enable ssh
sync
setsid sh -c 'sleep 0.5; systemctl poweroff' </dev/null >/dev/null 2>&1 &
"""


@dataclass(frozen=True)
class Packer:
    """Packer with a disk to start from (qcow2), the key of its user, and a folder for what it makes."""

    place: Place
    folder: Path

    @property
    def disk(self) -> Path:
        """The base, with a login."""
        return self.folder / "base.qcow2"

    @property
    def key(self) -> Path:
        """The private half."""
        return self.folder / "key"

    def build(self, scripts: Sequence[str]) -> float:
        """The seconds from the command to the image with its digest. What was made goes again, untimed."""
        output = self.folder / "output"
        shutil.copyfile(host.FIRMWARE_VARIABLES, self.folder / "variables.fd")
        (self.folder / "digest").unlink(missing_ok=True)  # Packer adds to what is there
        template = self.folder / "template.json"
        template.write_text(json.dumps(self._template(output, scripts), indent=2))
        kept = {"PACKER_CACHE_DIR": "cache", "PACKER_CONFIG": "config.json", "PACKER_CONFIG_DIR": "config"}
        folders = {"HOME": self.folder, **{name: self.folder / value for name, value in kept.items()}}
        env = environment(folders | {"TMPDIR": self.place.folder / "tmp"})
        try:
            ran = run(["packer", "build", "-color=false", template], env, cwd=self.folder)
            if (self.folder / "digest").read_text().split()[0] != images.digest(output / "image.vhd"):
                raise Failed("Packer's digest is not that of its image")
            return ran.seconds
        finally:
            shutil.rmtree(output, ignore_errors=True)

    def _template(self, output: Path, scripts: Sequence[str]) -> dict[str, Any]:
        prepare = MODULES / "steps/prepare"
        prepared = _filled(prepare / "prepare.sh.tftpl", script=_encoded(prepare / "DeprovisioningScript.sh"))
        return {
            "builders": [self._builder(output)],
            "provisioners": [{"type": "shell", "inline": [script]} for script in (prepared, *scripts)],
            "post-processors": [[
                {"type": "shell-local", "inline": [
                    "qemu-img convert -f qcow2 -O vpc -o subformat=fixed,force_size=on "
                    f"'{output}/disk.qcow2' '{output}/image.vhd'"
                ]},
                {"type": "artifice", "files": [f"{output}/image.vhd"]},
                {"type": "checksum", "checksum_types": ["sha256"], "output": str(self.folder / "digest")},
            ]],
        }  # fmt: skip

    def _builder(self, output: Path) -> dict[str, Any]:
        deprovision = MODULES / "steps/deprovision"
        clean = _encoded(deprovision / "local-clean.sh")
        accelerated = accelerator.choose(self.place.settings, self.place.base)
        shape = self.place.shape
        return {
            "type": "qemu", "output_directory": str(output), "vm_name": "disk.qcow2", "format": "qcow2",
            "iso_url": str(self.disk), "iso_checksum": "none", "disk_image": True, "use_backing_file": True,
            "skip_resize_disk": True, "disk_size": f"{self.place.base.disk.stat().st_size}b",
            "qemu_img_args": {"create": ["-F", "qcow2"]},
            "accelerator": accelerated, "machine_type": accelerator.machine_type(accelerator.qemu_version()),
            "cpus": shape.cores, "memory": shape.memory_mb, "headless": True, "disable_vnc": True, "boot_wait": "-1s",
            "net_device": "virtio-net-pci",
            "qemuargs": [
                ["-cpu", accelerator.MODELS[accelerated]], ["-vga", "none"],
                ["-drive", f"if=pflash,unit=0,format=raw,readonly=on,file={host.FIRMWARE_CODE}"],
                ["-drive", f"if=pflash,unit=1,format=raw,file={self.folder}/variables.fd"],
                ["-drive", f"if=none,id=disk,format=qcow2,file={output}/disk.qcow2,"
                           "cache=unsafe,discard=unmap,detect-zeroes=unmap"],
                ["-device", "virtio-blk-pci,drive=disk,bootindex=0"],
                ["-device", "virtio-net-pci,netdev=user.0,romfile="],
                ["-device", "virtio-rng-pci"],
            ],
            "ssh_username": BUILD_USER, "ssh_private_key_file": str(self.key), "ssh_timeout": "10m",
            # It powers the machine off by itself at its end. On this connection it needs no login.
            "shutdown_command": _filled(
                deprovision / "generalize.sh.tftpl", clean=clean, local_clean="true", user=BUILD_USER
            ),
            "shutdown_timeout": "5m",
        }  # fmt: skip


def ready(place: Place, folder: Path) -> Packer:
    """Packer, with its base made from imagegen's: that boots once and gets a login."""
    folder.mkdir()
    packer = Packer(place, folder)
    subprocess.run(["ssh-keygen", "-q", "-N", "", "-t", "ed25519", "-f", str(packer.key)], check=True)
    base, shape = place.base, place.shape
    directory = folder / "machine"
    directory.mkdir()
    wanted = machine.Start(
        directory=directory, backing=base.disk, format="raw", seed=base.seed, name="packer", cores=shape.cores,
        memory_mb=shape.memory_mb, disk_gb=0, ssh_port=inputs.free_port(), user=BUILD_USER,
        public_key=packer.key.with_suffix(".pub").read_text().strip(),
        accelerator=accelerator.choose(place.settings, base), timeout_seconds=BAKE_SECONDS,
    )  # fmt: skip
    try:
        machine.start(wanted)
        deadline = time.monotonic() + BAKE_SECONDS
        with Agent(directory) as agent:
            agent.wait(deadline)
            code, said = agent.script(BAKE, deadline)
        if code != 0:
            raise Failed(f"Packer's base was not made ready: {said}")
        machine.wait_off(directory, BAKE_SECONDS)
    finally:
        machine.stop(directory)
    convert = ["qemu-img", "convert", "-f", "qcow2", "-O", "qcow2", str(directory / "disk.qcow2"), str(packer.disk)]
    subprocess.run(convert, check=True)
    shutil.rmtree(directory)
    return packer


def _encoded(path: Path) -> str:
    return base64.b64encode(path.read_bytes()).decode()


def _filled(path: Path, **values: str) -> str:
    """A module's script as Terraform's `templatefile` makes it. KeyError for a value that it wants and has not got."""
    known: Mapping[str, str] = values
    return re.sub(r"\$\{(\w+)\}", lambda found: known[found[1]], path.read_text("utf-8"))
