#!/usr/bin/env python3
"""Checks that every capability check of the kernel is tried by a test: capabilities.py TOP [--list]

A check is a place that asks for a capability, itself or through one of the functions below that ask on
behalf of others. It is tried if one of the cases in tests/abi (struct cap_case) names its function and
the capability. That the case really comes by there is for people to see: with the check taken out, the
test has to fail.
"""
import glob
import os
import re
import sys

ASKING = re.compile(r'\b(?:ns_capable|capable|cred_capable|inode_capable)\s*\(')
# Who asks for others, and for what.
WRAPPERS = {
    'inode_owner_or_capable': 'CAP_FOWNER',
    'inode_group_or_capable': 'CAP_FSETID',
    'inode_drop_set_ids': 'CAP_FSETID',
    'inode_set_ids_lost': 'CAP_FSETID',
    'ptrace_may_access': 'CAP_SYS_PTRACE',
    'ptrace_may_see_memory': 'CAP_SYS_PTRACE',
    'mnt_ns_may_admin': 'CAP_SYS_ADMIN',
    'may_enter': 'CAP_SYS_ADMIN',
}
WRAPPER_CALL = re.compile(r'\b(%s)\s*\(' % '|'.join(WRAPPERS))
# What they ask themselves is tried where they are called.
ANSWERS = {'ns_capable', 'capable', 'cred_capable', 'inode_capable'}
# Checks whose cases do not name them, each with the reason.
EXCUSED = {
    ('exec_prepare_cred', 'CAP_SETUID'): 'the case "exec that shares" is about exec as a whole',
}
# {"name", "functions", CAP_X, …} and PTRACE_CASE("name", "functions", …).
CASE = re.compile(r'\{\s*"[^"]*",\s*"([^"]*)",\s*(CAP_\w+)')
PTRACE_CASE = re.compile(r'PTRACE_CASE\("[^"]*",\s*"([^"]*)"')


def functions(text):
    """The functions of a C file: name and body."""
    for match in re.finditer(r'^(?!static const|struct|enum|#)[A-Za-z][^;={}]*?\n?\{\n(.*?)^\}', text,
                             re.M | re.S):
        head = match.group(0).split('{\n', 1)[0]
        call = re.match(r'SYSCALL\d\(\s*(\w+)', head.strip())
        name = call.group(1) if call else (re.findall(r'(\w+)\s*\(', head) or [None])[0]
        if name:
            yield name, match.group(1)


def arguments(body, start):
    """The text between the parenthesis that ends at start and its partner."""
    depth, at = 1, start
    while depth and at < len(body):
        depth += {'(': 1, ')': -1}.get(body[at], 0)
        at += 1
    return body[start:at]


def sites(top):
    """Every place that asks: (file, function, capability)."""
    for path in sorted(glob.glob(os.path.join(top, 'kernel', '**', '*.c'), recursive=True)):
        with open(path, encoding='utf-8') as source:
            text = re.sub(r'//[^\n]*', '', source.read())
        name = os.path.relpath(path, top)
        for function, body in functions(text):
            for match in ASKING.finditer(body):
                asked = re.findall(r'\bCAP_[A-Z_]+\b', arguments(body, match.end()))
                if not asked and function in ANSWERS:
                    continue
                # It is in a variable: all that the function knows of.
                for cap in asked or re.findall(r'\bCAP_[A-Z_]+\b', body):
                    if WRAPPERS.get(function) != cap:
                        yield name, function, cap
            for match in WRAPPER_CALL.finditer(body):
                if function not in WRAPPERS:
                    yield name, function, WRAPPERS[match.group(1)]


def cases(top):
    """What the tests try: (function, capability)."""
    for path in glob.glob(os.path.join(top, 'tests', 'abi', '*.c')):
        with open(path, encoding='utf-8') as source:
            text = source.read()
        for names, cap in CASE.findall(text):
            yield from ((name, cap) for name in names.split())
        for names in PTRACE_CASE.findall(text):
            yield from ((name, 'CAP_SYS_PTRACE') for name in names.split())


def main():
    top = sys.argv[1]
    found, tried = sorted(set(sites(top))), set(cases(top))
    known = {(function, cap) for _, function, cap in found}
    missing = [site for site in found if site[1:] not in tried and site[1:] not in EXCUSED]
    stale = sorted(case for case in tried if case not in known)
    if '--list' in sys.argv:
        for path, function, cap in found:
            print('%-36s %-28s %s' % (path, function, cap))
    for path, function, cap in missing:
        print('%s: %s asks for %s, and no case of tests/abi tries it' % (path, function, cap))
    for function, cap in stale:
        print('a case of tests/abi tries %s for %s, but no such check is there' % (function, cap))
    print('%d checks, %d tried, %d excused' % (len(found), len(found) - len(missing),
                                             len([s for s in found if s[1:] in EXCUSED])))
    return 1 if missing or stale else 0


if __name__ == '__main__':
    sys.exit(main())
