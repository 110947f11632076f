"""What the tests of the program share: running it, with an environment of its own."""

import os
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def binary():
    path = os.environ.get("MAILDIRD_BINARY")
    if not path:
        sys.exit("MAILDIRD_BINARY is not set to the program to test")
    return path


class Result:
    def __init__(self, process):
        self.code = process.returncode
        self.out = process.stdout.decode()
        self.err = process.stderr.decode()


class Home:
    """A folder that is home, configuration and state to the program."""

    def __init__(self):
        self.folder = tempfile.TemporaryDirectory(prefix="maildird-cmd-")
        self.path = self.folder.name

    def close(self):
        self.folder.cleanup()

    def write(self, name, text, mode=0o600):
        path = os.path.join(self.path, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as stream:
            stream.write(text)
        os.chmod(path, mode)
        return path

    def run(self, *words, cwd=None, env=None, timeout=60):
        environment = {name: value for name, value in os.environ.items()
                       if name in ("PATH", "ASAN_OPTIONS", "UBSAN_OPTIONS", "TSAN_OPTIONS")}
        environment.update({"HOME": self.path, "TMPDIR": self.path, "TZ": "UTC", **(env or {})})
        process = subprocess.run([binary(), *words], cwd=cwd or self.path, env=environment,
                                 stdin=subprocess.DEVNULL, capture_output=True, timeout=timeout)
        return Result(process)
