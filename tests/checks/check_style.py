#!/usr/bin/env python3
"""The rules of style that a program can check. Prints one line for each violation."""

import os
import re
import sys

import tree

FUNCTION_LINES_MAX = 70
FILE_LINES_MAX = 600
README_LINES_MAX = 60
README_FOLDERS = ("core", "store", "sync", "tests")

BANNED_CALLS = (
    "sprintf vsprintf strcpy strcat strtok gets atoi atol atoll strncpy strncat alloca system rand "
    "srand signal gmtime localtime ctime asctime readdir_r tmpnam mktemp usleep").split()
ALLOCATION_CALLS = "malloc calloc realloc strdup strndup reallocarray".split()
# The one home of allocation, and a library that is loaded into programs without it.
ALLOCATION_FILES = ("core/base/alloc.c", "tests/support/diskshim.c", "tests/support/diskshim_loss.c")

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^">]+)[">]', re.MULTILINE)
SIDE_EFFECT = re.compile(r"\+\+|--|(?<![=!<>])=(?!=)")
# Texts speak of the project alone, not of the machine it was written on.
FOREIGN = re.compile(r"/work/(?:main|shared)|/root/|/tmp/build-|\b(?:DESIGN|QUIRKS|FEATURES|PEERS|SERVERS)\.md")
FOREIGN_IN_DOCS = re.compile(r"(?<![\w.])/tmp/")


class Report:
    def __init__(self):
        self.lines = []

    def add(self, path, line, words):
        self.lines.append("%s:%d: %s" % (path, line, words))


def line_of(text, offset):
    return text.count("\n", 0, offset) + 1


def check_lengths(path, text, report):
    lines = text.split("\n")
    count = len(lines) - (1 if text.endswith("\n") else 0)
    if count > FILE_LINES_MAX:
        report.add(path, count, "file has %d lines, more than %d" % (count, FILE_LINES_MAX))
    start = None
    for number, line in enumerate(tree.without_comments_and_strings(text).split("\n")):
        if line == "{":
            start = signature_start(lines, number)
        elif line.startswith("}") and start is not None:
            length = number - start + 1
            if length > FUNCTION_LINES_MAX:
                report.add(path, start + 1, "function has %d lines, more than %d"
                           % (length, FUNCTION_LINES_MAX))
            start = None


def signature_start(lines, brace):
    """A function begins at the first line of its signature, above the opening brace."""
    first = brace
    while first > 0:
        above = lines[first - 1]
        if not above.strip() or above.rstrip().endswith(("*/", ";", "}")) or above.startswith("#"):
            break
        first -= 1
    return first


def check_calls(path, code, report):
    for name in BANNED_CALLS:
        for match in re.finditer(r"(?<![\w.>])%s\s*\(" % name, code):
            report.add(path, line_of(code, match.start()), "banned call: %s" % name)
    if path not in ALLOCATION_FILES:
        for name in ALLOCATION_CALLS:
            for match in re.finditer(r"(?<![\w.>])%s\s*\(" % name, code):
                report.add(path, line_of(code, match.start()),
                           "%s: use x%s of base/alloc.h" % (name, name))
    for match in re.finditer(r"\bassert\s*\(", code):
        condition = parenthesised(code, match.end() - 1)
        if SIDE_EFFECT.search(condition):
            report.add(path, line_of(code, match.start()), "assert with a side effect")


def parenthesised(code, opening):
    depth = 0
    for offset in range(opening, len(code)):
        depth += {"(": 1, ")": -1}.get(code[offset], 0)
        if depth == 0:
            return code[opening + 1:offset]
    return code[opening + 1:]


def check_comments(path, code, report):
    for number, line in enumerate(code.split("\n"), 1):
        if "//" in line:
            report.add(path, number, "// comment: use /* */")


def folder_layer(path):
    """The name under which the folder of this file is included, or None outside of the layers."""
    folder = os.path.dirname(path)
    for layer, home in tree.LAYER_FOLDERS.items():
        if folder == home:
            return layer
    return None


def is_header_of(path, name):
    """A header that this file implements a part of, or tests: apply.h for apply_flags.c."""
    stem = os.path.basename(path)[:-2]
    if path.startswith("tests/"):
        stem = stem[len("test_"):] if stem.startswith("test_") else stem
    elif name.split("/")[0] != folder_layer(path):
        return False
    header = os.path.basename(name)[:-2]
    header = header[:-len("_private")] if header.endswith("_private") else header
    return (stem + "_").startswith(header + "_")


def may_see_private(path, layer):
    """The folder itself, and the tests that mirror it."""
    home = tree.LAYER_FOLDERS.get(layer)
    return os.path.dirname(path) in (home, "tests/%s" % home)


def include_rank(kind, name):
    """Where an include belongs: layers in order, test support, then the system."""
    if kind == "<":
        return 100
    return tree.LAYER_RANKS.get(name.split("/")[0], 50)


def own_header_of(path, files):
    layer = folder_layer(path)
    if layer is None or not path.endswith(".c"):
        return None
    if path[:-2] + ".h" not in files:
        return None
    return "%s/%s.h" % (layer, os.path.basename(path)[:-2])


def check_includes(path, text, files, report):
    own = own_header_of(path, files)
    includes = [(m.group(1), m.group(2), line_of(text, m.start())) for m in INCLUDE.finditer(text)]
    if own is not None and includes and includes[0][1] != own:
        report.add(path, includes[0][2], "the first include must be its own header, %s" % own)
    highest = -1
    for position, (kind, name, line) in enumerate(includes):
        first = position == 0 and kind == '"' and is_header_of(path, name)
        rank = -1 if first else include_rank(kind, name)
        if kind == '"' and "tests/" + name in files:  # the tests mirror the layers
            rank = max(rank, highest)
        if rank < highest:
            report.add(path, line, "include out of order: %s (own header, base, net, wire, imap, "
                       "client, server, store, …, cmd, then the system)" % name)
        highest = max(highest, rank)
        if "../" in name:
            report.add(path, line, "include with ../: %s" % name)
        if name.endswith("_private.h") and not may_see_private(path, name.split("/")[0]):
            report.add(path, line, "private header of another folder: %s" % name)


def check_header(path, text, report):
    if "#pragma once" not in text:
        report.add(path, 1, "header without #pragma once")
    if not path.startswith(("core/", "store/", "config/", "sync/", "daemon/")):
        return
    rest = text.replace("#pragma once", "", 1).lstrip()
    if not rest.startswith("/*"):
        report.add(path, 1, "header without a leading comment that says what it is for")


def check_c_file(path, text, files, report):
    code = tree.without_comments_and_strings(text)
    check_lengths(path, text, report)
    check_calls(path, code, report)
    check_comments(path, code, report)
    check_includes(path, text, files, report)
    if path.endswith(".h"):
        check_header(path, text, report)


def check_foreign(path, text, report):
    if path.startswith("tests/checks/"):
        return
    patterns = [FOREIGN] + ([FOREIGN_IN_DOCS] if path.endswith(".md") else [])
    for pattern in patterns:
        for match in pattern.finditer(text):
            report.add(path, line_of(text, match.start()),
                       "a name that means nothing elsewhere: %s" % match.group(0))


def check_readmes(root, report):
    for folder in README_FOLDERS:
        path = folder + "/README.md"
        if not os.path.isfile(os.path.join(root, path)):
            report.add(path, 1, "missing")
            continue
        count = tree.read_text(root, path).count("\n")
        if count > README_LINES_MAX:
            report.add(path, count, "%d lines, more than %d" % (count, README_LINES_MAX))


def check_tree(root):
    report = Report()
    files = set(tree.tracked_files(root))
    for path in sorted(files):
        text = tree.read_text(root, path)
        if tree.is_c(path):
            check_c_file(path, text, files, report)
        check_foreign(path, text, report)
    check_readmes(root, report)
    return report.lines


def main():
    root = sys.argv[1] if len(sys.argv) > 1 else tree.project_root()
    violations = check_tree(root)
    for line in violations:
        print(line)
    print("%d violations" % len(violations))
    return 1 if violations else 0


if __name__ == "__main__":
    sys.exit(main())
