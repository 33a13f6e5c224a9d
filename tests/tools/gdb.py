#!/usr/bin/env python3
"""Drives gdb-multiarch with scripts/gdb/cloven.py against a shell that waits: gdb.py IMAGE ELF"""
import os
import re
import shutil
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
TOP = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', '..')
sys.path.insert(0, os.path.join(TOP, 'tests', 'harness'))
import qemu  # noqa: E402

EXPECTED = [
    ('cloven tasks', r'^ +0 swapper/0 .*\n(.*\n)*^ +1 \S+ +[RSD]'),
    ('cloven bt 1', r'^#0 .*\n(.*\n)*.*(trap_entry|syscall)'),
    ('cloven areas 1', r'^[0-9a-f]{16}-[0-9a-f]{16} r-x'),
    ('cloven pte kernel &init_task', r'level 2 .*V.*\nlevel 1 '),
    ('cloven slabs', r'^task +[1-9]'),
    ('cloven locks', r'^hart 0: 0 locks'),
    ('cloven dmesg', r'^\[ +\d+\.\d+\] Cloven '),
]


def body():
    image, elf = sys.argv[1:3]
    if not shutil.which('gdb-multiarch'):
        raise qemu.Skip('gdb-multiarch is not installed')
    with tempfile.TemporaryDirectory(prefix='cloven-gdb-') as work:
        socket = os.path.join(work, 'gdb')
        script = ['gdb-multiarch', '-nx', '-batch', '-iex', 'set auto-load safe-path /', elf,
                  '-x', os.path.join(TOP, 'scripts', 'gdb', 'cloven.py'),
                  '-ex', 'target remote ' + socket]
        for number, (command, _) in enumerate(EXPECTED):
            script += ['-ex', 'echo @@%d\\n' % number, '-ex', command]
        script += ['-ex', 'echo @@end\\n', '-ex', 'detach']
        line = qemu.arguments(image, append='loglevel=7', extra=[
            '-chardev', 'socket,id=gdb,path=%s,server=on,wait=off' % socket, '-gdb', 'chardev:gdb'])

        def look():
            return subprocess.run(script, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                  text=True, timeout=120, check=False).stdout
        result = qemu.run(line, cpu_limit=60, until='# ', at_end=look)
    text = result.said or ''
    print(text)
    if not text:
        raise qemu.Failure('the shell did not come up: ' + result.report())
    parts = re.split(r'^@@\w+\n', text, flags=re.M)[1:]
    for (command, pattern), part in zip(EXPECTED, parts):
        if not re.search(pattern, part, re.M):
            raise qemu.Failure('"%s" did not show %s, but:\n%s' % (command, pattern, part))
    if len(parts) < len(EXPECTED):
        raise qemu.Failure('the debugger stopped early')


qemu.main(body)
