#!/usr/bin/env python3
"""Every limit of core/imap/limits.h has its reason above it, is used, and is met by a test that
names it. Prints one line for each that is not."""

import re
import sys

import tree

HEADER = "core/imap/limits.h"
LIMIT = re.compile(r"^#define (LIMIT_[A-Z0-9_]+)")


def limits_of(text):
    """Names, each with whether a comment stands above it or above those it stands among."""
    found = []
    explained = False
    for line in text.split("\n"):
        match = LIMIT.match(line)
        if match:
            found.append((match.group(1), explained))
        elif line.rstrip().endswith("*/"):
            explained = True
        elif not line.strip():
            explained = False
    return found


def names_in(root, paths):
    names = set()
    for path in paths:
        if path != HEADER:
            names.update(re.findall(r"\bLIMIT_[A-Z0-9_]+", tree.read_text(root, path)))
    return names


def check(root):
    files = [path for path in tree.tracked_files(root) if tree.is_c(path)]
    used = names_in(root, [path for path in files if not path.startswith("tests/")])
    tested = names_in(root, [path for path in files if path.startswith("tests/")])
    lines = []
    for name, explained in limits_of(tree.read_text(root, HEADER)):
        if not explained:
            lines.append("%s: %s has no reason" % (HEADER, name))
        if name not in used:
            lines.append("%s: %s is not used" % (HEADER, name))
        if name not in tested:
            lines.append("%s: %s is met by no test" % (HEADER, name))
    return lines


def main():
    lines = check(sys.argv[1] if len(sys.argv) > 1 else tree.project_root())
    print("\n".join(lines) if lines else "every limit is met by a test")
    return 1 if lines else 0


if __name__ == "__main__":
    sys.exit(main())
