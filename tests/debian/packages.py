"""Files of Debian's riscv64 packages, for archives that a guest boots."""
import os
import subprocess

import qemu

FETCH = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', '..', 'scripts', 'debian-riscv64')
LOADER = 'ld-linux-riscv64-lp64d.so.1'


def fetch(*words):
    """What scripts/debian-riscv64 prints: a path. Skips the test where that cannot be had."""
    done = subprocess.run([FETCH] + list(words), capture_output=True, text=True, check=False)
    if done.returncode:
        raise qemu.Skip('%s cannot be had: %s' % (' '.join(words), done.stderr.strip()[-200:]))
    return done.stdout.strip()


def find(package, *names):
    """The path of the first of these names in the package."""
    folder = fetch(package)
    for name in names:
        if os.path.exists(os.path.join(folder, name)):
            return os.path.realpath(os.path.join(folder, name))
    raise qemu.Failure('%s has none of %s' % (package, ', '.join(names)))


def program(package, name):
    return find(package, *('%s/%s' % (folder, name) for folder in ('usr/bin', 'bin', 'usr/sbin', 'sbin')))


def add_programs(archive, programs, libraries):
    """programs: {package: names}, into usr/bin; libraries: {package: names}, libc6's loader comes along."""
    for name in ('usr', 'usr/bin', 'lib', 'lib/riscv64-linux-gnu'):
        archive.directory(name)
    for package, names in programs.items():
        for name in names:
            archive.copy('usr/bin/' + name, program(package, name))
    for package, names in libraries.items():
        for name in names:
            archive.copy('lib/riscv64-linux-gnu/' + name, find(
                package, 'usr/lib/riscv64-linux-gnu/' + name, 'lib/riscv64-linux-gnu/' + name))
    if libraries:
        archive.copy('lib/' + LOADER, find('libc6', 'usr/lib/riscv64-linux-gnu/' + LOADER,
                                           'usr/lib/' + LOADER, 'lib/' + LOADER))
