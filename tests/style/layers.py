#!/usr/bin/env python3
"""Checks that the layers of the kernel hold: layers.py TOP [--objects LIBRARY... --nm NM]

A file may include, and an object may call, only what is on its own floor or below. The floors are
those of the design; a folder that is split between two floors lists its lower half by name.
Up-calls go through tables of function pointers, so they show up neither here nor there.
"""
import os
import re
import subprocess
import sys

# The lower halves of folders that are split; names of files without their suffix.
MM_LOWER = {'gfp', 'page', 'buddy', 'memblock', 'kasan', 'kasan_report', 'leak', 'slab', 'slab_debug', 'kmalloc', 'vmap', 'kstack',
            'meminfo', 'shrinker', 'copy'}
# What of the machine needs nothing but itself; the rest carries out the contract with what is above.
ARCH_LOWER = {'sbi', 'string'}
FLOORS = {
    'lib': 0, 'kernel/uapi': 0, 'arch/riscv/uapi': 0,
    'kernel/arch': 1, 'arch/riscv/asm': 1, 'arch/riscv': 1,
    'kernel/core': 2,
    'kernel/sched': 4,
    'kernel/mm': 5, 'kernel/signal': 5, 'kernel/ns': 5, 'kernel/cgroup': 5,
    'kernel/fs': 6, 'kernel/ipc': 6, 'kernel/net': 6, 'kernel/drivers': 6,
    'kernel/process': 7,
    'kernel/syscall': 8, 'kernel/fs/procfs': 8, 'kernel/selftest': 8,
    'kernel/init': 9,
}
# Headers that only say how something is written.
SINGLE = {'kernel/syscall/define.h': 2}
# Edges that go up for now, each with the way out. This list may only shrink.
KNOWN = {
    ('kernel/mm/buddy.c', 'kernel/sched/task.h'): 'who may use the reserves: pass it down',
}
# Two hub headers may be named from the scheduler's floor up: they only forward-declare.
HUBS = {'kernel/sched/task.h', 'kernel/signal/signal.h'}
ROOTS = ['kernel', 'arch/riscv', '']


def floor_of(path):
    """The floor of a file, or None when it is not of the kernel."""
    folder, name = os.path.split(path)
    stem = os.path.splitext(name)[0]
    if folder == 'kernel/mm' and stem in MM_LOWER:
        return 3
    if folder == 'arch/riscv' and stem not in ARCH_LOWER:
        return 9
    # Self-tests that lie beside what they test may use anything.
    if stem.startswith('test_'):
        return 9
    # System-call files are where user space enters; they lie with the subsystem that they serve.
    if stem.startswith('sys_') and name.endswith('.c'):
        return 8
    if path in SINGLE:
        return SINGLE[path]
    while folder:
        if folder in FLOORS:
            return FLOORS[folder]
        folder = os.path.dirname(folder)
    return None


def sources(top):
    for root in ('kernel', 'arch', 'lib'):
        for folder, folders, files in os.walk(os.path.join(top, root)):
            folders.sort()
            for name in sorted(files):
                if name.endswith(('.c', '.h', '.S')):
                    yield os.path.relpath(os.path.join(folder, name), top)


def resolve(top, path, name, quoted):
    places = [os.path.dirname(path)] if quoted else ROOTS
    for place in places:
        found = os.path.normpath(os.path.join(place, name))
        if os.path.exists(os.path.join(top, found)):
            return found
    return None


def check_includes(top):
    problems = []
    for path in sources(top):
        floor = floor_of(path)
        with open(os.path.join(top, path), encoding='utf-8') as source:
            for number, line in enumerate(source, 1):
                match = re.match(r'\s*#\s*include\s*([<"])([^>"]+)[>"]', line)
                if not match:
                    continue
                where = '%s:%d' % (path, number)
                quoted, name = match.group(1) == '"', match.group(2)
                if (path, resolve(top, path, name, quoted)) in KNOWN:
                    continue
                if name.startswith('asm/') and not path.startswith(('arch/', 'kernel/arch/')):
                    problems.append('%s: <%s> belongs to arch/ and kernel/arch only' % (where, name))
                if quoted and '/' in name:
                    problems.append('%s: "%s": only a header of the same folder is quoted'
                                    % (where, name))
                target = resolve(top, path, name, quoted)
                if target is None or target in HUBS and floor is not None and floor >= 4:
                    continue
                other = floor_of(target)
                if floor is not None and other is not None and other > floor:
                    problems.append('%s: floor %d includes %s of floor %d'
                                    % (where, floor, target, other))
    return problems


def symbols(nm, library):
    """(object, defined names, wanted names) of each object in a library."""
    out = subprocess.run([nm, '-A', '-g', library], check=True, stdout=subprocess.PIPE,
                         text=True).stdout
    objects = {}
    for line in out.splitlines():
        match = re.match(r'(.*?):\s*(?:[0-9a-f]+\s+)?([A-Za-z])\s+(\S+)$', line)
        if match:
            where = match.group(1).split(':')[-1].split('/')[-1].strip('[]')
            defined, wanted = objects.setdefault(where, (set(), set()))
            (wanted if match.group(2) in 'Uw' else defined).add(match.group(3))
    return objects


def source_of(name, known):
    """Meson names an object after its source: .._mm_slab.c.o, core_printk.c.o, printk.c.o."""
    stem = re.sub(r'\.o$', '', name).lstrip('._').replace('_', '/')
    best = [path for path in known if ('/' + path.replace('_', '/')).endswith('/' + stem)]
    return best[0] if len(best) == 1 else None


def check_symbols(top, libraries, nm):
    known = list(sources(top))
    owner, wants, problems = {}, {}, []
    contract = ''
    for path in known:
        if path.startswith(('kernel/arch/', 'arch/riscv/asm/')):
            with open(os.path.join(top, path), encoding='utf-8') as source:
                contract += source.read()
    contract = set(re.findall(r'\w+', contract))
    for library in libraries:
        for name, (defined, wanted) in symbols(nm, library).items():
            path = source_of(name, known)
            if path is None:
                continue
            for symbol in defined:
                owner[symbol] = path
            wants.setdefault(path, set()).update(wanted)
    if not owner:
        return ['no object was recognised in ' + ' '.join(libraries)]
    for path in sorted(wants):
        floor = floor_of(path)
        for symbol in sorted(wants[path]):
            other = owner.get(symbol)
            if (path, symbol) in KNOWN:
                continue
            if other is None or floor is None or floor_of(other) is None:
                continue
            # The contract with the machine is declared on floor 1, wherever it is implemented.
            if floor_of(other) > floor and not (other.startswith('arch/')
                                                and symbol in contract):
                problems.append('%s: floor %d asks for %s of %s, floor %d'
                                % (path, floor, symbol, other, floor_of(other)))
    return problems


def main():
    words = sys.argv[1:]
    nm = 'nm'
    if '--nm' in words:
        at = words.index('--nm')
        nm = words[at + 1]
        del words[at:at + 2]
    top, libraries = words[0], words[1:]
    problems = check_symbols(top, libraries, nm) if libraries else check_includes(top)
    for problem in problems:
        print(problem)
    print('%d problem(s)' % len(problems))
    return 1 if problems else 0


if __name__ == '__main__':
    sys.exit(main())
