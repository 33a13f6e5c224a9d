"""Helpers for GDB on Cloven: gdb-multiarch -x scripts/gdb/cloven.py -ex 'target remote :1234' build/cloven.elf

  cloven tasks              every thread: pid, name, state, hart, address of its struct
  cloven bt PID             where a task that sleeps (or runs) is in the kernel
  cloven areas PID          the areas of its address space
  cloven pte PID ADDRESS    the way of an address through its page tables ("kernel" for PID: the kernel's)
  cloven slabs              the slab caches with what is in use
  cloven locks              what each hart holds (debug builds)
  cloven dmesg              the kernel's log
"""
import os

import gdb

DIRECT_MAP_BASE = 0xffffffc000000000  # asm/layout.h
KSTACK_SIZE = 1 << 14
LOG_SIZE = 128 << 10  # core/printk.c


def value(text):
    return gdb.parse_and_eval(text)


def member_offset(type_name, member):
    for field in gdb.lookup_type(type_name).fields():
        if field.name == member:
            return field.bitpos // 8
    raise gdb.GdbError('%s has no %s' % (type_name, member))


def entries(head, type_name, member):
    """The structs of a struct list_head."""
    pointer = gdb.lookup_type(type_name).pointer()
    offset, end = member_offset(type_name, member), int(head.address)
    at = int(head['next'])
    while at and at != end:
        entry = gdb.Value(at - offset).cast(pointer)
        yield entry
        at = int(entry[member]['next'])


def init_task():
    return value('&init_task')


def tasks():
    """All threads of all processes, the idle tasks first."""
    for index in range(int(value('hart_count'))):
        idle = value('harts[%d].idle' % index)
        if int(idle):
            yield idle
    seen = set()
    for leader in entries(value('all_processes'), 'struct task', 'all_node'):
        for task in entries(leader['process'].dereference()['threads'], 'struct task',
                            'thread_node'):
            if int(task) not in seen:
                seen.add(int(task))
                yield task


def pid_of(task):
    pid = task['pid']
    return int(pid['numbers'][0]['nr']) if int(pid) else 0


STATES = {0: 'R', 1: 'S', 2: 'D', 4: 'T', 8: 't', 64: 'X'}


def state_of(task):
    if int(task['exit_state']):
        return 'Z'
    bits = int(task['state'])
    for bit, letter in STATES.items():
        if bit and bits & bit:
            return letter
    return 'R' if bits == 0 else 'N'


def task_by_pid(text):
    wanted = int(text, 0)
    for task in tasks():
        if pid_of(task) == wanted and (wanted or int(task) == int(init_task())):
            return task
    raise gdb.GdbError('no task has pid %d' % wanted)


def symbol(address):
    text = gdb.execute('info symbol 0x%x' % address, to_string=True)
    return text.split(' in section')[0].strip()


class Cloven(gdb.Command):
    """Looks at the kernel: cloven tasks|bt|areas|pte|slabs|locks|dmesg (help cloven)"""

    def __init__(self):
        super().__init__('cloven', gdb.COMMAND_DATA)
        self.__doc__ = __doc__

    def invoke(self, argument, from_tty):
        words = gdb.string_to_argv(argument)
        command = getattr(self, 'do_' + words[0], None) if words else None
        if not command:
            print(__doc__)
            return
        try:
            command(*words[1:])
        except TypeError as error:
            raise gdb.GdbError('%s (see: cloven)' % error)

    def do_tasks(self):
        print('%6s %-16s %s %4s  %s' % ('pid', 'name', 'state', 'hart', 'struct task'))
        for task in tasks():
            hart = int(task['hart']['index']) if int(task['hart']) else -1
            print('%6d %-16s %s%s    %4d  0x%x' % (
                pid_of(task), task['name'].string(), state_of(task),
                '*' if task['on_hart'] else ' ', hart, int(task)))

    def do_bt(self, pid):
        task = task_by_pid(pid)
        if task['on_hart']:
            thread = int(task['hart']['index']) + 1
            print('it runs: thread %d of the debugger' % thread)
            gdb.execute('thread apply %d bt' % thread)
            return
        arch = task['arch']
        pc, frame = int(arch['ra']), int(arch['s'][0])
        low = int(task['kstack'])
        u64 = gdb.lookup_type('unsigned long').pointer()
        for level in range(64):
            print('#%-2d 0x%x %s' % (level, pc, symbol(pc)))
            if not low < frame <= low + KSTACK_SIZE:
                break
            words = gdb.Value(frame - 16).cast(u64)
            frame, pc = int(words[0]), int(words[1])
            if not pc:
                break

    def do_areas(self, pid):
        mm = task_by_pid(pid)['mm']
        if not int(mm):
            raise gdb.GdbError('a kernel thread has no areas')
        print('mm 0x%x, root of the tables %s' % (int(mm), mm['root']))
        node, offset = mm['vmas']['node'], member_offset('struct vma', 'node')
        pointer = gdb.lookup_type('struct vma').pointer()

        def walk(node):
            if not int(node):
                return
            yield from walk(node['left'])
            yield gdb.Value(int(node) - offset).cast(pointer)
            yield from walk(node['right'])
        for vma in walk(node):
            flags = int(vma['flags'])
            text = ''.join(letter if flags & bit else '-'
                           for bit, letter in ((1, 'r'), (2, 'w'), (4, 'x'), (8, 's')))
            print('%016x-%016x %s file 0x%x' % (int(vma['start']), int(vma['end']), text,
                                              int(vma['file'])))

    def do_pte(self, pid, address):
        address = int(value(address))
        table = value('kernel_root') if pid == 'kernel' else task_by_pid(pid)['mm']['root']
        at = int(table)
        for level in (2, 1, 0):
            index = address >> (12 + 9 * level) & 511
            entry = int(gdb.Value(at + index * 8).cast(
                gdb.lookup_type('unsigned long').pointer()).dereference())
            frame = entry >> 10 & ((1 << 44) - 1)
            bits = ''.join(letter if entry & 1 << i else '-' for i, letter in
                           enumerate('VRWXUGAD'))
            print('level %d [%3d] %016x %s frame 0x%x' % (level, index, entry, bits, frame))
            if not entry & 1 or entry & 0xe:
                break
            at = DIRECT_MAP_BASE + frame * 4096

    def do_slabs(self):
        print('%-20s %8s %8s %8s' % ('cache', 'in use', 'slabs', 'size'))
        for cache in entries(value('slab_caches'), 'struct slab_cache', 'list'):
            print('%-20s %8d %8d %8d' % (cache['name'].string(), int(cache['in_use']),
                                         int(cache['slabs']), int(cache['size'])))
        print('("in use" includes what the magazines of the harts hold)')

    def do_locks(self):
        for index in range(int(value('hart_count'))):
            offset = int(value('harts[%d].perhart_offset' % index))
            locks = gdb.Value(int(value('&hart_locks')) + offset).cast(
                gdb.lookup_type('struct hart_locks').pointer())
            print('hart %d: %d locks, RCU depth %d' % (index, int(locks['depth']),
                                                       int(locks['rcu_depth'])))
            for i in range(min(int(locks['depth']), 24)):
                held = locks['held'][i]
                print('  %s, taken at %s' % (symbol(int(held['lock'])) or hex(int(held['lock'])),
                                             symbol(int(held['where']))))

    def do_dmesg(self):
        at, end = int(value('first_at')), int(value('next_at'))
        ring = value('log_ring').address
        pointer = gdb.lookup_type('struct record').pointer()
        while at < end:
            record = gdb.Value(int(ring) + at % LOG_SIZE).cast(pointer)
            if int(record['facility']) != 0xff:
                text = gdb.selected_inferior().read_memory(
                    int(record) + pointer.target().sizeof, int(record['length'])).tobytes()
                seconds, rest = divmod(int(record['time_ns']), 10**9)
                print('[%5d.%06d] %s' % (seconds, rest // 1000, text.decode('utf-8', 'replace')))
            at += int(record['size'])


# The sources are named from the build folder, wherever the compiler's cache says that this is.
TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
gdb.execute('directory %s/build' % TOP, to_string=True)
Cloven()
