#!/usr/bin/env python3
"""Makes the kernel's table of function names (core/symbols.h) from a linked kernel.

usage: gen-symbols.py NM KERNEL.elf OUT.S
"""
import subprocess
import sys

KERNEL_BASE = 0xFFFFFFFF80000000


def functions(nm, kernel):
    """Sorted (address, name) of everything in the text section."""
    text = subprocess.run([nm, "-n", kernel], check=True, capture_output=True, text=True).stdout
    found = {}
    for line in text.splitlines():
        fields = line.split()
        if len(fields) == 3 and fields[1] in "tT" and not fields[2].startswith((".L", "$")):
            found.setdefault(int(fields[0], 16), fields[2])
    return sorted(found.items())


def main():
    if len(sys.argv) != 4:
        sys.exit(__doc__.strip())
    symbols = functions(sys.argv[1], sys.argv[2])
    with open(sys.argv[3], "w", encoding="ascii") as out:
        out.write('\t.section .symbols, "a"\n\t.balign 8\n')
        out.write("\t.globl symbol_count, symbol_offsets, symbol_names_at, symbol_names\n")
        out.write(f"symbol_count:\n\t.word {len(symbols)}\nsymbol_offsets:\n")
        out.writelines(f"\t.word {address - KERNEL_BASE:#x}\n" for address, _ in symbols)
        out.write("symbol_names_at:\n")
        offset = 0
        for _, name in symbols:
            out.write(f"\t.word {offset}\n")
            offset += len(name) + 1
        out.write("symbol_names:\n")
        out.writelines(f'\t.asciz "{name}"\n' for _, name in symbols)


if __name__ == "__main__":
    main()
