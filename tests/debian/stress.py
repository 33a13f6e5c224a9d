#!/usr/bin/env python3
"""Debian's stress-ng, unmodified: stress.py TOP IMAGE

A choice of its stressors of processes, memory, signals, locks and files, several side by side, for two
seconds or a number of operations, with --verify, on four harts. They must end with status 0, tell of
no failure, and leave neither a process nor a file behind. What Cloven does not have, such as
sockets, is not in the list.
"""
import glob
import os
import re
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
TOP, IMAGE = sys.argv[1:3]
sys.path.insert(0, os.path.join(TOP, 'tests', 'harness'))
import cpio  # noqa: E402
import qemu  # noqa: E402

PACKAGES = ('libc6 libacl1 libapparmor1 libbsd0 libcrypt1 libjpeg62-turbo libjudydebian1 libkmod2 libegl1 '
            'libgles2 libmpfr6 libgmp10 libgbm1 libsctp1 libxxhash0 zlib1g liblzma5 libstdc++6 libgcc-s1 '
            'libmd0 libglvnd0 libdrm2 libexpat1 libattr1 libzstd1 libssl3t64').split()
LOADER = 'ld-linux-riscv64-lp64d.so.1'

# Several at once: each has a process of its own. Two seconds bound what has no number.
LINES = '''
--clone 1 --clone-ops 200 --fork 1 --fork-ops 200 --vfork 1 --vfork-ops 200 --zombie 1 --zombie-ops 200
--kill 1 --sigq 1 --sigrt 1 --sigsuspend 1 --sigchld 1 --sigfd 1 --sigsegv 1 --sigpending 1
--pthread 1 --mutex 1 --futex 1 --sem-sysv 1 --shm-sysv 1 --msg 1 --mq 1 --schedpolicy 1
--mmap 1 --mmapfork 1 --mmapfixed 1 --mremap 1 --mprotect 1 --brk 1 --fault 1 --mmapcow 1
--memfd 1 --stackmmap 1 --mincore 1 --msync 1 --vma 1 --rlimit 1 --resources 1
--get 1 --pidfd 1 --fsize 1 --unshare 1 --session 1 --prctl 1 --timerfd 1 --eventfd 1
--dup 1 --open 1 --rename 1 --link 1 --flock 1 --lockf 1 --pipe 1 --poll 1 --getdent 1
'''.split('\n')[1:-1]

START = r'''#!/bin/busybox sh
/bin/busybox --install -s /bin
export PATH=/usr/bin:/bin HOME=/
mount -t proc proc /proc
mount -t tmpfs tmpfs /tmp
mkdir -p /dev/shm /dev/mqueue
mount -t tmpfs shm /dev/shm
mount -t mqueue mq /dev/mqueue
cd /tmp
while read -r line; do
	echo "### $line"
	stress-ng -q --verify --no-rand-seed --oom-avoid-bytes 32M --temp-path /tmp -t 2 $line </dev/null 2>&1
	echo "status $?"
	sleep 0.2
	ps -o args | grep '[s]tress-ng' | sed 's/^/left: /'
	ls /tmp | sed 's/^/left: /'
done </lines
echo "### end"
poweroff -f
'''


def fetched(package):
    fetch = subprocess.run([os.path.join(TOP, 'scripts', 'debian-riscv64'), package],
                           stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
    if fetch.returncode:
        raise qemu.Skip('%s cannot be had: %s' % (package, fetch.stderr.strip()[-200:]))
    return fetch.stdout.strip()


def make_archive():
    archive = cpio.Archive()
    for name in ('bin', 'usr', 'usr/bin', 'lib', 'lib/riscv64-linux-gnu', 'dev', 'etc', 'tmp', 'proc'):
        archive.directory(name)
    for name, minor in (('zero', 5), ('full', 7), ('random', 8), ('urandom', 9)):
        archive.node('dev/' + name, 0o020666, 1, minor)
    archive.copy('bin/busybox', os.path.join(fetched('busybox-static'), 'usr/bin/busybox'))
    archive.copy('usr/bin/stress-ng', os.path.join(fetched('stress-ng'), 'usr/bin/stress-ng'))
    seen = set()
    for package in PACKAGES:
        for path in glob.glob(os.path.join(fetched(package), 'usr/lib/**/*.so*'), recursive=True):
            name = os.path.basename(path)
            folder = os.path.basename(os.path.dirname(path))
            if name not in seen and (folder == 'riscv64-linux-gnu' or name == LOADER):
                seen.add(name)
                place = 'lib/' if name == LOADER else 'lib/riscv64-linux-gnu/'
                archive.copy(place + name, os.path.realpath(path))
    archive.file('etc/passwd', b'root:x:0:0:root:/:/bin/sh\n', 0o644)
    archive.file('lines', '\n'.join(LINES + ['']).encode(), 0o644)
    archive.file('init', START.encode())
    return archive


def body():
    if not os.path.exists(IMAGE):
        raise qemu.Skip('not built: ' + IMAGE)
    with tempfile.TemporaryDirectory(prefix='cloven-stress-') as work:
        initrd = make_archive().write(os.path.join(work, 'a.cpio'))
        result = qemu.run(qemu.arguments(IMAGE, smp=4, mem='768M', initrd=initrd, append='loglevel=2'),
                          cpu_limit=200, wall_limit=500)
    parts = re.split(r'^### ', result.console.replace('\r', ''), flags=re.M)[1:]
    wrong = ['%s\n%s' % (line, text) for line, _, text in (part.partition('\n') for part in parts[:-1])
             if text.strip() != 'status 0']
    print('%d lines of stressors, %d wrong' % (len(parts) - 1, len(wrong)))
    if wrong:
        raise qemu.Failure('\n'.join(wrong))
    if result.status != 0 or len(parts) != len(LINES) + 1:
        raise qemu.Failure('it did not come to its end: ' + result.report())


qemu.main(body)
