#!/usr/bin/env python3
"""Runs one fuzzer for a bounded time, with a fixed seed: a test of a few seconds. What it finds is
kept beside its log, and the command to look at it is printed.

usage: run-fuzzer.py FUZZER KIND MAKE-SEEDS OUTDIR [BLOB.dtb...]
"""
import os
import subprocess
import sys

RUNS = 200000
SECONDS = 20


def main():
    fuzzer, kind, make_seeds, outdir = sys.argv[1:5]
    outdir = os.path.join(os.path.abspath(outdir), 'seeds-' + kind)
    subprocess.run([sys.executable, make_seeds, outdir] + sys.argv[5:], check=True)
    artifact = os.path.join(outdir, 'found-')
    command = [os.path.abspath(fuzzer), '-runs=%d' % RUNS, '-max_total_time=%d' % SECONDS,
               '-seed=1', '-max_len=16384', '-timeout=5', '-print_final_stats=1',
               '-seed_inputs=@' + os.path.join(outdir, kind + '.list'),
               '-artifact_prefix=' + artifact]
    result = subprocess.run(command)
    if result.returncode:
        print('To see it again: %s %s*' % (fuzzer, artifact))
    sys.exit(1 if result.returncode else 0)


main()
