"""Runs a program and tells what it took."""

import os
import statistics
import subprocess
import threading
import time

FIELDS = ("wall_s", "cpu_s", "rss_mib", "anon_mib", "bytes_in", "bytes_out", "turns", "commands")


class MemoryWatch:
    """Peaks of RSS and of RssAnon, sampled while the program runs. (What wait4() tells of RSS counts the
    caller's memory before the exec.)"""

    def __init__(self, pid):
        self.pid, self.rss_kib, self.anon_kib, self.running = pid, 0, 0, True
        self.thread = threading.Thread(target=self.watch, daemon=True)
        self.thread.start()

    def sample(self):
        with open("/proc/%d/status" % self.pid, encoding="ascii") as stream:
            for line in stream:
                if line.startswith("VmHWM:"):
                    self.rss_kib = max(self.rss_kib, int(line.split()[1]))
                elif line.startswith("RssAnon:"):
                    self.anon_kib = max(self.anon_kib, int(line.split()[1]))

    def watch(self):
        while self.running:
            try:
                self.sample()
            except (OSError, ValueError):
                return
            time.sleep(0.004)

    def stop(self):
        self.running = False
        self.thread.join()


def run(command, env=None, ok_codes=(0,)):
    """(what it took, standard output)."""
    begin = time.monotonic()
    process = subprocess.Popen(command, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE)
    errors = []
    drain = threading.Thread(target=lambda: errors.append(process.stderr.read()), daemon=True)
    drain.start()
    watch = MemoryWatch(process.pid)
    output = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    wall_s = time.monotonic() - begin
    watch.stop()
    drain.join()
    process.stdout.close()
    process.stderr.close()
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in ok_codes:
        raise AssertionError("%s ended with %d:\n%s%s" % (command, process.returncode, output.decode(),
                                                          errors[0].decode(errors="replace")))
    taken = {"wall_s": wall_s, "cpu_s": usage.ru_utime + usage.ru_stime,
             "rss_mib": watch.rss_kib / 1024, "anon_mib": watch.anon_kib / 1024}
    return taken, output


def medians(runs):
    return {field: statistics.median(values)
            for field in FIELDS
            for values in [[each[field] for each in runs if each.get(field) is not None]] if values}


def words(field, value):
    if value is None:
        return "-"
    if field in ("wall_s", "cpu_s"):
        return "%.2f s" % value
    if field in ("rss_mib", "anon_mib"):
        return "%.1f MiB" % value
    if field in ("bytes_in", "bytes_out"):
        return "%.2f MB" % (value / 1e6) if value >= 1e6 else "%.1f kB" % (value / 1e3)
    return "%d" % value


def table(results):
    """Markdown of [(row, tool, medians)]."""
    head = ("work", "tool", "wall", "CPU", "RSS", "RssAnon", "in", "out", "turns", "commands")
    lines = [head, ("---",) * 2 + ("--:",) * len(FIELDS)]
    for row, tool, taken in results:
        lines.append((row, tool) + tuple(words(field, taken.get(field)) for field in FIELDS))
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    return "\n".join("| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths)) + " |"
                     for line in lines)
