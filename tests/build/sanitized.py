#!/usr/bin/env python3
"""The tests under the checks: sanitized.py TOP abi PROGRAM... fault PROGRAM... fuzz PROGRAM

Builds the kernel with -Dkasan=true and -Dubsan=true, and runs on it: the self-tests, one of which
must be reported; a session in the shell; the given ABI programs against Linux; replays of faults; a
short run of the system-call fuzzer. A report of any check fails the test, also by the guest's status.
"""
import os
import shutil
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'harness'))
import qemu  # noqa: E402

TOP = sys.argv[1]
# All but the tree of thousands of forks, which takes a minute here.
SELFTESTS = 'ubsan,kasan,truncate,lock_crimes,stack_mark,leak'
REPORTS = ('KASAN:', 'UBSan:', 'lock misuse', 'slab:', 'WARNING:')


def build(folder):
    # Meson puts the cross compiler's own tools first for a test with programs of the target.
    os.environ['PATH'] = os.pathsep.join(place for place in os.environ['PATH'].split(os.pathsep)
                                         if 'riscv64' not in place)
    for line in (['meson', 'setup', folder, TOP, '--cross-file',
                  os.path.join(TOP, 'cross-riscv64.txt'), '-Dkasan=true', '-Dubsan=true'],
                 ['ninja', '-C', folder, '-j2', 'Image']):
        out = subprocess.run(line, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                             check=False)
        if out.returncode or 'warning:' in out.stdout:
            raise qemu.Failure('the build fails:\n' + out.stdout[-6000:])
    return os.path.join(folder, 'Image')


def clean(what, result):
    if result.status != 0 or any(word in result.console for word in REPORTS):
        raise qemu.Failure('%s: %s' % (what, result.report()))
    print('ok: ' + what, flush=True)


def run_kernel(image):
    clean('self-tests', qemu.run(qemu.arguments(
        image, smp=2, mem='256M', append='loglevel=4 selftest=' + SELFTESTS), cpu_limit=240))
    result = qemu.run(qemu.arguments(image, smp=2, mem='256M', append='selftest=kasan_report'),
                      cpu_limit=60)
    for words in ('KASAN: slab-use-after-free in test_kasan_report', 'read of 1 bytes',
                  'Allocated by:', 'Freed by:', 'Shadow around:', 'ok 1 - kasan_report'):
        if words not in result.console:
            raise qemu.Failure('no "%s" in the report: %s' % (words, result.report()))
    if result.status != 1:
        raise qemu.Failure('a report does not make the power-off fail: ' + result.report())
    print('ok: a report', flush=True)
    clean('session', qemu.run(qemu.arguments(image, smp=2, mem='256M'), cpu_limit=120, feed=[
        ('# ', 'ls -l /proc /dev | cat > /tmp/f; for i in 1 2 3; do cat /proc/self/maps; done\n'),
        ('# ', 'sleep 1 & ps; kill %1; cd /; echo d''one\n'), ('done', 'poweroff\n')]))


def run_script(what, line):
    out = subprocess.run(line, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    text = out.stdout.decode('utf-8', 'replace')
    if out.returncode == qemu.SKIP:
        print('skipped: %s' % what, flush=True)
    elif out.returncode or any(word in text for word in REPORTS[:3]):
        raise qemu.Failure('%s:\n%s' % (what, text[-8000:]))
    else:
        print('ok: ' + what, flush=True)


def body():
    if not shutil.which('riscv64-linux-gnu-gcc'):
        raise qemu.Skip('riscv64-linux-gnu-gcc is not installed')
    programs, kind = {'abi': [], 'fault': [], 'fuzz': []}, None
    for word in sys.argv[2:]:
        if word in programs:
            kind = word
        else:
            programs[kind].append(word)
    with tempfile.TemporaryDirectory(prefix='cloven-build-') as folder:
        image = build(folder)
        run_kernel(image)
        for program in programs['fault']:
            run_script(os.path.basename(program), [
                os.path.join(TOP, 'tests/fault/run.py'), '--smp', '2', image, program])
        for program in programs['abi']:
            run_script(os.path.basename(program), [
                os.path.join(TOP, 'scripts/compare'), '--image', image, '--smp', '2', program])
        for program in programs['fuzz']:
            run_script('fuzz', [os.path.join(TOP, 'scripts/fuzz-syscalls'), '--image', image,
                                '--program', program, '--workers', '10', '--smp', '2'])


if __name__ == '__main__':
    qemu.main(body)
