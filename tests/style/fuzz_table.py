#!/usr/bin/env python3
"""The system-call fuzzer knows each system call that the kernel has: fuzz_table.py TOP

A call of kernel/syscall/syscalls.tbl is in the table of tests/fuzz-syscalls/calls.c, or in
tests/fuzz-syscalls/exceptions with a reason; an exception names a call that is there, and none that
the table has.
"""
import os
import re
import sys


def words(path):
    with open(path, encoding='utf-8') as source:
        return [line.split() for line in source if line.strip() and not line.startswith('#')]


def main():
    top = sys.argv[1]
    folder = os.path.join(top, 'tests', 'fuzz-syscalls')
    present = {w[1] for w in words(os.path.join(top, 'kernel', 'syscall', 'syscalls.tbl')) if w[2] != '-'}
    with open(os.path.join(folder, 'calls.c'), encoding='utf-8') as source:
        table = set(re.findall(r'^\tCALL\((\w+),', source.read(), re.M))
    exceptions = {w[0]: w[1:] for w in words(os.path.join(folder, 'exceptions'))}
    problems = ['%s: the kernel has it, and neither calls.c nor exceptions' % name
                for name in sorted(present - table - set(exceptions))]
    for name, reason in sorted(exceptions.items()):
        if name not in present or name in table:
            problems.append('exceptions: %s is no exception' % name)
        if not reason:
            problems.append('exceptions: %s has no reason' % name)
    print('%d calls, %d of them exceptions' % (len(present), len(exceptions)))
    print(''.join('%s\n' % p for p in problems), end='')
    sys.exit(1 if problems or not table else 0)


main()
