"""What the checks share: which files belong to the project, and how C text is looked at."""

import os
import re
import subprocess
import sys

SKIP = 77  # ctest's SKIP_RETURN_CODE

# A folder may include what stands before it, and nothing of its own rank.
LAYER_RANKS = {
    "base": 0, "net": 1, "wire": 2, "imap": 3, "client": 4, "server": 4, "store": 5, "config": 6,
    "reconcile": 7, "pass": 8, "survey": 9, "apply": 10, "account": 11, "daemon": 12, "cmd": 13,
}
LAYER_FOLDERS = {
    "base": "core/base", "net": "core/net", "wire": "core/wire", "imap": "core/imap",
    "client": "core/client", "server": "core/server", "store": "store", "config": "config",
    "reconcile": "sync/reconcile", "pass": "sync/pass", "survey": "sync/survey",
    "apply": "sync/apply", "account": "sync/account", "daemon": "daemon", "cmd": "cmd",
}


def project_root():
    return os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def tracked_files(root):
    """Paths relative to root; without git, everything but build trees and hidden folders."""
    command = ["git", "-c", "safe.directory=*", "-C", root, "ls-files", "-z"]
    try:
        listed = subprocess.run(command, capture_output=True, check=True).stdout.decode()
        names = [name for name in listed.split("\0") if name]
        return sorted(name for name in names if os.path.isfile(os.path.join(root, name)))
    except (OSError, subprocess.CalledProcessError):
        return sorted(walk_files(root))


def walk_files(root):
    for folder, folders, files in os.walk(root):
        folders[:] = [f for f in folders if not f.startswith(("build", ".", "__pycache__"))]
        for name in files:
            yield os.path.relpath(os.path.join(folder, name), root)


def is_c(path):
    return path.endswith((".c", ".h"))


def read_text(root, path):
    with open(os.path.join(root, path), encoding="utf-8", errors="replace") as stream:
        return stream.read()


TOKEN = re.compile(r'/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.DOTALL)


def without_comments_and_strings(text):
    """The same number of lines; comments become blanks, string and character constants empty."""
    def blank(match):
        token = match.group(0)
        if token.startswith("/*"):
            return re.sub(r"[^\n]", " ", token)
        return token[0] * 2
    return TOKEN.sub(blank, text)


def needed_or_skip(what):
    """Something a check needs is not here: a failure in CI, a skip elsewhere. Does not return."""
    required = os.environ.get("CI") == "true"
    print("%s: %s is not installed" % ("FAILED" if required else "skipped", what))
    sys.exit(1 if required else SKIP)
