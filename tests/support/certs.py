"""Certificates for servers on loopback: a CA of our own and leaves signed by it."""

import os

import tools

LEAVES = {
    # name: (subjectAltName, days of validity; negative: expired)
    "server": ("DNS:localhost,IP:127.0.0.1", 30),
    "expired": ("DNS:localhost,IP:127.0.0.1", -1),
    "wrong-name": ("DNS:elsewhere.example", 30),
    "client": ("DNS:client.example", 30),
}


def openssl(folder, *words):
    tools.run_checked([tools.need_program("openssl")] + list(words), cwd=folder)


def make_ca(folder):
    """Writes ca.pem and ca.key below folder; returns the path of ca.pem."""
    openssl(folder, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
            "-subj", "/CN=maildird test CA", "-days", "30", "-keyout", "ca.key", "-out", "ca.pem",
            "-addext", "basicConstraints=critical,CA:TRUE")
    return os.path.join(folder, "ca.pem")


def make_leaf(folder, name="server", subject=None):
    """A leaf of LEAVES, signed by the CA made before; returns (certificate, key). `subject`: its
    common name."""
    names, days = LEAVES[name]
    with open(os.path.join(folder, name + ".ext"), "w", encoding="ascii") as stream:
        stream.write("subjectAltName=%s\nbasicConstraints=CA:FALSE\n" % names)
    openssl(folder, "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj",
            "/CN=" + (subject or "maildird test " + name), "-keyout", name + ".key", "-out", name + ".csr")
    openssl(folder, "x509", "-req", "-in", name + ".csr", "-CA", "ca.pem", "-CAkey", "ca.key",
            "-CAcreateserial", "-days", str(days), "-extfile", name + ".ext", "-out", name + ".pem")
    return os.path.join(folder, name + ".pem"), os.path.join(folder, name + ".key")
