"""What the fixtures share: programs that may be missing, free ports, waiting, running a test file."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SKIPPED = 77  # ctest's SKIP_RETURN_CODE


def in_ci():
    return os.environ.get("CI") == "true"


def need(what, found):
    """`found`, or where it is None: a failure in CI, a skip by name elsewhere."""
    if found:
        return found
    if in_ci():
        raise AssertionError("%s is missing; ./bootstrap test installs it" % what)
    raise unittest.SkipTest("%s is missing" % what)


def need_program(name, *others):
    """The path of the first of these programs that is here, also outside of PATH."""
    for candidate in (name,) + others:
        path = shutil.which(candidate, path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/bin")
        if path:
            return path
    return need(name, None)


def need_file(*paths):
    """The first of these that is here."""
    return need(paths[0], next((path for path in paths if os.path.exists(path)), None))


def need_root(what):
    if os.geteuid() != 0:
        raise unittest.SkipTest("%s must be started as root" % what)


def find_built(name):
    """A file of the newest build tree that has it, for runs by hand."""
    paths = [os.path.join(ROOT, "build", preset, name) for preset in ("debug", "release", "tsan")]
    return next((path for path in paths if os.path.exists(path)), None)


def unpacked(package):
    """Where ./bootstrap test has unpacked a server that cannot be installed beside the others."""
    path = os.path.join(ROOT, "build", "servers", package)
    return need(package, path if os.path.isdir(path) else None)


def has_module(name):
    command = [sys.executable, "-c", "import " + name]
    return subprocess.run(command, capture_output=True).returncode == 0


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_until(condition, seconds, what):
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError("%s: not within %d seconds" % (what, seconds))
        time.sleep(0.02)


def port_answers(port):
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
        return True
    except OSError:
        return False


def stop_process(process, seconds=10):
    """End a child by its pid: ask first, then insist."""
    if process.poll() is not None:
        return
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


class Fixture:
    """Started by `with`, and closed after it, or where the start fails."""

    def start(self):
        raise NotImplementedError

    def close(self):
        raise NotImplementedError

    def __enter__(self):
        try:
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_):
        self.close()


def run_checked(command, **options):
    result = subprocess.run(command, capture_output=True, **options)
    if result.returncode != 0:
        raise AssertionError("%s ended with %d:\n%s%s" % (
            command, result.returncode, result.stdout.decode(errors="replace"),
            result.stderr.decode(errors="replace")))
    return result.stdout


def main():
    """Run the tests of the calling file. Where every one was skipped, so is the file."""
    program = unittest.main(module="__main__", exit=False, verbosity=2)
    result = program.result
    for case, reason in result.skipped:
        print("skipped: %s: %s" % (case, reason))
    if not result.wasSuccessful():
        sys.exit(1)
    sys.exit(SKIPPED if result.skipped and len(result.skipped) >= result.testsRun else 0)
