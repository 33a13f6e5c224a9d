#!/usr/bin/env python3
"""Makes the source that holds an archive: gen-embed.py OUT.S ARCHIVE

The sum in it lets compilers' caches see when the archive has changed.
"""
import hashlib
import os
import sys

with open(sys.argv[2], 'rb') as source:
    digest = hashlib.sha256(source.read()).hexdigest()
with open(sys.argv[1], 'w', encoding='utf-8') as out:
    out.write('/* Made by user/gen-embed.py; SHA-256 %s */\n\t.section .initramfs, "a"\n\t.balign 4096\n'
              '\t.incbin "%s"\n' % (digest, os.path.abspath(sys.argv[2])))
