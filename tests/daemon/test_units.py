#!/usr/bin/env python3
"""The systemd units, installed as a packager would, in the eyes of systemd-analyze."""

import os
import shutil
import subprocess
import tempfile
import unittest

import tools

BUILD = os.environ["MAILDIRD_BUILD"]
UNITS = ("maildird.service", "maildird-sync@.service", "maildird-sync@.timer")


class Units(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.root = tempfile.mkdtemp(prefix="maildird-install-")
        cls.addClassCleanup(shutil.rmtree, cls.root, ignore_errors=True)
        for part in ("systemd", "cmd"):
            tools.run_checked(["cmake", "--install", os.path.join(BUILD, part)],
                              env=dict(os.environ, DESTDIR=cls.root))
        cls.prefix = os.path.join(cls.root, "usr", "local")
        cls.folder = os.path.join(cls.prefix, "lib", "systemd", "user")

    def read(self, unit):
        with open(os.path.join(self.folder, unit), encoding="utf-8") as stream:
            return stream.read()

    def test_they_are_installed_beside_the_program(self):
        self.assertEqual(sorted(os.listdir(self.folder)), sorted(UNITS))
        self.assertTrue(os.access(os.path.join(self.prefix, "bin", "maildird"), os.X_OK))
        self.assertIn("ExecStart=/usr/local/bin/maildird daemon\n", self.read("maildird.service"))

    def test_contract(self):
        service = self.read("maildird.service")
        for line in ("Type=notify", "ExecReload=/usr/local/bin/maildird reload", "RestartPreventExitStatus=64 78",
                     "WantedBy=default.target", "ConditionPathExists=%E/maildird/config.yaml"):
            self.assertIn(line + "\n", service)
        self.assertIn("WatchdogSec=", service)
        self.assertNotIn("network", service)
        self.assertIn("SuccessExitStatus=1 69 75\n", self.read("maildird-sync@.service"))

    def analyzed(self, *words):
        """By systemd-analyze, on copies that name the program where it stands now."""
        program = tools.need_program("systemd-analyze")
        folder = tempfile.mkdtemp(prefix="maildird-units-")
        self.addCleanup(shutil.rmtree, folder, ignore_errors=True)
        for unit in UNITS:
            text = self.read(unit).replace("/usr/local/bin/maildird", os.path.join(self.prefix, "bin", "maildird"))
            with open(os.path.join(folder, unit), "w", encoding="utf-8") as stream:
                stream.write(text)
        env = dict(os.environ, XDG_RUNTIME_DIR=folder, SYSTEMD_UNIT_PATH=folder + ":", HOME=folder)
        return folder, subprocess.run([program, "--user", *words], cwd=folder, env=env, capture_output=True, check=False)

    def test_systemd_understands_them(self):
        for unit in ("maildird.service", "maildird-sync@work.service", "maildird-sync@work.timer"):
            folder, result = self.analyzed("verify", "--man=no", unit)
            words = [line for line in (result.stdout + result.stderr).decode(errors="replace").splitlines()
                     if "maildird" in line.replace(folder, "")]
            self.assertEqual(words, [], unit)
            self.assertEqual(result.returncode, 0, result.stderr)


if __name__ == "__main__":
    tools.main()
