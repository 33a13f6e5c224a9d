#!/usr/bin/env python3
"""Builds the kernel another way, without a warning: other_build.py TOP release|clang|elf"""
import os
import shutil
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True

TOP, KIND = sys.argv[1:3]
KINDS = {
    'release': ('cross-riscv64.txt', 'riscv64-linux-gnu-gcc',
                ['--buildtype=release', '-Ddebug_checks=false']),
    'clang': ('cross-riscv64-clang.txt', 'clang', []),
    'elf': ('cross-riscv64-elf.txt', 'riscv64-unknown-elf-gcc', []),
}


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
    return 0


if __name__ == '__main__':
    sys.exit(main())
