"""A D-Bus system bus of its own, and on it whoever tells that the machine goes to sleep and wakes."""

import os
import socket
import struct
import subprocess
import tempfile

import tools

CONFIGURATION = """<busconfig>
  <type>session</type>
  <listen>unix:path=%s</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow user="*"/><allow own="*"/><allow send_type="method_call"/><allow send_type="signal"/>
    <allow send_requested_reply="true" send_type="method_return"/><allow receive_type="method_return"/>
    <allow receive_type="method_call"/><allow receive_type="signal"/><allow receive_type="error"/>
  </policy>
</busconfig>
"""
CALL, SIGNAL = 1, 4
PATH, INTERFACE, MEMBER, DESTINATION, SIGNATURE = 1, 2, 3, 6, 8  # header fields


def aligned(data, size):
    return data + b"\0" * (-len(data) % size)


def string(text):
    data = text.encode()
    return struct.pack("<I", len(data)) + data + b"\0"


def field(code, kind, text):
    signature = bytes([len(kind)]) + kind.encode() + b"\0"
    value = bytes([len(text)]) + text.encode() + b"\0" if kind == "g" else string(text)
    return bytes([code]) + aligned(b"\0" + signature, 4)[1:] + value


def message(kind, serial, fields, body):
    listed = b""
    for each in fields:
        listed = aligned(listed, 8) + field(*each)
    head = struct.pack("<cBBBIII", b"l", kind, 0, 1, len(body), serial, len(listed)) + listed
    return aligned(head, 8) + body


class Logind:
    """`address` goes to the program as DBUS_SYSTEM_BUS_ADDRESS."""

    def __init__(self):
        tools.need_program("dbus-daemon")
        self.folder = tempfile.TemporaryDirectory(prefix="maildird-bus-")
        self.path = os.path.join(self.folder.name, "bus")
        self.address = "unix:path=" + self.path
        self.serial = 0

    def __enter__(self):
        configuration = os.path.join(self.folder.name, "bus.conf")
        with open(configuration, "w", encoding="ascii") as stream:
            stream.write(CONFIGURATION % self.path)
        self.bus = subprocess.Popen(["dbus-daemon", "--nofork", "--nopidfile", "--print-address",
                                     "--config-file=" + configuration], stdout=subprocess.PIPE)
        self.bus.stdout.readline()  # it listens
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(self.path)
        self.socket.sendall(b"\0AUTH EXTERNAL %s\r\n" % str(os.getuid()).encode().hex().encode())
        if not self.socket.recv(4096).startswith(b"OK "):
            raise AssertionError("the bus takes nobody")
        self.socket.sendall(b"BEGIN\r\n")
        self.ask("Hello", "", b"")
        self.ask("RequestName", "su", aligned(string("org.freedesktop.login1"), 4) + struct.pack("<I", 4))
        return self

    def __exit__(self, *_):
        self.socket.close()
        tools.stop_process(self.bus)
        self.bus.stdout.close()
        self.folder.cleanup()

    def send(self, kind, fields, body):
        self.serial += 1
        self.socket.sendall(message(kind, self.serial, fields, body))

    def ask(self, member, signature, body):
        bus = "org.freedesktop.DBus"
        fields = [(PATH, "o", "/org/freedesktop/DBus"), (INTERFACE, "s", bus), (MEMBER, "s", member),
                  (DESTINATION, "s", bus)]
        self.send(CALL, fields + ([(SIGNATURE, "g", signature)] if signature else []), body)
        self.socket.recv(65536)

    def prepare_for_sleep(self, going):
        self.send(SIGNAL, [(PATH, "o", "/org/freedesktop/login1"),
                           (INTERFACE, "s", "org.freedesktop.login1.Manager"),
                           (MEMBER, "s", "PrepareForSleep"), (SIGNATURE, "g", "b")], struct.pack("<I", going))
