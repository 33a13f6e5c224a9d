#!/usr/bin/env python3
"""Replays calls under injected faults, on Cloven: run.py [--smp N] IMAGE PROGRAM [TEST...]"""
import os
import re
import sys
import tempfile

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'harness'))
import cpio  # noqa: E402
import qemu  # noqa: E402


def body():
    words = sys.argv[1:]
    smp = int(words[1]) if words[0] == '--smp' else 1
    image, program, *names = words[2:] if words[0] == '--smp' else words
    archive = cpio.Archive()
    archive.copy('init', program)
    with tempfile.TemporaryDirectory(prefix='cloven-fault-') as work:
        initrd = archive.write(os.path.join(work, 'fault.cpio'))
        result = qemu.run(qemu.arguments(image, smp=smp, mem='256M', initrd=initrd, append=' '.join(
            ['loglevel=3', '--'] + names)), cpu_limit=300)
    print(re.sub(r'(?m)^@ .*\n', '', result.console))
    bad = re.findall(r'^not ok .*$', result.console, re.M)
    if bad or result.status != 0 or not re.search(r'^1\.\.[1-9]', result.console, re.M):
        raise qemu.Failure('%d tests failed, QEMU ended with %s: %s'
                           % (len(bad), result.status, result.reason))


qemu.main(body)
