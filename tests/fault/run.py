#!/usr/bin/env python3
"""Replays calls under injected faults, on Cloven: run.py IMAGE PROGRAM [TEST...]"""
import os
import re
import sys
import tempfile

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'harness'))
import cpio  # noqa: E402
import qemu  # noqa: E402


def body():
    image, program, names = sys.argv[1], sys.argv[2], sys.argv[3:]
    archive = cpio.Archive()
    archive.copy('init', program)
    with tempfile.TemporaryDirectory(prefix='cloven-fault-') as work:
        initrd = archive.write(os.path.join(work, 'fault.cpio'))
        result = qemu.run(qemu.arguments(image, mem='256M', initrd=initrd, append=' '.join(
            ['loglevel=3', '--'] + names)), cpu_limit=300)
    print(result.console)
    bad = re.findall(r'^not ok .*$', result.console, re.M)
    if bad or result.status != 0 or not re.search(r'^1\.\.[1-9]', result.console, re.M):
        raise qemu.Failure('%d tests failed, QEMU ended with %s: %s'
                           % (len(bad), result.status, result.reason))


qemu.main(body)
