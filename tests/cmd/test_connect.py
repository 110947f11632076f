#!/usr/bin/env python3
"""Ways to the server that only the whole program shows."""

import os
import sys
import unittest

import support
from embedded import Imapd
from maildird import Maildird

RELAY = """
import os, socket, sys, threading
peer = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
def up():
    while data := os.read(0, 65536):
        peer.sendall(data)
    os._exit(0)
threading.Thread(target=up, daemon=True).start()
while data := peer.recv(65536):
    os.write(1, data)
os._exit(0)
"""


class Connect(unittest.TestCase):
    def test_tls_through_a_tunnel(self):
        for transport in ("tls", "starttls"):
            with Imapd(transport) as server:
                account = server.account(transport)
                port = account.pop("port")
                with Maildird(account, support.binary()) as client:
                    relay = os.path.join(client.folder, "relay.py")
                    with open(relay, "w", encoding="utf-8") as stream:
                        stream.write(RELAY)
                    client.write_config(tunnel="%s %s %d" % (sys.executable, relay, port))
                    self.assertEqual(client.sync().code, 0)
                    # The certificate is looked at there too.
                    client.write_config(host="other.example.org")
                    result = client.sync()
                    self.assertEqual(result.code, 69)
                    self.assertIn("other.example.org", result.err)


if __name__ == "__main__":
    unittest.main()
