#!/usr/bin/env python3
"""Debian's unmodified busybox at work: busybox.py IMAGE tools|console."""
import hashlib
import os
import sys
import tempfile

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, '..', 'harness'))
import cpio  # noqa: E402
import qemu  # noqa: E402
import packages  # noqa: E402

IMAGE, CASE = sys.argv[1:3]
NAMES = '''ash awk cat cmp cp dd dmesg echo env false find grep head kill ln ls md5sum mkdir mount mv
poweroff ps rm sed seq setsid sh sleep sort stty tail tar test touch tr true uname vi wc which'''.split()

TOOLS = '''#!/bin/sh
mount -t proc proc /proc
ls -l / | grep -q ' bin$' && echo ls: ok
[ "$(uname -m)" = riscv64 ] && uname -a | grep -q Linux && echo uname: ok
sum=0; for i in $(seq 1 10); do sum=$((sum + $(echo $i | cat | sed s/x/y/))); done
echo loop: $sum
ps | grep -q 'init' && echo ps: ok
dd if=/dev/zero of=/tmp/zero bs=64k count=16 2>/dev/null; echo dd: $(wc -c < /tmp/zero)
echo sort: $(printf 'c\\na\\nb\\n' | sort | tr -d '\\n')
echo sed: $(echo hello | sed 's/l/L/g')
echo awk: $(seq 1 100 | awk '{ s += $1 } END { print s }')
echo find: $(find /bin -name 'busybox' -type f)
tar cf /tmp/t.tar -C / bin/busybox && mkdir /tmp/u && tar xf /tmp/t.tar -C /tmp/u
cmp /bin/busybox /tmp/u/bin/busybox && echo tar: ok
echo md5sum: $(md5sum < /bin/busybox)
echo text > /tmp/a && mv /tmp/a /tmp/b && ln /tmp/b /tmp/c && ln -s b /tmp/d && cat /tmp/d
rm /tmp/b && cat /tmp/c && [ ! -e /tmp/d ] && echo names: ok
sleep 1 & wait $! && echo wait: $?
sh -c 'kill -9 $$'; echo killed: $?
false; echo false: $?
poweroff -f
'''

# The shell is not process 1: like on Linux, what that starts would be an orphaned group.
CONSOLE = '''#!/bin/sh
mount -t proc proc /proc
setsid -c sh -c 'exec sh -i </dev/ttyS0 >/dev/ttyS0 2>&1'
'''


def run(script, feed=None):
    program = packages.program('busybox-static', 'busybox')
    archive = cpio.Archive()
    for name in ('proc', 'tmp'):
        archive.directory(name)
    archive.copy('bin/busybox', program)
    for name in NAMES:
        archive.link('bin/' + name, 'busybox')
    archive.file('init', script.encode())
    with tempfile.TemporaryDirectory() as folder:
        initrd = archive.write(os.path.join(folder, 'initramfs.cpio'))
        result = qemu.run(qemu.arguments(IMAGE, smp=2, initrd=initrd), cpu_limit=120, feed=feed)
    if 'lock misuse' in result.console or 'WARNING' in result.console:
        raise qemu.Failure('the kernel has complained: ' + result.report())
    if result.status != 0:
        raise qemu.Failure('the exit status is not 0: ' + result.report())
    return result, program


def expect(result, texts):
    for text in texts:
        if text not in result.console:
            raise qemu.Failure('the console never said "%s": %s' % (text, result.report()))


def tools():
    result, program = run(TOOLS)
    with open(program, 'rb') as source:
        digest = hashlib.md5(source.read()).hexdigest()
    expect(result, ['ls: ok', 'uname: ok', 'loop: 55', 'ps: ok', 'dd: 1048576', 'sort: abc',
                    'sed: heLLo', 'awk: 5050', 'find: /bin/busybox', 'tar: ok',
                    'md5sum: ' + digest, 'text\ntext', 'names: ok', 'wait: 0', 'killed: 137',
                    'false: 1'])


def console():
    """A person at the console: typing, erasing, Ctrl-C, Ctrl-Z."""
    result, _ = run(CONSOLE, [
        ('# ', 'echo one$((1 + 1))\n'),
        ('one2', 'echo twx\x7fo; sh -c "echo ready; exec sleep 100"\n'),
        ('two\r', ''),
        ('ready\r', '\x03'),
        ('# ', 'echo status $?\n'),
        ('status 130', 'sh -c "echo ready; exec sleep 100"\n'),
        ('ready\r', '\x1a'),
        ('Stopped', 'jobs; kill %1; poweroff -f\n')])
    expect(result, ['one2', 'two\n', 'status 130', 'Stopped'])


qemu.main({'tools': tools, 'console': console}[CASE])
