"""Writes cpio archives (newc) for tests: device nodes need no root here."""
import os
import stat


class Archive:
    """An archive in memory. Parents of a path are made when they are missing."""

    def __init__(self):
        self.data = bytearray()
        self.inode = 1
        self.names = set()
        self.directory('dev')
        self.node('dev/console', stat.S_IFCHR | 0o600, 5, 1)
        self.node('dev/null', stat.S_IFCHR | 0o666, 1, 3)

    def entry(self, name, mode, data=b'', major=0, minor=0):
        name = name.strip('/')
        parent = os.path.dirname(name)
        if parent and parent not in self.names:
            self.directory(parent)
        self.names.add(name)
        fields = [self.inode, mode, 0, 0, 2 if stat.S_ISDIR(mode) else 1, 1700000000, len(data),
                  0, 0, major, minor, len(name) + 1, 0]
        self.inode += 1
        self.data += b'070701' + b''.join(b'%08X' % field for field in fields)
        self.data += name.encode() + b'\0'
        self.pad()
        self.data += data
        self.pad()

    def pad(self):
        self.data += b'\0' * (-len(self.data) % 4)

    def directory(self, name, mode=0o755):
        if name.strip('/') not in self.names:
            self.entry(name, stat.S_IFDIR | mode)

    def node(self, name, mode, major, minor):
        self.entry(name, mode, b'', major, minor)

    def file(self, name, data, mode=0o755):
        self.entry(name, stat.S_IFREG | mode, data)

    def copy(self, name, path, mode=0o755):
        with open(path, 'rb') as source:
            self.file(name, source.read(), mode)

    def link(self, name, target):
        self.entry(name, stat.S_IFLNK | 0o777, target.encode())

    def finish(self):
        """The whole archive as bytes."""
        done = Archive.__new__(Archive)
        done.data, done.inode, done.names = bytearray(self.data), 0, {''}
        done.entry('TRAILER!!!', 0)
        return bytes(done.data) + b'\0' * (-len(done.data) % 512)

    def write(self, path):
        with open(path, 'wb') as out:
            out.write(self.finish())
        return path
