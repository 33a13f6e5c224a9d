#!/usr/bin/env python3
"""Builds the kernel another way, without a warning: other_build.py TOP release|clang|elf|ubsan

The build with checks is also run: its self-tests, then the embedded shell, without a report."""
import os
import shutil
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'harness'))
import qemu  # noqa: E402

TOP, KIND = sys.argv[1:3]
KINDS = {
    'release': ('cross-riscv64.txt', 'riscv64-linux-gnu-gcc',
                ['--buildtype=release', '-Ddebug_checks=false']),
    'ubsan': ('cross-riscv64.txt', 'riscv64-linux-gnu-gcc', ['-Dubsan=true']),
    'clang': ('cross-riscv64-clang.txt', 'clang', []),
    'elf': ('cross-riscv64-elf.txt', 'riscv64-unknown-elf-gcc', []),
}


def run_checked(image):
    """0 when self-tests and a session pass without a report."""
    selftests = qemu.run(qemu.arguments(image, smp=2, append='selftest=all loglevel=4'),
                         cpu_limit=240)
    session = qemu.run(qemu.arguments(image, smp=2), cpu_limit=60, feed=[
        ('# ', 'ls -l /proc /dev | cat > /tmp/f; for i in 1 2 3; do cat /proc/self/maps; done\n'),
        ('# ', 'sleep 1 & ps; kill %1; cd /; echo d''one\n'), ('done', 'poweroff\n')])
    for result in (selftests, session):
        if result.status != 0 or 'UBSan:' in result.console:
            print(result.report())
            return 1
    return 0


def main():
    cross, compiler, options = KINDS[KIND]
    if not shutil.which(compiler):
        print('SKIP: %s is not installed' % compiler)
        return 77
    with tempfile.TemporaryDirectory(prefix='cloven-build-') as folder:
        for line in (['meson', 'setup', folder, TOP, '--cross-file', os.path.join(TOP, cross)] + options,
                     ['ninja', '-C', folder, '-j2', 'Image']):
            out = subprocess.run(line, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                 check=False)
            if out.returncode or 'warning:' in out.stdout:
                print(out.stdout[-6000:])
                return 1
        size = os.path.getsize(os.path.join(folder, 'Image'))
        print('Image: %d KiB' % (size // 1024))
        if KIND == 'ubsan':
            return run_checked(os.path.join(folder, 'Image'))
    return 0


if __name__ == '__main__':
    sys.exit(main())
