"""A SOCKS5 proxy (RFC 1928) on loopback, for one connection after another; it counts them."""

import socket
import struct
import threading


class Socks:
    def __init__(self):
        self.asked = []  # "host:port" of each connection

    def __enter__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.listener.close()

    def accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(client,), daemon=True).start()

    def serve(self, client):
        stream = client.makefile("rb")
        _, methods = stream.read(2)
        stream.read(methods)
        client.sendall(b"\x05\x00")
        kind = stream.read(4)[3]
        host = (socket.inet_ntoa(stream.read(4)) if kind == 1
                else stream.read(stream.read(1)[0]).decode())
        port = struct.unpack(">H", stream.read(2))[0]
        self.asked.append("%s:%d" % (host, port))
        server = socket.create_connection((host, port))
        client.sendall(b"\x05\x00\x00\x01" + bytes(6))
        threading.Thread(target=self.pump, args=(server, client), daemon=True).start()
        self.pump(client, server)

    @staticmethod
    def pump(source, target):
        try:
            while data := source.recv(65536):
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)
        except OSError:
            pass
