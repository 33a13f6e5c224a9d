#!/usr/bin/env python3
"""Style of the files themselves: format.py TOP clang-format|files

clang-format: every C file is as .clang-format lays it out (skipped without clang-format).
files: length of sources, a README in each folder of the kernel, an opening comment in each source,
scripts that parse.
"""
import ast
import os
import shutil
import subprocess
import sys

LONGEST = 800
FOLDERS = ('kernel', 'arch', 'lib', 'user', 'tests')


def files(top, *suffixes):
    for root in FOLDERS + ('scripts',):
        for folder, folders, names in os.walk(os.path.join(top, root)):
            folders[:] = sorted(name for name in folders if name != '__pycache__')
            for name in sorted(names):
                if name.endswith(suffixes):
                    yield os.path.join(folder, name)


def check_format(top):
    if not shutil.which('clang-format'):
        print('SKIP: clang-format is not installed')
        sys.exit(77)
    paths = list(files(top, '.c', '.h'))
    out = subprocess.run(['clang-format', '--dry-run', '-ferror-limit=0'] + paths, cwd=top,
                         stderr=subprocess.PIPE, text=True, check=False).stderr
    bad = sorted({line.split(':')[0] for line in out.splitlines()
                  if 'clang-format-violations' in line})
    return ['%s: run clang-format -i on it' % os.path.relpath(path, top) for path in bad]


# how a script goes on that the shell hands over to Python (scripts/python)
HANDS_OVER = b'"exec" "${0%/*}/python"'


def is_script(path, word):
    with open(path, 'rb') as source:
        first = source.readline()
        handed_over = source.readline().startswith(HANDS_OVER)
    return first.startswith(b'#!') and (b'python3' if handed_over else first.rstrip()).endswith(word)


def check_files(top):
    problems = []
    for path in files(top, '.c', '.h', '.S', '.py'):
        name = os.path.relpath(path, top)
        with open(path, encoding='utf-8') as source:
            text = source.read()
        lines = text.count('\n')
        if lines > LONGEST:
            problems.append('%s: %d lines, at most %d' % (name, lines, LONGEST))
        if path.endswith('.c') and not text.lstrip().startswith(('//', '/*')):
            problems.append('%s: begins without a comment that says what it is for' % name)
    for folder in sorted(os.listdir(os.path.join(top, 'kernel'))):
        path = os.path.join(top, 'kernel', folder)
        if os.path.isdir(path) and any(name.endswith('.c') for name in os.listdir(path)) \
                and not os.path.exists(os.path.join(path, 'README.md')):
            problems.append('kernel/%s: has no README.md' % folder)
    for path in files(top, ''):
        name = os.path.relpath(path, top)
        if path.endswith('.py') or is_script(path, b'python3'):
            try:
                with open(path, encoding='utf-8') as source:
                    ast.parse(source.read(), name)
            except SyntaxError as error:
                problems.append('%s: %s' % (name, error))
        elif is_script(path, b'/sh'):
            if subprocess.run(['sh', '-n', path], check=False).returncode:
                problems.append('%s: sh cannot read it' % name)
    return problems


def main():
    top = os.path.abspath(sys.argv[1])
    problems = check_format(top) if sys.argv[2] == 'clang-format' else check_files(top)
    for problem in problems:
        print(problem)
    print('%d problem(s)' % len(problems))
    return 1 if problems else 0


if __name__ == '__main__':
    sys.exit(main())
