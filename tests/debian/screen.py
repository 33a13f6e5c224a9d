#!/usr/bin/env python3
"""Full-screen programs on the serial console: screen.py TOP IMAGE

The guest's console runs in a terminal of tmux, which is asked what the screen shows: busybox's vi and
less must have drawn it right, line by line, after keys that move, insert, scroll and search.
"""
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True
TOP, IMAGE = sys.argv[1:3]
sys.path.insert(0, os.path.join(TOP, 'tests', 'harness'))
import cpio  # noqa: E402
import qemu  # noqa: E402
import packages  # noqa: E402

ROWS, COLUMNS = 24, 80
START = b'''#!/bin/busybox sh
/bin/busybox mkdir -p /bin /proc /tmp
/bin/busybox --install -s /bin
export PATH=/bin HOME=/ PS1='ready> ' TERM=linux
mount -t proc proc /proc
setsid -c sh -i </dev/ttyS0 >/dev/ttyS0 2>&1
poweroff -f
'''
TEXT = ''.join('line %d of the text\n' % n for n in range(1, 101))


class Terminal:
    """A terminal of tmux, on a server of its own."""

    def __init__(self, folder, command):
        self.socket = os.path.join(folder, 'tmux')
        self.tmux('-f', '/dev/null', 'new-session', '-d', '-x', str(COLUMNS), '-y', str(ROWS),
                  ' '.join(shlex.quote(word) for word in command))

    def tmux(self, *words):
        done = subprocess.run(['tmux', '-S', self.socket] + list(words), stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True, check=False)
        if done.returncode:
            raise qemu.Failure('tmux %s: %s' % (words[0], done.stderr))
        return done.stdout

    def keys(self, *keys):
        self.tmux('send-keys', *keys)

    def text(self, text):
        self.tmux('send-keys', '-l', text)

    def screen(self):
        lines = self.tmux('capture-pane', '-p').split('\n')[:ROWS]
        return lines + [''] * (ROWS - len(lines))

    def wait(self, what, holds, seconds=30):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            lines = self.screen()
            if holds(lines):
                return lines
            time.sleep(0.2)
        raise qemu.Failure('%s: the screen shows\n%s'
                           % (what, ''.join('    |%s\n' % line for line in self.screen())))

    def end(self):
        subprocess.run(['tmux', '-S', self.socket, 'kill-server'], stderr=subprocess.DEVNULL,
                       check=False)


def vi(term):
    term.text('vi /etc/text\r')
    text = TEXT.split('\n')
    term.wait('vi', lambda s: s[:ROWS - 1] == text[:ROWS - 1] and '/etc/text' in s[ROWS - 1])
    term.text('iadded ')
    term.keys('Escape')
    time.sleep(0.5)
    term.text('jdd')  # the second line goes
    term.wait('vi, edited', lambda s: s[0] == 'added line 1 of the text' and
              s[1:ROWS - 1] == text[2:ROWS])
    term.text('G')
    term.wait('vi, at the end', lambda s: text[99] in s and '99/99' in s[ROWS - 1])
    term.text('/line 50\r')
    term.wait('vi, searched', lambda s: any(line == text[49] for line in s))
    term.text(':wq\r')
    term.wait('vi is left', lambda s: 'ready>' in ''.join(s[-2:]) + ''.join(s))
    term.text('clear; head -2 /etc/text\r')
    term.wait('what vi wrote', lambda s: 'added line 1 of the text' in s and text[2] in s and
              text[1] not in s)


def less(term):
    text = TEXT.split('\n')
    term.text('clear; less /etc/more\r')
    term.wait('less', lambda s: s[:ROWS - 1] == text[:ROWS - 1])
    term.text(' ')
    term.wait('less, the next page', lambda s: s[:ROWS - 1] == text[ROWS - 1:2 * ROWS - 2])
    term.text('k')
    term.wait('less, a line back', lambda s: s[:ROWS - 1] == text[ROWS - 2:2 * ROWS - 3])
    term.text('G')
    term.wait('less, at the end', lambda s: text[99] in s and '(END)' in s[ROWS - 1])
    term.text('q')
    time.sleep(0.5)


def body():
    if not os.path.exists(IMAGE):
        raise qemu.Skip('not built: ' + IMAGE)
    if not shutil.which('tmux'):
        raise qemu.Skip('tmux is not installed')
    busybox = packages.program('busybox-static', 'busybox')
    with tempfile.TemporaryDirectory(prefix='cloven-screen-') as work:
        archive = cpio.Archive()
        archive.copy('bin/busybox', busybox)
        archive.file('etc/text', TEXT.encode(), 0o644)
        archive.file('etc/more', TEXT.encode(), 0o644)
        archive.file('init', START)
        initrd = archive.write(os.path.join(work, 'screen.cpio'))
        term = Terminal(work, qemu.arguments(IMAGE, smp=2, mem='256M', initrd=initrd,
                                             append='loglevel=2'))
        try:
            term.wait('the shell', lambda s: any('ready>' in line for line in s), 60)
            term.text('stty rows %d cols %d; clear\r' % (ROWS, COLUMNS))
            time.sleep(1)
            vi(term)
            less(term)
            term.text('exit\r')
        finally:
            term.end()


qemu.main(body)
