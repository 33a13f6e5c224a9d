#!/usr/bin/env python3
"""Writes what the fuzzers start from: small well-formed inputs and some that are nearly so.

usage: make-seeds.py OUTDIR [BLOB.dtb...]

For each fuzzer x, OUTDIR/x.list names its seeds, separated by commas, as libFuzzer wants them.
"""
import os
import struct
import sys


def cpio_entry(name, data=b'', mode=0o100644, magic=b'070701', size=None):
    name = name.encode() + b'\0'
    check = sum(data) if magic == b'070702' else 0
    size = len(data) if size is None else size
    fields = (1, mode, 0, 0, 1, 0, size, 0, 0, 5, 1, len(name), check)
    out = magic + b''.join(b'%08x' % f for f in fields) + name
    out += b'\0' * (-len(out) % 4)
    return out + data + b'\0' * (-len(data) % 4)


def cpio_seeds():
    end = cpio_entry('TRAILER!!!')
    one = cpio_entry('a', b'hello') + end
    yield one
    yield one + b'\0' * 64 + cpio_entry('b/c', mode=0o40755) + end
    yield cpio_entry('sum', b'abc', magic=b'070702') + end
    yield cpio_entry('huge', b'abc', size=0xffffffff) + end
    yield cpio_entry('a', b'hello')
    yield b'\x1f\x8b\x08' + b'x' * 20


def elf_file(segments, kind=2, machine=243, phoff=64, phnum=None):
    count = len(segments) if phnum is None else phnum
    out = struct.pack('<4sBBBB8xHHIQQQIHHHHHH', b'\x7fELF', 2, 1, 1, 0, kind, machine, 1, 0x10000,
                      phoff, 0, 5, 64, 56, count, 64, 0, 0)
    for s in segments:
        out += struct.pack('<IIQQQQQQ', *s)
    return out + b'\0' * 64


def elf_seeds():
    text = (1, 5, 0, 0x10000, 0x10000, 0x1234, 0x1234, 0x1000)
    data = (1, 6, 0x1800, 0x12800, 0x12800, 0x100, 0x5000, 0x1000)
    interp = (3, 4, 0x100, 0x10100, 0x10100, 20, 20, 1)
    stack = (0x6474e551, 6, 0, 0, 0, 0, 0, 16)
    yield elf_file([text, data, stack])
    yield elf_file([interp, text, data], kind=3)
    yield elf_file([text, (1, 6, 0x800, 2**64 - 0x800, 0, 0x100, 0x5000, 0x1000)])
    yield elf_file([(1, 6, 2**63 - 0x800, 0x800, 0, 0x100, 0x100, 0x1000)])
    yield elf_file([text], phnum=0xffff)


def write_seeds(outdir, kind, seeds):
    paths = []
    for i, data in enumerate(seeds):
        paths.append(os.path.join(outdir, '%s-%d' % (kind, i)))
        with open(paths[-1], 'wb') as f:
            f.write(data)
    with open(os.path.join(outdir, kind + '.list'), 'w') as f:
        f.write(','.join(paths))


def main():
    outdir = os.path.abspath(sys.argv[1])
    os.makedirs(outdir, exist_ok=True)
    blobs = []
    for path in sys.argv[2:]:
        with open(path, 'rb') as f:
            blobs.append(f.read())
    # Without dtc: the smallest tree there is.
    tree = struct.pack('>4I', 1, 0, 2, 9)
    header = struct.pack('>10I', 0xd00dfeed, 72, 56, 72, 40, 17, 16, 0, 0, len(tree))
    write_seeds(outdir, 'fdt', blobs + [header + b'\0' * 16 + tree])
    write_seeds(outdir, 'cpio', cpio_seeds())
    write_seeds(outdir, 'elf', elf_seeds())


main()
