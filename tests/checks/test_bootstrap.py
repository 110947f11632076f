#!/usr/bin/env python3
"""./bootstrap on a machine that lacks everything, with a package manager that only notes what it is
asked for."""

import os
import shutil
import subprocess
import sys
import tempfile
import unittest

SOURCES = sys.argv.pop(1)
NEEDED = ("sh", "dirname", "mkdir", "rm", "touch", "tr", "sed", "tail", "env", "id", "cat", "chmod")
# An installed program appears; a package is installed where its name was noted.
PROGRAMS = {
    "apt-get": 'echo "apt-get $*" >>"$NOTES"\n'
               'case " $* " in *" download "*) : >"${4}_1.deb" ;; esac\n'
               'case " $* " in *" install "*" npm "*)\n'
               '  printf \'#!/bin/sh\\necho "npm $*" >>"$NOTES"\\n\' >"$PROGRAMS/npm"\n'
               '  chmod +x "$PROGRAMS/npm" ;;\nesac',
    "dpkg": 'echo "dpkg $*" >>"$NOTES"',
    "dpkg-query": "exit 1",
}


class BootstrapCase(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.folder)
        self.programs = os.path.join(self.folder, "bin")
        os.mkdir(self.programs)
        for name in NEEDED:
            os.symlink(shutil.which(name), os.path.join(self.programs, name))
        for name, text in PROGRAMS.items():
            with open(os.path.join(self.programs, name), "w", encoding="utf-8") as stream:
                stream.write("#!/bin/sh\n%s\n" % text)
            os.chmod(stream.name, 0o755)
        shutil.copy(os.path.join(SOURCES, "bootstrap"), self.folder)

    def run_bootstrap(self, *words):
        notes = os.path.join(self.folder, "notes")
        open(notes, "w", encoding="utf-8").close()
        done = subprocess.run([os.path.join(self.folder, "bootstrap"), *words], check=False, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              env={"PATH": self.programs, "NOTES": notes, "PROGRAMS": self.programs})
        self.assertEqual(done.returncode, 0, done.stdout)
        with open(notes, encoding="utf-8") as stream:
            return done.stdout, stream.read()

    @unittest.skipUnless(os.geteuid() == 0, "as another user it asks sudo")
    def test_what_comes_from_npm_is_fetched_where_npm_was_missing(self):
        _, notes = self.run_bootstrap("install-deps")
        self.assertRegex(notes, r"(?m)^npm install .*hoodiecrow-imap@[0-9.]+$")
        self.assertRegex(notes, r"(?m)^apt-get .*download cyrus-imapd$")

    def test_a_dry_run_prints_and_installs_nothing(self):
        output, notes = self.run_bootstrap("install-deps", "--dry-run")
        self.assertIn("apt-get install", output)
        self.assertIn("libcmocka-dev", output)
        self.assertEqual(notes, "")


if __name__ == "__main__":
    unittest.main()
