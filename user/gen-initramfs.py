#!/usr/bin/env python3
"""Makes the archive that is embedded in the kernel's image: gen-initramfs.py OUT PROGRAM STRIP NAME...

The same inputs give the same bytes: no time stamps, no owners, no order of directories. The names of
the tools are not in it: init makes them when it starts (see user/init/init.c), which costs less than
unpacking a hundred entries.
"""
import os
import stat
import subprocess
import sys
import tempfile


def entry(name, mode, data=b'', inode=1, device=(0, 0)):
    fields = [inode, mode, 0, 0, 2 if stat.S_ISDIR(mode) else 1, 0, len(data), 0, 0, device[0],
              device[1], len(name) + 1, 0]
    out = b'070701' + b''.join(b'%08X' % field for field in fields) + name.encode() + b'\0'
    out += b'\0' * (-len(out) % 4) + data
    return out + b'\0' * (-len(out) % 4)


def main():
    target, program, strip = sys.argv[1:4]
    with tempfile.TemporaryDirectory() as folder:
        stripped = os.path.join(folder, 'program')
        subprocess.run([strip, '-s', '-R', '.comment', '-R', '.riscv.attributes', '-o', stripped,
                        program], check=True)
        with open(stripped, 'rb') as source:
            data = source.read()
    archive = b''
    for inode, (name, mode, content) in enumerate([
            ('bin', stat.S_IFDIR | 0o755, b''),
            ('dev', stat.S_IFDIR | 0o755, b''),
            ('init', stat.S_IFREG | 0o755, data),
    ], 1):
        archive += entry(name, mode, content, inode)
    archive += entry('TRAILER!!!', 0, inode=0)
    with open(target, 'wb') as out:
        out.write(archive + b'\0' * (-len(archive) % 512))


if __name__ == '__main__':
    main()
