#!/usr/bin/env python3
"""Every tracked C file is as clang-format leaves it."""

import re
import shutil
import subprocess
import sys

import tree

VERSION = 14  # the layout differs between versions


def find_clang_format():
    for name in ("clang-format-%d" % VERSION, "clang-format"):
        path = shutil.which(name)
        if path is None:
            continue
        words = subprocess.run([path, "--version"], capture_output=True, text=True).stdout
        if re.search(r"version %d\." % VERSION, words):
            return path
    return None


def main():
    root = sys.argv[1] if len(sys.argv) > 1 else tree.project_root()
    clang_format = find_clang_format()
    if clang_format is None:
        tree.needed_or_skip("clang-format %d" % VERSION)
    files = [path for path in tree.tracked_files(root) if tree.is_c(path)]
    command = [clang_format, "--style=file", "--dry-run", "--Werror", "--ferror-limit=3"]
    result = subprocess.run(command + files, cwd=root)
    if result.returncode != 0:
        print("run: clang-format -i on the files named above")
    return 1 if result.returncode else 0


if __name__ == "__main__":
    sys.exit(main())
