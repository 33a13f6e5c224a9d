"""Keeps the counters of a kernel that counts what it executes (-Dcoverage=true).

The guest's memory is a file of the host, so that they can be read when the guest has ended, however it
ended. Active when CLOVEN_COVERAGE names a folder that scripts/coverage has prepared: its file `area`
says which image counts, and which part of memory holds the counters.
"""
import os
import tempfile
import zlib

FOLDER = os.environ.get('CLOVEN_COVERAGE')


def prepare(line):
    """The command line with memory in a file, and that file; None when nothing is to be kept."""
    if not FOLDER or '-kernel' not in line or 'virt' not in line:
        return line, None
    with open(os.path.join(FOLDER, 'area')) as source:
        image = source.readline().strip()
    if os.path.realpath(line[line.index('-kernel') + 1]) != image:
        return line, None
    line = list(line)
    handle, path = tempfile.mkstemp(prefix='memory-', dir=FOLDER)
    os.close(handle)
    line[line.index('-machine') + 1] = 'virt,memory-backend=ram'
    line += ['-object', 'memory-backend-file,id=ram,size=%s,mem-path=%s,share=on' % (
        line[line.index('-m') + 1], path)]
    return line, path


def keep(path):
    """Keeps the part with the counters, and drops the rest."""
    with open(os.path.join(FOLDER, 'area')) as source:
        source.readline()
        offset, length = (int(word) for word in source.readline().split())
    with open(path, 'rb') as memory:
        memory.seek(offset)
        data = memory.read(length)
    os.unlink(path)
    with open(path.replace('memory-', 'run-'), 'wb') as out:
        out.write(zlib.compress(data, 1))
