#!/usr/bin/env python3
"""tests/OPERATIONS.md against the sources: no command and no operation is missing, each test that it
names is there, and each server that it names is put to it."""

import importlib.util
import os
import re
import unittest

import operation_cases
import support

TABLE = os.path.join(support.ROOT, "tests", "OPERATIONS.md")
SERVERS = ("Dovecot", "Cyrus", "Courier", "Twisted", "Hoodiecrow")
COLUMNS = ["operation", "commands", "imap", "embedded server", "real servers"]


def rows():
    out = []
    with open(TABLE, encoding="utf-8") as stream:
        for line in stream:
            if line.startswith("|") and not line.startswith("|---"):
                cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
                if cells != COLUMNS:
                    out.append(dict(zip(COLUMNS, cells, strict=True)))
    return out


def source(*path):
    with open(os.path.join(support.ROOT, *path), encoding="utf-8") as stream:
        return stream.read()


def files():
    return [os.path.join(folder, name) for folder, _, names in
            os.walk(os.path.join(support.ROOT, "tests")) for name in names]


def load(*path):
    """A file of tests as a module; it starts nothing by that."""
    full = os.path.join(support.ROOT, "tests", *path)
    spec = importlib.util.spec_from_file_location(os.path.basename(full)[:-3], full)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def references(cell):
    """[(what stands before, file, test)] of "Dovecot Cyrus `All: test_fetch test_parts`, …"."""
    out = []
    for before, name, tests in re.findall(r"([^`]*)`([\w./]+): ([^`]+)`", cell):
        out += [(before.strip(" ,"), name, test) for test in tests.split()]
    return out


class Table(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.rows = rows()
        cls.files = files()
        cls.classes = {name: getattr(load("e2e", "test_operations_%s.py" % name.lower()), "On" + name)
                       for name in SERVERS}
        cls.embedded = load("cmd", "test_imap.py").Operations
        cls.login = load("e2e", "test_operations_login.py").Login

    def test_no_command_is_missing(self):
        known = re.findall(r'\{CMD_\w+, "([^"]+)"', source("core", "imap", "command.c"))
        self.assertGreater(len(known), 50)
        named = set()
        for row in self.rows:
            for part in row["commands"].split(" / "):
                words = part.strip()
                named |= {words} if words in known else set(words.split())
        self.assertEqual(named, set(known))

    def test_no_operation_is_missing(self):
        home = support.Home()
        self.addCleanup(home.close)
        told = home.run("imap", "help").out
        known = set(re.findall(r"^  (\w+)", told, re.MULTILINE))
        self.assertGreater(len(known), 35)
        self.assertEqual({word for row in self.rows for word in row["imap"].split()}, known)

    def check_file(self, name, test):
        found = [path for path in self.files if path.endswith("/" + name)]
        self.assertEqual(len(found), 1, name)
        with open(found[0], encoding="utf-8") as stream:
            text = stream.read()
        definition = r"\bdef %s\(" if name.endswith(".py") else r"\bstatic void %s\("
        self.assertRegex(text, definition % test)
        if name.endswith(".c"):  # and run
            self.assertGreater(len(re.findall(r"\b%s\b" % test, text)), 1, test)

    def test_tests_with_the_embedded_server_are_there(self):
        for row in self.rows:
            found = references(row["embedded server"])
            with self.subTest(row["operation"]):
                self.assertTrue(found)
                for _, name, test in found:
                    if name == "All":
                        self.assertTrue(callable(getattr(self.embedded, test, None)), test)
                    else:
                        self.check_file(name, test)

    def test_tests_with_real_servers_are_there(self):
        for row in self.rows:
            with self.subTest(row["operation"]):
                for before, name, test in references(row["real servers"]):
                    self.check_real(before.split(), name, test)

    def check_real(self, servers, name, test):
        self.assertTrue(servers, test)
        if servers == ["RFC"]:
            self.check_file(name, test)
            return
        self.assertLessEqual(set(servers), set(SERVERS))
        for server in servers:
            if name == "All":
                self.assertTrue(callable(getattr(self.classes[server], test, None)), (server, test))
            elif name == "Login":
                self.assertTrue(callable(getattr(self.login, test, None)), test)
            else:
                self.check_file(name, test)

    def test_no_case_is_left_out(self):
        """Each case that servers are put to stands in the table."""
        cases = {name for name in dir(operation_cases.All) if name.startswith("test_")}
        named = {test for row in self.rows for column in COLUMNS[3:]
                 for _, name, test in references(row[column]) if name == "All"}
        self.assertEqual(cases - named, set())


if __name__ == "__main__":
    unittest.main(verbosity=2)
