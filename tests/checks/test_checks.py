#!/usr/bin/env python3
"""The checkers themselves: what they must find, and what they must let pass."""

import os
import tempfile
import unittest

import check_layers
import check_limits
import check_style

GOOD_HEADER = "#pragma once\n/* What it is. */\nint wire_get(void);\n"
GOOD_SOURCE = (
    '#include "wire/good.h"\n#include "base/str.h"\n#include "net/stream.h"\n#include <stdio.h>\n\n'
    "/* http://example.org in a comment, and malloc(1) */\n"
    "int wire_get(void)\n{\n"
    '    const char *text = "http:// strcpy( sprintf(";\n'
    "    assert(text != NULL && text[0] <= 'z');\n"
    "    return text[0] == '\"' || tls_signal(1) || x.system(2);\n}\n")


class LimitsCase(unittest.TestCase):
    def test_each_limit_needs_a_reason_a_use_and_a_test(self):
        files = {
            "core/imap/limits.h": "#pragma once\n/* Why. */\n#define LIMIT_A 1\n#define LIMIT_B 2\n\n"
                                  "#define LIMIT_C 3\n",
            "core/imap/x.c": "LIMIT_A LIMIT_B\n",
            "tests/core/imap/test_x.c": "LIMIT_A limit_b LIMIT_C\n",
        }
        with tempfile.TemporaryDirectory() as root:
            for path, text in files.items():
                full = os.path.join(root, path)
                os.makedirs(os.path.dirname(full), exist_ok=True)
                with open(full, "w", encoding="utf-8") as stream:
                    stream.write(text)
            found = check_limits.check(root)
        self.assertEqual([line.split(": ")[1] for line in found],
                         ["LIMIT_B is met by no test", "LIMIT_C has no reason", "LIMIT_C is not used"])


class StyleCase(unittest.TestCase):
    def violations(self, files):
        with tempfile.TemporaryDirectory() as root:
            for folder in check_style.README_FOLDERS:
                files.setdefault(folder + "/README.md", "# A folder\n")
            for path, text in files.items():
                if text is None:
                    continue
                full = os.path.join(root, path)
                os.makedirs(os.path.dirname(full), exist_ok=True)
                with open(full, "w", encoding="utf-8") as stream:
                    stream.write(text)
            return check_style.check_tree(root)

    def expect(self, files, *fragments):
        found = self.violations(files)
        self.assertEqual(len(found), len(fragments), found)
        for line, fragment in zip(sorted(found), sorted(fragments)):
            self.assertIn(fragment, line)

    def test_good_tree_passes(self):
        self.expect({"core/wire/good.c": GOOD_SOURCE, "core/wire/good.h": GOOD_HEADER})

    def test_function_length(self):
        body = "    n++;\n"
        for lines, fragments in ((67, ()), (68, ("a.c:3: function has 71 lines",))):
            text = "int a;\n\nint f(int n)\n{\n" + body * lines + "}\n"
            self.expect({"sync/apply/a.c": text}, *fragments)

    def test_function_length_counts_a_signature_of_two_lines(self):
        text = "static int f(int n,\n             int m)\n{\n" + "    n++;\n" * 67 + "}\n"
        self.expect({"sync/apply/a.c": text}, "a.c:1: function has 71 lines")

    def test_file_length(self):
        self.expect({"sync/apply/a.c": "int a;\n" * 600})
        self.expect({"sync/apply/a.c": "int a;\n" * 601}, "file has 601 lines")

    def test_each_banned_call(self):
        for name in check_style.BANNED_CALLS:
            self.expect({"sync/apply/a.c": "int a = %s(x);\n" % name}, "banned call: " + name)

    def test_allocation_outside_its_home(self):
        for name in check_style.ALLOCATION_CALLS:
            self.expect({"store/a.c": "int a;\nvoid *p = %s(1);\n" % name}, "a.c:2: %s: use x" % name)
        self.expect({"core/base/alloc.c": "void *p = malloc(1);\n"})

    def test_assert_with_side_effect(self):
        for condition in ("n++ < 3", "(n = next(v)) != NULL", "--n", "f(a += 1)"):
            self.expect({"sync/apply/a.c": "void f(void)\n{\n    assert(%s);\n}\n" % condition},
                        "a.c:3: assert with a side effect")
        for condition in ("n == 3", "n <= m && m != 3", "n >= f(a, b)"):
            self.expect({"sync/apply/a.c": "void f(void)\n{\n    assert(%s);\n}\n" % condition})

    def test_line_comment(self):
        self.expect({"cmd/a.c": "int a; // why\n"}, "a.c:1: // comment")

    def test_include_order(self):
        self.expect({"sync/apply/a.c": '#include "net/a.h"\n#include "base/a.h"\n'}, "out of order: base/a.h")
        self.expect({"sync/apply/a.c": '#include <stdio.h>\n#include "base/a.h"\n'}, "out of order: base/a.h")
        self.expect({"tests/a.c": '#include "apply/a.h"\n#include "support/b.h"\n#include <cmocka.h>\n'})
        self.expect({"cmd/a.c": '#include "server/a.h"\n#include "client/a.h"\n#include "apply/a.h"\n'})

    def test_own_header_first(self):
        text = '#include "base/a.h"\n#include "wire/good.h"\n'
        self.expect({"core/wire/good.c": text, "core/wire/good.h": GOOD_HEADER},
                    "must be its own header, wire/good.h")

    def test_the_header_of_a_module_of_several_files_comes_first(self):
        text = '#include "apply/%s"\n#include "base/a.h"\n'
        self.expect({"sync/apply/apply_flags.c": text % "apply.h"})
        self.expect({"sync/apply/apply_flags.c": text % "apply_private.h"})
        self.expect({"sync/apply/applyflags.c": text % "apply.h"}, "out of order: base/a.h")
        self.expect({"tests/core/wire/test_reader.c": '#include "wire/reader.h"\n#include "base/a.h"\n'})

    def test_private_header_of_another_folder(self):
        text = '#include "client/client_private.h"\n'
        self.expect({"sync/apply/a.c": text}, "private header of another folder")
        self.expect({"core/client/a.c": text})
        self.expect({"tests/core/client/a.c": text})
        self.expect({"tests/sync/apply/a.c": text}, "private header of another folder")

    def test_include_upwards(self):
        self.expect({"sync/apply/a.c": '#include "../store/a.h"\n'}, "include with ../")

    def test_headers(self):
        self.expect({"core/base/a.h": "/* What. */\nint a;\n"}, "without #pragma once")
        self.expect({"core/base/a.h": "#pragma once\nint a;\n"}, "without a leading comment")
        self.expect({"tests/support/a.h": "#pragma once\nint a;\n"})

    def test_readme_missing_or_long(self):
        self.expect({"store/README.md": None}, "store/README.md:1: missing")
        self.expect({"store/README.md": "a\n" * 61}, "61 lines, more than 60")

    def test_names_of_one_machine(self):
        self.expect({"sync/apply/a.c": "/* see /work/main/notes */\n"}, "/work/main")
        self.expect({"README.md": "a\nfind it in /tmp/x\n"}, "README.md:2: a name that means nothing")
        self.expect({"sync/apply/a.c": "/* a path as /tmp/x may be in code */\n"})
        self.expect({"sync/README.md": "as DESIGN.md says\n"}, "DESIGN.md")


class LayersCase(unittest.TestCase):
    def test_stated_uses(self):
        text = "maildird_layer(net\n  SOURCES a.c b.c\n  USES base wire\n  LIBRARIES ZLIB::ZLIB)\n"
        self.assertEqual(check_layers.stated_uses(text), {"net": ["base", "wire"]})

    def test_a_later_layer_is_reported(self):
        with tempfile.TemporaryDirectory() as root:
            for layer, folder in check_layers.tree.LAYER_FOLDERS.items():
                os.makedirs(os.path.join(root, folder))
                uses = "USES wire" if layer == "net" else ""
                with open(os.path.join(root, folder, "CMakeLists.txt"), "w") as stream:
                    stream.write("maildird_layer(%s SOURCES a.c %s)\n" % (layer, uses))
            self.assertEqual(check_layers.check_stated(root),
                             ["core/net/CMakeLists.txt: net may not use wire"])

    def test_compiler_tells_missing_headers(self):
        works, missing = check_layers.compiles(["cc"], "no/such/header.h")
        self.assertEqual((works, missing), (False, True))


if __name__ == "__main__":
    unittest.main()
