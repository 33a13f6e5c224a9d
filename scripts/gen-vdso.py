#!/usr/bin/env python3
"""Makes the C source that holds the vDSO's image: gen-vdso.py NM IMAGE OUT.c"""
import subprocess
import sys


def main():
    nm, image, out = sys.argv[1:4]
    symbols = subprocess.run([nm, image], check=True, stdout=subprocess.PIPE, text=True).stdout
    returns = [line.split()[0] for line in symbols.splitlines()
               if line.split()[-1].split('@')[0] == '__vdso_rt_sigreturn']
    with open(image, 'rb') as source:
        data = source.read()
    with open(out, 'w', encoding='ascii') as result:
        result.write('// Made by scripts/gen-vdso.py from arch/riscv/vdso_code.c.\n')
        result.write('#include <arch/riscv/vdso_image.h>\n\n')
        result.write('const u32 vdso_image_size = %d;\n' % len(data))
        result.write('const u32 vdso_sigreturn_offset = 0x%s;\n' % returns[0])
        result.write('const u8 vdso_image[] = {\n')
        for at in range(0, len(data), 16):
            result.write('\t%s,\n' % ', '.join('%d' % byte for byte in data[at:at + 16]))
        result.write('};\n')


if __name__ == '__main__':
    main()
