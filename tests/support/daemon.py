"""maildird daemon under test: started, listened to as a service manager does, stopped."""

import json
import os
import signal
import socket
import subprocess
import threading

import tools


class Daemon:
    """`client`: a maildird.Maildird. Everything the daemon tells the service manager is in `told`."""

    def __init__(self, client, *words, env=None):
        self.client = client
        self.words = words
        self.env = dict(client.environment(), **(env or {}))
        self.process = None
        self.told = []
        self.log_path = os.path.join(client.folder, "daemon.log")

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        if self.process and self.process.poll() is None:
            tools.stop_process(self.process, 20)
        self.notify.close()
        complaints = [word for word in ("ThreadSanitizer", "AddressSanitizer", "LeakSanitizer", "runtime error:")
                      if word in self.log()]
        if complaints or (self.process and self.process.returncode == 99):  # 99: see build/…/valgrind
            raise AssertionError("%s:\n%s" % (complaints, self.log()))

    def start(self):
        path = os.path.join(self.client.folder, "notify")
        if os.path.exists(path):
            os.unlink(path)
        self.notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.notify.bind(path)
        self.env["NOTIFY_SOCKET"] = path
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(self.client.command("daemon", *self.words), env=self.env,
                                            stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        threading.Thread(target=self.listen, daemon=True).start()

    def listen(self):
        while True:
            try:
                data = self.notify.recv(65536)
            except OSError:
                return
            if not data:
                return
            self.told.append(dict(line.split("=", 1) for line in data.decode().splitlines() if "=" in line))

    def wait_ready(self):
        self.wait_told(lambda message: message.get("READY") == "1", "READY")

    def wait_told(self, matches, what, seconds=30):
        self.wait(lambda: any(matches(message) for message in list(self.told)), what, seconds)

    def wait_idle(self, seconds=60):
        """In step, as STATUS= tells it."""
        self.wait(lambda: " idle" in self.status() and " syncing" not in self.status(), "idle", seconds)

    def status(self):
        texts = [message["STATUS"] for message in list(self.told) if "STATUS" in message]
        return texts[-1] if texts else ""

    def wait(self, condition, what, seconds=30):
        def ended_or_met():
            if self.process.poll() is not None:
                raise AssertionError("%s: the daemon ended with %d\n%s" % (what, self.process.returncode, self.log()))
            return condition()
        try:
            tools.wait_until(ended_or_met, seconds, what)
        except AssertionError as error:
            raise AssertionError("%s; status %r\n%s" % (error, self.status(), self.log())) from None

    def reload(self):
        self.process.send_signal(signal.SIGHUP)

    def stop(self, seconds=20):
        """Its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(seconds)

    def log(self):
        with open(self.log_path, errors="replace", encoding="utf-8") as stream:
            return stream.read()


class Control:
    """One call after the other over the control socket of the daemon of `client`."""

    def __init__(self, client):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(os.path.join(client.environment()["XDG_RUNTIME_DIR"], "maildird", "control"))
        self.read = bytearray()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def send(self, method, parameters, **flags):
        request = dict({"method": "org.maildird." + method, "parameters": parameters}, **flags)
        self.socket.sendall(json.dumps(request).encode() + b"\0")

    def reply(self):
        while b"\0" not in self.read:
            data = self.socket.recv(65536)
            if not data:
                raise AssertionError("the daemon closed the control connection")
            self.read += data
        text, _, self.read = self.read.partition(b"\0")
        reply = json.loads(text)
        if "error" in reply:
            raise AssertionError(reply)
        return reply["parameters"]

    def call(self, method, **parameters):
        self.send(method, parameters)
        return self.reply()

    def account(self, name="work"):
        return next(each for each in self.call("Status")["accounts"] if each["name"] == name)

    def watch(self):
        """The events, each as it comes; nothing else can be called then."""
        self.send("Watch", {}, more=True)
        while True:
            yield self.reply()["event"]

    def close(self):
        self.socket.close()
