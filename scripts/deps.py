#!/usr/bin/env python3
"""Finds which packages a job needs, and installs them where that is allowed.

  scripts/deps.py [run|test|debug] [--check]

Each need is a thing that is looked for (a program, a Python module, a file), and the Debian or
Ubuntu package that brings it. Only what is missing is asked for. As root, or with a sudo that asks
no password, apt-get installs it; otherwise the line to type is printed and the exit status is 1.
"""
import glob
import importlib.util
import os
import shutil
import subprocess
import sys

FIRMWARE = [
    '/usr/share/qemu/opensbi-riscv64-generic-fw_dynamic.bin',
    '/usr/lib/riscv64-linux-gnu/opensbi/generic/fw_dynamic.bin',
    '/usr/share/opensbi/lp64/generic/firmware/fw_dynamic.bin',
]
RISCV_INCLUDE = ['/usr/riscv64-linux-gnu/include/stdio.h']


def program(*names):
    return lambda: any(shutil.which(name) for name in names)


def module(name):
    return lambda: importlib.util.find_spec(name) is not None


def one_file(paths):
    return lambda: any(glob.glob(path) for path in paths)


# what it is, how it is found, the package that brings it
RUN = [
    ('cross compiler', program('riscv64-linux-gnu-gcc'), 'gcc-riscv64-linux-gnu'),
    ('C library for RISC-V', one_file(RISCV_INCLUDE), 'libc6-dev-riscv64-cross'),
    ('compiler of this machine', program('cc', 'gcc'), 'gcc'),
    ('C library of this machine', one_file(['/usr/include/stdio.h']), 'libc6-dev'),
    ('Meson', program('meson'), 'meson'),
    ('Ninja', program('ninja'), 'ninja-build'),
    ('QEMU for RISC-V', program('qemu-system-riscv64'), 'qemu-system-misc'),
    ('OpenSBI', one_file(FIRMWARE), 'opensbi'),
]
TEST = RUN + [
    ('SPIN', program('spin'), 'spin'),
    ('debugger', program('gdb-multiarch'), 'gdb-multiarch'),
    ('bare-metal cross compiler', program('riscv64-unknown-elf-gcc'), 'gcc-riscv64-unknown-elf'),
    ('device tree compiler', program('dtc'), 'device-tree-compiler'),
    ('Clang', program('clang'), 'clang'),
    ('libFuzzer', one_file(['/usr/lib/llvm-*/lib/clang/*/lib/*/libclang_rt.fuzzer*.a']),
     'libclang-rt-dev'),
    ('lld', program('ld.lld'), 'lld'),
    ('LLVM binary tools', program('llvm-objcopy'), 'llvm'),
    ('clang-format', program('clang-format'), 'clang-format'),
    ('pexpect', module('pexpect'), 'python3-pexpect'),
    ('tmux', program('tmux'), 'tmux'),
    ('dpkg-deb', program('dpkg-deb'), 'dpkg'),
    ('keys of the Debian archive',
     one_file(['/usr/share/keyrings/debian-archive-keyring.gpg',
               '/usr/share/keyrings/debian-archive-keyring.pgp']), 'debian-archive-keyring'),
]
DEBUG = RUN + [('debugger', program('gdb-multiarch'), 'gdb-multiarch')]
SETS = {'run': RUN, 'test': TEST, 'debug': DEBUG}


def missing(kind):
    return [(what, package) for what, found, package in SETS[kind] if not found()]


def become_root():
    """The words to put before a command so that it runs as root, or None."""
    if os.geteuid() == 0:
        return []
    if shutil.which('sudo'):
        quiet = subprocess.run(['sudo', '-n', 'true'], stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL, check=False)
        if quiet.returncode == 0:
            return ['sudo', '-n']
    return None


def ensure(kind='run', install=True):
    """Makes sure that the set `kind` is there. True if it is; says what to type if it is not."""
    lacks = missing(kind)
    if not lacks:
        return True
    packages = sorted({package for _, package in lacks})
    print('missing: ' + ', '.join(what for what, _ in lacks), file=sys.stderr)
    root = become_root() if install and shutil.which('apt-get') else None
    if root is not None:
        keep = ['env', 'DEBIAN_FRONTEND=noninteractive']
        base = root + keep + ['apt-get', '-q']
        install_line = base + ['install', '-y', '--no-install-recommends'] + packages
        print('installing: ' + ' '.join(packages), file=sys.stderr, flush=True)
        # The lists of a fresh machine are empty or old, so a failure is tried again with new ones.
        if not has_lists() or subprocess.run(install_line, check=False).returncode != 0:
            subprocess.run(base + ['update'], check=False)
            # What this release does not know by that name comes with something else, or is missed.
            subprocess.run(base + ['install', '-y', '--no-install-recommends']
                           + [p for p in packages if is_known(p)], check=False)
        importlib.invalidate_caches()
        lacks = missing(kind)
        if not lacks:
            return True
        print('still missing: ' + ', '.join(what for what, _ in lacks), file=sys.stderr)
        packages = sorted({package for _, package in lacks})
    print('Type this, then start again:\n\n  sudo apt-get update && sudo apt-get install -y '
          '--no-install-recommends ' + ' '.join(packages) + '\n', file=sys.stderr)
    return False


def is_known(package):
    policy = subprocess.run(['apt-cache', 'policy', package], stdout=subprocess.PIPE, text=True,
                            env=dict(os.environ, LC_ALL='C'), check=False)
    return 'Candidate: ' in policy.stdout and 'Candidate: (none)' not in policy.stdout


def has_lists():
    try:
        return any(name.endswith(('Packages', '.lz4', '.gz', '.xz'))
                   for name in os.listdir('/var/lib/apt/lists'))
    except OSError:
        return False


def main():
    words = [word for word in sys.argv[1:] if not word.startswith('-')]
    flags = set(word for word in sys.argv[1:] if word.startswith('-'))
    kind = words[0] if words else 'run'
    if kind not in SETS or len(words) > 1 or flags - {'--check'}:
        print(__doc__, file=sys.stderr)
        return 0 if flags & {'-h', '--help'} else 2
    return 0 if ensure(kind, install='--check' not in flags) else 1


if __name__ == '__main__':
    sys.exit(main())
