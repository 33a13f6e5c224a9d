"""Runs commands of Debian's programs on Cloven and on Debian's Linux kernel, with one archive.

Each command's output and status must be the same. Nothing is expected in the tests: Linux is the
judge. Its answer is kept in build/debian, by what was asked, so it boots once only.
"""
import difflib
import hashlib
import os
import re
import tempfile

import packages
import qemu

LINUX_WORDS = 'console=ttyS0 quiet loglevel=1 cryptomgr.notests panic=-1'

# The end of the first program: it runs the commands, each as a line of its own.
READ_COMMANDS = r'''
while read -r line; do
	echo "### $line"
	eval "$line" </dev/null 2>&1
	echo "status $?"
done </commands
echo "### end"
poweroff -f
'''


def console_of(kernel, initrd, words):
    result = qemu.run(qemu.arguments(kernel, smp=1, mem='256M', initrd=initrd, append=words),
                      cpu_limit=240)
    if '### end' not in result.console:
        raise qemu.Failure('the script did not end: ' + result.report())
    return result.console


def linux_console(initrd, kept_in):
    image = packages.fetch('--linux')
    with open(initrd, 'rb') as source:
        digest = hashlib.sha256(source.read() + image.encode()).hexdigest()[:16]
    kept = os.path.join(kept_in, 'judged-%s.txt' % digest)
    if os.path.exists(kept):
        with open(kept, encoding='utf-8', newline='') as source:
            return source.read()
    for attempt in range(3):  # it goes off before its serial line has said all, now and then
        try:
            console = console_of(image, initrd, LINUX_WORDS)
            break
        except qemu.Failure:
            if attempt == 2:
                raise
    with open(kept, 'w', encoding='utf-8', newline='') as out:
        out.write(console)
    return console


def answers(console):
    """{command: lines}"""
    found = {}
    for part in re.split(r'^### ', console.replace('\r', ''), flags=re.M)[1:]:
        command, _, text = part.partition('\n')
        found[command] = text.splitlines()
    return found


def compare(top, image, archive, commands):
    """Boots both with the archive, whose /init must end in READ_COMMANDS, and these commands."""
    archive.file('commands', commands.lstrip('\n').encode(), 0o644)
    with tempfile.TemporaryDirectory(prefix='cloven-judge-') as work:
        initrd = archive.write(os.path.join(work, 'a.cpio'))
        theirs = answers(linux_console(initrd, os.path.join(top, 'build', 'debian')))
        ours = answers(console_of(image, initrd, 'quiet'))
    wrong = 0
    for command in [line for line in commands.splitlines() if line]:
        if ours.get(command) != theirs.get(command):
            wrong += 1
            print('\n'.join(difflib.unified_diff(theirs.get(command, []), ours.get(command, []),
                                                 'Linux: ' + command, 'Cloven', lineterm='')))
    print('%d commands, %d differ' % (len(theirs) - 1, wrong))
    if wrong:
        raise qemu.Failure('%d commands differ' % wrong)
