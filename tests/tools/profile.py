#!/usr/bin/env python3
"""Profiles the boot and checks what must be so: profile.py BUILD INIT. The sum of all functions is the
number of instructions, the boot's own functions are there, and the flame graph is XML."""
import os
import re
import subprocess
import sys
import tempfile
import xml.dom.minidom

sys.dont_write_bytecode = True
TOP = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', '..')
sys.path.insert(0, os.path.join(TOP, 'tests', 'harness'))
import qemu  # noqa: E402


def body():
    build, init = sys.argv[1:3]
    with tempfile.TemporaryDirectory(prefix='cloven-profile-test-') as work:
        svg, fold = os.path.join(work, 'a.svg'), os.path.join(work, 'a.fold')
        run = subprocess.run([os.path.join(TOP, 'scripts', 'profile'), '--build', build, '--boot',
                              '--init', init, '--svg', svg, '--fold', fold, '--rows', '9999'],
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                             check=False)
        if run.returncode:
            print(run.stdout)
            sys.exit(run.returncode)
        xml.dom.minidom.parse(svg)
        with open(fold) as source:
            chains = source.read()
    own = dict((name, int(cost.replace(',', '')))
               for cost, name in re.findall(r'^ *([\d,]+) +[\d.]+ +[\d,]+ +[\d.]+  (\S+)$',
                                            run.stdout, re.M))
    total = int(re.search(r'([\d,]+) +in all', run.stdout).group(1).replace(',', ''))
    for name in ('buddy_init', 'trap_entry', 'sys_reboot', 'firmware', 'user'):
        if not own.get(name):
            raise qemu.Failure('%s is not in the table:\n%s' % (name, run.stdout))
    if sum(own.values()) != total:
        raise qemu.Failure('the functions sum up to %d of %d' % (sum(own.values()), total))
    if not re.search(r'^trap_entry;.*sys_reboot', chains, re.M):
        raise qemu.Failure('no chain leads from the trap to sys_reboot')


qemu.main(body)
