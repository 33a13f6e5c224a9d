#!/usr/bin/env python3
"""Makes the table of the tools that one program holds: gen-tools.py OUT.c NAME..."""
import sys

names = sorted(sys.argv[2:])
idents = {name: name.replace('-', '_').replace('[','test') for name in names}
lines = ['// Made by user/gen-tools.py.', '#include "tools/tool.h"', '']
lines += ['int %s_main(int argc, char **argv);' % ident for ident in sorted(set(idents.values()))]
lines += ['', 'const struct tool tools[] = {']
lines += ['\t{"%s", %s_main},' % (name, idents[name]) for name in names]
lines += ['};', '', 'const size_t tool_count = %d;' % len(names), '']
with open(sys.argv[1], 'w', encoding='ascii') as out:
    out.write('\n'.join(lines))
