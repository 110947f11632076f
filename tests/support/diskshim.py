"""Runs a program with the disk shim (diskshim.c) loaded into it."""

import os
import subprocess

import tools

SETTINGS = {
    "kill_at": "DISKSHIM_KILL_AT", "powerloss_seed": "DISKSHIM_POWERLOSS_SEED",
    "count_file": "DISKSHIM_COUNT_FILE", "log": "DISKSHIM_LOG",
    "enospc_after": "DISKSHIM_ENOSPC_AFTER", "clock_offset_s": "DISKSHIM_CLOCK_OFFSET_S",
}


def library():
    path = os.environ.get("MAILDIRD_DISKSHIM") or tools.find_built("tests/support/diskshim.so")
    return tools.need("diskshim.so (built with the tests)", path)


def environment(root, program, binary, base=None, **settings):
    """The environment for a run of `binary`; settings by the names above."""
    env = dict(os.environ if base is None else base)
    env["LD_PRELOAD"] = " ".join(sanitizer_runtimes(binary) + [library()])
    env["DISKSHIM_ROOT"] = root
    env["DISKSHIM_PROGRAM"] = program
    for name, value in settings.items():
        env[SETTINGS[name]] = str(value)
    return env


def sanitizer_runtimes(binary):
    """AddressSanitizer wants to be loaded first, also before a preloaded library."""
    linked = subprocess.run(["ldd", binary], capture_output=True, text=True).stdout
    return [line.split()[2] for line in linked.splitlines() if "libasan" in line]
