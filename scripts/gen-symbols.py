#!/usr/bin/env python3
"""Makes the kernel's table of function names (core/symbols.h) from a linked kernel.

usage: gen-symbols.py NM KERNEL.elf OUT.S
       gen-symbols.py --empty OUT.S                  an empty table, for the first link
       gen-symbols.py --compare NM FIRST.elf FINAL.elf STAMP
                                                     fails if a function moved between the links
"""
import subprocess
import sys

KERNEL_BASE = 0xFFFFFFFF80000000
NAMES_STEP = 64  # of so many names, the place of the first is told; as in core/symbols.c


def functions(nm, kernel):
    """Sorted (address, name) of everything in the text section."""
    text = subprocess.run([nm, "-n", kernel], check=True, capture_output=True, text=True).stdout
    found = {}
    for line in text.splitlines():
        fields = line.split()
        if len(fields) == 3 and fields[1] in "tT" and not fields[2].startswith((".L", "$")):
            found.setdefault(int(fields[0], 16), fields[2])
    return sorted(found.items())


def write(symbols, path):
    with open(path, "w", encoding="ascii") as out:
        out.write('\t.section .symbols, "a"\n\t.balign 8\n')
        out.write("\t.globl symbol_count, symbol_offsets, symbol_names_at, symbol_names\n")
        out.write(f"symbol_count:\n\t.word {len(symbols)}\nsymbol_offsets:\n")
        out.writelines(f"\t.word {address - KERNEL_BASE:#x}\n" for address, _ in symbols)
        out.write("symbol_names_at:\n")
        offset = 0
        for index, (_, name) in enumerate(symbols):
            if index % NAMES_STEP == 0:
                out.write(f"\t.word {offset}\n")
            offset += len(name) + 1
        out.write("symbol_names:\n")
        out.writelines(f'\t.asciz "{name}"\n' for _, name in symbols)


def compare(nm, first, final, stamp):
    before, after = functions(nm, first), functions(nm, final)
    if before != after:
        moved = next((a, b) for a, b in zip(before, after) if a != b)
        sys.exit("gen-symbols: the table of symbols is wrong: %s at %x became %s at %x" % (
            moved[0][1], moved[0][0], moved[1][1], moved[1][0]))
    with open(stamp, "w", encoding="ascii") as out:
        out.write("%d symbols\n" % len(after))


def main():
    if len(sys.argv) == 3 and sys.argv[1] == "--empty":
        write([], sys.argv[2])
    elif len(sys.argv) == 6 and sys.argv[1] == "--compare":
        compare(*sys.argv[2:])
    elif len(sys.argv) == 4:
        write(functions(sys.argv[1], sys.argv[2]), sys.argv[3])
    else:
        sys.exit(__doc__.strip())


if __name__ == "__main__":
    main()
