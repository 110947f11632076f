#!/usr/bin/env python3
"""The order of the layers: as the build states it, and as the compiler enforces it.

usage: check_layers.py ROOT BUILD_DIR    (BUILD_DIR holds compile_commands.json)
"""

import json
import os
import re
import shlex
import subprocess
import sys

import tree

LAYER = re.compile(r"maildird_layer\(\s*(\w+)(.*?)\)", re.DOTALL)
KEYWORDS = {"SOURCES", "USES", "LIBRARIES"}


def stated_uses(text):
    """{layer: [used layers]} of the maildird_layer() calls in a CMakeLists.txt."""
    uses = {}
    for name, body in LAYER.findall(text):
        section, words = None, []
        for word in body.split():
            if word in KEYWORDS:
                section = word
            elif section == "USES":
                words.append(word)
        uses[name] = words
    return uses


def check_stated(root):
    problems = []
    for layer, folder in tree.LAYER_FOLDERS.items():
        path = os.path.join(folder, "CMakeLists.txt")
        if layer == "cmd":
            continue
        uses = stated_uses(tree.read_text(root, path))
        if list(uses) != [layer]:
            problems.append("%s: expected one maildird_layer(%s)" % (path, layer))
        for used in uses.get(layer, []):
            if used not in tree.LAYER_RANKS:
                problems.append("%s: unknown layer %s" % (path, used))
            elif tree.LAYER_RANKS[used] >= tree.LAYER_RANKS[layer]:
                problems.append("%s: %s may not use %s" % (path, layer, used))
    return problems


def compile_commands(root, build):
    """{layer: words of the compiler command of one of its sources}, without the output."""
    with open(os.path.join(build, "compile_commands.json"), encoding="utf-8") as stream:
        entries = json.load(stream)
    commands = {}
    for entry in entries:
        folder = os.path.relpath(os.path.dirname(entry["file"]), root)
        for layer, home in tree.LAYER_FOLDERS.items():
            if folder == home:
                commands.setdefault(layer, command_words(entry))
    return commands


def command_words(entry):
    words = shlex.split(entry["command"])
    end = words.index("-o") if "-o" in words else len(words)
    kept = [word for word in words[:end] if word != "-c"]
    return [word for word in kept if os.path.basename(word) != "ccache"]


def compiles(command, include):
    # From /, so that a folder of the tree is not found as one of the working directory.
    source = '#include "%s"\ntypedef int unit;\n' % include
    result = subprocess.run(command + ["-fsyntax-only", "-x", "c", "-"], input=source,
                            capture_output=True, text=True, cwd="/")
    missing = "No such file" in result.stderr
    return result.returncode == 0, missing


def first_header(root, layer):
    folder = tree.LAYER_FOLDERS[layer]
    headers = sorted(n for n in os.listdir(os.path.join(root, folder)) if n.endswith(".h"))
    return "%s/%s" % (layer, headers[0]) if headers else None


def check_compiler(root, build):
    problems = []
    commands = compile_commands(root, build)
    headers = {layer: first_header(root, layer) for layer in commands}
    for layer, command in commands.items():
        for other, header in headers.items():
            if header is None or layer == "cmd":
                continue
            works, missing = compiles(command, header)
            later = tree.LAYER_RANKS[other] >= tree.LAYER_RANKS[layer] and other != layer
            if later and not missing:
                problems.append("%s can include %s, of a later layer" % (layer, header))
            if other == layer and not works:
                problems.append("%s cannot include its own %s" % (layer, header))
    if len(commands) < len(tree.LAYER_FOLDERS):
        problems.append("compile_commands.json lacks layers: has %s" % sorted(commands))
    return problems


def main():
    root, build = os.path.abspath(sys.argv[1]), sys.argv[2]
    problems = check_stated(root) + check_compiler(root, build)
    for problem in problems:
        print(problem)
    print("%d violations" % len(problems))
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
