"""Starts QEMU for a test, bounds it, and shows the console when the test fails.

A guest has two limits: the processor time of QEMU, which is what the guest has used up and does not
depend on how busy this machine is, and a wide wall-clock one for a guest that sleeps for ever. Only
the process that was started is ever killed.
"""
import os
import select
import shutil
import subprocess
import sys
import time

import coverage

SKIP = 77
TICK = os.sysconf('SC_CLK_TCK') if hasattr(os, 'sysconf') else 100


class Skip(Exception):
    """The test cannot run here; the text says why."""


class Failure(Exception):
    """The test failed; the text says how."""


def cpu_seconds(pid):
    """Processor time that a live process has used, all threads together."""
    try:
        with open('/proc/%d/stat' % pid) as source:
            fields = source.read().rsplit(')', 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / TICK
    except (OSError, IndexError):
        return 0.0


def arguments(kernel, machine='virt', smp=1, mem='128M', cpu=None, append='', initrd=None,
              dtb=None, icount=False, extra=()):
    """The command line of QEMU for one boot."""
    if not shutil.which('qemu-system-riscv64'):
        raise Skip('qemu-system-riscv64 is not installed')
    line = ['qemu-system-riscv64', '-machine', machine, '-smp', str(smp), '-m', str(mem),
            '-display', 'none', '-chardev', 'stdio,id=console,signal=off', '-serial',
            'chardev:console', '-monitor', 'none', '-no-reboot',
            '-kernel', kernel]
    for option, value in (('-cpu', cpu), ('-append', append), ('-initrd', initrd), ('-dtb', dtb)):
        if value:
            line += [option, value]
    if icount:
        line += ['-icount', 'shift=0,sleep=off']
    return line + list(extra)


class Result:
    """How a guest ended: exit status (None when it was killed), console text, reason, times."""

    def __init__(self, line):
        self.line = line
        self.status = None
        self.reason = ''
        self.console = ''
        self.said = None
        self.wall = 0.0
        self.cpu = 0.0

    def report(self):
        text = ''.join('    | ' + l.rstrip('\r') + '\n' for l in self.console.splitlines()[-120:])
        end = self.reason or 'QEMU ended with status %s' % self.status
        return '%s\n  command: %s\n  console:\n%s' % (end, ' '.join(self.line), text)


def run(line, cpu_limit=60, wall_limit=None, until=None, feed=None, gentle=False, at_end=None):
    """Runs a guest to its end, or until the text `until` stands on its console.

    feed: list of (text to wait for, text to type), in order. gentle: at the limit or at `until`, QEMU
    is asked to end, so that its plugins write what they have. at_end: called when `until` was seen,
    while the guest still lives; what it returns is kept as `said`.
    """
    line, memory = coverage.prepare(line)
    result = Result(line)
    wall_limit = wall_limit or max(60, cpu_limit * 4)
    start = time.monotonic()
    child = subprocess.Popen(line, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                             stderr=subprocess.STDOUT)
    seen = bytearray()
    feed = list(feed or [])
    searched = 0
    try:
        while True:
            ready, _, _ = select.select([child.stdout], [], [], 0.2)
            if ready:
                chunk = os.read(child.stdout.fileno(), 65536)
                if not chunk:
                    result.status = child.wait(10)
                    break
                seen += chunk
            if feed:
                at = seen.find(feed[0][0].encode(), searched)
                if at >= 0:
                    searched = at + len(feed[0][0])
                    child.stdin.write(feed.pop(0)[1].encode())
                    child.stdin.flush()
            if until and until.encode() in seen:
                result.reason = 'found'
                if at_end:
                    result.said = at_end()
                break
            result.cpu = cpu_seconds(child.pid)
            result.wall = time.monotonic() - start
            if result.cpu > cpu_limit:
                result.reason = 'killed: it used %d s of processor time' % cpu_limit
                break
            if result.wall > wall_limit:
                result.reason = 'killed: it did not end in %d s' % wall_limit
                break
    finally:
        if child.poll() is None and gentle:
            child.terminate()
            try:
                child.wait(20)
            except subprocess.TimeoutExpired:
                pass
        if child.poll() is None:
            child.kill()
        child.wait()
        child.stdin.close()
        child.stdout.close()
    if memory:
        coverage.keep(memory)
    result.wall = time.monotonic() - start
    result.console = seen.decode('utf-8', 'replace').replace('\r\n', '\n')
    return result


def main(body):
    """Runs a test's body and turns its outcome into the exit status that Meson knows."""
    try:
        body()
    except Skip as reason:
        print('SKIP: %s' % reason)
        sys.exit(SKIP)
    except Failure as reason:
        print('FAIL: %s' % reason)
        sys.exit(1)
    sys.exit(0)
