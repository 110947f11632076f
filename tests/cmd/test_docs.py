#!/usr/bin/env python3
"""The examples are accepted, and the manual and full.yaml name every key with its default.

--update writes the manual's list of keys anew.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import unittest

import support

EXAMPLES = os.path.join(support.ROOT, "config-examples")
MANUALS = os.path.join(support.ROOT, "cmd", "man")
KEYS_PAGE = os.path.join(MANUALS, "maildird.yaml.5.scd")
BEGIN, END = "; keys: made by tests/cmd/test_docs.py --update\n", "; end of keys\n"


def schema():
    home = support.Home()
    try:
        return json.loads(home.run("check", "--schema").out)
    finally:
        home.close()


def escaped(text):
    return re.sub(r"([*_\\#~`])", r"\\\1", text)


def words_of(key):
    if "enum" in key:
        return " | ".join(key["enum"])
    for choice in key.get("anyOf", []):
        if "enum" in choice.get("items", {}):
            return "auto, or a list of " + ", ".join(choice["items"]["enum"])
    return None


def in_yaml(value):
    if isinstance(value, str):
        return value if re.fullmatch(r"[A-Za-z0-9_]+", value) else json.dumps(value)
    if isinstance(value, dict):
        return "{%s}" % ", ".join("%s: %s" % (k, in_yaml(v)) for k, v in value.items())
    if isinstance(value, list):
        return "[%s]" % ", ".join(in_yaml(v) for v in value)
    return json.dumps(value)


def value_of(key):
    if "default" in key:
        return ": " + in_yaml(key["default"])
    return " (%s)" % key["$comment"] if "$comment" in key else None


def children_of(key):
    """The keys below a key: of a block, of a guard, of one account, of an override."""
    for form in [key] + key.get("anyOf", []):
        if "properties" in form:
            return form["properties"]
    deeper = key.get("items", {})
    if not deeper.get("properties") and isinstance(key.get("additionalProperties"), dict):
        deeper = key["additionalProperties"]
    return deeper.get("properties", {})


def page_lines(properties, prefix, out):
    for name, key in properties.items():
        value = value_of(key)
        out.append("*%s*%s" % (escaped(prefix + name), escaped(value) if value else ""))
        text = key["description"]
        words = words_of(key)
        if words:
            text += ": " + words
        elif "examples" in key and not value:
            text += ", e.g. " + key["examples"][0]
        out.append("\t" + escaped(text))
        out.append("")
        if name not in ("defaults", "accounts") and not (prefix == "overrides." and name == "sync"):
            page_lines(children_of(key), prefix + name + ".", out)


def keys_section():
    top = schema()["properties"]
    out = ["## At the top of the file", ""]
    page_lines(top, "", out)
    out += ["## Of an account, and of defaults", ""]
    page_lines(children_of(top["accounts"]), "", out)
    return "\n".join(out)


def split_page():
    with open(KEYS_PAGE, encoding="utf-8") as stream:
        text = stream.read()
    before, rest = text.split(BEGIN)
    keys, after = rest.split(END)
    return before, keys, after


def update():
    before, _, after = split_page()
    text = before + BEGIN + keys_section() + END + after
    with open(KEYS_PAGE, "w", encoding="utf-8") as stream:
        stream.write(text)


class Documents(unittest.TestCase):
    def setUp(self):
        self.home = support.Home()

    def tearDown(self):
        self.home.close()

    def test_every_example_is_accepted(self):
        names = sorted(os.listdir(EXAMPLES))
        self.assertEqual(names, ["full.yaml", "gmail.yaml", "many-accounts.yaml", "minimal.yaml",
                                 "outlook.yaml"])
        for name in names:
            result = self.home.run("check", os.path.join(EXAMPLES, name))
            self.assertEqual((result.code, result.err), (0, ""), name)

    def test_full_is_minimal_with_every_default_written_out(self):
        shown = [self.home.run("check", "--show", os.path.join(EXAMPLES, name)).out
                 for name in ("full.yaml", "minimal.yaml")]
        self.assertEqual(shown[0], shown[1])

    def test_full_names_every_key(self):
        with open(os.path.join(EXAMPLES, "full.yaml"), encoding="utf-8") as stream:
            lines = stream.read().split("\n")
        named = {match.group(1) for match in
                 (re.match(r"\s*(?:# )?([a-z_]+):", line) for line in lines) if match}
        top = schema()["properties"]
        wanted = set(top) | set(children_of(top["hooks"]))
        for name, key in children_of(top["accounts"]).items():
            wanted |= {name} | (set(children_of(key)) if key.get("type") == "object" else set())
        self.assertEqual(wanted - named, set())

    def test_the_manual_lists_the_keys_as_they_are(self):
        self.assertEqual(split_page()[1], keys_section(),
                         "run: tests/cmd/test_docs.py --update, with MAILDIRD_BINARY set")

    def test_the_manual_names_every_verb_and_option(self):
        with open(os.path.join(MANUALS, "maildird.1.scd"), encoding="utf-8") as stream:
            page = stream.read()
        listed = self.home.run("--help").out.split("tells more):\n")[1].split("\n\n")[0]
        verbs = [line.split()[0] for line in listed.split("\n")]
        self.assertIn("sync", verbs)
        for verb in verbs:
            self.assertIn("\n*%s*" % verb, page)
            for option in re.findall(r"--[a-z-]+", self.home.run(verb, "--help").out):
                self.assertTrue("*%s*" % option in page, "%s %s" % (verb, option))

    def test_the_manual_lists_the_operations_of_imap(self):
        with open(os.path.join(MANUALS, "maildird.1.scd"), encoding="utf-8") as stream:
            page = stream.read()
        lines = self.home.run("imap", "help").out.split("\n")
        self.assertGreater(len(lines), 50)
        for line in lines:
            if re.match("  [a-z]", line):
                name, _, words = line.strip().partition(" ")
                self.assertIn("\n\t*%s*%s\n" % (name, " " + escaped(words) if words else ""), page)

    @unittest.skipUnless(shutil.which("scdoc"), "scdoc is not installed")
    def test_the_manuals_can_be_made(self):
        for name in ("maildird.1.scd", "maildird.yaml.5.scd"):
            with open(os.path.join(MANUALS, name), "rb") as stream:
                made = subprocess.run(["scdoc"], stdin=stream, capture_output=True, check=False)
            self.assertEqual((made.returncode, made.stderr), (0, b""), name)


if __name__ == "__main__":
    if sys.argv[1:] == ["--update"]:
        update()
    else:
        unittest.main()
