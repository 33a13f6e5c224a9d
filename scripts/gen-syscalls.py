#!/usr/bin/env python3
"""Makes the system-call table from kernel/syscall/syscalls.tbl.

usage: gen-syscalls.py LIST --table OUT.c | --numbers OUT.h | --names
"""
import sys


SYSCALL_COUNT = 512  # as in kernel/syscall/table.h


def read_list(path):
    """Yields (number, name, entry or None); complains about lines that are out of order."""
    last = -1
    with open(path, encoding="ascii") as lines:
        for where, line in enumerate(lines, 1):
            fields = line.split("#")[0].split()
            if not fields:
                continue
            if len(fields) != 3 or not fields[0].isdigit():
                sys.exit(f"{path}:{where}: expected 'number name entry'")
            number, name, entry = int(fields[0]), fields[1], fields[2]
            if number <= last:
                sys.exit(f"{path}:{where}: {name} is out of order")
            if number >= SYSCALL_COUNT:
                sys.exit(f"{path}:{where}: {name}: the table ends before {number}")
            last = number
            yield number, name, None if entry == "-" else entry


def table(calls):
    """The C source of the table: an entry and a name for each number."""
    out = ["// Made by scripts/gen-syscalls.py from kernel/syscall/syscalls.tbl.",
           "#include <syscall/table.h>", ""]
    out += [f"extern long {entry}(void);" for _, _, entry in calls if entry]
    entries = {number: entry for number, _, entry in calls if entry}
    out += ["", "const syscall_fn syscall_table[SYSCALL_COUNT] = {"]
    out += [f"\t(syscall_fn)(void *){entries.get(number, 'syscall_absent')},"
            for number in range(SYSCALL_COUNT)]
    out += ["};", "", "const char *const syscall_names[SYSCALL_COUNT] = {"]
    out += [f'\t[{number}] = "{name}",' for number, name, _ in calls]
    out += ["};", ""]
    return "\n".join(out)


def numbers(calls):
    """The header of the numbers, for programs."""
    out = ["// Made by scripts/gen-syscalls.py from kernel/syscall/syscalls.tbl.", "#pragma once", ""]
    out += [f"#define SYS_{name} {number}" for number, name, _ in calls]
    return "\n".join(out + [""])


def main():
    if len(sys.argv) < 3:
        sys.exit(__doc__.strip())
    calls = list(read_list(sys.argv[1]))
    if sys.argv[2] == "--table":
        with open(sys.argv[3], "w", encoding="ascii") as out:
            out.write(table(calls))
    elif sys.argv[2] == "--numbers":
        with open(sys.argv[3], "w", encoding="ascii") as out:
            out.write(numbers(calls))
    elif sys.argv[2] == "--names":
        for number, name, entry in calls:
            print(number, name, "works" if entry else "absent")


if __name__ == "__main__":
    main()
