#!/usr/bin/env python3
"""Boot tests: boot.py IMAGE INIT CASE. Each case is one boot (or a few) under QEMU."""
import os
import re
import shutil
import struct
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'harness'))
import cpio  # noqa: E402
import qemu  # noqa: E402

IMAGE, INIT, CASE = sys.argv[1:4]
WORK = tempfile.mkdtemp(prefix='cloven-boot-')


def good_archive():
    archive = cpio.Archive()
    archive.copy('init', INIT)
    return archive


def write(name, data):
    path = os.path.join(WORK, name)
    with open(path, 'wb') as out:
        out.write(data)
    return path


def boots(limit=40, **options):
    """The kernel reaches init, which powers the machine off with status 0."""
    options.setdefault('initrd', good_archive().write(os.path.join(WORK, 'good.cpio')))
    result = qemu.run(qemu.arguments(IMAGE, **options), cpu_limit=limit)
    if 'boot-test: init runs as' not in result.console:
        raise qemu.Failure('init did not run: ' + result.report())
    if result.status != 0:
        raise qemu.Failure('the power-off did not give 0: ' + result.report())
    return result


def refuses(pattern, limit=40, **options):
    """The kernel says what is wrong, and QEMU ends with a status that is not 0."""
    result = qemu.run(qemu.arguments(IMAGE, **options), cpu_limit=limit)
    if result.status is None:
        raise qemu.Failure('it hung: ' + result.report())
    if result.status == 0:
        raise qemu.Failure('the exit status is 0: ' + result.report())
    if not re.search(pattern, result.console, re.I):
        raise qemu.Failure('no message matches "%s": %s' % (pattern, result.report()))
    return result


def harts(n):
    result = boots(smp=n, append='loglevel=7', limit=60)
    found = re.search(r'(\d+) harts?\b', result.console)
    if found and int(found.group(1)) != n:
        raise qemu.Failure('%s harts of %d came up: %s' % (found.group(1), n, result.report()))


def spike():
    """The host interface carries the status out, success and failure."""
    boots(machine='spike', smp=2)
    archive = cpio.Archive()
    archive.file('etc/motd', b'nothing to run\n', 0o644)
    refuses(r'\binit\b', machine='spike', smp=2,
            initrd=archive.write(os.path.join(WORK, 'a.cpio')), append='init=/nothing')


def sifive_u():
    """No power-off device here: the last line of the log has to say so."""
    archive = good_archive().write(os.path.join(WORK, 'good.cpio'))
    line = qemu.arguments(IMAGE, machine='sifive_u', smp=3, initrd=archive)
    result = qemu.run(line, cpu_limit=40, until='no power-off;')
    if 'boot-test: init runs as' not in result.console or result.reason != 'found':
        raise qemu.Failure('init did not run, or nothing was said: ' + result.report())


def serial_lines():
    """sifive_u has two lines: a shell on the first, and what it writes to the second comes out there."""
    second = os.path.join(WORK, 'second.txt')
    line = qemu.arguments(IMAGE, machine='sifive_u', smp=3, extra=['-serial', 'file:' + second])
    result = qemu.run(line, cpu_limit=60, until='\nthe end', feed=[
        ('# ', 'echo from the shell >/dev/ttyS1; echo the end\n')])
    with open(second, encoding='utf-8') as source:
        written = source.read()
    if result.reason != 'found' or 'from the shell' not in written:
        raise qemu.Failure('the second line says %r: %s' % (written, result.report()))


def changed_dtb(change):
    """The device tree of `virt`, as text through dtc, changed by a function, as a blob again."""
    if not shutil.which('dtc'):
        raise qemu.Skip('dtc is not installed')
    dump = os.path.join(WORK, 'virt.dtb')
    subprocess.run(['qemu-system-riscv64', '-machine', 'virt,dumpdtb=' + dump, '-m', '128M',
                    '-display', 'none'], check=True, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL)
    text = subprocess.run(['dtc', '-q', '-I', 'dtb', '-O', 'dts', dump], check=True,
                          stdout=subprocess.PIPE, text=True).stdout
    new = change(text)
    if new == text:
        raise qemu.Failure('the device tree was not changed')
    out = os.path.join(WORK, 'changed.dtb')
    subprocess.run(['dtc', '-q', '-f', '-I', 'dts', '-O', 'dtb', '-o', out, '-'], input=new,
                   check=True, text=True)
    return out


def hand_over(kernel_at, blob, *more):
    """QEMU arguments that give the kernel our own bytes as its device tree.

    OpenSBI itself needs a good tree. So a small program is loaded in the kernel's place, which sets
    the register with the tree's address and jumps to the kernel, loaded elsewhere.
    """
    tree_at = 0x87000000
    code = struct.pack('<6I',
                       0x00000297,   # auipc t0, 0
                       0x0182b583,   # ld a1, 24(t0)
                       0x0202b303,   # ld t1, 32(t0)
                       0x00030067,   # jr t1
                       0x00000013, 0x00000013)
    stub = write('stub.bin', code + struct.pack('<QQ', tree_at, kernel_at))
    extra = []
    for path, addr in ((IMAGE, kernel_at), (write('tree.bin', blob), tree_at)) + more:
        extra += ['-device', 'loader,file=%s,addr=0x%x,force-raw=on' % (path, addr)]
    return qemu.arguments(stub, extra=extra)


def hostile_tree(blob, pattern):
    result = qemu.run(hand_over(0x80400000, blob), cpu_limit=30)
    if result.status == 0:
        raise qemu.Failure('the exit status is 0: ' + result.report())
    if result.status is None or not re.search(pattern, result.console, re.I):
        raise qemu.Failure('expected "%s" and an end: %s'
                           % (pattern, result.report()))


def other_address(at):
    """The kernel at an address that is not QEMU's choice."""
    archive = good_archive().write(os.path.join(WORK, 'good.cpio'))
    start, size = 0x86000000, os.path.getsize(archive)
    tree = changed_dtb(lambda text: re.sub(
        r'chosen \{', 'chosen {\n linux,initrd-start = <0x0 0x%x>;\n linux,initrd-end = <0x0 0x%x>;'
        % (start, start + size), text, count=1))
    with open(tree, 'rb') as source:
        blob = source.read()
    result = qemu.run(hand_over(at, blob, (archive, start)), cpu_limit=30)
    if result.status != 0 or 'boot-test: init runs as' not in result.console:
        raise qemu.Failure('no boot at 0x%x: %s' % (at, result.report()))


def archive_case(name):
    good = good_archive().finish()
    if name == 'truncated':
        data = good[:len(good) // 2]
    elif name == 'corrupt':
        data = good[:6] + b'zzzzzzzz' + good[14:]
    else:
        data = b'this is no archive' * 100
    refuses(r'initramfs|cpio|archive', initrd=write('bad.cpio', data))


def without_init():
    archive = cpio.Archive()
    archive.file('etc/motd', b'nothing to run\n', 0o644)
    refuses(r'\binit\b', initrd=archive.write(os.path.join(WORK, 'a.cpio')), append='init=/nothing')


def broken_init():
    with open(INIT, 'rb') as source:
        elf = source.read()
    for data in (b'\x7fELF' + b'\xff' * 200, elf[:70], b'not a program at all'):
        archive = cpio.Archive()
        archive.file('init', data)
        refuses(r'\binit\b', initrd=archive.write(os.path.join(WORK, 'a.cpio')))


def init_exits():
    """init that is a script without an interpreter cannot start; that is said."""
    archive = cpio.Archive()
    archive.file('init', b'#!/no/such/interpreter\n')
    refuses(r'\binit\b', initrd=archive.write(os.path.join(WORK, 'a.cpio')))


def selftests():
    result = qemu.run(qemu.arguments(IMAGE, smp=4, append='selftest=all loglevel=4'), cpu_limit=240)
    print(result.console)
    bad = re.findall(r'\bnot ok .*$', result.console, re.M)
    if bad or result.status != 0 or not re.search(r'\bok \d+', result.console, re.M):
        raise qemu.Failure('self-tests: %s %s' % (bad, result.report()))


def little_memory():
    """Memory that holds the kernel and next to nothing else."""
    tree = changed_dtb(lambda text: re.sub(r'reg = <0x00 0x80000000 0x00 0x8000000>',
                                           'reg = <0x00 0x80400000 0x00 0x140000'
                                           ' 0x00 0x87000000 0x00 0x10000>', text))
    with open(tree, 'rb') as source:
        hostile_tree(source.read(), r'out of (pages|memory)|no memory|too little')


def command_line():
    """maxcpus=, loglevel=, panic= and quiet do what they say."""
    result = boots(smp=4, append='maxcpus=2 loglevel=7')
    if '2 of 2 harts online' not in result.console:
        raise qemu.Failure('maxcpus=2: ' + result.report())
    boots(smp=2, append='noasid')
    if 'Command line:' in boots(append='quiet').console:
        raise qemu.Failure('"quiet" is not quiet')
    if 'Command line:' not in boots(append='loglevel=7').console:
        raise qemu.Failure('loglevel=7 shows too little')
    archive = cpio.Archive()
    archive.file('etc/motd', b'nothing to run\n', 0o644)
    bad = archive.write(os.path.join(WORK, 'a.cpio'))
    # -no-reboot turns the reset that is asked for into an end with status 0.
    result = qemu.run(qemu.arguments(IMAGE, initrd=bad, append='panic=-1'), cpu_limit=40)
    if result.status != 0 or 'Kernel panic' not in result.console:
        raise qemu.Failure('panic=-1 did not reset: ' + result.report())


def backtrace():
    """A panic's call trace has names, innermost first."""
    archive = cpio.Archive()
    archive.file('etc/motd', b'nothing to run\n', 0o644)
    result = refuses(r'Kernel panic', initrd=archive.write(os.path.join(WORK, 'a.cpio')))
    trace = re.findall(r'\] +[0-9a-f]{16} (\w[\w.]*)\+0x', result.console)
    order = [trace.index(name) for name in ('panic', 'first_process_main', 'kthread_main')
             if name in trace]
    if len(order) != 3 or order != sorted(order):
        raise qemu.Failure('the call trace is %s: %s' % (trace, result.report()))


def stack_overflow():
    """The guard page of a kernel stack: whose stack it is, and what went so deep."""
    result = refuses(r'Kernel panic.*kernel stack overflow of \w+: sp [0-9a-f]{16} pc',
                     append='selftest=overflow')
    if not re.search(r'kernel stack overflow of .* go_deeper\+', result.console):
        raise qemu.Failure('the culprit is not named: ' + result.report())


def table_crime():
    """Debug builds look at the counts of a page table that is freed."""
    result = qemu.run(qemu.arguments(IMAGE, append='selftest=table_crime'), cpu_limit=40)
    if '# SKIP' in result.console:
        raise qemu.Skip('no debug build')
    if result.status == 0 or not re.search(r'panic.*pages_unaccounted', result.console):
        raise qemu.Failure('nobody noticed: ' + result.report())


def stack_end():
    """The last word of a kernel stack, which debug builds look at when the task is left."""
    line = qemu.arguments(IMAGE, append='selftest=stack_end')
    result = qemu.run(line, cpu_limit=40)
    if '# SKIP' in result.console:
        raise qemu.Skip('a release build')
    if not result.status or 'the end of the kernel stack of' not in result.console:
        raise qemu.Failure('nobody noticed: ' + result.report())


def stack_canary():
    """A function that writes behind its buffer does not return."""
    line = qemu.arguments(IMAGE, append='selftest=stack_canary')
    result = qemu.run(line, cpu_limit=40)
    if '# SKIP' in result.console:
        raise qemu.Skip('built without canaries')
    if not result.status or not re.search(r'the stack of \S+ was overrun in hold_buffer', result.console):
        raise qemu.Failure('nobody noticed: ' + result.report())


def memory_files():
    """meminfo, buddyinfo and slabinfo follow what a program takes; init is that program."""
    result = boots(smp=2, append='loglevel=4')
    right = len(re.findall(r'^right: ', result.console, re.M))
    if right != 14 or re.search('^wrong: ', result.console, re.M):
        raise qemu.Failure('%d of 14 comparisons hold: %s' % (right, result.report()))


def reclaim():
    """A machine of 64 MiB runs out of memory again and again, and goes on."""
    result = boots(smp=2, mem='64M', append='loglevel=7', limit=120)
    seen, killed = {}, 0
    for line in result.console.splitlines():  # of each killing the log tells who there was
        candidate = re.search(r'Out of memory: (\d+) \(.*\): (-?\d+), ', line)
        victim = re.search(r'Out of memory: Killed process (\d+) ', line)
        if candidate:
            seen[candidate.group(1)] = int(candidate.group(2))
        elif victim:
            killed += 1
            if seen.get(victim.group(1), -1) < 0 or seen[victim.group(1)] < max(seen.values()):
                raise qemu.Failure('not the worst was killed: %s, %s' % (line, seen))
            seen = {}
    if not killed:
        raise qemu.Failure('nobody was killed: ' + result.report())
    right = len(re.findall(r'^right: ', result.console, re.M))
    if right != 15 or re.search('^wrong: ', result.console, re.M):
        raise qemu.Failure('%d of 15 hold: %s' % (right, result.report()))


def image_size():
    """The stripped image without its initramfs is at most 600 KiB."""
    elf = os.path.join(os.path.dirname(os.path.abspath(IMAGE)), 'cloven.elf')
    out = subprocess.run(['nm', elf], check=True, stdout=subprocess.PIPE, text=True).stdout
    at = dict((fields[2], int(fields[0], 16)) for fields in map(str.split, out.splitlines())
              if len(fields) == 3)
    archive = at['initramfs_end'] - at['initramfs_start']
    size = at['image_end'] - at['image_start'] - archive
    print('%d KiB, and %d KiB of initramfs' % (size >> 10, archive >> 10))
    if size > 600 << 10:
        raise qemu.Failure('the kernel has %d KiB' % (size >> 10))


def shell():
    """The embedded user land comes up by itself: a session typed at its shell, ended by poweroff."""
    result = qemu.run(qemu.arguments(IMAGE, smp=2), cpu_limit=60, feed=[
        ('# ', 'echo one two | cat; echo $((6 * 7))\n'),
        ('\n42', 'cd /bin; echo glob: l[rs] ca?; cd /tmp\n'),
        ('glob: ls cat', 'for i in 1 2 3; do echo line$i; done > f; (cat f; cat < f) > g; cat g 2>&1\n'),
        ('line1\r\nline2\r\nline3\r\nline1\r\nline2\r\nline3', 'x=$(cat /nothing 2>&1); echo "x: $x"\n'),
        ('x: cat: /nothing: No such file', '(sleep 100; echo never) & kill $! && wait $!; echo job $?\n'),
        ('job 143', 'nosuch; echo ${y:-de}fault $?\n'),
        ('default 127', 'sh -uc \'while getopts :ab:c: o; do echo "$o<${OPTARG-}>"; done; echo end $OPTIND\' '
                        'n -ab1b -b 2 -ax -c\n'),
        ('a<>\r\nb<1b>\r\nb<2>\r\na<>\r\n?<x>\r\n:<c>\r\nend 6',
         '[ $(date +%s) -gt 1700000000 ] && echo the date is "k"nown\n'),
        ('the date is known', 'poweroff\n')])
    if result.status != 0 or 'init: powering off' not in result.console:
        raise qemu.Failure('the session did not go as it should: ' + result.report())


def clone_lab():
    """clone-lab shows what is shared, from what it observes, and says why a call is refused."""
    steps = [('# ', 'clone-lab VM,FILES,VFORK\n'), ('status 7', 'clone-lab none\n'),
             ('status 7', 'clone-lab THREAD\n'), ('THREAD needs SIGHAND', 'clone-lab unshare NEWUTS,FILES\n'),
             ('the call took', 'clone-lab SYSVSEM,IO,NEWTIME,INTO_CGROUP\n'), ('undo list', 'poweroff\n')]
    result = qemu.run(qemu.arguments(IMAGE, smp=2, append='loglevel=4'), cpu_limit=60, feed=steps)
    parts = result.console.split('# clone-lab ')
    wanted = [(1, 'memory', 'shared'), (1, 'current directory', 'separate'), (1, 'descriptors', 'shared'),
              (1, 'signal handlers', 'separate'), (2, 'memory', 'separate'), (2, 'host name', 'shared'),
              (4, 'current directory', 'shared'), (4, 'descriptors', 'separate'), (4, 'host name', 'separate'),
              (1, 'undo list', 'separate'), (1, 'I/O priority', 'separate'), (5, 'undo list', 'shared'),
              (5, 'I/O priority', 'shared'), (5, 'namespace time', 'separate'),
              (5, 'control group', '0::/clone-lab-')]
    for part, what, state in wanted:
        if len(parts) != 6 or not re.search(r'%s (\(\S*\))? *%s' % (what, state), parts[part]):
            raise qemu.Failure('"%s" is not %s in part %d: %s' % (what, state, part, result.report()))
    if result.status != 0:
        raise qemu.Failure('no power-off: ' + result.report())


def namespace_tools():
    """Our own unshare, nsenter, lsns, ipcs: new namespaces, one entered again, one kept by a file."""
    result = qemu.run(qemu.arguments(IMAGE, smp=2, append='loglevel=4'), cpu_limit=60, feed=[
        ('# ', 'unshare -u sh -c "hostname inside; hostname"; echo outside: $(hostname)\n'),
        ('inside\r\noutside: (none)', 'unshare -fp --mount-proc ps | wc -l\n'),
        ('\r\n2\r\n', 'unshare -Urm cat /proc/self/uid_map\n'),
        ('         0          0          1', 'unshare -T --boottime 100000 -f cut -c1-5 /proc/uptime\n'),
        ('\r\n10000', 'touch /tmp/ns; unshare --uts=/tmp/ns hostname kept; echo $(nsenter --uts=/tmp/ns hostname), $(hostname)\n'),
        ('\r\nkept, (none)', 'unshare -muipf --mount-proc sleep 100 & sleep 1; lsns -t pid\n'),
        ('sleep 100\r\n# ', 'P=$(lsns -n -t pid | tail -1 | tr -s " " | cut -d " " -f 4)\n'),
        ('# ', 'nsenter -a -t $P sh -c "lsns -n -t pid | wc -l; hostname deep"; hostname\n'),
        ('\r\n1\r\n(none)', 'ipcmk -M 4096 -S 3 -Q; unshare -i ipcs | wc -l; ipcs | wc -l\n'),
        ('\r\n9\r\n12\r\n', 'ipcrm -a; ipcs | wc -l; nsenter -t $P -u hostname\n'),
        ('\r\n9\r\ndeep', 'unshare -f sh -c "kill -9 \\$\\$"; echo status $?\n'),
        ('status 137', 'unshare -n true; unshare --setgroups maybe; nsenter -u true\n'),
        ('no target process', 'poweroff\n')])
    if result.status != 0 or 'unshare: Invalid argument' not in result.console:
        raise qemu.Failure('the session did not go as it should: ' + result.report())


CASES = {
    'harts_1': lambda: harts(1),
    'harts_2': lambda: harts(2),
    'harts_4': lambda: harts(4),
    'harts_8': lambda: harts(8),
    'mem_16M': lambda: boots(mem='16M'),
    'mem_32M': lambda: boots(mem='32M'),
    'mem_4G': lambda: boots(mem='4G'),
    'mem_8G': lambda: boots(mem='8G'),
    'no_sstc': lambda: boots(cpu='rv64,sstc=off', smp=2),
    'cpu_u54': lambda: boots(cpu='sifive-u54', smp=2),
    'spike': spike,
    'sifive_u': sifive_u,
    'serial_lines': serial_lines,
    'address_4M': lambda: other_address(0x80400000),
    'address_34M': lambda: other_address(0x82200000),
    'no_init': without_init,
    'broken_init': broken_init,
    'script_init': init_exits,
    'initramfs_truncated': lambda: archive_case('truncated'),
    'initramfs_corrupt': lambda: archive_case('corrupt'),
    'initramfs_garbage': lambda: archive_case('garbage'),
    'tree_garbage': lambda: hostile_tree(b'\xff' * 4096, r'device tree'),
    'tree_truncated': lambda: hostile_tree(
        struct.pack('>10I', 0xd00dfeed, 64, 56, 60, 40, 17, 16, 0, 4, 4) + b'\0' * 24,
        r'device tree|memory'),
    'tree_no_memory': lambda: hostile_tree(no_memory_blob(), r'memory'),
    'little_memory': little_memory,
    'selftest': selftests,
    'shell': shell,
    'command_line': command_line,
    'backtrace': backtrace,
    'image_size': image_size,
    'memory_files': memory_files,
    'reclaim': reclaim,
    'stack_overflow': stack_overflow,
    'stack_end': stack_end,
    'stack_canary': stack_canary,
    'table_crime': table_crime,
    'clone_lab': clone_lab,
    'namespace_tools': namespace_tools,
}


def no_memory_blob():
    tree = changed_dtb(lambda text: re.sub(r'memory@80000000 \{[^}]*\};', '', text))
    with open(tree, 'rb') as source:
        return source.read()


def body():
    if not os.path.exists(IMAGE):
        raise qemu.Skip('there is no kernel image: ' + IMAGE)
    try:
        CASES[CASE]()
    finally:
        shutil.rmtree(WORK, ignore_errors=True)


qemu.main(body)
