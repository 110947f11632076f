"""The program under test, in a folder of its own: configuration, state, Maildir."""

import json
import os
import shutil
import subprocess
import tempfile

import diskshim
import tools


def binary():
    """The program of the build that runs the tests."""
    path = os.environ.get("MAILDIRD_BINARY") or tools.find_built("cmd/maildird")
    if not path or not os.path.exists(path):
        raise AssertionError("maildird is not built")
    return path


def release_binary():
    """Built without sanitizers where there is one: for the shim and for measuring."""
    path = os.environ.get("MAILDIRD_RELEASE") or os.path.join(
        tools.ROOT, "build", "release", "cmd", "maildird")
    return path if os.path.exists(path) else binary()


class Result:
    def __init__(self, process):
        self.code = process.returncode
        self.out = process.stdout.decode(errors="replace")
        self.err = process.stderr.decode(errors="replace")
        try:
            self.report = json.loads(self.out)
        except ValueError:
            self.report = None

    def account(self):
        """The account's part of `sync --json`."""
        if not self.report:
            raise AssertionError("no report; ended with %d:\n%s%s" % (self.code, self.out, self.err))
        return self.report["accounts"][0]

    def __str__(self):
        return "ended with %d\n%s%s" % (self.code, self.out, self.err)


class Maildird:
    """One account, named work."""

    def __init__(self, account, program=None):
        self.program = program or binary()
        self.folder = tempfile.mkdtemp(prefix="maildird-client-")
        self.maildir = os.path.join(self.folder, "root", "Mail")
        self.state = os.path.join(self.folder, "root", "state")
        self.config_file = os.path.join(self.folder, "config.yaml")
        for path in (os.path.dirname(self.maildir), self.state, os.path.join(self.folder, "run")):
            os.makedirs(path, mode=0o700)
        self.top = {}  # keys beside the accounts
        self.variables = {}  # of the environment, besides
        self.accounts = {"work": dict({"maildir": self.maildir}, **account)}
        self.write_config()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        shutil.rmtree(self.folder, ignore_errors=True)

    def write_config(self, **changes):
        """JSON is YAML too."""
        self.accounts["work"].update(changes)
        descriptor = os.open(self.config_file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
            json.dump(dict(self.top, accounts=self.accounts), stream, indent=1, ensure_ascii=False)

    def environment(self):
        env = {name: value for name, value in os.environ.items()
               if name in ("PATH", "LANG", "LC_ALL", "ASAN_OPTIONS", "UBSAN_OPTIONS", "TSAN_OPTIONS")}
        env.update(HOME=self.folder, XDG_STATE_HOME=self.state, XDG_CONFIG_HOME=self.folder,
                   XDG_RUNTIME_DIR=os.path.join(self.folder, "run"), TZ="UTC")
        env.update(self.variables)
        return env

    def command(self, verb, *words):
        return [self.program, verb, "-c", self.config_file] + list(words)

    def run(self, verb, *words, env=None, timeout=300, **options):
        process = subprocess.run(self.command(verb, *words), env=env or self.environment(),
                                 stdin=subprocess.DEVNULL, capture_output=True, timeout=timeout,
                                 **options)
        return Result(process)

    def sync(self, *words, **options):
        return self.run("sync", "--json", *words, **options)

    def sync_shimmed(self, *words, **settings):
        """A pass with the disk shim; settings as in diskshim.py."""
        root = os.path.join(self.folder, "root")
        env = diskshim.environment(root, os.path.basename(self.program), self.program,
                                   self.environment(), **settings)
        result = self.sync(*words, env=env)
        shutil.rmtree(root + ".stash", ignore_errors=True)
        return result

    def mailbox_path(self, mailbox):
        return os.path.join(self.maildir, *mailbox.split("/"))
