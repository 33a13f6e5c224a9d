"""Tables and plots of what scripts/bench has measured."""
import re

BEGIN, END = '<!-- benchmarks: made by scripts/bench --readme -->', '<!-- end of benchmarks -->'

# What the README shows: name, and what it is called there.
README_ROWS = [
    ('boot_128M', 'boot: firmware to init, 128 MiB'),
    ('boot_4G', 'boot: firmware to init, 4 GiB'),
    ('null_call', 'null system call (getppid)'),
    ('read_zero', 'read a byte of /dev/zero'),
    ('stat', 'stat'),
    ('open_close', 'open + close'),
    ('create_write_unlink', 'create + write + unlink'),
    ('mmap_munmap', 'mmap + munmap'),
    ('fault_first_touch', 'first touch of a page'),
    ('fault_cow', 'copy-on-write fault'),
    ('fork_exit_wait', 'fork + exit + wait'),
    ('fork_call_16M', 'fork() with 16 MiB touched'),
    ('fork_call_1024M', 'fork() with 1 GiB touched'),
    ('fork_call_4096M', 'fork() with 4 GiB touched'),
    ('fork_write_sparse_1024M', 'fork, child writes a page in each 2 MiB of 1 GiB, exit, wait'),
    ('fork_write_all_1024M', 'fork, child writes all of 1 GiB, exit, wait'),
    ('vfork_exit_wait', 'vfork + exit + wait'),
    ('vfork_exec_exit_wait', 'vfork + exec + exit + wait'),
    ('fork_exec_exit_wait', 'fork + exec + exit + wait'),
    ('posix_spawn_wait', 'posix_spawn + wait'),
    ('thread_create_join', 'thread create + join'),
    ('pipe_ping_pong', 'pipe ping-pong'),
    ('eventfd_ping_pong', 'eventfd ping-pong'),
    ('futex_ping_pong', 'futex ping-pong'),
    ('sigaction', 'sigaction'),
    ('kill_handler_return', 'kill to self + handler + return'),
    ('clock_gettime', 'clock_gettime'),
    ('unshare_uts', 'unshare(CLONE_NEWUTS)'),
    ('unshare_ipc', 'unshare(CLONE_NEWIPC)'),
    ('unshare_ns', 'unshare(CLONE_NEWNS)'),
    ('unshare_pid', 'unshare(CLONE_NEWPID)'),
    ('unshare_user', 'unshare(CLONE_NEWUSER)'),
    ('clone_all4_exit_wait', 'clone + exit + wait, new pid, mount, UTS and IPC namespaces'),
]


def number(value):
    return '{:,}'.format(value) if value is not None else '-'


def figure(figures, name):
    """A kernel's: it may lack the call that is measured, or not have been asked."""
    return 'missing' if name in figures and figures[name] is None else number(figures.get(name))


def ratio(mine, theirs):
    return '%.2f' % (mine / theirs) if mine and theirs else '-'


def print_table(ours, linux, budgets, old):
    names = list(dict.fromkeys(list(ours) + list(linux)))
    width = max([len(name) for name in names] + [12])
    line = '%-*s %14s %14s %7s %11s'
    print((line + ' %13s') % (width, 'instructions', 'Cloven', 'Linux', 'ratio', 'budget',
                              'before' if old else ''))
    for name in names:
        mine, theirs, budget = ours.get(name), linux.get(name), budgets.get(name)
        mark = '  over' if budget is not None and mine is not None and mine > budget else ''
        before = ''
        if old:
            before = number(old.get(name))
            if mine and old.get(name):
                before += ' %+5.1f %%' % (100 * mine / old[name] - 100)
        print((line + ' %13s%s') % (width, name, figure(ours, name), figure(linux, name),
                                    ratio(mine, theirs), number(budget), before, mark))


def ratio_chart(path, ours, linux):
    """Bars of the ratio Cloven/Linux; the line is where both cost the same."""
    rows = [(name, ours[name] / linux[name]) for name in ours
            if ours.get(name) and linux.get(name)]
    height, left, scale = 18, 230, 360
    out = ['<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" font-family="sans-serif" '
           'font-size="12">' % (left + scale + 140, height * len(rows) + 40),
           '<rect width="100%" height="100%" fill="white"/>',
           '<text x="%d" y="15">instructions, Cloven / Linux (shorter is better)</text>' % left]
    for i, (name, value) in enumerate(rows):
        y = 24 + i * height
        out.append('<text x="%d" y="%d" text-anchor="end">%s</text>' % (left - 6, y + 12, name))
        out.append('<rect x="%d" y="%d" width="%.1f" height="%d" fill="%s"/>' % (
            left, y + 2, min(value, 1.2) * scale, height - 4, '#3a7' if value <= 1 else '#c54'))
        out.append('<text x="%.1f" y="%d">%.3f</text>' % (left + min(value, 1.2) * scale + 4,
                                                          y + 12, value))
    out.append('<line x1="%d" x2="%d" y1="20" y2="%d" stroke="#555"/>'
               % (left + scale, left + scale, 24 + len(rows) * height))
    write_svg(path, out)


def fork_chart(path, ours, linux):
    """fork() by the memory that the parent has touched; both axes logarithmic."""
    width, height, left, bottom = 620, 340, 80, 40
    out = ['<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" font-family="sans-serif" '
           'font-size="12">' % (width, height), '<rect width="100%" height="100%" fill="white"/>',
           '<text x="%d" y="15">instructions of fork(), by memory touched</text>' % left]
    x_at = lambda mib: left + (mib.bit_length() - 1) / 12 * (width - left - 90)
    y_at = lambda value: height - bottom - (log10(value) - 4) / 5 * (height - bottom - 30)
    for power in range(4, 10):
        y = y_at(10 ** power)
        out.append('<line x1="%d" x2="%d" y1="%.1f" y2="%.1f" stroke="#ddd"/>'
                   % (left, width - 90, y, y))
        out.append('<text x="%d" y="%.1f" text-anchor="end">%s</text>'
                   % (left - 6, y + 4, number(10 ** power)))
    for mib in (1, 4, 16, 64, 256, 1024, 4096):
        out.append('<text x="%.1f" y="%d" text-anchor="middle">%s</text>'
                   % (x_at(mib), height - 20, '%d MiB' % mib if mib < 1024
                      else '%d GiB' % (mib // 1024)))
    for who, figures, colour in (('Cloven', ours, '#3a7'), ('Linux', linux, '#c54')):
        points = sorted((int(m.group(1)), value) for name, value in figures.items()
                        for m in [re.match(r'fork_call_(\d+)M$', name)] if m and value)
        if not points:
            continue
        at = [(x_at(mib), y_at(value)) for mib, value in points]
        out.append('<polyline fill="none" stroke="%s" stroke-width="2" points="%s"/>'
                   % (colour, ' '.join('%.1f,%.1f' % p for p in at)))
        out += ['<circle cx="%.1f" cy="%.1f" r="3" fill="%s"/>' % (p + (colour,)) for p in at]
        out.append('<text x="%.1f" y="%.1f" fill="%s">%s</text>'
                   % (at[-1][0] + 8, at[-1][1] + 4, colour, who))
    write_svg(path, out)


def log10(value):
    import math
    return math.log10(max(value, 1))


def write_svg(path, out):
    with open(path, 'w', encoding='utf-8') as target:
        target.write('\n'.join(out + ['</svg>']) + '\n')


def readme_section(results, plots):
    """The text between the markers of the README."""
    ours, linux = results['instructions']['Cloven'], results['instructions'].get('Linux', {})
    lines = [BEGIN, '',
             'Instructions under `-icount shift=0,sleep=off`, the same static program on both kernels, '
             'one hart;', 'Cloven: %s; Linux 7.2 of Debian.' % results['build'], '',
             '| | Cloven | Linux | ratio |', '|---|---:|---:|---:|']
    for name, title in README_ROWS:
        if ours.get(name) is None and linux.get(name) is None:
            continue
        lines.append('| %s | %s | %s | %s |' % (title, figure(ours, name),
                                                figure(linux, name),
                                                ratio(ours.get(name), linux.get(name))))
    harts = results.get('harts', {})
    if harts.get('Cloven'):
        lines += ['', 'The same work on each of 1, 2 and 4 harts at the same time, wall time against '
                  'one hart', '(1.0 is perfect; the machine that measured had %d cores):'
                  % results['cores'], '', '| | 2 harts | 4 harts | Linux, 2 | Linux, 4 |',
                  '|---|---:|---:|---:|---:|']
        for name in harts['Cloven']['1']:
            row = []
            for who in ('Cloven', 'Linux'):
                one = harts.get(who, {}).get('1', {}).get(name)
                row += ['%.1f' % (harts[who][n][name] / one)
                        if one and harts[who].get(n, {}).get(name) else '-' for n in ('2', '4')]
            lines.append('| %s | %s |' % (name.replace('harts_', '').replace('_', ', '),
                                          ' | '.join(row)))
    lines += [''] + ['![%s](%s)' % plot for plot in plots] + ['', END]
    return '\n'.join(lines)


def rewrite_readme(path, section):
    with open(path, encoding='utf-8') as source:
        text = source.read()
    if BEGIN not in text or END not in text:
        raise ValueError('%s has no markers: %s ... %s' % (path, BEGIN, END))
    head, rest = text.split(BEGIN, 1)
    with open(path, 'w', encoding='utf-8') as target:
        target.write(head + section + rest.split(END, 1)[1])
