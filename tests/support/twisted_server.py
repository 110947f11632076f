"""A bare IMAP4rev1 server written on Twisted: no UIDPLUS, no CONDSTORE, nothing else either.

Imported, it offers the fixture; run, it is the server: prints its port and serves until it is ended.
"""

import subprocess
import sys

import server
import tools


class TwistedServer(server.Server):
    transports = ("off",)

    def __init__(self):
        super().__init__()
        self.process = None

    def start(self):
        tools.need("python3-twisted", tools.has_module("twisted.mail.imap4"))
        with open(self.path("log"), "wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-B", __file__, self.password],
                stdout=subprocess.PIPE, stderr=log)
        self.port = int(self.process.stdout.readline())

    def stop(self):
        if self.process is not None:
            tools.stop_process(self.process)
            self.process.stdout.close()
            self.process = None


def serve():
    import twisted_mailbox
    twisted_mailbox.serve(sys.argv[1])


if __name__ == "__main__":
    serve()
