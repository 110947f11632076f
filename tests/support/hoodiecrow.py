"""Hoodiecrow, a server with Gmail's extensions, on loopback: ./bootstrap test fetches it with npm
into the build tree."""

import json
import os
import subprocess

import certs
import server
import tools

PLUGINS = ["ID", "SASL-IR", "AUTH-PLAIN", "NAMESPACE", "IDLE", "ENABLE", "CONDSTORE", "XOAUTH2",
           "LITERALPLUS", "UNSELECT", "SPECIAL-USE", "CREATE-SPECIAL-USE", "UIDPLUS", "MOVE",
           "STARTTLS", "X-GM-EXT-1"]
TOKEN = "an-access-token"

# Its own program would not announce Gmail's extension, and listen on all addresses.
PROGRAM = """
const [library, config, port] = process.argv.slice(1);
const options = JSON.parse(require("fs").readFileSync(config));
options.plugins.push(server => server.registerCapability("X-GM-EXT-1"));
require(library)(options).listen(port, "127.0.0.1");
"""


class Hoodiecrow(server.Server):
    """All in memory, one mail store whoever logs in."""

    transports = ("starttls", "off")
    token = TOKEN

    def __init__(self, plugins=PLUGINS, storage=None):
        self.program = tools.need_program("node")
        self.library = os.path.join(tools.unpacked("hoodiecrow-imap"), "node_modules",
                                    "hoodiecrow-imap", "lib", "server.js")
        super().__init__()
        self.plugins = list(plugins)
        self.storage = storage or {"INBOX": {}, "": {"separator": "/"}}
        self.process = None

    def configuration(self):
        self.ca_file = certs.make_ca(self.folder)
        names = dict(zip(("cert", "key"), certs.make_leaf(self.folder)))
        credentials = {}
        for name, path in names.items():
            with open(path, encoding="ascii") as stream:
                credentials[name] = stream.read()
        user = {"password": self.password,
                "xoauth2": {"accessToken": self.token, "sessionTimeout": 3600000}}
        return {"plugins": self.plugins, "credentials": credentials, "users": {self.user: user},
                "id": {"name": "hoodiecrow"}, "storage": self.storage,
                "special-use": ["\\All", "\\Important", "\\Flagged", "\\Drafts", "\\Sent", "\\Junk",
                                "\\Trash", "\\Archive"]}

    def start(self):
        self.port = tools.free_port()
        with open(self.path("config.json"), "w", encoding="ascii") as stream:
            json.dump(self.configuration(), stream)
        with open(self.path("log"), "wb") as log:
            self.process = subprocess.Popen(
                [self.program, "-e", PROGRAM, self.library, self.path("config.json"),
                 str(self.port)], stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        tools.wait_until(lambda: tools.port_answers(self.port), 15, "Hoodiecrow listens")

    def stop(self):
        if self.process is not None:
            tools.stop_process(self.process)
            self.process = None
