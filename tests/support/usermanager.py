"""A systemd user manager of its own, in namespaces of its own, for one unit under test."""

import os
import shutil
import subprocess
import tempfile
import time

import tools

SCRIPT = """
mount -t tmpfs none /run/systemd && mkdir -p /run/systemd/system &&
mount -t cgroup2 none /sys/fs/cgroup &&
exec /usr/lib/systemd/systemd --user --log-target=console
"""


class UserManager:
    """`home`: its HOME, where units stand in .config/systemd/user."""

    def __enter__(self):
        tools.need_root("a systemd user manager")
        tools.need("systemd", "/usr/lib/systemd/systemd" if os.path.exists("/usr/lib/systemd/systemd") else None)
        self.home = tempfile.mkdtemp(prefix="maildird-manager-")
        self.env = {"HOME": self.home, "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
                    "XDG_RUNTIME_DIR": os.path.join(self.home, "run"), "LANG": "C.UTF-8"}
        os.mkdir(self.env["XDG_RUNTIME_DIR"], 0o700)
        self.units = os.path.join(self.home, ".config", "systemd", "user")
        os.makedirs(self.units)
        self.log = open(os.path.join(self.home, "manager.log"), "wb")  # closed with the manager
        self.process = subprocess.Popen(["unshare", "--mount", "--cgroup", "sh", "-c", SCRIPT], env=self.env,
                                        stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)
        try:
            tools.wait_until(lambda: self.systemctl("is-system-running").stdout.strip() in (b"running", b"degraded"),
                             20, "a user manager")
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.systemctl("stop", "maildird.service")
        tools.stop_process(self.process)
        self.log.close()
        shutil.rmtree(self.home, ignore_errors=True)

    def systemctl(self, *words):
        return subprocess.run(["nsenter", "--mount", "--root", "--target", str(self.process.pid),
                               "systemctl", "--user", "--no-pager", *words], env=self.env, stdin=subprocess.DEVNULL,
                              capture_output=True, check=False, timeout=120)

    def show(self, unit, name):
        return self.systemctl("show", "--value", "-p", name, unit).stdout.decode().strip()

    def wait_for(self, unit, name, matches, seconds=30):
        deadline = time.monotonic() + seconds
        value = None
        while time.monotonic() < deadline:
            value = self.show(unit, name)
            if matches(value):
                return value
            time.sleep(0.1)
        raise AssertionError("%s of %s is %r\n%s" % (name, unit, value, self.systemctl("status", unit).stdout.decode()))
