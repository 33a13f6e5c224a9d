#!/usr/bin/env python3
"""Checks a model of page tables with SPIN: spin.py MODEL.pml

The model must hold; and with a step of the protocol taken away SPIN must find an error, which tells
that the model can fail. Exit status 77: SPIN or a C compiler is missing.
"""
import os
import shutil
import subprocess
import sys
import tempfile

# What is changed in each model; it must not hold then.
MUTATIONS = {
    'pagetable_share.pml': {
        'no flush when a table is left':
            (':: was_valid -> flush(a)\n\t\t:: else\n\t\tfi;\n\t\tdrop(t);',
             ':: was_valid -> skip\n\t\t:: else\n\t\tfi;\n\t\tdrop(t);'),
        'no flush when a page is replaced':
            ('flush(a);\n\t\tatomic { assert(refs[p] > 0)', 'atomic { assert(refs[p] > 0)'),
        'a page with other users is written in place':
            (':: !writable[t] && refs[p] == 1 ->', ':: !writable[t] && refs[p] >= 1 ->'),
    },
    'pagetable_huge.pml': {
        'a share is given up before the references are taken':
            ('refs[0]++;\n\t\trefs[1]++;\n\t\tput_share(last)',
             'put_share(last);\n\t\trefs[0]++;\n\t\trefs[1]++'),
        'a block is written of which a page has other users':
            (':: refs[1] == 1 -> huge_writable[a] = true', ':: refs[1] >= 1 -> huge_writable[a] = true'),
        'fork leaves the right to write a block':
            ('maps++; huge_writable[a] = false', 'maps++'),
    },
    'pagetable_middle.pml': {
        'a middle table that others have is used':
            ('!root_valid[a] && mid_sharers[root[a]] == 1 ->',
             '!root_valid[a] && mid_sharers[root[a]] >= 1 ->'),
        'no link where a leaf table gets a sharer':
            ('v = false; changed = true }; mid_valid[m] = false', 'changed = true }; skip'),
        'the share of a middle table goes before the flush':
            ('flush(a);\n\tdrop_middle(m, last);', 'drop_middle(m, last);\n\tflush(a);'),
        'no flush when a middle table is shared':
            (':: changed -> flush(a)', ':: changed -> skip'),
    },
}


def holds(text):
    with tempfile.TemporaryDirectory(prefix='cloven-spin-') as work:
        with open(os.path.join(work, 'model.pml'), 'w') as out:
            out.write(text)
        run = lambda *args: subprocess.run(args, cwd=work, stdout=subprocess.PIPE,
                                           stderr=subprocess.STDOUT, text=True, check=False)
        made = run('spin', '-a', 'model.pml')
        built = run('cc', '-w', '-O2', '-DSAFETY', '-DCOLLAPSE', '-o', 'pan', 'pan.c')
        if made.returncode or built.returncode:
            sys.exit('the model does not build:\n' + made.stdout + built.stdout)
        result = run('./pan', '-m200000').stdout
        if 'errors: ' not in result or 'search depth too small' in result:
            sys.exit('the search did not end:\n' + result)
        return 'errors: 0' in result


def main():
    if not shutil.which('spin') or not shutil.which('cc'):
        print('SKIP: spin or cc is missing')
        return 77
    with open(sys.argv[1]) as source:
        text = source.read()
    failed = 0
    if not holds(text):
        print('the model does not hold')
        failed = 1
    for name, (old, new) in MUTATIONS[os.path.basename(sys.argv[1])].items():
        if text.count(old) != 1:
            sys.exit('the model has changed: ' + name)
        found = not holds(text.replace(old, new))
        print('%-45s %s' % (name, 'found' if found else 'NOT FOUND'))
        failed |= not found
    return failed


if __name__ == '__main__':
    sys.exit(main())
