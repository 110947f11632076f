#!/usr/bin/env python3
"""`maildird check`, as a person sees it."""

import json
import os
import unittest

import support

ACCOUNT = """accounts:
  work:
    host: imap.example.org
    user: alice@example.org
    password_command: [touch, %s]
    maildir: Mail
"""


class Check(unittest.TestCase):
    def setUp(self):
        self.home = support.Home()
        self.touched = os.path.join(self.home.path, "touched")

    def tearDown(self):
        self.home.close()

    def test_a_good_file_is_told_in_a_line_for_each_account(self):
        name = self.home.write("c.yaml", ACCOUNT % self.touched)
        result = self.home.run("check", name)
        self.assertEqual((result.code, result.err), (0, ""))
        self.assertEqual(result.out, "work: alice@example.org at imap.example.org:993, in %s/Mail\n"
                                     "%s: 1 account, ok\n" % (self.home.path, name))

    def test_no_secret_is_read(self):
        name = self.home.write("c.yaml", ACCOUNT % self.touched)
        self.home.run("check", name)
        self.home.run("check", "--show", name)
        self.assertFalse(os.path.exists(self.touched))

    def test_the_usual_place_is_looked_at(self):
        self.home.write(".config/maildird/config.yaml", ACCOUNT % self.touched)
        self.assertIn(".config/maildird/config.yaml: 1 account, ok", self.home.run("check").out)
        other = self.home.write("xdg/maildird/config.yaml", ACCOUNT % self.touched)
        result = self.home.run("check", env={"XDG_CONFIG_HOME": os.path.join(self.home.path, "xdg")})
        self.assertIn(other + ": 1 account, ok", result.out)

    def test_a_missing_file_is_told(self):
        result = self.home.run("check")
        self.assertEqual((result.code, result.out), (78, ""))
        self.assertEqual(result.err, self.home.path + "/.config/maildird/config.yaml: there is no "
                         "such file\n")

    def test_all_problems_are_told_relative_to_the_name_given(self):
        self.home.write("c.yaml", "hots: 1\naccounts: {a: {prot: 1}}\n")
        result = self.home.run("check", "c.yaml")
        self.assertEqual((result.code, result.out), (78, ""))
        self.assertTrue(result.err.startswith("c.yaml:1: unknown key 'hots'"), result.err)
        self.assertIn("\nc.yaml:2: accounts.a: unknown key 'prot'; did you mean 'port'?\n",
                      result.err)

    def test_what_is_shown_is_a_configuration_that_shows_the_same(self):
        name = self.home.write("c.yaml", ACCOUNT % self.touched)
        shown = self.home.run("check", "--show", name).out
        again = self.home.write("shown.yaml", shown)
        self.assertEqual(self.home.run("check", "--show", again).out, shown)

    def test_law10_secrets_are_not_shown(self):
        text = (ACCOUNT % "x").replace("password_command: [touch, x]", "password: hunter2")
        name = self.home.write("c.yaml", text)
        result = self.home.run("check", "--show", name)
        self.assertIn('password: "…"', result.out)
        self.assertNotIn("hunter2", result.out)
        os.chmod(name, 0o644)
        result = self.home.run("check", "--show", name)
        self.assertEqual(result.code, 78)
        self.assertEqual(result.err, "%s:5: accounts.work.password: others may read this file and "
                         "the secret in it; run: chmod 600 %s\n" % (name, name))

    def test_the_schema_is_json_and_closed(self):
        schema = json.loads(self.home.run("check", "--schema").out)

        def walk(node):
            if isinstance(node, dict):
                if "properties" in node and isinstance(node["properties"], dict):
                    self.assertIs(node["additionalProperties"], False)
                    for key in node["properties"].values():
                        self.assertIn("description", key)
                for child in node.values():
                    walk(child)
            elif isinstance(node, list):
                for child in node:
                    walk(child)
        walk(schema)
        account = schema["properties"]["accounts"]["additionalProperties"]["properties"]
        self.assertEqual(account["connections"]["default"], 4)
        self.assertEqual(account["tls"]["enum"], ["implicit", "starttls", "off"])
        self.assertEqual(account["sync"]["properties"]["guard"]["default"],
                         {"messages": 50, "percent": 25, "all": 10})


if __name__ == "__main__":
    unittest.main()
