#!/usr/bin/env python3
"""The table of what is supported, from the sources: gen-support.py [--check] [README]

Rewrites the part of README.md between the markers, or with --check says whether it is up to date.
Nothing is stated here: system calls come from kernel/syscall/syscalls.tbl, flags of clone and unshare
from kernel/uapi/sched.h and what kernel/process refuses by name, options of prctl from
kernel/uapi/prctl.h and the cases of the function that carries them out.
"""
import glob
import os
import re
import sys

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BEGIN = '<!-- support table: made by scripts/gen-support.py -->\n'
END = '<!-- end of the support table -->\n'
# Values of arguments, which stand among the options in the header.
NOT_OPTIONS = re.compile(
    r'PR_(UNALIGN|FPEMU|FP_EXC|TIMING_[ST]T|TIMING_TIME|ENDIAN|TSC|MCE_KILL_|SET_MM_|SET_PTRACER_ANY|'
    r'FP_MODE|CAP_AMBIENT_|SVE_VL|SVE_SET_VL_ONEXEC|SPEC|PAC_AP|TAGGED|MTE|SYS_DISPATCH|SCHED_CORE_|'
    r'SME_VL|SME_SET_VL_ONEXEC|MDWE|SET_VMA_|PPC_DEXCR_CTRL|RISCV_V_VSTATE|RISCV_CTX|RISCV_SCOPE|TIMER_CREATE_RESTORE_IDS_|'
    r'FUTEX_HASH_|THP_DISABLE_EX|THREAD_|SHADOW_STACK_ENABLE|SHADOW_STACK_WRITE|SHADOW_STACK_PUSH|CFI_|RSEQ_SLICE_EXT)')


def read(path):
    with open(os.path.join(TOP, path), encoding='utf-8') as source:
        return source.read()


def process_sources():
    return ''.join(read(os.path.relpath(path, TOP))
                   for path in sorted(glob.glob(os.path.join(TOP, 'kernel/process/*.[ch]'))))


def clone_flags(code):
    """(flag, state for clone, state for unshare)"""
    names = re.findall(r'#define ((?:CLONE|UNSHARE)_\w+)\s', read('kernel/uapi/sched.h'))
    absent = re.search(r'absent_kinds\[\] = \{(.*?)\n\};', code, re.S)
    absent = set(re.findall(r'\{(CLONE_\w+),', absent.group(1))) if absent else set()
    mask = re.search(r'UNSHARE_FLAGS((?:[^\n]*\\\n)*[^\n]*)', code)
    leaves = set(re.findall(r'\b(?:CLONE|UNSHARE)_\w+', mask.group(1))) if mask else set()
    unshare_only = {name for name in names if name.startswith('UNSHARE_')}
    for name in names:
        clone = 'EINVAL: not there' if name in absent else 'works'
        if name not in leaves:
            unshare = 'EINVAL, as on Linux'
        else:
            unshare = 'EINVAL: not there' if name in absent else 'works'
        yield name, '-' if name in unshare_only else clone, unshare


def prctl_options(code):
    cases = set(re.findall(r'case (PR_\w+):', code))
    for name in dict.fromkeys(re.findall(r'#define (PR_\w+)\s', read('kernel/uapi/prctl.h'))):
        if not NOT_OPTIONS.match(name):
            yield name, name in cases


def system_calls():
    for line in read('kernel/syscall/syscalls.tbl').splitlines():
        fields = line.split('#')[0].split()
        if len(fields) == 3:
            yield fields[1], fields[2] != '-'


def wrapped(names):
    return ', '.join('`%s`' % name for name in names) if names else 'none'


def table():
    code = process_sources()
    calls, options = list(system_calls()), list(prctl_options(code))
    works = [name for name, there in calls if there]
    absent = [name for name, there in calls if not there]
    out = ['| flag | clone, clone3 | unshare |', '|---|---|---|']
    out += ['| `%s` | %s | %s |' % row for row in clone_flags(code)]
    out += ['', 'Combinations are refused as on Linux: `kernel/process/clone_flags.c` states the rules.', '',
            '**prctl**, works: %s.' % wrapped([name for name, there in options if there]), '',
            'Refused with EINVAL: %s.' % wrapped([name for name, there in options if not there]), '',
            '**System calls**, there (%d): %s.' % (len(works), wrapped(works)), '',
            'Absent (%d; ENOSYS, and the log names the call): %s.' % (len(absent), wrapped(absent)), '']
    return '\n'.join(out)


def main():
    words = [word for word in sys.argv[1:] if word != '--check']
    path = words[0] if words else os.path.join(TOP, 'README.md')
    with open(path, encoding='utf-8') as source:
        text = source.read()
    if BEGIN not in text or END not in text:
        sys.exit('%s: the markers of the support table are missing' % path)
    before, rest = text.split(BEGIN, 1)
    old, after = rest.split(END, 1)
    new = '\n' + table() + '\n'
    if '--check' not in sys.argv:
        with open(path, 'w', encoding='utf-8') as out:
            out.write(before + BEGIN + new + END + after)
    elif old != new:
        sys.exit('%s: the support table is out of date: run scripts/gen-support.py' % path)
    return 0


if __name__ == '__main__':
    sys.exit(main())
