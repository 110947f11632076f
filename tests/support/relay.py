"""A TCP relay that delays each direction by a fixed time, without limiting the bandwidth, and counts
what passes. It stands in for a distant server."""

import collections
import socket
import threading
import time

Chunk = collections.namedtuple("Chunk", "due data")


class Pipe:
    """One direction of one connection: a thread that reads, and one that writes when the time has come."""

    def __init__(self, source, target, delay_s, on_data, is_open):
        self.source, self.target, self.delay_s, self.on_data = source, target, delay_s, on_data
        self.is_open = is_open
        self.chunks = collections.deque()
        self.ready = threading.Condition()
        self.threads = [threading.Thread(target=run, daemon=True) for run in (self.read, self.write)]

    def start(self):
        for thread in self.threads:
            thread.start()

    def put(self, data):
        with self.ready:
            self.chunks.append(Chunk(time.monotonic() + self.delay_s, data))
            self.ready.notify()

    def read(self):
        data = b"-"
        while data:
            try:
                data = self.source.recv(262144)
            except OSError:
                data = b""
            if data:
                self.on_data(data)
            self.put(data)

    def take(self):
        with self.ready:
            while not self.chunks:
                self.ready.wait()
            return self.chunks.popleft()

    def write(self):
        while True:
            chunk = self.take()
            wait = chunk.due - time.monotonic()
            if wait > 0:
                time.sleep(wait)
            self.is_open.wait()
            try:
                if not chunk.data:
                    self.target.shutdown(socket.SHUT_WR)
                    return
                self.target.sendall(chunk.data)
            except OSError:
                return


class Relay:
    """Counts: connections, bytes_in (to the client), bytes_out, turns (the client spoke after the
    server had)."""

    def __init__(self, port, delay_ms=0, host="127.0.0.1"):
        self.target = (host, port)
        self.delay_s = delay_ms / 1000
        self.open = threading.Event()  # of a connection: nothing passes while it is not set
        self.open.set()
        self.refusing = False
        self.on_answer = None  # called with what comes from the server, before it is passed on
        self.idle_s = None  # a connection is cut so long after IDLE (plain text only)
        self.attempts = []  # when each connection was asked for
        self.idles = []  # when each IDLE passed that was to be cut
        self.lock = threading.Lock()
        self.sockets = []
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self.listener.getsockname()[1]
        self.reset()

    def freeze(self):
        """As a black hole: connections stay, and new ones are taken, but no byte passes."""
        self.open.clear()

    def forget(self):
        """The connections of now become black holes; later ones are as ever."""
        self.open.clear()
        self.open = threading.Event()
        self.open.set()

    def thaw(self):
        self.open.set()

    def reset(self):
        with self.lock:
            self.connections = self.bytes_in = self.bytes_out = self.turns = 0

    def __enter__(self):
        threading.Thread(target=self.accept, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.listener.close()
        self.cut()

    def cut(self):
        """End all connections at once."""
        with self.lock:
            sockets, self.sockets = self.sockets, []
        self.cut_one(*sockets)

    def cut_one(self, *sockets):
        for each in sockets:
            try:
                each.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            self.attempts.append(time.monotonic())
            if self.refusing:
                client.close()
                continue
            try:
                server = socket.create_connection(self.target, timeout=10)
            except OSError:
                client.close()
                continue
            server.settimeout(None)
            for each in (client, server):
                each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.join(client, server)

    def join(self, client, server):
        last = {"speaker": "client"}

        def from_client(data):
            if self.idle_s is not None and data.upper().endswith(b" IDLE\r\n"):
                self.idles.append(time.monotonic())
                threading.Timer(self.idle_s, self.cut_one, (client, server)).start()
            with self.lock:
                self.bytes_out += len(data)
                if last["speaker"] == "server":
                    self.turns += 1
                last["speaker"] = "client"

        def from_server(data):
            if self.on_answer is not None:
                self.on_answer(data)
            with self.lock:
                self.bytes_in += len(data)
                last["speaker"] = "server"

        with self.lock:
            self.connections += 1
            self.sockets += [client, server]
        Pipe(client, server, self.delay_s, from_client, self.open).start()
        Pipe(server, client, self.delay_s, from_server, self.open).start()
