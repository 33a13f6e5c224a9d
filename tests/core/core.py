#!/usr/bin/env python3
"""A program crashes in the guest; gdb on the host must see where: core.py TOP IMAGE PROGRAM GDB"""
import os
import re
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
TOP, IMAGE, PROGRAM, GDB = sys.argv[1:5]
sys.path.insert(0, os.path.join(TOP, 'tests', 'harness'))
import cpio  # noqa: E402
import qemu  # noqa: E402


def body():
    with tempfile.TemporaryDirectory(prefix='cloven-core-') as work:
        archive = cpio.Archive()
        archive.copy('init', PROGRAM)
        initrd = archive.write(os.path.join(work, 'core.cpio'))
        result = qemu.run(qemu.arguments(IMAGE, smp=2, mem='128M', append='loglevel=3',
                                         initrd=initrd), cpu_limit=120)
        console = result.console.replace('\r', '')
        if 'CORE end' not in console:
            raise qemu.Failure('the program did not end: ' + result.report())
        if 'CORE status 8b' not in console:
            raise qemu.Failure('the status does not tell of a core: ' + result.report())
        core = os.path.join(work, 'core')
        with open(core, 'wb') as out:
            for line in re.findall(r'^C ([0-9a-f]*)$', console, re.M):
                out.write(bytes.fromhex(line) if line else bytes(32))
        gdb = subprocess.run([GDB, '-batch', '-nx', '-ex', 'bt', '-ex', 'p $_siginfo._sifields._sigfault',
                              '-ex', 'info auxv', '-ex', 'info threads', '-ex', 'thread apply all bt',
                              PROGRAM, core], stdout=subprocess.PIPE,
                             stderr=subprocess.STDOUT, text=True, check=False).stdout
    print(gdb)
    for pattern in (r'terminated with signal SIGSEGV', r'#0 .*innermost.*where=.*0x4d0',
                    r'#1 .*middle.*marker=.*77', r'#2 .*outer', r'#3 .*crash', r'#4 .*main', r'AT_SYSINFO_EHDR',
                    r'si_addr = 0x4d0', r'\* 1 +(Thread|LWP).*innermost', r'\n +3 +(Thread|LWP)',
                    r'Thread \d \((Thread|LWP)(.|\n)*?#\d .*pausing_thread',
                    r'Thread \d \((Thread|LWP)[^#]*\n#0 .*spinning_thread'):
        if not re.search(pattern, gdb):
            raise qemu.Failure('gdb does not show "%s"' % pattern)


qemu.main(body)
