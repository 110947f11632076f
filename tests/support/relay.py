"""A TCP relay that delays each direction by a fixed time, without limiting the bandwidth, and counts
what passes. It stands in for a distant server."""

import collections
import socket
import threading
import time

Chunk = collections.namedtuple("Chunk", "due data")


class Pipe:
    """One direction of one connection: a thread that reads, and one that writes when the time has come."""

    def __init__(self, source, target, delay_s, on_data, is_open, on_end):
        self.source, self.target, self.delay_s, self.on_data = source, target, delay_s, on_data
        self.is_open, self.on_end = is_open, on_end
        self.chunks = collections.deque()
        self.ready = threading.Condition()
        self.threads = [threading.Thread(target=self.run, args=(work,), daemon=True)
                        for work in (self.read, self.write)]

    def start(self):
        for thread in self.threads:
            thread.start()

    def run(self, work):
        try:
            work()
        finally:
            self.on_end()

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


class Link:
    """The two sockets of a connection: closed when the four threads that use them have ended."""

    def __init__(self, client, server):
        self.sockets = (client, server)
        self.lock = threading.Lock()
        self.users = 4
        self.threads = []

    def start(self, delay_s, from_client, from_server, is_open):
        client, server = self.sockets
        pipes = (Pipe(client, server, delay_s, from_client, is_open, self.leave),
                 Pipe(server, client, delay_s, from_server, is_open, self.leave))
        self.threads = [thread for pipe in pipes for thread in pipe.threads]
        for pipe in pipes:
            pipe.start()

    def leave(self):
        with self.lock:
            self.users -= 1
            if self.users > 0:
                return
        for each in self.sockets:
            each.close()

    def join(self):
        for thread in self.threads:
            thread.join()

    def cut(self):
        for each in self.sockets:
            try:
                each.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass


class Relay:
    """Counts: connections, bytes_in (to the client), bytes_out, turns (the client spoke after the
    server had)."""

    def __init__(self, port, delay_ms=0, host="127.0.0.1"):
        self.target = (host, port)
        self.delay_s = delay_ms / 1000
        self.open = threading.Event()  # of a connection: nothing passes while it is not set
        self.open.set()
        self.held = []  # the like of connections that were forgotten
        self.refusing = False
        self.on_answer = None  # called with what comes from the server, before it is passed on
        self.idle_s = None  # a connection is cut so long after IDLE (plain text only)
        self.attempts = []  # when each connection was asked for
        self.idles = []  # when each IDLE passed that was to be cut
        self.lock = threading.Lock()
        self.links = []
        self.acceptor = threading.Thread(target=self.accept, daemon=True)
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self.listener.getsockname()[1]
        self.reset()

    def freeze(self):
        """As a black hole: connections stay, and new ones are taken, but no byte passes."""
        self.open.clear()

    def forget(self):
        """The connections of now become black holes; later ones are as ever."""
        self.open.clear()
        self.held.append(self.open)
        self.open = threading.Event()
        self.open.set()

    def thaw(self):
        self.open.set()

    def reset(self):
        with self.lock:
            self.connections = self.bytes_in = self.bytes_out = self.turns = 0

    def __enter__(self):
        self.acceptor.start()
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        """Leaves no thread and no socket."""
        try:
            self.listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        if self.acceptor.is_alive():
            self.acceptor.join()
        self.listener.close()
        self.cut()
        for each in (self.open, *self.held):
            each.set()
        for link in self.links:
            link.join()

    def cut(self):
        """End all connections at once."""
        with self.lock:
            links = list(self.links)
        for link in links:
            link.cut()

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
            self.join(Link(client, server))

    def join(self, link):
        last = {"speaker": "client"}

        def from_client(data):
            if self.idle_s is not None and data.upper().endswith(b" IDLE\r\n"):
                self.idles.append(time.monotonic())
                timer = threading.Timer(self.idle_s, link.cut)
                timer.daemon = True
                timer.start()
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
            self.links = [each for each in self.links if each.users > 0] + [link]
        link.start(self.delay_s, from_client, from_server, self.open)
