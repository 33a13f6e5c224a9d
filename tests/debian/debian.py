#!/usr/bin/env python3
"""Unmodified Debian programs on the kernel: debian.py TOP IMAGE busybox|bash|jobs|bash_jobs|dynamic

busybox: Debian's busybox-static is the shell and every tool; a session of commands is typed and
their output looked for. bash: Debian's bash-static, interactively. jobs, bash_jobs: job control in
the one and the other: Ctrl-C, Ctrl-Z, fg, bg, jobs, a stopped pipeline, a read in the background.
"""
import os
import sys
import tempfile
import time

sys.dont_write_bytecode = True
TOP, IMAGE, CASE = sys.argv[1:4]
sys.path.insert(0, os.path.join(TOP, 'tests', 'harness'))
import cpio  # noqa: E402
import qemu  # noqa: E402
import packages  # noqa: E402

START = b'''#!/bin/busybox sh
/bin/busybox mkdir -p /bin /proc /tmp
/bin/busybox --install -s /bin
export PATH=/bin HOME=/ PS1='ready> '
mount -t proc proc /proc
mount -t tmpfs tmpfs /tmp
ln -s /proc/self/fd /dev/fd
setsid -c %s </dev/ttyS0 >/dev/ttyS0 2>&1
poweroff -f
'''


def archive_for(shell, work):
    archive = cpio.Archive()
    archive.copy('bin/busybox', packages.program('busybox-static', 'busybox'))
    if shell.startswith(b'bash'):
        archive.copy('bin/bash', packages.program('bash-static', 'bash-static'))
    archive.file('etc/numbers', b'3 three\n1 one\n2 two\n', 0o644)
    archive.file('init', START % shell)
    return archive.write(os.path.join(work, 'debian.cpio'))


# what is typed, what must come
BUSYBOX = [
    ('ls -l /', 'etc'),
    ('uname -a', 'riscv64'),
    ('for i in 1 2 3; do echo $(echo a$i | tr a b); done | sort -r | head -1', 'b3'),
    ('ps', 'sh -i'),
    ('dd if=/dev/zero of=/tmp/z bs=4096 count=4', '4+0 records out'),
    ('md5sum /tmp/z', 'ce338fe6899778aacfc28414f2d9498b'),
    ('sort /etc/numbers | tr "\\n" ,', '1 one,2 two,3 three,'),
    ("sed -n 's/two/zwei/p' /etc/numbers", '2 zwei'),
    ("awk '{ s += $1 } END { print \"sum\", s }' /etc/numbers", 'sum 6'),
    ('find /etc -type f', '/etc/numbers'),
    ('cd /tmp; tar cf t.tar /etc; tar xf t.tar; cmp etc/numbers /etc/numbers && echo same-$?',
     'same-0'),
    ('false; echo status $?', 'status 1'),
    ('sleep 1 & wait; echo waited-$?', 'waited-0'),
    ('(kill -9 $(sh -c "echo \\$PPID")); echo killed-$?', 'killed-137'),
    ('cat /proc/self/status | grep -c ^Name', '1'),
    ('head -c 100000 /dev/zero | wc -c', '100000'),
]


def session(shell, steps, prompt):
    """Types each line at the prompt and waits for what must come."""
    try:
        import pexpect
    except ImportError:
        raise qemu.Skip('python3-pexpect is not installed') from None
    with tempfile.TemporaryDirectory(prefix='cloven-debian-') as work:
        line = qemu.arguments(IMAGE, smp=2, mem='256M', initrd=archive_for(shell, work),
                              append='loglevel=2')
        log = open(os.path.join(work, 'console'), 'w+', encoding='utf-8', newline='')
        guest = pexpect.spawn(line[0], line[1:], timeout=15, encoding='utf-8', echo=False,
                              codec_errors='replace')
        guest.logfile_read = log
        try:
            guest.expect_exact(prompt)
            for typed, wanted in steps:
                if typed.startswith('^'):
                    time.sleep(1)  # the shell has to have given the terminal away
                if typed == '^C':
                    guest.sendcontrol('c')
                elif typed in ('^Z', '^D'):
                    guest.sendcontrol(typed[1].lower())
                else:
                    guest.sendline(typed)
                    guest.expect_exact('\n')
                busy = wanted.startswith('!')  # no prompt comes: something runs
                guest.expect_exact(wanted.lstrip('!'))
                if wanted != prompt and not busy:
                    guest.expect_exact(prompt)
            guest.sendline('exit')
            guest.expect(pexpect.EOF)
            guest.close()
        except (pexpect.TIMEOUT, pexpect.EOF) as error:
            log.seek(0)
            text = ''.join('    | ' + l for l in log.read().splitlines(True)[-60:])
            raise qemu.Failure('%s after %r\n%s' % (type(error).__name__, guest.before[-200:]
                                                    if isinstance(guest.before, str) else '',
                                                    text)) from None
        finally:
            guest.close(force=True)
        if guest.exitstatus != 0:
            raise qemu.Failure('QEMU ended with status %s' % guest.exitstatus)


BASH = [
    ('echo $((6*7))-$BASH_VERSION', '42-'),
    ('x=(a b c); echo ${x[@]/b/B}', 'a B c'),
    ('for i in {1..50}; do echo $i | cat; done | tail -1', '50'),
    ('coproc cat; echo to-co >&${COPROC[1]}; read -u ${COPROC[0]} x; echo back-$x', 'back-to-co'),
    ('exec {COPROC[1]}>&-; wait; echo co-$?', 'co-'),
    ('trap "echo trap""ped" USR1; kill -USR1 $$', 'trapped'),
]

# Words that must come out are typed in two parts, so that the echo is not mistaken for them.
JOBS = [
    ('tty', '/dev/'),
    ('echo sleep""ing; sleep 100', '!sleeping'), ('^C', 'ready> '), ('echo got-$?', 'got-130'),
    ('sleep 100', '!'), ('^Z', 'Stopped'), ('jobs', 'Stopped'),
    ('bg', 'sleep 100'), ('jobs', 'Running'), ('fg', '!sleep 100'), ('^C', 'ready> '),
    ('echo fg-$?', 'fg-130'),
    ('sleep 100 | cat', '!'), ('^Z', 'Stopped'), ('jobs', 'sleep 100 | cat'),
    ('fg %1', '!sleep 100'), ('^Z', 'Stopped'), ('bg %1; jobs', 'Running'),
    ('kill -9 %1; wait %1 2>/dev/null; echo killed-$?', 'killed-'),
    ('cat &', ''), ('sleep 1', ''), ('jobs', 'Stopped'),
    ('fg', '!cat'), ('typed', '!typed'), ('^C', 'ready> '),
    ('cat | cat', '!'), ('line', '!line'), ('^D', 'ready> '),
    ('stty -echo; echo quiet""ly; stty echo', 'quietly'),
]


DYNAMIC = b'''#!/usr/bin/dash
/bin/busybox mount -t proc proc /proc
echo "dash: $((6 * 7)) $(echo substituted | /usr/bin/cat)"
/usr/bin/cat /proc/self/maps | while read range mode rest; do
	case $rest in */libc.so.6) echo "libc is mapped $mode" ;; esac
done
/usr/bin/env -i A=b /usr/bin/env
/usr/bin/cat /nothing; echo "status $?"
/bin/busybox poweroff -f
'''


def dynamic():
    """Programs that need an interpreter and a shared library: dash and coreutils with Debian's libc6."""
    archive = cpio.Archive()
    archive.copy('bin/busybox', packages.program('busybox-static', 'busybox'))
    packages.add_programs(archive, {'dash': ['dash'], 'coreutils': ['cat', 'env']}, {'libc6': ['libc.so.6']})
    archive.directory('proc')
    archive.file('init', DYNAMIC)
    with tempfile.TemporaryDirectory(prefix='cloven-debian-') as work:
        initrd = archive.write(os.path.join(work, 'dynamic.cpio'))
        result = qemu.run(qemu.arguments(IMAGE, smp=2, initrd=initrd, append='loglevel=4'), cpu_limit=60)
    for text in ('dash: 42 substituted\n', 'libc is mapped r-xp\n', '\nA=b\n',
                 'cat: /nothing: No such file or directory\nstatus 1\n'):
        if text not in result.console:
            raise qemu.Failure('the console never said %r: %s' % (text, result.report()))
    if result.status != 0:
        raise qemu.Failure('no power-off: ' + result.report())


def body():
    if not os.path.exists(IMAGE):
        raise qemu.Skip('not built: ' + IMAGE)
    if CASE == 'dynamic':
        dynamic()
        return
    shell = b'bash --norc --noprofile -i' if 'bash' in CASE else b'sh -i'
    session(shell, {'busybox': BUSYBOX, 'bash': BASH}.get(CASE, JOBS), 'ready> ')


qemu.main(body)
