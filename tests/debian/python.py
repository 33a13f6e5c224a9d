#!/usr/bin/env python3
"""Tests of Debian's Python, unmodified: python.py TOP IMAGE

Python's own tests of processes, signals, terminals, locks, mappings and of waiting for events, on four
harts. They were written against Linux: each must pass or say why it cannot run here, and none may leave a
process behind. Tests that need sockets, which Cloven does not have, and those that measure how long
something takes are not run.
"""
import os
import re
import sys
import tempfile

sys.dont_write_bytecode = True
TOP, IMAGE = sys.argv[1:3]
sys.path.insert(0, os.path.join(TOP, 'tests', 'harness'))
import cpio  # noqa: E402
import packages  # noqa: E402
import qemu  # noqa: E402

VERSION = '3.14'
NAME = 'python' + VERSION
MODULES = ('test_fork1 test_wait3 test_wait4 test_posix test_signal test_threadsignals test_pty test_openpty '
           'test_termios test_mmap test_fcntl test_select test_resource').split()
DATA = ['signalinterproctester.py', 'fork_wait.py']

LIBRARIES = {
    'libc6': ['libc.so.6', 'libm.so.6'],
    'libexpat1': ['libexpat.so.1'],
    'zlib1g': ['libz.so.1'],
    'libssl3t64': ['libcrypto.so.3'],
    'libzstd1': ['libzstd.so.1'],
    'libffi8': ['libffi.so.8'],
    'libbz2-1.0': ['libbz2.so.1.0'],
    'liblzma5': ['liblzma.so.5'],
}

RUNNER = r'''
import re, sys, unittest

def leaves(suite):
    for test in suite:
        if isinstance(test, unittest.TestSuite):
            yield from leaves(test)
        else:
            yield test

if __name__ == '__main__':
    no = re.compile(sys.argv[1])
    for name in sys.argv[2:]:
        tests = unittest.defaultTestLoader.loadTestsFromName('test.' + name)
        result = unittest.TextTestRunner(sys.stdout, verbosity=0).run(
            unittest.TestSuite(test for test in leaves(tests) if not no.search(test.id())))
        wrong = len(result.failures) + len(result.errors)
        print('###', name, result.testsRun, len(result.skipped), wrong, flush=True)
'''
# Sockets; the pace of the machine.
LEFT_OUT = '[Ss]ocket|SmallPty|StressTest|SpawnP|large|itimer|siginterrupt|test_sync'

START = r'''#!/bin/busybox sh
/bin/busybox --install -s /bin
export PATH=/usr/bin:/bin NO_COLOR=1 HOME=/tmp LC_ALL=C.UTF-8 PYTHONDONTWRITEBYTECODE=1
mount -t proc proc /proc
mount -t tmpfs tmpfs /tmp
mkdir -p /dev/shm /dev/pts
mount -t tmpfs shm /dev/shm
mount -t devpts -o ptmxmode=666 devpts /dev/pts
ln -s pts/ptmx /dev/ptmx
cd /tmp
NAME /runner 'LEFT_OUT' MODULES </dev/null 2>&1
# The helper of multiprocessing ends when it sees that its last user has.
for i in 1 2 3 4 5 6 7 8 9 10; do ps -o args | grep -q '[p]ython' && sleep 1; done
ps -o pid,args | grep '[p]ython' | sed 's/^/left: /'
echo '### end'
poweroff -f
'''


def add_folder(archive, package, folder, wanted=lambda name: True):
    """The files below a folder of a package whose names there are wanted."""
    root = os.path.join(packages.fetch(package), folder)
    for path, _, names in os.walk(root):
        for name in names:
            inside = os.path.relpath(os.path.join(path, name), root)
            if wanted(inside) and os.path.isfile(os.path.join(path, name)):
                archive.copy(os.path.join(folder, inside), os.path.join(path, name))


def make_archive():
    archive = cpio.Archive()
    for name in ('bin', 'dev', 'etc', 'tmp', 'proc'):
        archive.directory(name)
    for name, minor in (('zero', 5), ('full', 7), ('random', 8), ('urandom', 9)):
        archive.node('dev/' + name, 0o020666, 1, minor)
    archive.node('dev/tty', 0o020666, 5, 0)
    archive.copy('bin/busybox', packages.program('busybox-static', 'busybox'))
    packages.add_programs(archive, {NAME + '-minimal': [NAME]}, LIBRARIES)
    folder = 'usr/lib/' + NAME
    for package in ('libpython%s-minimal', 'libpython%s-stdlib'):
        add_folder(archive, package % VERSION, folder)
    tests = DATA + [name + '.py' for name in MODULES]
    add_folder(archive, 'libpython%s-testsuite' % VERSION, folder + '/test', lambda name: name in tests)
    archive.file('etc/passwd', b'root:x:0:0:root:/:/bin/sh\nnobody:x:65534:65534::/:/bin/false\n', 0o644)
    archive.file('etc/group', b'root:x:0:\nnogroup:x:65534:\n', 0o644)
    archive.file('runner', RUNNER.encode(), 0o644)
    start = START.replace('NAME', NAME).replace('LEFT_OUT', LEFT_OUT).replace('MODULES', ' '.join(MODULES))
    archive.file('init', start.encode())
    return archive


def body():
    if not os.path.exists(IMAGE):
        raise qemu.Skip('not built: ' + IMAGE)
    with tempfile.TemporaryDirectory(prefix='cloven-python-') as work:
        initrd = make_archive().write(os.path.join(work, 'a.cpio'))
        result = qemu.run(qemu.arguments(IMAGE, smp=4, mem='512M', initrd=initrd, append='loglevel=2'),
                          cpu_limit=240, wall_limit=560)
    console = result.console.replace('\r', '')
    done = re.findall(r'^### (test_\w+) (\d+) (\d+) (\d+)$', console, re.M)
    print(', '.join('%s: %s run, %s skipped' % line[:3] for line in done))
    if result.status != 0 or [line[0] for line in done] != MODULES or '### end' not in console:
        raise qemu.Failure('it did not come to its end: ' + result.report())
    if any(line[3] != '0' or int(line[1]) <= int(line[2]) for line in done) or '\nleft: ' in console:
        raise qemu.Failure(result.report())


qemu.main(body)
